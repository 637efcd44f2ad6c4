"""The model card that the command line writes beside a preset."""

import types

import keras
import pytest
from helpers.small_pretraining import SMALL

import keras_mra
from keras_mra.pretrain.model_card import write_model_card

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "mask_ratio, told",
    [
        (0.75, "at the mask ratio 0.75."),
        ((0.25, 0.75), "at the mask ratios from 0.25 to 0.75."),
    ],
)
def test_model_card(tmp_path, mask_ratio, told):
    mae = keras_mra.MAE((8, 8, 1), 4, mask_ratio=mask_ratio, **SMALL)
    losses = [1 / (1 + i) for i in range(50)]
    mae.history = types.SimpleNamespace(history={"loss": losses}, seconds=600.0)
    write_model_card(tmp_path, mae, "digits", "keras-mra pretrain digits")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    command = "keras-mra pretrain digits"
    for part in (command, "10 minutes", f"{mae.count_params():,}", told):
        assert part in card
    assert f"| 1 | {losses[0]:.4f} |" in card and f"| 50 | {losses[49]:.4f} |" in card
    assert f"keras {keras.__version__}" in card
    assert keras.backend.backend() in card
