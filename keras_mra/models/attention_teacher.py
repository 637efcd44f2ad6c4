"""`AttentionTeacher`: a model whose attention an `MAE` learns in pretraining."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra.models.frozen import Untrainable
from keras_mra.models.frozen import frozen_copy
from keras_mra.models.mae import MAE
from keras_mra.typing import Array
from keras_mra.vit import encoder as encoder_lib

# Attention below this value counts as this value, so that its logarithm is finite.
SMALLEST = 1e-8


class AttentionTeacher(Untrainable, keras.layers.Layer):
    """Holds a frozen attention model, and compares an `MAE` with it.

    The layer keeps a copy of the attention model. A model without trainable variables
    that Keras cannot copy is shared.

    Args:
        model: Built Keras model. It takes float32 images
            `(batch, height, width, channels)` of the size of `mae`, in
            `mae.value_range`, and returns scores `(batch, patches)`, at least 0, one
            for each patch of `mae` in raster order.
        mae: `MAE` that learns.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        images: `(batch, height, width, channels)`, in `mae.value_range`.

    Returns:
        Float32 tensor of shape `(batch, patches)`, without a gradient. Each row sums
        to 1, or to 0 if all scores of the image are 0. A row with a negative score is
        NaN, which stops a training.

    Raises:
        ValueError: If `model` is not such a model.
    """

    def __init__(self, model: keras.Model, mae: MAE, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "autocast": False})
        check_attention_model("attention_teacher", model, mae)
        self.model = _own_copy(model)
        self.patches = mae.num_patches
        self.built = True

    def call(self, images: Array) -> Array:
        seen = ops.cast(ops.stop_gradient(images), "float32")
        scores = ops.cast(self.model(seen, training=False), "float32")  # (B, N)
        # Values cannot be checked in a traced step.
        scores = ops.where(scores < 0, float("nan"), scores)
        total = ops.sum(scores, axis=-1, keepdims=True)  # (B, 1)
        return ops.stop_gradient(scores / ops.where(total == 0, 1.0, total))

    def check_scores(self, images: Array) -> None:
        """Runs the model on concrete images and checks its scores.

        Args:
            images: `(batch, height, width, channels)`, in `mae.value_range`.

        Raises:
            ValueError: If a score is negative or not finite, or all scores are 0.
        """
        check_attention_scores("attention_teacher", self.model, images, self.patches)


def class_attention_of(mae: MAE, images: Array) -> Array:
    """The attention that is taught: as `MAE.attention` returns it, without checks.

    Args:
        mae: `MAE`.
        images: `(batch, height, width, channels)`, in `mae.value_range`.

    Returns:
        Float32 tensor of shape `(batch, patches)`. Each row sums to 1.
    """
    embedding = mae.encoder.get_layer("patch_embedding")
    return encoder_lib.class_attention(mae.encoder, embedding(mae.patchify(images)))


def taught_part(images: Array, share: float) -> Array:
    """The first images of a batch: `share` of them, rounded up.

    Args:
        images: `(batch, height, width, channels)`.
        share: Float in (0, 1], used to a thousandth.

    Returns:
        `(taught, height, width, channels)`.
    """
    thousandths = max(1, round(1000 * share))
    return images[: (ops.shape(images)[0] * thousandths + 999) // 1000]


def attention_divergence(attention: Array, target: Array) -> Array:
    """Kullback-Leibler divergence of attention from the teacher's.

    The value is the cross-entropy of the two distributions over the patches, minus the
    teacher's entropy.

    Args:
        attention: Float tensor of shape `(batch, patches)`, rows of sum 1.
        target: Tensor of the same shape, the teacher's. Rows of zeros give 0.

    Returns:
        Float32 tensor of shape `(batch,)`, at least 0.
    """
    attention, target = (ops.cast(x, "float32") for x in (attention, target))
    log_ratio = ops.log(ops.maximum(target, SMALLEST)) - ops.log(
        ops.maximum(attention, SMALLEST)
    )
    return ops.sum(target * log_ratio, axis=-1)


def check_attention_model(name: str, model: Any, mae: MAE) -> None:
    """Refuses what is not a built Keras model from images to scores of patches.

    Args:
        name: Name of the argument in the message.
        model: What the caller passed.
        mae: `MAE` whose images and patches the model must fit.

    Raises:
        ValueError: If the model does not fit.
    """
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(
            f"`{name}` must be a built Keras model. Received: "
            f"{name}={model!r} (of type {type(model).__name__})"
        )
    shape = (1, *mae.image_shape)
    expected = (
        f"`{name}` must turn images of shape {shape} into scores of shape "
        f"{(1, mae.num_patches)}, one for each patch of the `mae`."
    )
    try:
        # The model runs, because Keras' attention layer reports a wrong output shape
        # for scores between two sequences.
        scores = model(np.zeros(shape, "float32"), training=False)
    except Exception as error:  # whatever a model of the user's raises
        raise ValueError(f"{expected} Received: an error, {error}") from error
    found = keras.tree.map_structure(lambda x: tuple(x.shape), scores)
    if found != (1, mae.num_patches):
        raise ValueError(f"{expected} Received: {found}")


def check_attention_scores(
    name: str, model: keras.Model, images: Array, num_patches: int
) -> None:
    """Runs an attention model on concrete images and checks its scores.

    Args:
        name: Name of the argument in the message.
        model: Keras model that `check_attention_model` has accepted.
        images: `(batch, height, width, channels)`, of the size and in the range of the
            `mae`.
        num_patches: Int, the patches of the `mae`.

    Raises:
        ValueError: If there are not as many scores as patches, a score is negative or
            not finite, or all scores are 0.
    """
    seen = ops.cast(ops.convert_to_tensor(images), "float32")
    scores = ops.convert_to_numpy(model(seen, training=False)).astype("float32")
    found = checks.what_is_wrong(scores)
    if scores.shape != (len(seen), num_patches):
        found = f"scores of shape {scores.shape}"
    elif found is None and not scores.any():
        found = "only zeros"
    if found:
        raise ValueError(
            f"`{name}` must return finite scores of shape (batch, {num_patches}), at "
            f"least 0 and not all 0. Received: {found} for the first {len(seen)} images"
        )


def _own_copy(model: keras.Model) -> keras.Model:
    name = "attention_teacher"
    try:
        return frozen_copy(name, model, "have `trainable = False`")
    except ValueError:
        if model.trainable_variables:
            raise
        return model
