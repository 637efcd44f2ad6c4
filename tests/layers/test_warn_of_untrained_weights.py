"""MaskReconstruct names an autoencoder that was never trained."""

import warnings

import keras
import numpy as np
import pytest
from helpers.models import randomize
from helpers.small_augmentor import make_mae

import keras_mra
from keras_mra.layers import MaskReconstruct
from keras_mra.models.presets import ARCHITECTURES
from keras_mra.models.untrained_parts import untrained_parts

BOTH = ("encoder", "decoder")


@pytest.fixture
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


@pytest.mark.parametrize("copy", [True, False])
def test_it_warns_of_initial_weights(copy):
    message = (
        "`mae` must be trained, but its encoder and decoder still have the initial"
    )
    with pytest.warns(UserWarning, match=message) as found:
        MaskReconstruct(make_mae(), copy=copy)
    (warning,) = (w for w in found if w.category is UserWarning)
    assert warning.filename == __file__


def test_it_names_the_only_untrained_part():
    mae = make_mae()
    randomize(mae.encoder)
    with pytest.warns(UserWarning, match="its decoder still has the initial"):
        MaskReconstruct(mae)


def test_one_step_of_training_is_enough(no_warnings):
    mae = make_mae()
    mae.compile("adam", jit_compile=False)
    mae.fit(np.random.default_rng(0).uniform(0, 255, (4, 12, 12, 1)), verbose=0)
    assert not untrained_parts(mae)
    MaskReconstruct(mae)


def test_weights_decide_wherever_they_come_from(tmp_path, no_warnings):
    def places(mae, name):
        """The autoencoder after it was stored and read in several ways."""
        mae.save_to_preset(tmp_path / name)
        yield keras_mra.MAE.from_preset(tmp_path / name)
        mae.save(tmp_path / f"{name}.keras")
        yield keras.models.load_model(tmp_path / f"{name}.keras")
        mae.save_weights(tmp_path / f"{name}.weights.h5")
        for read in (
            lambda other: other.load_weights(tmp_path / f"{name}.weights.h5"),
            lambda other: other.set_weights(mae.get_weights()),
        ):
            other = make_mae(seed=1)
            read(other)
            yield other

    untrained = list(map(untrained_parts, places(make_mae(), "untrained")))
    assert untrained == [BOTH] * 4
    trained = list(map(untrained_parts, places(randomize(make_mae()), "trained")))
    assert trained == [()] * 4


def test_layers_that_are_read_from_files_do_not_warn(tmp_path, no_warnings):
    layer = MaskReconstruct(randomize(make_mae()))
    model = keras.Sequential([keras.Input((12, 12, 1)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").layers[0]
    assert not untrained_parts(loaded.mae)
    keras.models.clone_model(model)
    with pytest.raises(UserWarning, match="must be trained"):
        MaskReconstruct(make_mae())  # The warning is on again.


@pytest.mark.parametrize("preset", keras_mra.MAE.presets())
def test_shipped_presets(preset):
    # The names of the weights are those of every size.
    small = {"encoder_depth": 1, "decoder_depth": 1, "image_shape": (32, 32, 3)}
    is_architecture = preset in ARCHITECTURES
    mae = keras_mra.MAE.from_preset(preset, **small if is_architecture else {})
    assert untrained_parts(mae) == (BOTH if is_architecture else ())


def test_an_encoder_without_a_decoder():
    assert untrained_parts(make_mae(decoder_depth=0)) == ("encoder",)
