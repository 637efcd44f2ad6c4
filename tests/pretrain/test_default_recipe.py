"""What a training takes where the caller does not say."""

import numpy as np
import pytest
from helpers.small_pretraining import SMALL

import keras_mra
from keras_mra.pretrain import default_recipe as rule
from keras_mra.pretrain import recipe_request

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("quick_compilation")]


@pytest.mark.parametrize(
    "images, batch_size",
    [(12, 12), (64, 64), (1_500, 64), (25_599, 64), (25_600, 256), (10**6, 256)],
)
def test_default_batch_size(images, batch_size):
    assert rule.default_batch_size(images) == batch_size


@pytest.mark.parametrize("effort, steps", rule.STEPS.items())
@pytest.mark.parametrize("steps_per_epoch", [1, 23, 390])
def test_an_effort_is_a_number_of_steps(effort, steps, steps_per_epoch):
    epochs = rule.default_epochs(effort, steps_per_epoch)
    assert abs(epochs * steps_per_epoch - steps) <= steps_per_epoch / 2


def test_an_epoch_is_trained_at_least():
    assert rule.default_epochs("quick", 10**6) == 1


def test_wider_encoders_learn_more_slowly():
    rates = [rule.default_learning_rate(dim) for dim in (8, 96, 192, 768)]
    np.testing.assert_allclose(rates, [1.5e-3, 1.5e-3, 7.5e-4, 1.875e-4])


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr(rule, "STEPS", {"quick": 6, "good": 9})
    monkeypatch.setattr(recipe_request, "STEPS", {"quick": 6, "good": 9})


@pytest.mark.parametrize("method", ["mae", "msa"])
@pytest.mark.parametrize(
    "arguments, epochs",
    [({}, 3), ({"effort": "quick"}, 2), ({"effort": "quick", "epochs": 1}, 1)],
)
def test_the_effort_decides_the_epochs(images, few_steps, method, arguments, epochs):
    train = getattr(keras_mra, f"pretrain_{method}")
    model = train(
        images, "mae_nano", patch_size=2, batch_size=4, verbose=0, **SMALL, **arguments
    )
    assert len(model.history.history["loss"]) == epochs


@pytest.mark.parametrize("method", ["mae", "msa"])
@pytest.mark.parametrize("effort", ["better", "", None, 3, ["good"]])
def test_another_effort_is_refused(images, method, effort):
    with pytest.raises(ValueError, match="`effort` must be one of .*quick.*Received"):
        getattr(keras_mra, f"pretrain_{method}")(images, effort=effort)


def test_augmentors_are_trained_on_a_range_of_ratios_over_a_smooth_fill(images):
    arguments = dict(patch_size=2, epochs=1, verbose=0, **SMALL)
    mae = keras_mra.pretrain_mae(images, "mae_nano", **arguments)
    assert (mae.mask_ratio, mae.smooth_fill) == ((0.4, 0.75), True)
    mae = keras_mra.pretrain_mae(images, "mae_nano", norm_pix_loss=True, **arguments)
    assert (mae.mask_ratio, mae.smooth_fill) == (0.75, False)
    mae = keras_mra.pretrain_mae(
        images, "mae_nano", mask_ratio=0.5, smooth_fill=False, **arguments
    )
    assert (mae.mask_ratio, mae.smooth_fill) == (0.5, False)


def test_a_preset_with_weights_keeps_its_ratio(images, tmp_path):
    keras_mra.MAE((8, 8, 1), 2, **SMALL).save_to_preset(tmp_path)
    mae = keras_mra.pretrain_mae(images, tmp_path, epochs=1, verbose=0)
    assert (mae.mask_ratio, mae.smooth_fill) == (0.75, False)
