"""The dtype policy of a model that is loaded from a preset."""

import keras
from helpers.models import TINY

import keras_mra


def test_the_policy_of_keras_decides_the_dtype(tmp_path):
    saved = tmp_path / "mine"
    keras_mra.MAE((8, 8, 1), 4, **TINY).save_to_preset(saved)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        for preset in (saved, "mae_nano"):
            mae = keras_mra.MAE.from_preset(preset)
            assert mae.compute_dtype == mae.encoder.compute_dtype == "bfloat16"
        again = keras_mra.MAE.from_preset(saved, dtype="float32")
        assert again.dtype_policy.name == "float32"
        again.save_to_preset(tmp_path / "again")
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras_mra.MAE.from_preset(tmp_path / "again").compute_dtype == "float32"
