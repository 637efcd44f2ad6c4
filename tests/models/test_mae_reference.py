"""The MAE against an independent implementation; test_weights.py has Hugging Face's."""

import numpy as np
import pytest
from helpers.models import compute
from helpers.models import random_visible
from helpers.models import randomize
from helpers.reference_mae import ReferenceMAE
from keras import ops

import keras_mra

TOLERANCE = dict(rtol=1e-4, atol=1e-4)

CONFIGURATIONS = {
    "square": dict(image_shape=(16, 16, 3), patch_size=4),
    "rectangular": dict(
        image_shape=(8, 24, 1),
        patch_size=(4, 6),
        value_range=(0, 1),
        mean=0.3,
        std=0.2,
    ),
    "four_channels": dict(
        image_shape=(18, 12, 4),
        patch_size=(3, 2),
        value_range=(-1, 1),
        mean=(0.1, 0.2, 0.3, 0.4),
        std=(0.9, 0.8, 0.7, 0.6),
        encoder_heads=4,
        encoder_depth=3,
    ),
    "norm_pix": dict(
        image_shape=(12, 8, 3),
        patch_size=4,
        norm_pix_loss=True,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        layer_norm_epsilon=1e-5,
        mlp_ratio=4.0,
    ),
}


class Case:
    """A model with random weights, its reference, images and visible patches."""

    def __init__(self, **arguments):
        self.mae = make_mae(**arguments)
        self.reference = ReferenceMAE(self.mae)
        rng = np.random.default_rng(1)
        low, high = self.mae.value_range
        shape = (3, *self.mae.image_shape)
        self.images = rng.uniform(low, high, shape).astype("float32")
        self.visible = random_visible(
            rng, 3, self.mae.num_patches, self.mae.num_visible
        )


def make_mae(**arguments):
    defaults = dict(
        encoder_dim=16, encoder_depth=2, encoder_heads=2,
        decoder_dim=24, decoder_depth=2, decoder_heads=3, mlp_ratio=2.5,
    )  # fmt: skip
    return randomize(keras_mra.MAE(**{**defaults, **arguments}))


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def case(request):
    return Case(**CONFIGURATIONS[request.param])


def test_encode(case):
    encoded = compute(case.mae.encode, case.images)
    np.testing.assert_allclose(encoded, case.reference.encode(case.images), **TOLERANCE)


def test_attention_of_every_block(case):
    depth = case.mae.encoder_depth
    blocks = [-1, *range(depth)]
    found = compute(
        lambda images: [case.mae.attention(images, block=b) for b in blocks],
        case.images,
    )
    for block, attention in zip(blocks, found):
        expected = case.reference.attention(case.images, block)
        np.testing.assert_allclose(attention, expected, rtol=1e-4, atol=1e-6)


def test_predict_patches(case):
    predicted = compute(case.mae.predict_patches, case.images, case.visible)
    expected = case.reference.predict_patches(case.images, case.visible)
    np.testing.assert_allclose(predicted, expected, **TOLERANCE)
    # The order in which the visible patches are named does not matter.
    reordered = np.flip(case.visible, axis=1).copy()
    predicted = compute(case.mae.predict_patches, case.images, reordered)
    np.testing.assert_allclose(predicted, expected, **TOLERANCE)


def test_reconstruction_loss(case):
    loss = compute(case.mae.reconstruction_loss, case.images, case.visible)
    assert loss.shape == () and loss.dtype == "float32"
    expected = case.reference.loss(case.images, case.visible)
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


@pytest.mark.parametrize("case", ["norm_pix"], indirect=True)
def test_loss_that_fit_minimises(case):
    """It is the published one, for the masks that the model drew."""
    case.mae.compile("sgd")
    outputs = case.mae(case.images)
    loss = ops.convert_to_numpy(case.mae.compute_loss(y_pred=outputs))
    visible = ops.convert_to_numpy(outputs["visible"])
    expected = case.reference.loss(case.images, visible)
    np.testing.assert_allclose(loss, expected, rtol=1e-4)
