"""The learning rate of every transformer that is trained here."""

import math

import keras
from keras import ops

from keras_mra import checks


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
