"""The choice of patches: how many, which, how often, and with which seed."""

import keras
import numpy as np
import pytest
from helpers.models import traced
from keras import ops

from keras_mra import masking


def visible(*args, **kwargs):
    return ops.convert_to_numpy(masking.visible_patches(*args, **kwargs))


@pytest.fixture
def attention(rng):
    return rng.dirichlet(np.ones(12), size=5).astype("float32")


# --- how many ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "patches, ratio, kept", [(196, 0.75, 49), (49, 0.4, 29), (64, 0.5, 32), (2, 0.5, 1)]
)
def test_num_visible(patches, ratio, kept):
    assert masking.num_visible(patches, ratio) == kept


@pytest.mark.parametrize(
    "patches, ratio, counts",
    [
        (64, 0.75, (16,)),
        (64, (0.4, 0.75), (38, 31, 23, 16)),
        (64, [0.5, 0.5], (32,)),
        (4, (0.25, 0.75), (3, 2, 1)),
    ],
)
def test_visible_counts(patches, ratio, counts):
    assert masking.visible_counts(patches, ratio) == counts


@pytest.mark.parametrize("ratio", [0, 1, 0.0, 1.0, -0.5, 1.5, float("nan")])
def test_ratio_outside_the_interval(ratio):
    with pytest.raises(ValueError, match=r"`mask_ratio` must be in \(0, 1\)"):
        masking.num_visible(16, ratio)


@pytest.mark.parametrize("ratio", ["0.5", None, True, [0.5]])
def test_ratio_that_is_no_number(ratio):
    with pytest.raises(ValueError, match=r"`mask_ratio` must be a number"):
        masking.num_visible(16, ratio)


@pytest.mark.parametrize("ratio, what", [(0.01, "drop none"), (0.99, "keep none")])
def test_ratio_that_keeps_or_drops_no_patch(ratio, what):
    with pytest.raises(ValueError, match=what) as error:
        masking.num_visible(16, ratio)
    assert "mask_ratio" in str(error.value) and "16" in str(error.value)


# --- which ---------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.75])
def test_attention_keeps_the_most_attended(attention, ratio):
    found = visible(attention, ratio)
    kept = 12 - round(12 * ratio)
    assert found.dtype == "int32"
    np.testing.assert_array_equal(found, np.argsort(-attention, axis=1)[:, :kept])


def test_low_attention_keeps_the_least_attended(attention):
    found = visible(attention, 0.75, strategy="low_attention")
    np.testing.assert_array_equal(found, np.argsort(attention, axis=1)[:, :3])


def test_equal_scores_keep_raster_order():
    """Backends agree on ties: the earlier patch wins."""
    flat = np.full((2, 8), 0.125, "float32")
    np.testing.assert_array_equal(visible(flat, 0.5), [[0, 1, 2, 3]] * 2)
    pairs = np.repeat(np.array([[0.1, 0.3, 0.2, 0.4]], "float32"), 2, axis=1)
    np.testing.assert_array_equal(visible(pairs, 0.5), [[6, 7, 2, 3]])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_dtypes(attention, dtype):
    scores = ops.cast(attention, dtype)
    found = visible(scores, 0.5)
    exact = ops.convert_to_numpy(ops.cast(scores, "float32"))
    chosen = np.take_along_axis(exact, found, axis=1)
    assert chosen.shape == (5, 6)
    assert (chosen.min(axis=1) >= np.sort(exact, axis=1)[:, 6]).all()


@pytest.mark.parametrize("strategy", masking.STRATEGIES)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_indices_are_distinct_and_in_range(attention, strategy, temperature):
    found = visible(attention, 0.5, strategy, temperature, seed=0)
    assert found.shape == (5, 6)
    assert all(len(set(row)) == 6 for row in found.tolist())
    assert found.min() >= 0 and found.max() < 12


def test_random_ignores_the_attention(attention):
    one = visible(attention, 0.5, "random", seed=3)
    other = visible(attention[:, ::-1].copy() * 7, 0.5, "random", seed=3)
    np.testing.assert_array_equal(one, other)


# --- chance --------------------------------------------------------------------------

DRAWS = 4000
PROBABILITIES = np.array([0.1, 0.4, 0.2, 0.3], "float32")


def frequencies(strategy="attention", temperature=0.0, mask_ratio=0.75):
    """How often each of four patches is kept, over many images."""
    attention = np.tile(PROBABILITIES, (DRAWS, 1))
    found = visible(attention, mask_ratio, strategy, temperature, seed=1)
    return np.bincount(found.ravel(), minlength=4) / DRAWS


# Six standard deviations of a frequency.
WIDE = 6 * 0.5 / np.sqrt(DRAWS)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_gumbel_noise_samples_powers_of_the_attention(temperature):
    expected = PROBABILITIES ** (1 / temperature)
    np.testing.assert_allclose(
        frequencies(temperature=temperature), expected / expected.sum(), atol=WIDE
    )


def test_gumbel_noise_samples_low_attention():
    expected = 1 / PROBABILITIES
    np.testing.assert_allclose(
        frequencies("low_attention", 1.0), expected / expected.sum(), atol=WIDE
    )


def test_temperature_zero_is_the_paper():
    np.testing.assert_array_equal(frequencies(), [0, 1, 0, 0])


def test_a_small_temperature_is_close_to_the_paper():
    np.testing.assert_array_equal(frequencies(temperature=1e-3), [0, 1, 0, 0])


@pytest.mark.parametrize("strategy", ["attention", "low_attention"])
def test_a_large_temperature_is_uniformly_random(strategy):
    np.testing.assert_allclose(frequencies(strategy, 1e4), 0.25, atol=WIDE)


@pytest.mark.parametrize("mask_ratio, share", [(0.75, 0.25), (0.5, 0.5), (0.25, 0.75)])
def test_random_is_uniform(mask_ratio, share):
    np.testing.assert_allclose(
        frequencies("random", mask_ratio=mask_ratio), share, atol=WIDE
    )


def test_samples_without_replacement_follow_plackett_luce():
    """Two of four kept, at temperature 1: exact inclusion probabilities."""
    p = PROBABILITIES / PROBABILITIES.sum()
    expected = [
        p[i] + sum(p[j] * p[i] / (1 - p[j]) for j in range(4) if j != i)
        for i in range(4)
    ]
    found = frequencies(temperature=1.0, mask_ratio=0.5)
    np.testing.assert_allclose(found, expected, atol=WIDE)


def test_patches_without_attention_come_last_but_can_be_drawn():
    scores = np.array([[0.0, 0.5, 0.0, 0.5]], "float32")
    found = visible(np.tile(scores, (50, 1)), 0.5, temperature=1.0, seed=0)
    assert set(found.ravel().tolist()) == {1, 3}
    found = visible(np.tile(scores, (50, 1)), 0.25, temperature=1.0, seed=0)
    assert found.shape == (50, 3) and set(found[:, 2].tolist()) == {0, 2}


# --- seeds ---------------------------------------------------------------------------


@pytest.mark.parametrize("strategy, temperature", [("random", 0.0), ("attention", 1.0)])
def test_seeds(attention, strategy, temperature):
    def draw(seed):
        return visible(attention, 0.5, strategy, temperature, seed).tolist()

    assert draw(7) == draw(7) != draw(8)
    generator = keras.random.SeedGenerator(7)
    first, second = draw(generator), draw(generator)
    assert first != second
    again = keras.random.SeedGenerator(7)
    assert [draw(again), draw(again)] == [first, second]
    assert draw(None) != draw(None)


def test_images_of_a_batch_get_different_masks():
    flat = np.full((20, 16), 1 / 16, "float32")
    found = visible(flat, 0.5, "random", seed=0)
    assert len({tuple(sorted(row)) for row in found.tolist()}) > 15


# --- tracing -------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", masking.STRATEGIES)
def test_symbolic_batch(strategy):
    def choose(attention):
        return masking.visible_patches(attention, 0.75, strategy, 0.5, seed=0)

    spec = keras.layers.Lambda(choose)(keras.KerasTensor((None, 12)))
    assert spec.shape == (None, 3)


@pytest.mark.parametrize(
    "strategy, temperature", [("attention", 0.0), ("attention", 1.0), ("random", 0.0)]
)
def test_compiled(attention, strategy, temperature):
    def choose(attention):
        return masking.visible_patches(attention, 0.5, strategy, temperature, seed=0)

    compiled = traced(choose, ((None, 12), "float32"))
    for batch in (attention, attention[:3]):
        batch = ops.convert_to_tensor(batch)
        np.testing.assert_array_equal(
            ops.convert_to_numpy(compiled(batch)), ops.convert_to_numpy(choose(batch))
        )


# --- bad arguments -------------------------------------------------------------------


def test_strategies_that_are_arrays(attention):
    with pytest.raises(ValueError, match="`strategy` must be one of"):
        masking.visible_patches(attention, 0.5, strategy=np.array(["random"] * 2))


def test_unknown_strategy_lists_the_known(attention):
    with pytest.raises(ValueError, match="'attention', 'random', 'low_attention'.*'x'"):
        masking.visible_patches(attention, 0.5, strategy="x")


@pytest.mark.parametrize(
    "temperature", [-1, float("inf"), float("nan"), "1", None, True]
)
def test_bad_temperature(attention, temperature):
    with pytest.raises(ValueError, match="`temperature`.*Received: temperature="):
        masking.visible_patches(attention, 0.5, temperature=temperature)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4)])
def test_attention_of_another_rank(shape):
    with pytest.raises(ValueError, match=r"`attention`.*\(batch, patches\)"):
        masking.visible_patches(np.ones(shape, "float32"), 0.5)


@pytest.mark.parametrize("strategy", ["attention", "low_attention"])
@pytest.mark.parametrize(
    "bad, found", [(np.nan, "NaN"), (np.inf, "infinite"), (-0.25, "down to -0.25")]
)
def test_attention_that_ranks_nothing(strategy, bad, found):
    scores = np.array([[0.4, 0.3, 0.2, 0.1], [0.4, bad, 0.2, 0.1]], "float32")
    for attention in (scores, ops.convert_to_tensor(scores)):
        message = f"`attention` must be finite and at least 0. Received: .*{found}"
        with pytest.raises(ValueError, match=message):
            masking.visible_patches(attention, 0.5, strategy)
    # Only the shape of the scores matters.
    assert masking.visible_patches(scores, 0.5, "random").shape == (2, 2)


@pytest.mark.parametrize("count", [10.7, 0, -4, "16", None, float("nan"), True])
def test_bad_number_of_patches(count):
    """10.7 patches left 5.7."""
    for call in (masking.num_visible, masking.visible_counts):
        with pytest.raises(ValueError, match="`num_patches` must be a positive int"):
            call(count, 0.5)
    with pytest.raises(ValueError, match="`num_patches` must be a positive int"):
        masking.random_patches(2, count, 1)


@pytest.mark.parametrize("kept", [99, 5, 0, -1, 2.0, "2", None])
def test_bad_number_of_random_patches(kept):
    with pytest.raises(ValueError, match="`kept` must be an integer from 1 to .*4. R"):
        masking.random_patches(2, 4, kept)
    with pytest.raises(ValueError, match="`batch_size` must be .*-1"):
        masking.random_patches(-1, 4, 2)


def test_ranked_patches_checks_all_but_values(attention):
    with pytest.raises(ValueError, match="`strategy` must be one of"):
        masking.ranked_patches(attention, 0.5, strategy=5)
    with pytest.raises(ValueError, match="`temperature` must be"):
        masking.ranked_patches(attention, 0.5, temperature=-1)
    with pytest.raises(ValueError, match="`attention` must have shape"):
        masking.ranked_patches(attention[None], 0.5)
    with pytest.raises(ValueError, match="`attention` must be an array"):
        masking.ranked_patches("x", 0.5)
    masking.ranked_patches(np.full_like(attention, np.nan), 0.5)


def test_ragged_attention():
    with pytest.raises(ValueError, match="`attention` must be an array, a tensor, or"):
        masking.visible_patches([[1.0, 2.0], [1.0]], 0.5)
