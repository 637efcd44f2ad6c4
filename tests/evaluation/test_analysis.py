"""Attention distance, alignment and purity, against NumPy and closed forms."""

import itertools
import json
import sys
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
from keras_mra.vit.encoder import attention_maps

SHAPE = (4, 9, 1)  # a grid of 2 x 3 patches, each of 2 x 3 pixels


def module_of(function):
    """The module of a protocol; the package gives its name to the function."""
    return sys.modules[function.__module__]


@pytest.fixture(scope="module")
def mae():
    return randomize(keras_mra.MAE(SHAPE, (2, 3), **TINY))


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (10, *SHAPE), dtype="uint8")


# --- attention distance --------------------------------------------------------------


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
        return list(attention_maps(mae.encoder, mae.embed(images)))

    found = np.stack(compute(maps, images[:3]), axis=1)
    expected = [reference_maps(mae, image) for image in images[:3]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("holder", ["mae", "msa"])
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


# --- alignment and uniformity --------------------------------------------------------


@pytest.mark.parametrize("chunk", [2**24, 100])
def test_alignment_and_uniformity_pair_by_pair(rng, chunk, monkeypatch):
    monkeypatch.setattr(module_of(evaluation.alignment), "CHUNK", chunk)
    first = rng.normal(size=(30, 5))
    second = first + 0.5 * rng.normal(size=(30, 5))
    x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (first, second))
    result = evaluation.alignment(None, first, second, alpha=3, t=1.5)
    apart = [np.linalg.norm(a - b) ** 3 for a, b in zip(x, y)]
    assert result.alignment == pytest.approx(np.mean(apart), rel=1e-5)
    uniformity = [
        np.log(
            np.mean(
                [
                    np.exp(-1.5 * np.sum((a - b) ** 2))
                    for a, b in itertools.combinations(view, 2)
                ]
            )
        )
        for view in (x, y)
    ]
    assert result.uniformity == pytest.approx(np.mean(uniformity), rel=1e-5)


def test_views_that_agree_and_images_that_do_not_differ():
    square = np.array([[1.0, 0], [0, 2], [-3, 0], [0, -4]])
    result = evaluation.alignment(None, square, 5 * square)
    assert result.alignment == 0
    # Of six pairs, four are at squared distance 2 and two at 4.
    expected = np.log((4 * np.exp(-4) + 2 * np.exp(-8)) / 6)
    assert result.uniformity == pytest.approx(expected, rel=1e-5)
    collapsed = evaluation.alignment(None, np.ones((4, 2)), np.ones((4, 2)))
    assert collapsed.uniformity == pytest.approx(0, abs=1e-5)


def test_alignment_of_an_encoders_views(mae, images):
    result = evaluation.alignment(mae, images, images[:, ::-1], "cls")
    by_hand = [evaluation.features(mae, x, "cls") for x in (images, images[:, ::-1])]
    assert result == evaluation.alignment(None, *by_hand)
    assert result.alignment > 0 and (result.dim, result.images) == (16, 10)


# --- purity --------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [2**24, 200])
def test_purity_is_the_share_of_neighbours_alike(rng, chunk, monkeypatch):
    monkeypatch.setattr(module_of(evaluation.knn), "CHUNK", chunk)
    labels = rng.permutation(np.repeat([2, 3, 5], [30, 20, 10]))
    features = np.eye(6)[labels] + 0.8 * rng.normal(size=(60, 6))
    result = evaluation.purity(None, (features, labels), k=(7, 1))
    shares = {7: [], 1: []}
    for i, query in enumerate(features):
        cosines = features @ query / np.linalg.norm(features, axis=1)
        order = [j for j in np.argsort(-cosines) if j != i]
        for k, found in shares.items():
            found.append(np.mean(labels[order[:k]] == labels[i]))
    assert list(result.purity) == [7, 1]
    for k, found in shares.items():
        assert result.purity[k] == pytest.approx(np.mean(found))
    pairs = [a == b for a, b in itertools.permutations(labels, 2)]
    assert result.chance == pytest.approx(np.mean(pairs))
    assert result.purity[1] > result.chance


def test_an_image_is_not_its_own_neighbour():
    """Twins of another class: every nearest one is wrong."""
    features = np.repeat(np.eye(4), 2, axis=0)
    result = evaluation.purity(None, (features, np.tile([0, 1], 4)), k=1)
    assert result.purity == {1: 0.0}
    result = evaluation.purity(None, (features, np.repeat(np.arange(4), 2)), k=1)
    assert result.purity == {1: 1.0}


# --- results and bad input -----------------------------------------------------------


def test_results_print_and_save(mae, images, rng, tmp_path):
    features, labels = rng.normal(size=(10, 3)), np.arange(10) % 2
    for result in (
        evaluation.attention_distance(mae, images),
        evaluation.alignment(None, features, features),
        evaluation.purity(None, (features, labels), k=(1, 2)),
    ):
        lines = str(result).splitlines()
        assert len({len(line) for line in lines}) == 1 and len(lines) > 2
        result.save(tmp_path / "result.json")
        loaded = json.loads((tmp_path / "result.json").read_text())
        assert loaded == result.to_dict()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: evaluation.attention_distance(None, 0), "`encoder` must be an MAE"),
        (
            lambda: evaluation.alignment(None, np.ones((4, 2)), np.ones((3, 2))),
            r"same images.*\(4, 2\) and \(3, 2\)",
        ),
        (
            lambda: evaluation.alignment(None, np.ones((1, 2)), np.ones((1, 2))),
            "at least two",
        ),
        (
            lambda: evaluation.alignment(None, np.eye(2), np.nan * np.eye(2)),
            "`second` must be finite",
        ),
        (lambda: evaluation.alignment(None, 0, 0, t=0), "`t` must be a positive"),
        (
            lambda: evaluation.purity(None, (np.eye(4), np.arange(4)), k=4),
            "`k` must be less than .*4. Received: k=4",
        ),
        (lambda: evaluation.purity(None, np.eye(4)), "`data` must be a pair"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_images_that_do_not_fit_are_named(mae, images):
    with pytest.raises(ValueError, match="`images` must have shape .*height is 2"):
        evaluation.attention_distance(mae, images[:, :2])
    with pytest.raises(ValueError, match="`images` must lie in .*`value_range`"):
        evaluation.attention_distance(mae, images * 2.0)
