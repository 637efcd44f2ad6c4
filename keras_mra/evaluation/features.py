"""From images to features, whatever the encoder."""

import functools

import keras
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra.models import MAE
from keras_mra.vit.encoder import encode_tokens
from keras_mra.vit.tokens import check_pool
from keras_mra.vit.tokens import pool_tokens


def features(encoder, images, pool="cls+mean", batch_size=256):
    """Computes the features of images, batch by batch, compiled.

    Every protocol takes what this returns in place of images, so that an encoder
    which is judged by several of them runs once.

    Args:
        encoder: `MAE`, `MSA` (or any other object whose `mae` is an `MAE`), Keras
            model or layer, or function of a NumPy batch. It returns `(batch, dim)`,
            or tokens `(batch, tokens, dim)`, of which the mean is taken.
        images: Array of images, as the encoder wants them. An array of rank 2 is taken
            for features computed already and is returned.
        pool: For an `MAE` or `MSA`: `"cls"` for the class token, `"mean"` for the mean
            of the patches' tokens, `"cls+mean"` for both, the class token's half
            first.
        batch_size: Int.

    Returns:
        Float32 array of shape `(images, dim)`.

    Raises:
        ValueError: If an argument is bad, or the encoder returns something of another
            rank or numbers that are not finite.

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
    """An encoder made ready for the protocols, compiled once.

    Every protocol takes one as its encoder. That pays where the same encoder is asked
    again and again, such as once an epoch while it trains: its weights are read anew in
    each call, its computation is compiled in the first.

    Args:
        encoder: As in `features`.
        pool: As in `features`.
        batch_size: As in `features`.

    Call arguments:
        images: Array of images, or of features.
        name: What messages call them.

    Returns:
        Float32 array of shape `(images, dim)`.
    """

    def __init__(self, encoder, pool="cls+mean", batch_size=256):
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
        self._compiled = None

    def __call__(self, images, name="images"):
        images = np.asanyarray(images)  # keeps a memory map a memory map
        if images.ndim == 2:
            return _finite(images, f"`{name}` must be finite")
        self._check(images, name)
        if self._compiled is None:
            self._compiled = self._compile(images)
        # The last batch overlaps the one before: a single shape is compiled.
        size = min(self.batch_size, len(images))
        found = None
        for start in range(0, len(images), size):
            start = min(start, len(images) - size)
            batch = self._encode(self._compiled, images[start : start + size])
            if found is None:
                found = np.empty((len(images), batch.shape[1]), "float32")
            found[start : start + size] = batch
        return found

    def _check(self, images, name):
        if self.encoder is None:
            raise ValueError(
                f"`{name}` must be features of shape (images, dim) where `encoder` is "
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

    def _compile(self, images):
        if self.mae is not None:
            return backend.compiled(self.mae, self._pooled)
        if not isinstance(self.encoder, keras.Layer):
            return self.encoder
        if not self.encoder.built:
            self.encoder(images[:1])
        return backend.compiled(
            self.encoder, functools.partial(self.encoder, training=False)
        )

    def _pooled(self, images):
        # Without the checks of `mae.encode`, which would be made for each batch.
        tokens = encode_tokens(self.mae.encoder, self.mae.embed(images))
        return pool_tokens(ops.cast(tokens, "float32"), self.pool)

    def _encode(self, run, images):
        """One batch of images to an array of shape `(batch, dim)`."""
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


def mae_of(encoder):
    """The `MAE` that an encoder is or holds, or `None`."""
    for candidate in (encoder, getattr(encoder, "mae", None)):
        if isinstance(candidate, MAE):
            return candidate
    return None


def feature_extractor(encoder, pool, batch_size):
    """`encoder` itself if it is a `FeatureExtractor` already, else one of it."""
    if isinstance(encoder, FeatureExtractor):
        return encoder
    return FeatureExtractor(encoder, pool, batch_size)


def _finite(found, message):
    found = found.astype("float32", copy=False)
    bad = ~np.isfinite(found.reshape(len(found), -1)).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{message}. Received: NaN or infinite values in {bad.sum()} of "
            f"{len(found)} rows"
        )
    return found
