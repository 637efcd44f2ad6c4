"""A Keras classifier that starts from a copy of an encoder."""

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_mra import patches as patch_ops
from keras_mra import pixels
from keras_mra.evaluation.features import mae_of
from keras_mra.models import frozen
from keras_mra.typing import Array
from keras_mra.typing import ImageShape
from keras_mra.vit import encoder as encoder_lib
from keras_mra.vit.tokens import check_pool
from keras_mra.vit.tokens import pool_tokens


@keras.saving.register_keras_serializable("keras_mra")
class ImagePatches(keras.layers.Layer):
    """Converts images to the normalised flat patches that an `MAE`'s encoder takes.

    Args:
        patch_size, value_range, mean, std: As in `MAE`.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(
        self,
        patch_size: tuple[int, int],
        value_range: tuple[float, float],
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        # Without autocast, because a mixed policy would round the pixels.
        super().__init__(**{**kwargs, "autocast": False})
        self.patch_size = patch_size[0], patch_size[1]
        self.value_range = value_range[0], value_range[1]
        self.mean = mean
        self.std = std

    def call(self, images: Array) -> Array:
        images = pixels.normalize(images, self.value_range, self.mean, self.std)
        return patch_ops.patchify(images, self.patch_size)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        config.update(
            patch_size=self.patch_size,
            value_range=self.value_range,
            mean=self.mean,
            std=self.std,
        )
        return config


@keras.saving.register_keras_serializable("keras_mra")
class PoolTokens(keras.layers.Layer):
    """Pools tokens as `pool_tokens` does, in float32.

    Args:
        pool: `"cls"`, `"mean"` or `"cls+mean"`.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, pool: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_pool(pool)
        self.pool = pool

    def call(self, tokens: Array) -> Array:
        return pool_tokens(ops.cast(tokens, "float32"), self.pool)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pool": self.pool}


def build_classifier(
    encoder: keras.Model,
    image_shape: ImageShape,
    num_classes: int,
    pool: str,
    augmentation: keras.layers.Layer | None = None,
) -> tuple[keras.Model, list[list[keras.layers.Layer]]]:
    """Builds a classifier that starts from an encoder's weights.

    The weights of the head are zero at first, so that all classes are equally likely.

    Args:
        encoder: `MAE`, `MSA` or Keras model that can be saved. It is not changed.
        image_shape: `(height, width, channels)`.
        num_classes: Int.
        pool: As in `pool_tokens`.
        augmentation: Keras layer, or `None`.

    Returns:
        `(classifier, levels)`: a Functional `keras.Model` from images to the
        probabilities of the classes, and its layers from the pixels upwards, as lists
        of layers that share a learning rate.

    Raises:
        ValueError: If the encoder returns neither features nor tokens.
    """
    images = keras.Input(image_shape, name="images")
    x = images if augmentation is None else augmentation(images)
    mae = mae_of(encoder)
    if mae is not None:
        x, levels = _vit(mae, x, pool)
    else:
        x, levels = _keras_model(encoder, x)
    head = keras.layers.Dense(
        num_classes,
        activation="softmax",
        kernel_initializer="zeros",
        dtype="float32",
        name="head",
    )
    levels[-1].append(head)
    return keras.Model(images, head(x), name="classifier"), levels


def encoder_outputs(
    encoder: keras.Model, images: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.Model]:
    """Applies a trainable copy of an encoder to images in a Functional model.

    Args:
        encoder: `MAE`, `MSA` or Keras model that can be saved. It is not changed.
        images: Keras tensor of shape `(batch, height, width, channels)`.

    Returns:
        `(outputs, copy)`. The outputs of an `MAE` are its tokens, class token first,
        `(batch, 1 + patches, dim)`, and the copy is one of its encoder. Another model
        keeps its outputs.
    """
    mae = mae_of(encoder)
    copied = frozen.copy_of(encoder if mae is None else mae.encoder)
    # The flag of a loaded model can read True while its layers are frozen, and on
    # TensorFlow setting a flag to its current value does nothing.
    copied.trainable = False
    copied.trainable = True
    if mae is None:
        return copied(images), copied
    patches = ImagePatches(
        mae.patch_size, mae.value_range, mae.mean, mae.std, name="patches"
    )(images)
    embedded = copied.get_layer("patch_embedding")(patches)
    return encoder_lib.encode_tokens(copied, embedded), copied


def _vit(
    mae: Any, images: keras.KerasTensor, pool: str
) -> tuple[keras.KerasTensor, list[list[keras.layers.Layer]]]:
    tokens, encoder = encoder_outputs(mae, images)
    features = PoolTokens(pool, name="pool")(tokens)
    levels = [
        [encoder.get_layer("patch_embedding"), encoder.get_layer("class_token")],
        *([block] for block in encoder_lib.blocks(encoder)),
        [encoder.get_layer("norm")],
    ]
    return features, levels


def _keras_model(
    encoder: keras.Model, images: keras.KerasTensor
) -> tuple[keras.KerasTensor, list[list[keras.layers.Layer]]]:
    features, encoder = encoder_outputs(encoder, images)
    rank = len(getattr(features, "shape", ()))
    if rank not in (2, 3):
        raise ValueError(
            "`encoder` must return features of shape (batch, dim), or tokens of shape "
            f"(batch, tokens, dim). Received: {features}"
        )
    if rank == 3:
        features = keras.layers.GlobalAveragePooling1D(data_format="channels_last")(
            features
        )
    levels = [[layer] for layer in _layers(encoder) if layer.trainable_variables]
    return features, [*levels, []]


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yields the layers of a model in order, and those of models inside it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
