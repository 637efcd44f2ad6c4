"""The pictures that TensorBoard shows while an autoencoder is trained."""

import builtins
import io

import keras
import numpy as np
import pytest
from helpers.models import QUICK
from helpers.models import TINY as ARCHITECTURE

import keras_mra
from keras_mra.visualization import plot_reconstructions

TINY = {**ARCHITECTURE, "encoder_depth": 1}


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype="uint8")


def written(folder):
    """Steps and pictures of the event file, read by TensorBoard."""
    from PIL import Image
    from tensorboard.backend.event_processing import event_accumulator

    events = event_accumulator.EventAccumulator(str(folder))
    events.Reload()
    assert events.Tags()["images"] == ["reconstructions"]
    pictures = {}
    for event in events.Images("reconstructions"):
        picture = Image.open(io.BytesIO(event.encoded_image_string))
        assert picture.size == (event.width, event.height)
        pictures[event.step] = np.asarray(picture)
    return pictures


def rendered(mae, images, **arguments):
    figure = plot_reconstructions(mae, images, **arguments)
    file = io.BytesIO()
    figure.savefig(file, format="rgba", dpi="figure")
    width, height = figure.canvas.get_width_height()
    return np.frombuffer(file.getvalue(), "uint8").reshape(height, width, 4)


class KeepWeights(keras.callbacks.Callback):
    """What the student's weights were after each epoch."""

    def on_train_begin(self, logs=None):
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        model = self.model if hasattr(self.model, "encode") else self.model.mae
        self.weights.append(model.get_weights())


METHODS = {
    "pretrain_mae": {"view": None},
    "pretrain_msa": {"views": (None, None), "hidden_dim": 8, "projection_dim": 4},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("quick_compilation")
def test_pictures_are_those_of_each_epoch(images, tmp_path, method):
    pytest.importorskip("tensorboard")
    pytest.importorskip("matplotlib")
    logger = keras_mra.ReconstructionLogger(
        tmp_path, images[:2], every=2, mask_ratio=0.5, seed=1
    )
    keep = KeepWeights()
    model = getattr(keras_mra, method)(
        images,
        preset="mae_nano",
        patch_size=2,
        epochs=3,
        learning_rate=1.0,
        verbose=0,
        callbacks=[logger, keep],
        **METHODS[method],
        **TINY,
    )
    mae = model if method == "pretrain_mae" else model.mae
    pictures = written(tmp_path)
    assert list(pictures) == [1, 2]  # every second epoch, and the last
    for step, picture in pictures.items():
        mae.set_weights(keep.weights[step])
        expected = rendered(mae, images[:2], mask_ratio=0.5, seed=1)
        np.testing.assert_array_equal(picture, expected)
    assert (pictures[1] != pictures[2]).any()


def test_callback_of_an_mae_itself(images, tmp_path):
    pytest.importorskip("tensorboard")
    pytest.importorskip("matplotlib")
    mae = keras_mra.MAE((8, 8, 1), 4, **TINY)
    logger = keras_mra.ReconstructionLogger(tmp_path / "new", images[:1])
    callbacks = keras.callbacks.CallbackList([logger], model=mae, epochs=1)
    callbacks.on_train_begin()
    callbacks.on_epoch_end(0)
    callbacks.on_train_end()
    np.testing.assert_array_equal(
        written(tmp_path / "new")[0], rendered(mae, images[:1])
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"every": 0}, "`every`"),
        ({"seed": 0.5}, "`seed`"),
        ({"images": np.zeros((1, 8, 8, 3))}, "`images` must have shape"),
        ({"images": np.full((1, 8, 8, 1), 300.0)}, "`value_range`"),
        ({"mask_ratio": 2}, "`mask_ratio`"),
    ],
)
def test_bad_input_before_the_first_step(images, tmp_path, arguments, message):
    pytest.importorskip("tensorboard")
    pytest.importorskip("matplotlib")
    mae = keras_mra.MAE((8, 8, 1), 4, **TINY)
    mae.compile("adam", **QUICK)
    before = mae.get_weights()
    with pytest.raises(ValueError, match=message):
        logger = keras_mra.ReconstructionLogger(
            tmp_path, **{"images": images, **arguments}
        )
        mae.fit(images, verbose=0, callbacks=[logger])
    for old, new in zip(before, mae.get_weights()):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("missing", ["tensorboard", "matplotlib"])
def test_missing_packages_are_named(images, tmp_path, missing, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == missing:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    if missing == "matplotlib":
        pytest.importorskip("tensorboard")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install 'keras-mra"):
        keras_mra.ReconstructionLogger(tmp_path, images)


@pytest.mark.parametrize("folder", [None, "", 3])
def test_what_is_no_folder(images, folder):
    pytest.importorskip("tensorboard")
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="`log_dir` must be the path of a folder"):
        keras_mra.ReconstructionLogger(folder, images)
