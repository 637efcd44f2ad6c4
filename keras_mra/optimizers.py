"""Schedule and optimizers for vision transformers."""

import math

import keras
from keras import ops

from keras_mra import checks

# Biases, the scale and shift of norms, and the two learned tokens.
WITHOUT_WEIGHT_DECAY = ["bias", "gamma", "beta", "class_token", "mask_token"]
# The class that Keras makes of it. PyTorch's updates all variables at once; direct
# subclasses of `keras.optimizers.AdamW` are denied that and step half as fast.
AdamW = type(keras.optimizers.AdamW.__new__(keras.optimizers.AdamW))


@keras.saving.register_keras_serializable("keras_mra")
class WarmupCosineDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from zero, then cosine decay to zero.

    The values of `keras.optimizers.schedules.CosineDecay` without its branch: weight
    decay asks for the rate once for each variable, and the branches took a fifth of the
    time in which TensorFlow traces a small autoencoder's step.

    Args:
        peak: Float, the rate after the warm-up.
        steps: Int, all training steps; afterwards the rate is zero.
        warmup_steps: Int, the first of them.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> schedule = WarmupCosineDecay(1e-3, steps=1000, warmup_steps=100)
    >>> [float(schedule(step)) for step in (0, 50, 100, 550, 1000)]
    [0.0, 0.0005, 0.001, 0.0005, 0.0]
    """

    def __init__(self, peak, steps, warmup_steps=0):
        super().__init__()
        self.peak = checks.positive_float("peak", peak)
        self.steps = checks.positive_int("steps", steps)
        self.warmup_steps = checks.nonnegative_int("warmup_steps", warmup_steps)

    def __call__(self, step):
        step = ops.cast(step, "float32")
        decay_steps = max(self.steps - self.warmup_steps, 1)
        decayed = ops.clip((step - self.warmup_steps) / decay_steps, 0.0, 1.0)
        rate = self.peak * 0.5 * (1.0 + ops.cos(math.pi * decayed))
        if self.warmup_steps:  # The decay has not begun yet: one of the factors is 1.
            rate = rate * ops.minimum(step / self.warmup_steps, 1.0)
        return rate

    def get_config(self):
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
        }


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


@keras.saving.register_keras_serializable("keras_mra")
class LayerwiseAdamW(AdamW):  # type: ignore[valid-type, misc]
    """AdamW that scales the learning rate of each variable.

    Weights decay in proportion to their variable's own rate; vectors, which are biases,
    norms and tokens, do not decay at all.

    Args:
        rate_scales: Floats, one for each trainable variable, in the order of
            `model.trainable_variables`.
        **kwargs: Arguments of `keras.optimizers.AdamW`, but for `use_ema`.

    Raises:
        ValueError: If there is not one scale for each variable.

    Example:

    ```python
    scales = [0.1] * len(backbone.trainable_variables) + [1.0, 1.0]
    model.compile(LayerwiseAdamW(scales, learning_rate=1e-3), "mse")
    ```
    """

    def __init__(self, rate_scales, **kwargs):
        if kwargs.get("use_ema"):
            raise ValueError(
                "`use_ema` must be False: the average would be one of steps that are "
                "not scaled yet. Received: use_ema=True"
            )
        super().__init__(**kwargs)
        self.rate_scales = tuple(float(scale) for scale in rate_scales)

    def build(self, variables):
        if self.built:
            return
        if len(variables) != len(self.rate_scales):
            raise ValueError(
                "`rate_scales` must have one number for each trainable variable. "
                f"Received: {len(self.rate_scales)} for {len(variables)} variables"
            )
        self.exclude_from_weight_decay([v for v in variables if _is_vector(v)])
        super().build(variables)
        # Behind a function: Keras takes variables in an attribute for the optimizer's.
        self.scaled_variables = lambda: variables

    def apply(self, grads, trainable_variables=None):
        # A step of AdamW, decay included, is proportional to the rate: scaling it is
        # scaling the rate. Scaling the gradient would change nothing, Adam divides by
        # its size.
        if trainable_variables is not None:
            self.build(trainable_variables)
        scaled = [
            (variable, scale, ops.copy(variable))
            for variable, scale in zip(self.scaled_variables(), self.rate_scales)
            if scale != 1
        ]
        super().apply(grads, trainable_variables)
        for variable, scale, before in scaled:
            variable.assign(before + scale * (variable - before))

    def get_config(self):
        return {**super().get_config(), "rate_scales": self.rate_scales}


def rate_scales(levels, decay, variables):
    """Layer-wise learning-rate decay: the factor of each variable's rate.

    Args:
        levels: Lists of layers, from the pixels upwards.
        decay: Float, the rate of a level relative to the one above; the highest level
            has the full rate.
        variables: Variables; those of no level have the full rate too.

    Returns:
        A list of floats.
    """
    scales = {
        id(variable): decay ** (len(levels) - 1 - i)
        for i, level in enumerate(levels)
        for layer in level
        for variable in layer.trainable_variables
    }
    return [scales.get(id(variable), 1.0) for variable in variables]


def _is_vector(variable):
    return sum(size > 1 for size in variable.shape) < 2
