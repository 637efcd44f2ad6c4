"""The learning-rate schedule and the AdamW optimizers for transformers.

`adamw` makes MAE's optimizer for pretraining. `LayerwiseAdamW` with `rate_scales` is
the optimizer for fine-tuning. Both follow `WarmupCosineDecay`.
"""

import math
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra.typing import Array

# Weight decay leaves out biases, the scale and shift of norms, and the learned tokens.
WITHOUT_WEIGHT_DECAY = ["bias", "gamma", "beta", "class_token", "mask_token"]
_BackendAdamW: Any = backend.optimizer_class(keras.optimizers.AdamW)


@keras.saving.register_keras_serializable("keras_mra")
class WarmupCosineDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from zero, then cosine decay to zero.

    The values are those of `keras.optimizers.schedules.CosineDecay`, computed without
    its branch. Weight decay asks for the rate once per variable, and the branches took
    a fifth of the time in which TensorFlow traces the step of a small autoencoder.

    Args:
        peak: Float, the rate after the warm-up.
        steps: Int, the number of training steps; the rate is zero afterwards.
        warmup_steps: Int, how many of the steps belong to the warm-up.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> schedule = WarmupCosineDecay(1e-3, steps=1000, warmup_steps=100)
    >>> [float(schedule(step)) for step in (0, 50, 100, 550, 1000)]
    [0.0, 0.0005, 0.001, 0.0005, 0.0]
    """

    def __init__(self, peak: float, steps: int, warmup_steps: int = 0) -> None:
        super().__init__()
        self.peak = checks.positive_float("peak", peak)
        self.steps = checks.positive_int("steps", steps)
        self.warmup_steps = checks.nonnegative_int("warmup_steps", warmup_steps)

    def __call__(self, step: int | Array) -> Array:
        step = ops.cast(step, "float32")
        decay_steps = max(self.steps - self.warmup_steps, 1)
        decayed = ops.clip((step - self.warmup_steps) / decay_steps, 0.0, 1.0)
        rate = self.peak * 0.5 * (1.0 + ops.cos(math.pi * decayed))
        if self.warmup_steps:
            # The decay begins after the warm-up: one of the two factors is always 1.
            rate = rate * ops.minimum(step / self.warmup_steps, 1.0)
        return rate

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
        }


def adamw(
    learning_rate: float,
    batch_size: int,
    steps: int,
    warmup_steps: int,
    weight_decay: float,
) -> keras.optimizers.AdamW:
    """Makes MAE's optimizer: AdamW with betas 0.9 and 0.95 and `WarmupCosineDecay`.

    Args:
        learning_rate: Float, the peak rate of a batch of 256 images. Other batches get
            a rate in proportion to their size.
        batch_size: Int, the images of a global batch.
        steps: Int, the number of training steps.
        warmup_steps: Int, how many of the steps belong to the warm-up.
        weight_decay: Float. Biases, norms and tokens do not decay.

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
class LayerwiseAdamW(_BackendAdamW):
    """AdamW that scales the learning rate of each variable.

    Weights decay in proportion to the rate of their own variable. Vectors, which are
    biases, norms and tokens, do not decay.

    Args:
        rate_scales: Floats, one per trainable variable, in the order of
            `model.trainable_variables`.
        **kwargs: Arguments of `keras.optimizers.AdamW`, except `use_ema`.

    Raises:
        ValueError: If the number of scales is not the number of variables.

    Example:

    ```python
    scales = [0.1] * len(backbone.trainable_variables) + [1.0, 1.0]
    model.compile(LayerwiseAdamW(scales, learning_rate=1e-3), "mse")
    ```
    """

    def __init__(self, rate_scales: Iterable[float], **kwargs: Any) -> None:
        if kwargs.get("use_ema"):
            raise ValueError(
                "`use_ema` must be False: the average would hold the steps before they "
                "are scaled. Received: use_ema=True"
            )
        super().__init__(**kwargs)
        self.rate_scales = tuple(float(scale) for scale in rate_scales)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        if len(variables) != len(self.rate_scales):
            raise ValueError(
                "`rate_scales` must have one number for each trainable variable. "
                f"Received: {len(self.rate_scales)} for {len(variables)} variables"
            )
        self.exclude_from_weight_decay([v for v in variables if _is_vector(v)])
        super().build(variables)
        # A function hides the model's variables from Keras, which would track them as
        # the optimizer's own.
        self.scaled_variables: Callable[[], Sequence[Any]] = lambda: variables

    def apply(
        self,
        grads: Sequence[Array],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        # A step of AdamW, decay included, is proportional to the rate, so a scaled step
        # is a scaled rate. A scaled gradient would have no effect, because Adam divides
        # gradients by their size.
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

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate_scales": self.rate_scales}


def rate_scales(
    levels: Sequence[Sequence[keras.layers.Layer]],
    decay: float,
    variables: Iterable[keras.Variable],
) -> list[float]:
    """Layer-wise learning-rate decay: the factor of each variable's rate.

    Args:
        levels: Lists of layers, from the pixels upwards.
        decay: Float, the rate of a level relative to the level above it. The highest
            level has the full rate.
        variables: Variables. Those that belong to no level have the full rate.
    """
    scales = {
        id(variable): decay ** (len(levels) - 1 - i)
        for i, level in enumerate(levels)
        for layer in level
        for variable in layer.trainable_variables
    }
    return [scales.get(id(variable), 1.0) for variable in variables]


def _is_vector(variable: keras.Variable) -> bool:
    return [size > 1 for size in variable.shape].count(True) < 2
