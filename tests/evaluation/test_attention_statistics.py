"""Statistics of attention maps, against closed forms."""

import types

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize

import keras_mra
from keras_mra import evaluation
from keras_mra.evaluation.attention_source import class_token_attention
from keras_mra.evaluation.attention_statistics import explained_by_position
from keras_mra.evaluation.attention_statistics import mean_correlation
from keras_mra.evaluation.attention_statistics import relative_entropy
from keras_mra.evaluation.attention_statistics import shifted


def patch_means(images):
    return images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)


@pytest.fixture
def images(rng):
    return rng.random((30, 8, 8, 1))


@pytest.mark.once
def test_entropy_in_closed_form():
    maps = np.zeros((3, 2, 4))
    maps[0] = 1 / 8  # uniform: log 8
    maps[1, 1, 2] = 1  # a single patch: 0
    maps[2, 0, :2] = 1 / 2  # two patches: log 2
    assert relative_entropy(maps) == pytest.approx((3 + 0 + 1) / 3 / 3)


@pytest.mark.once
def test_position_in_closed_form(rng):
    same = rng.random((1, 3, 4)).repeat(5, axis=0)
    assert explained_by_position(same) == pytest.approx(1)
    assert explained_by_position(np.full((5, 3, 4), 1 / 12)) == 1
    # The mean map of all cyclic shifts is constant.
    every = np.stack([np.roll(np.arange(6.0), step) for step in range(6)])
    assert explained_by_position(every) == pytest.approx(0)
    # 1 minus the variance within a position, relative to all variance.
    maps = rng.random((50, 12)) + 0.5 * rng.random(12)
    maps /= maps.sum(axis=1, keepdims=True)
    within = np.mean([maps[:, patch].var() for patch in range(12)])
    assert explained_by_position(maps) == pytest.approx(1 - within / maps.var())
    # Noise of k times the variance of the positions.
    place, noise = rng.normal(size=400), 2 * rng.normal(size=(400, 400))
    found = explained_by_position(9 + place + noise)
    assert found == pytest.approx((1 + 4 / 400) / 5, abs=0.03)


@pytest.mark.once
def test_correlation_is_numpys_and_leaves_out_constant_maps(rng):
    first, second = rng.random((2, 7, 3, 4))
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second)]
    assert mean_correlation(first, second) == pytest.approx(np.mean(expected))
    assert mean_correlation(first, 1 - first) == pytest.approx(-1)
    second[3] = 0.5 + 1e-8 * rng.random((3, 4))
    expected.pop(3)
    assert mean_correlation(first, second) == pytest.approx(np.mean(expected))
    assert mean_correlation(first, np.ones((7, 3, 4))) is None


@pytest.mark.once
def test_shift_moves_down_and_right_and_mirrors():
    images = np.arange(16).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(
        shifted(images, (1, 1), (2, 1))[0, :, :, 0],
        [[4, 4, 5, 6], [0, 0, 1, 2], [0, 0, 1, 2], [4, 4, 5, 6]],
    )
    np.testing.assert_array_equal(
        shifted(images, (0, 1), (4, 2))[0, 0, :, 0], [1, 0, 0, 1]
    )


@pytest.mark.once
def test_scores_that_follow_the_content(images):
    result = evaluation.attention_statistics(patch_means, images, batch_size=7)
    assert result.flip == pytest.approx(1) and result.shift == pytest.approx(1)
    maps = patch_means(images)
    maps /= maps.sum(axis=1, keepdims=True)
    assert result.entropy == pytest.approx(relative_entropy(maps))
    assert result.position == pytest.approx(explained_by_position(maps))
    assert result.self_attention is None and result.images == 30
    # Scores have no scale.
    tenfold = evaluation.attention_statistics(lambda x: 10 * patch_means(x), images)
    assert tenfold.entropy == pytest.approx(result.entropy)
    assert tenfold.position == pytest.approx(result.position)


@pytest.mark.once
def test_scores_that_are_a_fixed_set_of_positions(images):
    left_to_right = np.tile(np.arange(4.0), 4)

    def fixed(images):
        return np.tile(left_to_right, (len(images), 1))

    result = evaluation.attention_statistics(fixed, images)
    assert result.position == pytest.approx(1)
    assert result.flip == pytest.approx(-1)  # the flip is not followed
    # A ramp remains a ramp on the patches that overlap.
    assert result.shift == pytest.approx(1)
    uniform = evaluation.attention_statistics(lambda x: np.ones((len(x), 16)), images)
    assert uniform.entropy == pytest.approx(1) and uniform.position == 1
    assert uniform.flip is None and uniform.shift is None
    assert "| -" in str(uniform)


@pytest.mark.once
def test_a_row_of_patches_is_shifted_along_its_axis(rng):
    images = rng.random((4, 2, 12, 1))

    def columns(images):
        return images.reshape(-1, 2, 6, 2).mean(axis=(1, 3))

    result = evaluation.attention_statistics(columns, images)
    assert result.shift == pytest.approx(1)


@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize("holder", ["mae", "msa"])
def test_class_token_of_an_mae(images, holder):
    mae = randomize(keras_mra.MAE((8, 8, 1), 2, value_range=(0, 1), **TINY))
    images = images.astype("float32")
    source = mae if holder == "mae" else types.SimpleNamespace(mae=mae)
    result = evaluation.attention_statistics(source, images, batch_size=16)
    row = keras.ops.convert_to_numpy(
        keras_mra.backend.compiled(mae, lambda x: class_token_attention(mae, x))(images)
    )
    assert result.self_attention == pytest.approx(row[:, 0].mean(), rel=1e-5)
    attention = evaluation.attention_statistics(
        lambda x: row_of(mae, x), images, batch_size=16
    )
    for name in ("entropy", "position", "flip", "shift"):
        found, expected = getattr(result, name), getattr(attention, name)
        assert found == pytest.approx(expected, abs=1e-5)
    assert 0 < result.position < 1 and -1 < result.flip < 1


def row_of(mae, images):
    return mae.attention(images)


@pytest.mark.usefixtures("quick_compilation")
def test_a_class_token_that_asks_nothing_is_uniform(images):
    mae = keras_mra.MAE((8, 8, 1), 2, value_range=(0, 1), **TINY)
    query = mae.encoder.get_layer("block_1").query
    for weight in query.weights:
        weight.assign(np.zeros(weight.shape))
    result = evaluation.attention_statistics(mae, images.astype("float32"))
    assert result.self_attention == pytest.approx(1 / 17)
    assert result.entropy == pytest.approx(1) and result.position == 1
    assert result.flip is None


@pytest.mark.once
def test_bad_images_and_scores_are_named(images, tmp_path):
    with pytest.raises(ValueError, match="`images` must hold at least two images"):
        evaluation.attention_statistics(patch_means, images[:1])
    with pytest.raises(ValueError, match="only zeros for 1 of 30 images"):
        images[4] = 0
        evaluation.attention_statistics(patch_means, images)
    result = evaluation.attention_statistics(patch_means, images[5:])
    assert "| variance explained by position, % " in str(result)
    result.save(tmp_path / "result.json")
    assert '"self_attention": null' in (tmp_path / "result.json").read_text()
