"""Features of images, computed by any encoder."""

import functools
from collections.abc import Callable
from typing import Any
from typing import TypeAlias

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import backend
from keras_mra import checks
from keras_mra.evaluation.in_batches import in_batches
from keras_mra.models import MAE
from keras_mra.typing import Array
from keras_mra.vit.encoder import encode_tokens
from keras_mra.vit.tokens import check_pool
from keras_mra.vit.tokens import pool_tokens

# A model or layer of Keras, `MAE` and `MSA` included; a function of a NumPy batch; a
# `FeatureExtractor`; or `None` where the data are features.
Encoder: TypeAlias = keras.layers.Layer | Callable[[NDArray[Any]], Array] | None


def features(
    encoder: Encoder, images: Array, pool: str = "cls+mean", batch_size: int = 256
) -> NDArray[np.float32]:
    """Computes the features of images, batch by batch, with a compiled function.

    Every protocol accepts these features in place of images. An encoder that several
    protocols evaluate then runs only once.

    Args:
        encoder: `MAE`, `MSA` (or any other object whose `mae` is an `MAE`), Keras
            model or layer, or function of a NumPy batch. It returns `(batch, dim)`, or
            tokens `(batch, tokens, dim)`, which are averaged.
        images: Array of images, as the encoder expects them. An array of rank 2 holds
            features already, and is returned.
        pool: The features of an `MAE` or `MSA`: `"cls"` for the class token, `"mean"`
            for the mean of the patch tokens, `"cls+mean"` for both, the class token
            first.
        batch_size: Int.

    Returns:
        Float32 array of shape `(images, dim)`.

    Raises:
        ValueError: If an argument is bad, or the encoder returns an array of another
            rank, NaN or infinity.

    Example:

    ```python
    from keras_mra import evaluation

    train = evaluation.features(mae, train_images), train_labels
    test = evaluation.features(mae, test_images), test_labels
    print(evaluation.linear_probe(None, train, test))
    print(evaluation.knn(None, train, test))
    ```
    """
    return FeatureExtractor(encoder, pool, batch_size)(images)


class FeatureExtractor:
    """An encoder with a compiled function, which the protocols can share.

    Every protocol accepts an extractor as its encoder. The first call compiles the
    computation, and each call reads the current weights. An extractor therefore saves
    time if an encoder is evaluated repeatedly, for example after each epoch of its
    training.

    Args:
        encoder: As in `features`.
        pool: As in `features`.
        batch_size: As in `features`.

    Call arguments:
        images: Array of images, or of features.
        name: String, the name of the images in messages.

    Returns:
        Float32 array of shape `(images, dim)`.

    Raises:
        ValueError: As in `features`.

    Example:

    ```python
    extract = keras_mra.evaluation.FeatureExtractor(mae)
    print(keras_mra.evaluation.knn(extract, train, test, k=5))
    ```
    """

    def __init__(
        self, encoder: Encoder, pool: str = "cls+mean", batch_size: int = 256
    ) -> None:
        self.encoder = encoder
        self.mae = mae_of(encoder)
        if encoder is not None and self.mae is None and not callable(encoder):
            raise ValueError(
                "`encoder` must be an MAE, an MSA, a Keras model, a function of "
                f"images, or None for features. Received: encoder={encoder!r} "
                f"(of type {type(encoder).__name__})"
            )
        check_pool(pool)
        self.pool = pool
        self.batch_size = checks.positive_int("batch_size", batch_size)
        self._compiled: Any = None

    def __call__(self, images: Array, name: str = "images") -> NDArray[np.float32]:
        images = checks.numpy_array(name, images)
        if images.ndim == 2:
            return _finite(images, f"`{name}` must be finite")
        self._check(images, name)
        if self._compiled is None:
            self._compiled = self._compile(images)
        encode = functools.partial(self._encode, self._compiled)
        return in_batches(encode, self.batch_size, images)

    def _check(self, images: NDArray[Any], name: str) -> None:
        if self.encoder is None:
            raise ValueError(
                f"`{name}` must be features of shape (images, dim) if `encoder` is "
                f"None. Received: shape {images.shape}"
            )
        if images.ndim == 0 or not len(images):
            raise ValueError(
                f"`{name}` must be a batch of images, at least one. "
                f"Received: shape {images.shape}"
            )
        if self.mae is not None:
            checks.image_batch(images, self.mae.image_shape, name)
            checks.pixel_values(images, self.mae.value_range, name)

    def _compile(self, images: NDArray[Any]) -> Any:
        if self.mae is not None:
            return backend.compiled(self.mae, self._pooled)
        if not isinstance(self.encoder, keras.Layer):
            return self.encoder
        if not self.encoder.built:
            self.encoder(images[:1])
        return backend.compiled(
            self.encoder, functools.partial(self.encoder, training=False)
        )

    def _pooled(self, images: Array) -> Array:
        # Not `mae.encode`, which would check the pixels of each batch once more.
        tokens = encode_tokens(self.mae.encoder, embed_patches(self.mae, images))
        return pool_tokens(ops.cast(tokens, "float32"), self.pool)

    def _encode(
        self, run: Callable[[Array], Any], images: NDArray[Any]
    ) -> NDArray[np.float32]:
        """Converts one batch of images to an array of shape `(batch, dim)`."""
        found = run(images)
        if isinstance(found, (dict, list, tuple)):
            raise ValueError(
                "`encoder` must return one array of features. "
                f"Received: a {type(found).__name__} of {len(found)}"
            )
        found = np.asarray(ops.convert_to_numpy(found))
        if found.ndim not in (2, 3) or len(found) != len(images):
            raise ValueError(
                "`encoder` must return features of shape (batch, dim), or tokens of "
                f"shape (batch, tokens, dim). Received: shape {found.shape} for "
                f"{len(images)} images"
            )
        found = _finite(found, "`encoder` must return finite features")
        return found if found.ndim == 2 else found.mean(axis=1)


def mae_of(encoder: Any) -> Any:
    """The `MAE` that an encoder is or holds, or `None`."""
    for candidate in (encoder, getattr(encoder, "mae", None)):
        if isinstance(candidate, MAE):
            return candidate
    return None


def required_mae(mae: Any) -> MAE:
    """The `MAE` that an object is or holds; others are refused."""
    found: MAE | None = mae_of(mae)
    if found is None:
        raise ValueError(
            "`mae` must be an MAE, or hold one as its `mae`. "
            f"Received: mae={mae!r} (of type {type(mae).__name__})"
        )
    return found


def embed_patches(mae: MAE, images: Array) -> Array:
    """Embeds all patches of images: `(batch, patches, dim)`, without a class token."""
    return mae.encoder.get_layer("patch_embedding")(mae.patchify(images))


def feature_extractor(encoder: Encoder, pool: str, batch_size: int) -> FeatureExtractor:
    """Makes a `FeatureExtractor` of an encoder, and returns one that is given."""
    if isinstance(encoder, FeatureExtractor):
        return encoder
    return FeatureExtractor(encoder, pool, batch_size)


def _finite(found: NDArray[Any], message: str) -> NDArray[np.float32]:
    found = found.astype("float32", copy=False)
    bad = ~np.isfinite(found.reshape(len(found), -1)).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{message}. Received: NaN or infinite values in {bad.sum()} of "
            f"{len(found)} rows"
        )
    return found
