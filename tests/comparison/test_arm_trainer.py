"""What the classifiers of a comparison are judged on."""

import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize
from helpers.small_study import coloured
from keras import ops

import keras_mra
from keras_mra.comparison.arm_trainer import ArmTrainer
from keras_mra.comparison.arms import MRASettings
from keras_mra.comparison.comparison_data import comparison_data
from keras_mra.pixels import resize


@pytest.mark.parametrize("value_range", [(0, 255), (-1, 1)])
def test_objects_stay_and_backgrounds_are_swapped(value_range):
    """Images of 12 pixels, for an autoencoder of 16 with patches of 4."""
    mae = randomize(keras_mra.MAE((16, 16, 3), 4, value_range=value_range, **TINY))
    images, labels = coloured(40)
    images = images.repeat(2, axis=1).repeat(2, axis=2)[:, :12, :12]
    data = comparison_data((images, labels), None)
    trainer = ArmTrainer(data, "small_cnn", None, MRASettings(mae, 0.4, 0.5))
    plain, _ = trainer.test[0]
    swapped, given = trainer.swapped[0]
    assert swapped.shape == plain.shape and (given == data.test[1]).all()
    low, high = value_range
    seen = low + data.test[0] / 255.0 * (high - low)
    np.testing.assert_allclose(plain, seen, atol=1e-4)
    resized = resize(ops.convert_to_tensor(seen.astype("float32")), (16, 16))
    attention = ops.convert_to_numpy(mae.attention(resized))
    for before, after, scores in zip(plain, swapped, attention):
        best = np.argsort(scores)[-6:]  # round(0.6 * 16) patches of 16 are background
        mask = np.isin(np.arange(16), best).reshape(4, 4).repeat(3, 0).repeat(3, 1)
        np.testing.assert_array_equal(after[mask], before[mask])
        assert (after[~mask] != before[~mask]).any()
