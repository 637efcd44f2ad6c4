"""Every message names the argument, what was expected and what came."""

import re
import warnings

import keras
import numpy as np
import pytest
from helpers.models import traced
from keras import ops

from keras_mra import checks

NAN, INFINITY = float("nan"), float("inf")


def refuses(pattern):
    return pytest.raises(ValueError, match=pattern)


# --- arguments -----------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, 7, np.int64(3)])
def test_positive_int(value):
    found = checks.positive_int("depth", value)
    assert found == value and type(found) is int


@pytest.mark.parametrize("value", [0, -1, 1.5, 2.0, "3", None, True, np.bool_(True)])
def test_no_positive_int(value):
    with refuses(r"`depth` must be a positive integer.*Received: depth="):
        checks.positive_int("depth", value)


@pytest.mark.parametrize("check", [checks.positive_int, checks.fraction])
def test_a_number_that_python_does_not_write(check):
    with refuses(r"`depth` must be .*Received: depth=an integer of 16,610 bits"):
        check("depth", 10**5_000)


def test_an_integer_that_no_array_holds():
    assert checks.positive_int("depth", 2**63 - 1) == 2**63 - 1
    with refuses(r"a positive integer, below 2\*\*63. Received: depth=922337203685477"):
        checks.positive_int("depth", 2**63)


@pytest.mark.parametrize(
    "value, pair", [(4, (4, 4)), ((2, 3), (2, 3)), ([2, 3], (2, 3))]
)
def test_pair_of_ints(value, pair):
    assert checks.pair_of_ints("patch_size", value) == pair


@pytest.mark.parametrize(
    "value", [0, (4,), (1, 2, 3), "4", None, (4, 0), (4, 2.0), True]
)
def test_no_pair_of_ints(value):
    with refuses(r"`patch_size` must be a positive integer.*Received: patch_size="):
        checks.pair_of_ints("patch_size", value)


@pytest.mark.parametrize(
    "value, numbers", [(3, (3,)), ([1, 5], (1, 5)), ((np.int64(2),), (2,))]
)
def test_positive_ints(value, numbers):
    assert checks.positive_ints("k", value) == numbers


@pytest.mark.parametrize("value", [0, (), [], (1, 0), 2.0, (1, 2.5), "12", None])
def test_no_positive_ints(value):
    with refuses("`k` must be a positive integer.* Received: k="):
        checks.positive_ints("k", value)


def test_image_shape():
    assert checks.image_shape([8, 12, 3]) == (8, 12, 3)


@pytest.mark.parametrize(
    "value", [8, (8, 8), (8, 8, 3, 1), (8, 0, 3), (8, None, 3), "x"]
)
def test_no_image_shape(value):
    with refuses(r"`image_shape` must be .*Received: image_shape="):
        checks.image_shape(value)


def test_patch_grid():
    assert checks.patch_grid((8, 12, 3), (4, 3)) == (2, 4)


@pytest.mark.parametrize("patch_size", [(3, 4), (4, 5), (16, 4)])
def test_image_that_the_patch_does_not_divide(patch_size):
    with refuses("`image_shape` must be divisible by `patch_size`") as error:
        checks.patch_grid((8, 12, 3), patch_size)
    assert "(8, 12, 3)" in str(error.value) and str(patch_size) in str(error.value)


def test_a_single_patch():
    with refuses("`patch_size` must cut the image into at least two patches"):
        checks.patch_grid((8, 12, 3), (8, 12))


def test_value_range():
    assert checks.value_range([0, 255]) == (0.0, 255.0)


@pytest.mark.parametrize(
    "value", [(1, 0), (0, 0), 255, (0, NAN), (0, INFINITY), (0, 1, 2), "ab", None]
)
def test_no_value_range(value):
    with refuses("`value_range` must be a pair.*Received: value_range="):
        checks.value_range(value)


def test_channel_statistics():
    assert checks.channel_statistics("mean", None, 3) is None
    assert checks.channel_statistics("mean", 0.5, 3) == (0.5, 0.5, 0.5)
    assert checks.channel_statistics("std", (1, 2), 2, positive=True) == (1.0, 2.0)
    assert checks.channel_statistics("mean", (-1, 0), 2) == (-1.0, 0.0)


@pytest.mark.parametrize("value", [(1, 2), (1, 2, NAN), (1, 2, 0), (1, 2, -1)])
def test_no_channel_statistics(value):
    with refuses(r"`std` must be one positive.*\(3\).*Received: std="):
        checks.channel_statistics("std", value, 3, positive=True)


@pytest.mark.parametrize("value", [0.1, 4, np.float32(2)])
def test_positive_float(value):
    assert checks.positive_float("rate", value) == pytest.approx(float(value))


@pytest.mark.parametrize("value", [0, -1.0, NAN, INFINITY, "1", None, True])
def test_no_positive_float(value):
    with refuses("`rate` must be a positive number. Received: rate="):
        checks.positive_float("rate", value)


def test_fraction():
    assert [checks.fraction("rate", v) for v in (0, 0.5, 1)] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("value", [-0.1, 1.1, NAN, "1", None, True])
def test_no_fraction(value):
    with refuses(r"`rate` must be in \[0, 1\]. Received: rate="):
        checks.fraction("rate", value)


@pytest.mark.parametrize("value", [None, 0, 7, np.int64(7)])
def test_seed(value):
    assert checks.seed(value) == value


@pytest.mark.parametrize("value", [-1, 1.0, "0", True])
def test_no_seed(value):
    with refuses(r"`seed` must be an integer from 0 to 2\*\*64 - 1 or None. Received:"):
        checks.seed(value)


def test_width_and_heads():
    assert checks.width_and_heads("encoder", 24, 3) == (24, 3)
    with refuses("`encoder_dim` must be divisible by 4.*encoder_dim=18"):
        checks.width_and_heads("encoder", 18, 3)
    with refuses("`decoder_dim` must be divisible by `decoder_heads`.*decoder_heads=5"):
        checks.width_and_heads("decoder", 24, 5)


@pytest.mark.parametrize("value", [-3, 3, 1.0, None, True, "last"])
def test_no_block(value):
    with refuses("`block` must be an integer from -2 to 1.*Received: block="):
        checks.block_index("block", value, 2)


def test_resolution():
    assert checks.resolution((8, 6), (4, 3)) == ((8, 6), (2, 2))
    with refuses("`resolution` must be divisible by `patch_size`.*resolution=7"):
        checks.resolution(7, (4, 3))
    assert checks.resolution(64, (4, 4), own_size=(8, 8)) == ((64, 64), (16, 16))
    with refuses("`image_size` must be at most 8 times.*8, 8.*image_size=68"):
        checks.resolution(68, (4, 4), "image_size", own_size=(8, 8))


@pytest.mark.parametrize(
    "value", [(0, 1), (0.5, 0.2), (0.5, 1.5), 0.5, (NAN, 1), None, (0.1, 0.2, 0.3)]
)
def test_no_ascending_pair(value):
    with refuses("`scale` must be a pair of positive numbers, at most 1.*scale="):
        checks.ascending_pair("scale", value, upper=1.0)


def test_ascending_pair_without_limit():
    assert checks.ascending_pair("ratio", (0.5, 2)) == (0.5, 2.0)
    with refuses("`ratio` must be a pair"):
        checks.ascending_pair("ratio", (0.5, INFINITY))


# --- images --------------------------------------------------------------------------

SHAPE = (8, 12, 3)


@pytest.mark.parametrize("shape", [SHAPE, (1, 2, *SHAPE), (5,)])
def test_images_of_another_rank(shape):
    with refuses(
        r"`images` must have rank 4, .*Received: shape " + re.escape(str(shape))
    ):
        checks.image_batch(np.zeros(shape, "uint8"), SHAPE)


@pytest.mark.parametrize(
    "shape, axis",
    [((2, 8, 12, 1), "channels"), ((2, 4, 12, 3), "height"), ((2, 8, 8, 3), "width")],
)
def test_images_of_another_shape(shape, axis):
    with refuses(f"`images` must have shape .*8, 12, 3.*whose {axis} is") as error:
        checks.image_batch(np.zeros(shape, "uint8"), SHAPE)
    assert str(shape) in str(error.value)


def test_sizes_that_are_free():
    checks.image_batch(np.zeros((2, 5, 7, 3), "uint8"), (None, None, 3))
    checks.image_batch(keras.KerasTensor((None, None, None, 3)), SHAPE)


@pytest.mark.parametrize("dtype", ["bool", "complex64", "str"])
def test_pixels_of_another_kind(dtype):
    with refuses(f"`images` must hold integers or floats. Received: dtype {dtype}"):
        checks.image_batch(np.zeros((2, *SHAPE), dtype), SHAPE)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "bfloat16", "float32"])
def test_pixels_of_every_backend(dtype):
    checks.pixel_dtype(ops.zeros((1, *SHAPE), dtype))


def both_kinds(array):
    """An array, and a tensor of the backend."""
    return [array, ops.convert_to_tensor(array)]


@pytest.mark.parametrize("bad", [NAN, INFINITY, -INFINITY])
def test_pixels_that_are_not_finite(bad):
    images = np.full((2, 2, 2, 1), 0.5, "float32")
    images[1, 0, 1, 0] = bad
    for batch in both_kinds(images):
        with refuses("`images` must be finite. Received: NaN or infinite"):
            checks.pixel_values(batch, (0, 1))


@pytest.mark.parametrize("bad", [-3.0, 300.0])
def test_pixels_out_of_range(bad):
    images = np.full((2, 2, 2, 1), 100, "float32")
    images[0, 0, 0, 0] = bad
    for batch in both_kinds(images):
        with refuses("`images` must lie in the model's `value_range`") as error:
            checks.pixel_values(batch, (0.0, 255.0))
        assert "(0.0, 255.0)" in str(error.value) and f"{bad:g}" in str(error.value)


def test_integers_out_of_range():
    with refuses("value_range.*to 200"):
        checks.pixel_values(np.full((1, 2, 2, 1), 200, "uint8"), (0.0, 1.0))


def test_rounding_noise_is_within_range():
    checks.pixel_values(np.array([[[[-1e-5], [1 + 1e-5]]]], "float32"), (0.0, 1.0))


def test_no_images():
    for batch in both_kinds(np.zeros((0, *SHAPE), "float32")):
        with refuses("`images` must not be empty. Received: shape"):
            checks.pixel_values(batch, (0, 255))


def test_the_other_convention_warns():
    images = np.random.default_rng(0).uniform(size=(2, 4, 4, 1)).astype("float32")
    for batch in both_kinds(images):
        with pytest.warns(
            UserWarning, match=r"scaled to \[0, 1\].*value_range=\(0, 1\)"
        ):
            checks.pixel_values(batch, (0.0, 255.0))


@pytest.mark.parametrize(
    "images, value_range",
    [
        (np.ones((1, 2, 2, 1), "uint8"), (0.0, 255.0)),  # dark, but integers
        (np.zeros((1, 2, 2, 1), "float32"), (0.0, 255.0)),  # black
        (np.full((1, 2, 2, 1), 0.5, "float32"), (0.0, 1.0)),
        (np.full((1, 2, 2, 1), 9.0, "float32"), (0.0, 255.0)),
    ],
)
def test_legal_images_do_not_warn(images, value_range):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for batch in both_kinds(images):
            checks.pixel_values(batch, value_range)


# --- visible -------------------------------------------------------------------------


def test_visible_indices():
    for visible in both_kinds(np.array([[3, 0], [1, 2]], "int32")):
        checks.visible_indices(visible, 4)


@pytest.mark.parametrize(
    "visible, pattern",
    [
        (np.zeros(4, "int32"), r"must have shape \(batch, kept\).*\(4,\)"),
        (np.zeros((1, 2, 1), "int32"), r"must have shape \(batch, kept\)"),
        (np.zeros((2, 1), "float32"), "must hold integers.*float32"),
        (np.zeros((2, 0), "int32"), "must keep at least one patch"),
        (np.array([[0, 4]], "int32"), "from 0 to 3.*from 0 to 4"),
        (np.array([[-1, 2]], "int32"), "from 0 to 3.*from -1 to 2"),
        (np.array([[0, 1], [2, 2]], "int32"), "at most once.*repeated"),
    ],
)
def test_bad_visible_indices(visible, pattern):
    for indices in both_kinds(visible):
        with refuses("`visible` .*" + pattern):
            checks.visible_indices(indices, 4)


# --- concrete or not -----------------------------------------------------------------


def test_arrays_and_tensors_are_concrete():
    assert all(checks.is_concrete(x) for x in both_kinds(np.zeros(3, "float32")))
    assert not checks.is_concrete(keras.KerasTensor((None, 3)))


def test_traced_values_are_not_looked_at():
    def double(images):
        checks.image_batch(images, (2, 2, 1))
        if checks.is_concrete(images):
            checks.pixel_values(images, (0, 1))
        return images * 2

    if keras.backend.backend() == "torch":
        pytest.skip("torch.compile runs Python on concrete values between graphs")
    out_of_range = ops.full((1, 2, 2, 1), 7.0)
    found = traced(double, ((None, 2, 2, 1), "float32"))(out_of_range)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), 14)


# --- what looks like numbers ---------------------------------------------------------


@pytest.mark.parametrize("value", ["01", (True, 2), ("0", "1"), [0, "1"]])
def test_pairs_of_other_things(value):
    for check in (checks.value_range, lambda v: checks.ascending_pair("scale", v)):
        with refuses("must be a pair"):
            check(value)


@pytest.mark.parametrize("value", ["0.5", True, [True, True, False], ["0", "1", "2"]])
def test_channel_statistics_of_other_things(value):
    with refuses("`mean` must be one finite number per channel"):
        checks.channel_statistics("mean", value, 3)


def test_integers_above_the_largest_float():
    for check in (checks.positive_float, checks.nonnegative_float, checks.any_number):
        with refuses("`rate` must be .*number.*Received: rate=1000"):
            check("rate", 10**400)
    with refuses("`value_range` must be a pair"):
        checks.value_range((0, 10**400))


@pytest.mark.parametrize("value", [-3.5, 0, np.float32(2)])
def test_any_number(value):
    assert checks.any_number("value", value) == value


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY, "1", None, True])
def test_not_any_number(value):
    with refuses("`value` must be a finite number. Received: value="):
        checks.any_number("value", value)
