"""The losses against their definitions and against differences."""

import numpy as np
import pytest
from helpers.models import traced
from keras import ops

from keras_mra import backend
from keras_mra.losses import cosine_distance
from keras_mra.losses import info_nce


def unit(x):
    x = np.asarray(x, "float64")
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def reference_info_nce(queries, keys, temperature, positives):
    """By the definition, in float64: minus the log of the softmax."""
    scores = unit(queries) @ unit(keys).T / temperature
    chosen = scores[np.arange(len(queries)), positives]
    return np.log(np.exp(scores).sum(axis=1)) - chosen


def gradient(function, x):
    """Gradient of the sum of `function(x)`, as a NumPy array."""
    found = backend.value_and_gradient(lambda x: ops.sum(function(x)), x)[1]
    return ops.convert_to_numpy(found)


def central_differences(function, x, step=1e-5):
    result = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        offset = np.zeros(x.shape)
        offset[index] = step
        up, down = function(x + offset).sum(), function(x - offset).sum()
        result[index] = (up - down) / (2 * step)
    return result


def features(rng, *shape):
    return rng.normal(size=shape).astype("float32")


def array(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_info_nce_against_numpy(rng, temperature):
    queries, keys = features(rng, 7, 16), features(rng, 7, 16)
    found = info_nce(queries, keys, temperature)
    assert tuple(found.shape) == (7,) and ops.dtype(found) == "float32"
    expected = reference_info_nce(queries, keys, temperature, np.arange(7))
    np.testing.assert_allclose(array(found), expected, rtol=1e-5, atol=1e-5)


def test_the_default_temperature(rng):
    queries, keys = features(rng, 5, 8), features(rng, 5, 8)
    expected = reference_info_nce(queries, keys, 0.1, np.arange(5))
    np.testing.assert_allclose(array(info_nce(queries, keys)), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_positives_say_which_key_is_whose(rng, dtype):
    queries, keys = features(rng, 4, 8), features(rng, 11, 8)
    positives = np.array([10, 0, 3, 3], dtype)
    found = array(info_nce(queries, keys, 0.1, ops.convert_to_tensor(positives)))
    expected = reference_info_nce(queries, keys, 0.1, positives)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_devices_with_the_global_keys_add_up_to_one_device(rng):
    queries, keys = features(rng, 8, 6), features(rng, 8, 6)
    parts = [
        info_nce(queries[at : at + 2], keys, positives=np.arange(at, at + 2))
        for at in range(0, 8, 2)
    ]
    whole = array(info_nce(queries, keys))
    np.testing.assert_allclose(np.concatenate([array(p) for p in parts]), whole, 1e-6)
    # With its own keys alone, each part would be an easier task.
    alone = array(info_nce(queries[:2], keys[:2]))
    assert (alone < whole[:2] - 0.1).all()


def test_cosine_distance_against_numpy(rng):
    queries, keys = features(rng, 9, 5), features(rng, 9, 5)
    queries[0], queries[1] = keys[0], -3 * keys[1]
    found = cosine_distance(queries, keys)
    assert tuple(found.shape) == (9,) and ops.dtype(found) == "float32"
    expected = np.square(unit(queries) - unit(keys)).sum(axis=-1)
    np.testing.assert_allclose(array(found), expected, atol=1e-6)
    np.testing.assert_allclose(array(found)[:2], [0, 4], atol=1e-6)


@pytest.mark.parametrize("loss", [info_nce, cosine_distance])
def test_lengths_do_not_count(rng, loss):
    queries, keys = features(rng, 6, 8), features(rng, 6, 8)
    lengths = 10.0 ** rng.uniform(-12, 12, (2, 6, 1)).astype("float32")
    found = array(loss(queries * lengths[0], keys * lengths[1]))
    np.testing.assert_allclose(found, array(loss(queries, keys)), 1e-4, 1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("loss", [info_nce, cosine_distance])
def test_half_precision_is_left_at_once(rng, dtype, loss):
    """Values are those of the rounded features in float32, to float32's precision."""
    # Squares of such numbers are beyond float16.
    queries = ops.cast(300 * features(rng, 6, 32), dtype)
    keys = ops.cast(300 * features(rng, 6, 32), dtype)
    found = loss(queries, keys)
    assert ops.dtype(found) == "float32"
    expected = loss(ops.cast(queries, "float32"), ops.cast(keys, "float32"))
    np.testing.assert_allclose(array(found), array(expected), rtol=1e-6)


def test_info_nce_is_stable(rng):
    """At a low temperature the logits are ±200, whose exponentials overflow."""
    keys = np.eye(4, dtype="float32")
    np.testing.assert_allclose(array(info_nce(keys, keys, 0.005)), 0, atol=1e-6)
    swapped = np.array([1, 0, 3, 2])
    found = array(info_nce(keys, keys, 0.005, swapped))
    np.testing.assert_allclose(found, 200, rtol=1e-5)


def test_gradient_of_info_nce_against_differences(rng):
    queries, keys = features(rng, 3, 5), features(rng, 6, 5)
    positives = np.array([4, 0, 2])
    np.testing.assert_allclose(
        gradient(lambda q: info_nce(q, keys, 0.3, positives), queries),
        central_differences(
            lambda q: reference_info_nce(q, keys, 0.3, positives), queries
        ),
        rtol=1e-3,
        atol=1e-5,
    )
    np.testing.assert_allclose(
        gradient(lambda k: info_nce(queries, k, 0.3, positives), keys),
        central_differences(
            lambda k: reference_info_nce(queries, k, 0.3, positives), keys
        ),
        rtol=1e-3,
        atol=1e-5,
    )


def test_gradient_of_cosine_distance_in_closed_form(rng):
    """`-2 (k - cos q) / |q|` for q and k of length 1, orthogonal to the query."""
    queries, keys = features(rng, 4, 6), features(rng, 4, 6)
    found = gradient(lambda q: cosine_distance(q, keys), queries)
    q, k = unit(queries), unit(keys)
    cosine = (q * k).sum(axis=-1, keepdims=True)
    length = np.linalg.norm(queries, axis=-1, keepdims=True)
    np.testing.assert_allclose(found, -2 * (k - cosine * q) / length, 1e-4, 1e-6)


@pytest.mark.parametrize("loss", [info_nce, cosine_distance])
def test_zero_vectors(rng, loss):
    """Zero vectors have cosine 0 with all vectors, finite values and no gradient."""
    queries, keys = features(rng, 5, 8), features(rng, 5, 8)
    queries[1] = keys[2] = 0
    values = array(loss(queries, keys))
    assert np.isfinite(values).all()
    alone = {info_nce: np.log(5), cosine_distance: 2}[loss]
    np.testing.assert_allclose(values[1], alone, rtol=1e-6)
    of_queries = gradient(lambda q: loss(q, keys), queries)
    of_keys = gradient(lambda k: loss(queries, k), keys)
    assert np.isfinite(of_queries).all() and np.isfinite(of_keys).all()
    assert not of_queries[1].any() and not of_keys[2].any()
    assert of_queries[0].any() and of_keys[0].any()


@pytest.mark.parametrize("loss", [info_nce, cosine_distance])
def test_nan_is_not_hidden(rng, loss):
    queries, keys = features(rng, 3, 4), features(rng, 3, 4)
    queries[1, 2] = np.nan
    values = array(loss(queries, keys))
    assert np.isnan(values[1]) and np.isfinite(values[[0, 2]]).all()


@pytest.mark.parametrize("loss", [info_nce, cosine_distance])
def test_compiled_for_any_batch(rng, loss):
    function = traced(loss, ((None, 4), "float32"), ((None, 4), "float32"))
    for size in (3, 5):
        queries, keys = (
            ops.convert_to_tensor(features(rng, size, 4)) for _ in range(2)
        )
        expected = array(loss(queries, keys))
        np.testing.assert_allclose(array(function(queries, keys)), expected, 1e-5)


def test_bad_input(rng):
    queries, keys = features(rng, 4, 8), features(rng, 4, 8)
    with pytest.raises(ValueError, match="`temperature`.*positive.*temperature=0"):
        info_nce(queries, keys, temperature=0)
    with pytest.raises(ValueError, match="`keys`.*each query.*3 keys for 4 queries"):
        info_nce(queries, keys[:3])
    with pytest.raises(ValueError, match="same width.*8 and 6"):
        info_nce(queries, keys[:, :6])
    with pytest.raises(ValueError, match=r"`keys`.*\(batch, dim\).*shape \(8,\)"):
        cosine_distance(queries, keys[0])
    with pytest.raises(ValueError, match="`queries` must be floats.*int32"):
        cosine_distance(queries.astype("int32"), keys)
    with pytest.raises(ValueError, match="`keys` must hold one key.*1 keys for 4 qu"):
        cosine_distance(queries, keys[:1])
    with pytest.raises(ValueError, match="`queries` must be an array.*of type str"):
        info_nce("x", keys)


@pytest.mark.parametrize(
    "positives, message",
    [
        ([5, -7, 0, 0], "places among 4 keys.*from -7 to 5"),
        (np.array([0, 1, 2, 4]), "places among 4 keys.*from 0 to 4"),
        ([0, 1], r"one integer for each query.*shape \(2,\)"),
        (np.zeros((4, 1), "int32"), r"one integer for each query.*shape \(4, 1\)"),
        (ops.convert_to_tensor(np.zeros(4, "float32")), "one integer.*dtype float32"),
        ("ab", "an array, a tensor.*of type str"),
    ],
)
def test_bad_positives(rng, positives, message):
    queries, keys = features(rng, 4, 8), features(rng, 4, 8)
    with pytest.raises(ValueError, match=f"`positives` must be .*{message}"):
        info_nce(queries, keys, positives=positives)
