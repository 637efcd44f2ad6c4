"""MAE's optimizer recipe: AdamW, warm-up, cosine decay, selective weight decay."""

import keras

from keras_mra.learning_rate import WarmupCosineDecay

# Biases, the scale and shift of norms, and the two learned tokens.
WITHOUT_WEIGHT_DECAY = ["bias", "gamma", "beta", "class_token", "mask_token"]


def adamw(learning_rate, batch_size, steps, warmup_steps, weight_decay):
    """AdamW with betas 0.9 and 0.95 under linear warm-up and cosine decay to zero.

    Args:
        learning_rate: Float, the peak rate per 256 images of a batch (MAE's rule).
        batch_size: Int, images in a global batch.
        steps: Int, all training steps.
        warmup_steps: Int, the first of them.
        weight_decay: Float, not applied to biases, norms and tokens.

    Returns:
        A `keras.optimizers.AdamW`.
    """
    schedule = WarmupCosineDecay(learning_rate * batch_size / 256, steps, warmup_steps)
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=weight_decay, beta_1=0.9, beta_2=0.95
    )
    optimizer.exclude_from_weight_decay(var_names=WITHOUT_WEIGHT_DECAY)
    return optimizer
