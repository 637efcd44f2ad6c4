"""A Keras classifier around a copy of an encoder."""

import copy

import keras
from keras import ops

from keras_mra import patches as patch_ops
from keras_mra import pixels
from keras_mra.evaluation.features import mae_of
from keras_mra.vit import encoder as encoder_lib
from keras_mra.vit.tokens import check_pool
from keras_mra.vit.tokens import pool_tokens


@keras.saving.register_keras_serializable("keras_mra")
class ImagePatches(keras.layers.Layer):
    """Images to the normalised flat patches that an `MAE`'s encoder wants.

    Args:
        patch_size, value_range, mean, std: As in `MAE`.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, patch_size, value_range, mean=None, std=None, **kwargs):
        # A mixed policy must not round pixels on their way in.
        super().__init__(**{**kwargs, "autocast": False})
        self.patch_size = tuple(patch_size)
        self.value_range = tuple(value_range)
        self.mean = mean
        self.std = std

    def call(self, images):
        images = pixels.normalize(images, self.value_range, self.mean, self.std)
        return patch_ops.patchify(images, self.patch_size)

    def get_config(self):
        config = super().get_config()
        config.update(
            patch_size=self.patch_size,
            value_range=self.value_range,
            mean=self.mean,
            std=self.std,
        )
        return config


@keras.saving.register_keras_serializable("keras_mra")
class PoolTokens(keras.layers.Layer):
    """`pool_tokens` in float32, as a layer.

    Args:
        pool: `"cls"`, `"mean"` or `"cls+mean"`.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, pool, **kwargs):
        super().__init__(**kwargs)
        check_pool(pool)
        self.pool = pool

    def call(self, tokens):
        return pool_tokens(ops.cast(tokens, "float32"), self.pool)

    def get_config(self):
        return {**super().get_config(), "pool": self.pool}


def build_classifier(encoder, image_shape, num_classes, pool, augmentation=None):
    """Builds a classifier that starts from an encoder's weights.

    The head starts at zero, with all classes equally likely.

    Args:
        encoder: `MAE`, `MSA` or Keras model that can be saved; not changed.
        image_shape: `(height, width, channels)`.
        num_classes: Int.
        pool: As in `pool_tokens`.
        augmentation: Keras layer, or `None`.

    Returns:
        `(classifier, levels)`: a Functional `keras.Model` from images to the classes'
        probabilities, and its layers from the pixels upwards, as lists that share a
        learning rate.
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


def encoder_outputs(encoder, images):
    """Puts a trainable copy of an encoder on images in a Functional model.

    Args:
        encoder: `MAE`, `MSA` or Keras model that can be saved; not changed.
        images: Keras tensor of shape `(batch, height, width, channels)`.

    Returns:
        `(outputs, copy)`: the tokens of an `MAE`, class token first, `(batch, 1 +
        patches, dim)`, and its encoder's copy; or what another model returns, and its
        copy.
    """
    mae = mae_of(encoder)
    if mae is None:
        copied = copy.deepcopy(encoder)
        _unfreeze(copied)
        return copied(images), copied
    copied = keras.models.clone_model(mae.encoder)
    copied.set_weights(mae.encoder.get_weights())
    _unfreeze(copied)
    patches = ImagePatches(
        mae.patch_size, mae.value_range, mae.mean, mae.std, name="patches"
    )(images)
    embedded = copied.get_layer("patch_embedding")(patches)
    return encoder_lib.encode_tokens(copied, embedded), copied


def _vit(mae, images, pool):
    tokens, encoder = encoder_outputs(mae, images)
    features = PoolTokens(pool, name="pool")(tokens)
    levels = [
        [encoder.get_layer("patch_embedding"), encoder.get_layer("class_token")],
        *([block] for block in encoder_lib.blocks(encoder)),
        [encoder.get_layer("norm")],
    ]
    return features, levels


def _keras_model(encoder, images):
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


def _unfreeze(model):
    # A loaded model's flag can read True over layers that are frozen, and setting it
    # to what it reads already does nothing on TensorFlow.
    model.trainable = False
    model.trainable = True


def _layers(model):
    """The layers of a model, in order; models among them are opened."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
