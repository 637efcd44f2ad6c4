"""Attention distance, against NumPy and closed forms."""

import itertools
import types

import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import compute
from helpers.models import randomize
from helpers.reference_mae import ReferenceMAE
from keras import ops

import keras_mra
from keras_mra import evaluation
from keras_mra.evaluation.attention_distance import mean_distance
from keras_mra.evaluation.attention_distance import patch_distances
from keras_mra.evaluation.features import embed_patches
from keras_mra.vit.encoder import attention_maps

pytestmark = pytest.mark.usefixtures("quick_compilation")

SHAPE = (4, 9, 1)  # a grid of 2 x 3 patches, each of 2 x 3 pixels


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE(SHAPE, (2, 3), **TINY))


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (10, *SHAPE), dtype="uint8")


def reference_maps(mae, image):
    """The attention of each block and head to one image, in float64."""
    reference = ReferenceMAE(mae)
    patches = reference._patches(image)
    x = reference._tokens(patches, range(len(patches)))
    maps = []
    for block in reference.encoder_blocks:
        maps.append(reference.attention_weights(x, block, reference.encoder_heads))
        x = reference.transform(x, block, reference.encoder_heads)
    return np.array(maps)  # (depth, heads, 1 + patches, 1 + patches)


def test_maps_of_all_blocks_are_the_references(mae, images):
    def maps(images):
        return list(attention_maps(mae.encoder, embed_patches(mae, images)))

    found = np.stack(compute(maps, images[:3]), axis=1)
    expected = [reference_maps(mae, image) for image in images[:3]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    "holder", ["mae", pytest.param("msa", marks=pytest.mark.graph)]
)
def test_distances_are_pixels_weighted_by_attention(mae, images, holder):
    encoder = mae if holder == "mae" else types.SimpleNamespace(mae=mae)
    result = evaluation.attention_distance(encoder, images, batch_size=4)
    centres = [(2 * row, 3 * column) for row in range(2) for column in range(3)]
    total = np.zeros((2, 2))
    for image in images:
        maps = reference_maps(mae, image)
        for block, head, asked in itertools.product(range(2), range(2), range(6)):
            weights = maps[block, head, 1 + asked, 1:]
            distances = [np.hypot(*np.subtract(centres[asked], c)) for c in centres]
            total[block, head] += weights @ distances / weights.sum()
    np.testing.assert_allclose(result.distance, total / 60, rtol=1e-4)
    assert result.images == 10 and len(set(np.ravel(result.distance))) == 4


def test_uniform_and_local_attention_in_closed_form():
    between = patch_distances((2, 2), (3, 4))
    uniform = np.full((1, 1, 5, 5), 1 / 5, "float32")
    expected = (0 + 3 + 4 + 5) / 4

    def distance(attention):
        return mean_distance(ops.convert_to_tensor(attention), between)

    found = compute(distance, uniform)
    np.testing.assert_allclose(found, [[expected]], rtol=1e-6)
    # Whatever the class token takes; a head that sees only itself spans nothing.
    local = 0.9 * np.eye(5, dtype="float32") + 0.1 * np.eye(1, 5, dtype="float32")
    found = compute(distance, local[None, None])
    np.testing.assert_allclose(found, [[0]], atol=1e-6)


def test_an_encoder_that_asks_nothing_is_uniform(images):
    mae = keras_mra.MAE(SHAPE, (2, 3), **TINY)
    for block in range(2):
        query = mae.encoder.get_layer(f"block_{block}").query
        for weight in query.weights:
            weight.assign(np.zeros(weight.shape))
    result = evaluation.attention_distance(mae, images)
    np.testing.assert_allclose(result.distance, result.uniform, rtol=1e-5)
    rows = str(result).splitlines()
    assert rows[-1].split("|")[2:] == rows[-2].split("|")[2:]


def test_images_that_do_not_fit_are_named(mae, images):
    with pytest.raises(ValueError, match="`images` must have shape .*height is 2"):
        evaluation.attention_distance(mae, images[:, :2])
    with pytest.raises(ValueError, match="`images` must lie in .*`value_range`"):
        evaluation.attention_distance(mae, images * 2.0)


def test_attention_that_is_not_finite_is_refused(images):
    broken = keras_mra.MAE(SHAPE, (2, 3), **TINY)
    broken.set_weights([np.full_like(w, np.nan) for w in broken.get_weights()])
    with pytest.raises(ValueError, match="`encoder` must have finite attention"):
        evaluation.attention_distance(broken, images)
