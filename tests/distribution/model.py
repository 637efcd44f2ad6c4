"""Small models and their data, for training on one device and on many."""

import keras
import numpy as np
from keras import ops

from keras_mra.models import MAE
from keras_mra.models.msa import MSA

IMAGE_SHAPE = (8, 8, 3)
BATCH = 8
SMALL = dict(
    encoder_dim=16, encoder_depth=1, encoder_heads=2,
    decoder_dim=8, decoder_depth=1, decoder_heads=2,
)  # fmt: skip


class Recording(MSA):
    """An MSA that records each replica's view, its mask and the teacher's view.

    Args:
        rows: Int, the number of images in the batch of a replica.
        **kwargs: Arguments of `MSA`.
    """

    def __init__(self, rows, **kwargs):
        super().__init__(**kwargs)
        width = 1 + self.mae.num_visible + 1
        self.drawn = self.add_weight(shape=(rows, width), trainable=False, name="drawn")

    def compute_loss(self, x=None, y=None, y_pred=None, *args, **kwargs):
        parts = [
            ops.mean(y_pred["targets"], axis=(1, 2))[:, None],
            ops.cast(y_pred["visible"], "float32"),
            y_pred["keys"][:, :1],
        ]
        self.drawn.assign(ops.concatenate(parts, axis=-1))
        return super().compute_loss(x, y, y_pred, *args, **kwargs)


def make_model(rows=None, accumulate=None, **compile_arguments):
    """A small compiled MSA, with the variables of its optimizer.

    Args:
        rows: Int for a `Recording`, or `None`.
        accumulate: Int or `None`, the number of batches per optimizer step.
        **compile_arguments: Arguments of `compile`.
    """
    arguments = dict(
        mae=MAE(IMAGE_SHAPE, 2, mlp_ratio=2.0, **SMALL),
        momentum=0.9,
        momentum_steps=10,
        hidden_dim=16,
        projection_dim=8,
    )
    model = MSA(**arguments) if rows is None else Recording(rows, **arguments)
    optimizer = keras.optimizers.SGD(
        0.1, momentum=0.9, gradient_accumulation_steps=accumulate
    )
    jit_compile = keras.backend.backend() == "jax"
    model.compile(optimizer, **{"jit_compile": jit_compile, **compile_arguments})
    model.optimizer.build(model.trainable_variables)
    return model


class GivenViews(keras.utils.PyDataset):
    """Batches of views and masks that do not depend on the number of devices.

    Args:
        first: Int, the first batch of an epoch.
        last: Int, the end of the epoch.
    """

    def __init__(self, first, last):
        super().__init__()
        self.first, self.last = first, last

    def __len__(self):
        return self.last - self.first

    def __getitem__(self, index):
        rng = np.random.default_rng(self.first + index)
        visible = [rng.permutation(16)[:4] for _ in range(BATCH)]
        views = {
            name: rng.integers(0, 256, (BATCH, *IMAGE_SHAPE)).astype("float32")
            for name in ("weak", "strong")
        }
        return ({**views, "visible": np.array(visible, "int32")},)


def equal_images(batches):
    """Batches of one image, so that rows differ only in what is drawn for them."""
    image = np.random.default_rng(0).integers(0, 256, IMAGE_SHAPE, dtype="uint8")
    return np.repeat(image[None], batches * BATCH, axis=0)


def different_images(batches):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (batches * BATCH, *IMAGE_SHAPE), dtype="uint8")


def same_patches(batch_size, num_patches, kept, seed):
    """Stands in for `masking.random_patches`: the same mask on each replica."""
    visible = ops.arange(0, kept, dtype="int32") * (num_patches // kept)
    return ops.tile(visible[None], (batch_size, 1))
