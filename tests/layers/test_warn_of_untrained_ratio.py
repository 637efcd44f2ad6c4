"""MaskReconstruct names a mask ratio that its autoencoder never saw, once."""

import importlib
import warnings

import pytest
from helpers.models import randomize
from helpers.small_augmentor import make_mae

from keras_mra.layers import MaskReconstruct

# The package's attribute of this name may be the function.
module = importlib.import_module("keras_mra.layers.warn_of_untrained_ratio")


@pytest.fixture(autouse=True)
def no_warning_yet(monkeypatch):
    monkeypatch.setattr(module, "_has_warned", False)


def test_it_warns_once():
    mae = randomize(make_mae(mask_ratio=(0.55, 0.75)))
    message = r"ratios of 0.55 to 0.75 .*mask_ratio=0.3.*`mask_ratio=\(0.3, 0.75"
    with pytest.warns(UserWarning, match=message) as found:
        MaskReconstruct(mae, 0.3)
    # TensorFlow's arrays warn of NumPy's changes too.
    assert [w.filename for w in found if w.category is UserWarning] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        MaskReconstruct(mae, 0.3)
        MaskReconstruct(mae, 0.25)


@pytest.mark.parametrize(
    "trained,ratio", [(0.75, 0.75), (0.75, 0.3), ((0.4, 0.7), 0.5), ((0.4, 0.7), 0.33)]
)
def test_near_ratios_and_single_ones_do_not_warn(trained, ratio):
    mae = randomize(make_mae(mask_ratio=trained))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        MaskReconstruct(mae, ratio)


def test_a_ratio_beyond_a_range_warns():
    with pytest.warns(UserWarning, match="0.33 to 0.45 .*mask_ratio=0.6"):
        MaskReconstruct(make_mae(mask_ratio=(0.33, 0.45)), 0.6)
