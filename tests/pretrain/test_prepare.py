"""A preset is resolved once, and its arguments can be replaced."""

import warnings

import numpy as np
import pytest
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import pretrain

import keras_mra
from keras_mra.weights import hub

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.once
@pytest.mark.parametrize("method", ["mae", "msa"])
def test_a_handle_is_downloaded_once(images, tmp_path, monkeypatch, method):
    keras_mra.MAE((8, 8, 1), 2, **SMALL).save_to_preset(tmp_path)
    downloads = []

    def download(handle):
        downloads.append(handle)
        return tmp_path

    monkeypatch.setattr(hub, "download", download)
    train = getattr(keras_mra, f"pretrain_{method}")
    train(images, preset="hf://someone/mae", epochs=1, verbose=0)
    assert downloads == ["hf://someone/mae"]


def test_training_goes_on_from_a_preset_with_weights(images, tmp_path):
    first = pretrain(images)
    first.save_to_preset(tmp_path)
    second = keras_mra.pretrain_mae(
        images, preset=tmp_path, epochs=1, learning_rate=1e-9, verbose=0
    )
    assert second.patch_size == first.patch_size == (2, 2)
    for a, b in zip(first.get_weights(), second.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_arguments_of_the_model(images):
    mae = pretrain(
        images / np.float32(255), value_range=(0, 1), mask_ratio=0.5,
        norm_pix_loss=True, dtype="mixed_bfloat16",
    )  # fmt: skip
    assert (mae.value_range, mae.mask_ratio, mae.norm_pix_loss) == ((0, 1), 0.5, True)
    assert mae.dtype_policy.name == "mixed_bfloat16"


@pytest.mark.once
def test_batches_with_fewer_images_than_ratios_are_said(images):
    with pytest.warns(UserWarning, match=r"2 images .* 4 ratios. The lower ones"):
        pretrain(images[:4], batch_size=2, mask_ratio=(0.4, 0.75))
    for arguments in (dict(mask_ratio=0.5), dict(batch_size=4)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            pretrain(images[:4], **{"batch_size": 2, **arguments})


@pytest.mark.once
def test_the_channels_of_a_preset_are_kept(images, tmp_path):
    keras_mra.MAE((8, 8, 1), 2, **SMALL).save_to_preset(tmp_path)
    colour = images.repeat(3, axis=-1)
    with pytest.raises(ValueError, match="`ds` must have images of 1 channels.*8, 3"):
        keras_mra.pretrain_mae(colour, preset=tmp_path, epochs=1, verbose=0)
