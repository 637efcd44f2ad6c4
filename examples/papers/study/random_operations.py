"""TrivialAugment, RandAugment and AugMix, with operations drawn for each image."""

import keras
from keras import ops
from keras import random

from keras_mra import backend
from keras_mra import checks
from study.image_operations import NARROW
from study.image_operations import OPERATIONS
from study.image_operations import WIDE
from study.image_operations import apply_operations

_ALL = tuple(range(len(OPERATIONS)))
# AugMix leaves out the operations of the images on which robustness is measured.
_IN_AUGMIX = tuple(
    OPERATIONS.index(name)
    for name in OPERATIONS
    if name not in ("identity", "brightness", "color", "contrast", "sharpness")
)


class RandomOperations(keras.layers.Layer):
    """Base of the layers that apply random operations to images.

    Args:
        value_range: Pair of floats, the range of the images.
        seed: Int or `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Images `(batch, height, width, channels)`, with 1 or 3 channels, or a
            dict that holds them under `"images"`.
        training: Bool. `False` returns the inputs.

    Returns:
        The inputs, augmented: float32 images in `value_range`.
    """

    def __init__(self, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        self.value_range = tuple(map(float, value_range))
        self.seed = checks.seed_or_generator(seed)
        self.seed_generator = backend.seed_generator(self.seed)
        self.built = True

    def call(self, inputs, training=True):
        if not training:
            return inputs
        if isinstance(inputs, dict):
            return {**inputs, "images": self._in_range(inputs["images"])}
        return self._in_range(inputs)

    def _in_range(self, images):
        low, high = self.value_range
        images = (ops.cast(images, "float32") - low) * (255 / (high - low))
        images = self.augment(images) * ((high - low) / 255) + low
        return ops.clip(images, low, high)  # Rounding may leave the range.

    def augment(self, images):
        """Augments float32 images with values from 0 to 255."""
        raise NotImplementedError

    def uniform(self, *shape):
        """Draws floats from 0 to 1."""
        return random.uniform(shape, dtype="float32", seed=self.seed_generator)

    def operated(self, images, levels, ranges, places=_ALL):
        """Applies to each image one of the operations at `places`, drawn anew."""
        batch = ops.shape(images)[0]
        # `floor` of a float below the number of places, which rounding may reach.
        drawn = ops.floor(self.uniform(batch) * len(places))
        drawn = ops.minimum(ops.cast(drawn, "int32"), len(places) - 1)
        chosen = ops.take(ops.convert_to_tensor(places, "int32"), drawn)
        signs = ops.where(self.uniform(batch) < 0.5, -1.0, 1.0)
        return apply_operations(images, chosen, levels, signs, ranges)

    def get_config(self):
        config = {"value_range": self.value_range, "seed": self.seed}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("keras_mra")
class TrivialAugment(RandomOperations):
    """One operation for each image, at a random strength (Müller and Hutter, 2021)."""

    def augment(self, images):
        levels = self.uniform(ops.shape(images)[0])
        return self.operated(images, levels, WIDE)


@keras.saving.register_keras_serializable("keras_mra")
class RandAugment(RandomOperations):
    """Some operations in a row, at one strength (Cubuk et al., 2020).

    Args:
        operations: Int, how many.
        strength: Float in [0, 1].
        **kwargs: Arguments of `RandomOperations`.
    """

    def __init__(self, operations=2, strength=0.5, **kwargs):
        super().__init__(**kwargs)
        self.operations = checks.positive_int("operations", operations)
        self.strength = checks.fraction("strength", strength)

    def augment(self, images):
        levels = self.strength * ops.ones((ops.shape(images)[0],))
        for _ in range(self.operations):
            images = self.operated(images, levels, NARROW)
        return images

    def get_config(self):
        config = {"operations": self.operations, "strength": self.strength}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("keras_mra")
class AugMix(RandomOperations):
    """A blend of the image with three chains of operations (Hendrycks et al., 2020).

    The loss of the paper that compares three views is not part of it.

    Args:
        strength: Float in [0, 1], the largest level of an operation.
        **kwargs: Arguments of `RandomOperations`.
    """

    CHAINS, DEPTH = 3, 3

    def __init__(self, strength=0.3, **kwargs):
        super().__init__(**kwargs)
        self.strength = checks.fraction("strength", strength)

    def augment(self, images):
        batch = ops.shape(images)[0]
        # Shares of exponential draws are uniform on the simplex, as of Dirichlet(1).
        weights = -ops.log(1 - self.uniform(batch, self.CHAINS))
        weights = weights / ops.sum(weights, axis=1, keepdims=True)  # (B, 3)
        mixed = ops.zeros_like(images)
        for chain in range(self.CHAINS):
            view = images
            depth = 1 + ops.floor(self.uniform(batch) * self.DEPTH)  # (B,)
            for step in range(self.DEPTH):
                levels = self.uniform(batch) * self.strength
                changed = self.operated(view, levels, NARROW, _IN_AUGMIX)
                view = ops.where((step < depth)[:, None, None, None], changed, view)
            mixed = mixed + weights[:, chain, None, None, None] * view
        share = self.uniform(batch)[:, None, None, None]  # Beta(1, 1)
        return share * images + (1 - share) * mixed

    def get_config(self):
        return {**super().get_config(), "strength": self.strength}
