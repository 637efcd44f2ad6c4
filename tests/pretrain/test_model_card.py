"""The model card that the command line writes beside a preset."""

import types

import keras
import pytest
from helpers.small_pretraining import SMALL

import keras_mra
from keras_mra.pretrain.model_card import write_model_card

pytestmark = pytest.mark.once


def test_model_card(tmp_path):
    mae = keras_mra.MAE((8, 8, 1), 4, **SMALL)
    losses = [1 / (1 + i) for i in range(50)]
    mae.history = types.SimpleNamespace(history={"loss": losses})
    write_model_card(tmp_path, mae, "digits", "keras-mra pretrain digits", 600)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    for part in ("keras-mra pretrain digits", "10 minutes", f"{mae.count_params():,}"):
        assert part in card
    assert f"| 1 | {losses[0]:.4f} |" in card and f"| 50 | {losses[49]:.4f} |" in card
    assert f"keras {keras.__version__}" in card
    assert keras.backend.backend() in card
