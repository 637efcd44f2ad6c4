"""The weak and strong views: what they are, what their parts do, where they run."""

import colorsys

import keras
import numpy as np
import pytest
from keras import ops

from keras_mra import views
from keras_mra.layers import RandomResizedCrop

pytestmark = pytest.mark.usefixtures("quick_compilation")

KINDS = [views.weak, views.strong]
COLOUR, GRAY = (12, 16, 3), (12, 16, 1)


def array(x):
    return ops.convert_to_numpy(x)


def only(shape, **rates):
    """The strong view's parts that are named, and flips."""
    off = dict(jitter=0, grayscale=0, blur=0, solarize=0)
    return views.strong(shape, (0, 1), 0, crop_scale=None, **{**off, **rates})


def mirrored(images):
    """Images that a flip does not change."""
    return np.concatenate([images, images[:, :, ::-1]], axis=2)


def flat(colours, size=4):
    """An image of one colour for each row of `colours`."""
    colours = np.asarray(colours, "float32")[:, None, None]
    return np.tile(colours, (1, size, size, 1))


def assert_all_differ(images):
    images = array(images).reshape(len(images), -1)
    distance = np.abs(images[:, None] - images[None]).max(axis=-1)
    assert distance[~np.eye(len(images), dtype=bool)].min() > 1e-4


# --- what every view is ---------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(28, 28, 1), (16, 24, 3), (9, 7, 4)])
def test_shape_dtype_and_range(rng, kind, shape):
    images = rng.integers(0, 256, (32, *shape), dtype="uint8")
    found = kind(shape, seed=0)(images)
    assert tuple(found.shape) == images.shape and ops.dtype(found) == "float32"
    found = array(found)
    assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 255
    assert found.max() > 200 and np.abs(found - images).mean() > 10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value_range", [(-1, 1), (0, 255)])
def test_any_range_gives_the_same_views(rng, kind, value_range):
    images = rng.uniform(size=(64, *COLOUR)).astype("float32")
    expected = array(kind(COLOUR, (0, 1), seed=3)(images))
    low, high = value_range
    found = array(kind(COLOUR, value_range, seed=3)(images * (high - low) + low))
    assert found.min() >= low and found.max() <= high
    # Hue has a jump at grey, which rounding can decide.
    same = np.abs((found - low) / (high - low) - expected) < 1e-3
    assert same.mean() > 0.999


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_dtypes_give_the_same_views(rng, dtype):
    images = rng.integers(0, 256, (4, *COLOUR)).astype("float32")
    expected = array(views.strong(COLOUR, seed=1)(images))
    found = array(views.strong(COLOUR, seed=1)(images.astype(dtype)))
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_without_training_images_pass(rng, kind, dtype):
    images = rng.integers(0, 256, (3, *COLOUR)).astype(dtype)
    found = kind(COLOUR, seed=0)(images, training=False)
    assert ops.dtype(found) == "float32"
    np.testing.assert_array_equal(array(found), images.astype("float32"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [COLOUR, GRAY])
def test_each_image_has_its_own_view(rng, kind, shape):
    image = rng.uniform(0, 255, (1, *shape)).astype("float32")
    assert_all_differ(kind(shape, seed=0)(np.repeat(image, 12, axis=0)))


def test_seeds(rng):
    images = rng.uniform(0, 255, (2, *COLOUR)).astype("float32")

    def draws(kind, seed, **arguments):
        view = kind(COLOUR, seed=seed, **arguments)
        return [array(view(images)) for _ in range(2)]

    for kind in KINDS:
        first, second = draws(kind, 0)
        np.testing.assert_array_equal(draws(kind, 0), [first, second])
        for other in (second, draws(kind, 1)[0], draws(kind, None)[0]):
            assert np.abs(first - other).max() > 1
    assert np.abs(draws(views.weak, None)[0] - draws(views.weak, None)[0]).max() > 1
    # The two views of one seed do not share their crops.
    bare = draws(views.strong, 0, jitter=0, grayscale=0, blur=0, solarize=0)
    assert np.abs(bare[0] - draws(views.weak, 0)[0]).max() > 1


def test_no_two_layers_share_a_seed():
    states = [v for kind in KINDS for v in kind(COLOUR, seed=0).variables]
    seeded = {tuple(array(v)) for v in states}
    # The layer that always makes grey draws too, to no effect: it takes no seed.
    assert len(states) == 2 + 13 and len(seeded) == len(states)


# --- what the parts do ---------------------------------------------------------------


def test_weak_views_crop_and_flip_only(rng):
    colours = rng.uniform(0, 255, (6, 3))
    images = np.tile(flat(colours, 8), (1, 1, 2, 1))
    found = array(views.weak((8, 16, 3), seed=0)(images))
    np.testing.assert_allclose(found, images, atol=1e-3)


def test_flips_without_crops(rng):
    images = rng.uniform(0, 255, (60, 4, 6, 3)).astype("float32")
    found = array(views.weak((4, 6, 3), seed=0, crop_scale=None)(images))
    stayed = np.abs(found - images).max(axis=(1, 2, 3)) < 1e-3
    turned = np.abs(found - images[:, :, ::-1]).max(axis=(1, 2, 3)) < 1e-3
    assert (stayed ^ turned).all() and 15 < turned.sum() < 45


@pytest.mark.parametrize("kind", KINDS)
def test_crops_have_the_asked_size(kind):
    """The slope of a ramp is the share of the width that the crop shows."""
    ramp = np.arange(32, dtype="float32") / 32
    images = np.broadcast_to(ramp[None, None, :, None], (128, 32, 32, 1))
    off = dict(jitter=0, blur=0, solarize=0) if kind is views.strong else {}
    view = kind((32, 32, 1), (0, 1), 0, crop_scale=(0.25, 0.5), **off)
    found = array(view(images))
    width = 32 * np.abs(found[:, 16, 20, 0] - found[:, 16, 12, 0]) / 8
    # Areas from 0.25 to 0.5 and aspects from 3/4 to 4/3.
    assert width.min() > np.sqrt(0.25 * 0.75) - 1e-2
    assert width.max() < np.sqrt(0.5 / 0.75) + 1e-2
    assert width.std() > 0.05


def test_grayscale_is_the_luminance(rng):
    images = mirrored(rng.uniform(size=(4, 6, 5, 3)))
    found = array(only((6, 10, 3), grayscale=1)(images))
    luminance = images @ [0.2989, 0.587, 0.114]
    np.testing.assert_allclose(found, luminance[..., None].repeat(3, -1), atol=1e-5)


@pytest.mark.parametrize("part", ["grayscale", "blur", "solarize", "jitter"])
@pytest.mark.parametrize("rate", [0.25, 0.8])
def test_rates_are_shares_of_the_images(rng, part, rate):
    images = mirrored(rng.uniform(0.2, 0.8, size=(400, 4, 2, 3)))
    found = array(only((4, 4, 3), **{part: rate})(images))
    changed = np.abs(found - images).max(axis=(1, 2, 3)) > 1e-4
    # Gaussians of less than 0.25 pixels and thresholds above 0.8 change nothing.
    idle = {"blur": 0.15 / 0.4, "solarize": 0.2}.get(part, 0)
    assert abs(changed.mean() - rate * (1 - idle)) < 0.08


def test_solarisation_inverts_what_is_above_a_threshold(rng):
    images = mirrored(rng.uniform(size=(64, 8, 4, 1)))
    found = array(only((8, 8, 1), solarize=1)(images))
    inverted = np.abs(found - (1 - images)) < 1e-5
    assert (inverted | (np.abs(found - images) < 1e-5)).all()
    shares = inverted.mean(axis=(1, 2, 3))
    assert shares.min() < 0.2 and shares.max() > 0.8
    for image, above in zip(images, inverted):
        # A value and its inverse cannot be told apart at one half.
        clear = np.abs(image - 0.5) > 1e-3
        if above.any() and not above.all():
            assert image[above & clear].min() >= image[~above & clear].max()


def test_jitter_of_brightness_and_contrast():
    """A line per image: the slope is its contrast, the shift its brightness."""
    x = np.linspace(0.4, 0.6, 16)
    images = mirrored(np.broadcast_to(x[None, None, :, None], (256, 2, 16, 1)))
    found = array(only((2, 32, 1), jitter=1)(images))[:, 0, :16, 0]
    contrast = (found[:, -1] - found[:, 0]) / 0.2
    slopes = np.repeat(contrast[:, None] * 0.2 / 15, 15, axis=1)
    np.testing.assert_allclose(np.diff(found), slopes, atol=1e-5)
    assert 0.6 - 1e-3 < contrast.min() < 0.65 and 1.35 < contrast.max() < 1.4 + 1e-3
    brightness = found.mean(axis=1) - 0.5
    assert -0.2 - 1e-3 < brightness.min() < -0.18
    assert 0.18 < brightness.max() < 0.2 + 1e-3


def test_jitter_of_saturation_and_hue():
    """On images of one colour contrast does nothing, and colours have a formula."""
    before = (0.45, 0.4, 0.36)
    found = array(only((4, 4, 3), jitter=1)(flat([before] * 256)))
    np.testing.assert_allclose(found, found[:, :1, :1] + 0 * found, atol=1e-6)
    hue, saturation, value = np.array(
        [colorsys.rgb_to_hsv(*pixel) for pixel in found[:, 0, 0].astype("float64")]
    ).T
    turned = (hue - colorsys.rgb_to_hsv(*before)[0] + 0.5) % 1 - 0.5
    assert -0.1 - 1e-3 < turned.min() < -0.09 and 0.09 < turned.max() < 0.1 + 1e-3
    # Brightness, added to all channels, has moved the largest and kept the range.
    factor = saturation * value / (max(before) - min(before))
    assert 0.6 - 1e-3 < factor.min() < 0.65 and 1.35 < factor.max() < 1.4 + 1e-3


def test_other_images_than_colour_keep_their_channels_apart(rng):
    """Channels that change places before the view do so after it."""
    order = [2, 0, 3, 1]
    images = rng.uniform(size=(64, 6, 6, 4)).astype("float32")
    shape = (6, 6, 4)
    found = array(views.strong(shape, (0, 1), seed=0, grayscale=1)(images))
    other = array(views.strong(shape, (0, 1), seed=0, grayscale=1)(images[..., order]))
    np.testing.assert_allclose(other, found[..., order], atol=1e-5)
    colour = views.strong((6, 6, 3), (0, 1), seed=0), images[..., :3]
    found = array(colour[0](colour[1]))
    again = views.strong((6, 6, 3), (0, 1), seed=0)
    other = array(again(images[..., [2, 0, 1]]))
    assert np.abs(other - found[..., [2, 0, 1]]).max() > 0.01


def test_gray_images_have_jitter_blur_and_solarisation(rng):
    images = np.repeat(mirrored(rng.uniform(0.2, 0.8, (1, 8, 4, 1))), 50, axis=0)
    for part in ("jitter", "blur", "solarize"):
        found = only((8, 8, 1), **{part: 1})(images)
        assert np.abs(array(found) - images).max() > 0.01
        assert len(np.unique(array(found).reshape(50, -1).round(4), axis=0)) > 10
    np.testing.assert_allclose(
        array(only((8, 8, 1), grayscale=1)(images)), images, atol=1e-6
    )


def test_the_blur_follows_the_size_of_the_images():
    """What a single bright pixel keeps, along one axis, says how wide the blur was."""

    def kept(side):
        images = np.zeros((48, side, side, 1), "float32")
        images[:, side // 2, side // 2] = 1
        found = array(only((side, side, 1), blur=1)(images))
        return np.sqrt(found.max(axis=(1, 2, 3)).min())

    def gaussian(sigma):
        return 1 / np.exp(-np.square(np.arange(-20, 21) / sigma) / 2).sum()

    for side, sigma in [(28, 0.5), (64, 1.0), (128, 2.0), (160, 2.0)]:
        assert gaussian(sigma) < kept(side) < gaussian(0.9 * sigma)


# --- where they run -------------------------------------------------------------------


def compiled(view, jit_compile):
    """The view as training steps compile it."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(
            lambda images: view(images, training=True), jit_compile=jit_compile
        )
    if backend == "jax":
        import jax

        view.build((None, *view.image_shape))
        run = jax.jit(lambda *args: view.stateless_call(*args, training=True))

        def call(images):
            states = [v.value for v in view.non_trainable_variables]
            found, states = run([], states, images)
            for variable, state in zip(view.non_trainable_variables, states):
                variable.assign(state)
            return found

        return call
    return lambda images: view(images, training=True)


# PyTorch stays eager, as in this package's training; JAX always compiles.
JIT = [pytest.param(True, marks=pytest.mark.xla)]
if keras.backend.backend() == "tensorflow":
    JIT.append(pytest.param(False, marks=pytest.mark.graph))


@pytest.mark.parametrize("jit_compile", JIT)
@pytest.mark.parametrize("kind", KINDS)
def test_compiled(rng, kind, jit_compile):
    image = rng.integers(0, 256, (1, *COLOUR), dtype="uint8")
    function = compiled(kind(COLOUR, seed=0), jit_compile)
    images = ops.convert_to_tensor(np.repeat(image, 4, axis=0))
    found = [array(function(images)) for _ in range(2)]
    assert found[0].shape == (4, *COLOUR) and found[0].dtype == "float32"
    assert np.min(found) >= 0 and np.max(found) <= 255
    assert_all_differ(np.concatenate(found))


@pytest.mark.parametrize("jit_compile", JIT)
def test_in_a_model(rng, tmp_path, jit_compile):
    """`fit` augments; `evaluate` and `predict` do not; files bring the view back."""
    images = rng.integers(0, 256, (8, *COLOUR), dtype="uint8")
    view = views.strong(COLOUR, seed=0)
    model = keras.Sequential([keras.Input(COLOUR, dtype="uint8"), view])
    assert model.output_shape == (None, *COLOUR)
    torch = keras.backend.backend() == "torch"
    model.compile("sgd", Difference(), jit_compile=jit_compile and not torch)
    history = model.fit(images, images, batch_size=4, verbose=0)
    assert history.history["loss"][0] > 5
    assert model.evaluate(images, images, verbose=0) == 0
    np.testing.assert_array_equal(model.predict(images, verbose=0), images)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    expected = array(views.strong(COLOUR, seed=0)(images))
    np.testing.assert_array_equal(array(loaded.layers[-1](images)), expected)


@keras.saving.register_keras_serializable("test_views")
class Difference(keras.losses.Loss):
    def call(self, y_true, y_pred):
        difference = ops.cast(y_true, "float32") - ops.cast(y_pred, "float32")
        return ops.mean(ops.abs(difference), axis=(1, 2, 3))


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow relaxes sizes"
)
def test_sizes_unknown_to_the_trace(rng):
    import tensorflow as tf

    view = views.strong(COLOUR, seed=0)
    signature = [tf.TensorSpec((None, None, None, 3), "float32")]
    function = tf.function(view, input_signature=signature)
    found = function(rng.uniform(0, 255, (3, *COLOUR)).astype("float32"))
    assert found.shape == (3, *COLOUR)


@pytest.mark.parametrize("kind", KINDS)
def test_global_settings_do_not_reach_the_pixels(rng, kind):
    images = rng.uniform(0, 255, (16, *COLOUR)).astype("float32")
    expected = array(kind(COLOUR, seed=0)(images))
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        keras.config.set_image_data_format("channels_first")
        found = kind(COLOUR, seed=0)(images)
    finally:
        keras.config.set_dtype_policy(policy)
        keras.config.set_image_data_format("channels_last")
    assert ops.dtype(found) == "float32"
    np.testing.assert_allclose(array(found), expected, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_is_serializable(rng, kind):
    images = rng.uniform(-1, 1, (3, *COLOUR)).astype("float32")
    view = kind(COLOUR, (-1, 1), seed=5, crop_scale=(0.4, 0.9))
    config = keras.saving.serialize_keras_object(view)
    again = keras.saving.deserialize_keras_object(config)
    assert keras.saving.serialize_keras_object(again) == config
    np.testing.assert_array_equal(array(again(images)), array(view(images)))


def test_a_view_of_ones_own(rng):
    images = rng.uniform(0, 255, (8, *COLOUR)).astype("float32")
    layers = [RandomResizedCrop((1, 1), (1, 1)), keras.layers.Rescaling(-1, 1)]
    found = views.View(layers, COLOUR)(images)
    np.testing.assert_allclose(array(found), 255 - images, atol=1e-3)
    # Layers that leave the range are held in it.
    found = array(views.View([keras.layers.Rescaling(3)], COLOUR)(images))
    np.testing.assert_allclose(found, np.minimum(3 * images, 255), atol=1e-3)


def test_bad_input(rng):
    with pytest.raises(ValueError, match=r"`image_shape` must be \(height.*\(28, 28\)"):
        views.weak((28, 28))
    with pytest.raises(ValueError, match="`value_range`.*lower first.*value_range="):
        views.strong(COLOUR, value_range=(1, 0))
    with pytest.raises(ValueError, match="`seed`.*seed=-1"):
        views.weak(COLOUR, seed=-1)
    with pytest.raises(ValueError, match="`crop_scale`.*at most 1.*scale="):
        views.weak(COLOUR, crop_scale=(0.2, 2))
    for part in ("jitter", "grayscale", "blur", "solarize"):
        with pytest.raises(ValueError, match=rf"`{part}` must be in \[0, 1\].*=1.5"):
            views.strong(COLOUR, **{part: 1.5})
    view = views.weak(COLOUR)
    with pytest.raises(ValueError, match="`images` must have shape.*height is 8"):
        view(rng.uniform(size=(2, 8, 16, 3)))
    with pytest.raises(ValueError, match="`images` must have shape.*height is 8"):
        view(rng.uniform(size=(8, 16, 3)))
    with pytest.raises(ValueError, match="`inputs` must be images of shape"):
        view(rng.uniform(size=COLOUR[:2]))
