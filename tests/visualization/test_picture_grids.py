"""Figures of images: pictures, masks, paint, attention, Grad-CAM and numbers."""

import keras
import numpy as np
import pytest
from helpers.figures import assert_nothing_clipped
from helpers.figures import assert_titles_apart
from helpers.models import TINY
from helpers.models import compute
from keras import layers
from keras import ops

import keras_mra
from keras_mra import visualization
from keras_mra.visualization import grad_cam_maps

pytest.importorskip("matplotlib")


def make_mae(channels=1, value_range=(0, 255), **arguments):
    arguments = {"patch_size": 4, "value_range": value_range, **TINY, **arguments}
    return keras_mra.MAE((8, 8, channels), **arguments)


def make_images(channels=1, value_range=(0, 255), dtype="uint8"):
    low, high = value_range
    images = np.random.default_rng(0).uniform(low, high, (2, 8, 8, channels))
    return images.astype(dtype)


def grid(figure, rows, columns):
    """The axes of the pictures, without those of the scales."""
    axes = [a for a in figure.axes if a.get_label() != "scale"]
    return np.array(axes).reshape(rows, columns)


def scales(figure):
    return [a.get_ylabel() for a in figure.axes if a.get_label() == "scale"]


def labels(axes):
    return [row[0].get_ylabel().replace("\n", " ") for row in axes]


def drawn(axis, i=0):
    return np.asarray(axis.images[i].get_array())


def as_drawn(images, value_range):
    """What a reader expects to see, from 0 to 1."""
    low, high = value_range
    pictures = (images.astype("float64") - low) / (high - low)
    if images.shape[-1] == 4:
        return 1 - pictures[..., 3:] * (1 - pictures[..., :3])
    return pictures if images.shape[-1] == 3 else pictures[..., 0]


def titles(axes):
    return [axis.get_title().replace("\n", " ") for axis in axes[0]]


# Grey, four channels and colour; both dtypes; two ranges.
RANGES = [
    (1, (0, 255), "uint8"),
    (4, (0, 255), "uint8"),
    (3, (-1, 1), "float32"),
]


# --- reconstructions -----------------------------------------------------------------


@pytest.mark.parametrize("channels, value_range, dtype", RANGES)
def test_reconstructions(channels, value_range, dtype):
    mae = make_mae(channels, value_range)
    images = make_images(channels, value_range, dtype)
    figure = visualization.plot_reconstructions(mae, images, mask_ratio=0.5, seed=3)
    axes = grid(figure, 4, 2)
    assert labels(axes) == ["original", "visible", "reconstructed", "error"]
    assert figure.get_suptitle() == "2 of 4 patches hidden at random"
    assert scales(figure) == ["absolute error,\n% of the value range"]
    for i in range(2):
        original, visible, painted, error = (drawn(axis) for axis in axes[:, i])
        np.testing.assert_allclose(
            original, as_drawn(images, value_range)[i], atol=1e-6
        )
        is_gray = np.abs(visible.reshape(8, 8, -1) - 0.5).max(-1) == 0
        hidden = is_gray.reshape(2, 4, 2, 4).all((1, 3))  # patches of 4x4 pixels
        assert hidden.sum() == 2
        indices = np.flatnonzero(~hidden.ravel())[None].astype("int32")
        expected = ops.convert_to_numpy(mae.reconstruct(images[i : i + 1], indices))
        np.testing.assert_allclose(
            painted, as_drawn(expected, value_range)[0], atol=1e-3
        )
        shown = ~np.kron(hidden, np.ones((4, 4), bool))
        np.testing.assert_array_equal(visible[shown], original[shown])
        difference = np.abs(expected[0].astype("float64") - images[i]).mean(-1)
        percent = 100 * difference / (value_range[1] - value_range[0])
        np.testing.assert_allclose(error, percent, atol=0.1)
        text = axes[3, i].get_xlabel()
        mean = float(text.removeprefix("mean ").removesuffix(" %"))
        assert mean == pytest.approx(percent[~shown].mean(), abs=0.1)
    assert_nothing_clipped(figure)


def test_reconstructions_repeat_with_the_seed():
    mae, images = make_mae(patch_size=2), make_images()

    def visible(seed):
        figure = visualization.plot_reconstructions(mae, images, seed=seed)
        assert figure.get_suptitle() == "12 of 16 patches hidden at random"
        return drawn(grid(figure, 4, 2)[1, 0])

    np.testing.assert_array_equal(visible(1), visible(1))
    assert (visible(1) != visible(2)).any()


def test_reconstructions_of_standardised_patches_say_so():
    mae, images = make_mae(norm_pix_loss=True), make_images()
    figure = visualization.plot_reconstructions(mae, images, mask_ratio=0.5)
    axes = grid(figure, 4, 2)
    assert "mean and deviation given" in labels(axes)[2]
    hidden = (drawn(axes[1, 0]) == 0.5).reshape(2, 4, 2, 4).all((1, 3))
    visible = np.flatnonzero(~hidden.ravel())[None].astype("int32")
    expected = mae.reconstruct(images[:1], visible, restore_patch_statistics=True)
    np.testing.assert_allclose(
        drawn(axes[2, 0]), ops.convert_to_numpy(expected)[0, ..., 0] / 255, atol=5e-3
    )
    assert_nothing_clipped(figure)


# --- attention -----------------------------------------------------------------------


@pytest.mark.parametrize("channels, value_range, dtype", RANGES)
def test_attention(channels, value_range, dtype):
    block = -1 if dtype == "uint8" else 0
    mae = make_mae(channels, value_range)
    images = make_images(channels, value_range, dtype)
    figure = visualization.plot_attention(mae, images, block)
    axes = grid(figure, 2, 2)
    assert labels(axes) == ["original", "attention"]
    number = {-1: 2, 0: 1}[block]
    assert figure.get_suptitle() == (
        f"Attention of the class token, block {number} of 2"
    )
    assert scales(figure) == ["attention to a patch\n(1 = uniform)"]
    attention = ops.convert_to_numpy(mae.attention(images, block)).reshape(2, 2, 2)
    expected = as_drawn(images, value_range)
    gray = expected @ [0.299, 0.587, 0.114] if channels > 1 else expected
    for i in range(2):
        np.testing.assert_allclose(drawn(axes[0, i]), expected[i], atol=1e-6)
        np.testing.assert_allclose(drawn(axes[1, i]), gray[i], atol=1e-6)
        heat = axes[1, i].images[1]
        np.testing.assert_allclose(heat.get_array(), 4 * attention[i], rtol=1e-5)
        assert heat.get_extent() == [-0.5, 7.5, 7.5, -0.5]
        np.testing.assert_allclose(heat.get_clim(), (0, 4 * attention.max()), rtol=1e-5)
    assert_nothing_clipped(figure)


def test_attention_under_mixed_precision():
    mae, images = make_mae(dtype="mixed_bfloat16"), make_images()
    axes = grid(visualization.plot_attention(mae, images), 2, 2)
    assert drawn(axes[1, 0], 1).sum() == pytest.approx(4, rel=1e-3)


# --- masking strategies --------------------------------------------------------------


def make_classifier(channels=1):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, channels)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="features"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("channels, value_range, dtype", RANGES[-1:])
def test_masking_strategies(channels, value_range, dtype):
    mae = make_mae(channels, value_range)
    images = make_images(channels, value_range, dtype)
    figure = visualization.plot_masking_strategies(mae, images, mask_ratio=0.5)
    axes = grid(figure, 8, 2)
    assert labels(axes) == [
        "original",
        "attention",
        "attention: visible",
        "attention: reconstructed",
        "random: visible",
        "random: reconstructed",
        "low attention: visible",
        "low attention: reconstructed",
    ]
    assert figure.get_suptitle() == "Masking strategies, 2 of 4 patches hidden"
    np.testing.assert_allclose(
        drawn(axes[0, 1]), as_drawn(images, value_range)[1], atol=1e-6
    )
    attention = ops.convert_to_numpy(mae.attention(images))[1]
    np.testing.assert_allclose(
        drawn(axes[1, 1], 1), 4 * attention.reshape(2, 2), rtol=1e-5
    )
    original = drawn(axes[0, 1]).reshape(8, 8, -1)
    kept = {}
    for row in (2, 4, 6):
        shown = (drawn(axes[row, 1]).reshape(8, 8, -1) == original).all(-1)
        assert shown.mean() == 0.5  # two of four patches; the others are mid-grey
        painted = drawn(axes[row + 1, 1]).reshape(8, 8, -1)
        np.testing.assert_allclose(painted[shown], original[shown], atol=1e-6)
        kept[row] = set(np.flatnonzero(shown[::4, ::4]))
    assert kept[2] == set(np.argsort(attention)[2:])
    assert kept[6] == set(np.argsort(attention)[:2])
    assert_nothing_clipped(figure)


def test_masking_strategies_with_a_classifier():
    mae, images, classifier = make_mae(), make_images(), make_classifier()
    names = ["cat", "dog", "bird"]
    figure = visualization.plot_masking_strategies(
        mae, images, mask_ratio=0.5, classifier=classifier, class_names=names
    )
    axes = grid(figure, 12, 2)
    rows = [i for i, label in enumerate(labels(axes)) if "Grad-CAM" in label]
    assert rows == [2, 5, 8, 11]
    assert labels(axes)[5] == "attention: Grad-CAM"
    predicted = compute(classifier, images.astype("float32")).argmax(1)
    # A bare name would pass for the true class.
    assert titles(axes) == [f"predicted: {names[c]}" for c in predicted]
    # All maps explain the class that is predicted for the original image.
    for row in rows:
        view = np.stack([drawn(axis) for axis in axes[row]])  # grey, 0 to 1
        expected = grad_cam_maps(classifier, 255 * view[..., None], predicted)
        for axis, values in zip(axes[row], expected):
            np.testing.assert_allclose(drawn(axis, 1), values, atol=1e-3)
    assert_nothing_clipped(figure)


def test_given_classes_of_masking_strategies_are_not_called_predicted():
    figure = visualization.plot_masking_strategies(
        make_mae(), make_images(), 0.5, classifier=make_classifier(), classes=[2, 0]
    )
    assert titles(grid(figure, 12, 2)) == ["class 2", "class 0"]


# --- Grad-CAM ------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grad_cam(channels):
    classifier, images = make_classifier(channels), make_images(channels)
    figure = visualization.grad_cam(classifier, images, classes=[2, 0])
    axes = grid(figure, 2, 2)
    assert labels(axes) == ["original", "Grad-CAM"]
    assert titles(axes) == ["class 2", "class 0"]
    assert figure.get_suptitle() == 'Grad-CAM at layer "features"'
    assert scales(figure) == ["evidence for the class\n(1 = image's largest)"]
    expected = grad_cam_maps(classifier, images, [2, 0])
    for i in range(2):
        np.testing.assert_allclose(
            drawn(axes[0, i]), as_drawn(images, (0, 255))[i], atol=1e-6
        )
        np.testing.assert_allclose(drawn(axes[1, i], 1), expected[i], atol=1e-6)
        assert axes[1, i].images[1].get_clim() == (0, 1)
    assert_nothing_clipped(figure)


def test_predicted_classes_are_called_so():
    classifier, images = make_classifier(), make_images()
    predicted = compute(classifier, images.astype("float32")).argmax(1)
    figure = visualization.grad_cam(classifier, images)
    expected = [f"predicted: class {c}" for c in predicted]
    assert titles(grid(figure, 2, 2)) == expected


@pytest.mark.parametrize(
    "name",
    ["Acer pseudoplatanus, the sycamore maple", "rhabdomyosarcoma_" * 3, "W" * 40],
)
def test_long_class_names_fit(name):
    classifier, images = make_classifier(), np.repeat(make_images(), 2, axis=0)
    figure = visualization.grad_cam(classifier, images, class_names=[name] * 3)
    found = titles(grid(figure, 2, 4))
    assert [t.replace(" ", "") for t in found] == [
        "predicted:" + name.replace(" ", "")
    ] * 4
    assert_titles_apart(figure)
    assert_nothing_clipped(figure)


# --- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "plot",
    [
        visualization.plot_reconstructions,
        visualization.plot_attention,
        visualization.plot_masking_strategies,
    ],
)
@pytest.mark.parametrize("mae", [None, make_images(), "mae_nano"])
def test_what_is_no_mae(plot, mae):
    with pytest.raises(ValueError, match="`mae` must be a `keras_mra.MAE`. Received"):
        plot(mae, make_images())


@pytest.mark.parametrize(
    "plot",
    [
        visualization.plot_reconstructions,
        visualization.plot_attention,
        visualization.plot_masking_strategies,
    ],
)
def test_bad_images(plot):
    mae = make_mae()
    with pytest.raises(ValueError, match="`images` must have rank 4"):
        plot(mae, make_images()[0])
    with pytest.raises(ValueError, match="`images` must have shape"):
        plot(mae, make_images(3))
    with pytest.raises(ValueError, match="`value_range`"):
        plot(mae, 300.0 + make_images())


@pytest.mark.parametrize(
    "plot, arguments, message",
    [
        ("plot_reconstructions", {"mask_ratio": 1.5}, "`mask_ratio`"),
        ("plot_reconstructions", {"seed": -1}, "`seed`"),
        ("plot_attention", {"block": 2}, "`block`"),
        ("plot_masking_strategies", {"mask_ratio": 0.01}, "`mask_ratio`"),
        ("plot_masking_strategies", {"seed": "a"}, "`seed`"),
        ("plot_masking_strategies", {"classifier": 0}, "`classifier` must be a Keras"),
    ],
)
def test_bad_arguments(plot, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(visualization, plot)(make_mae(), make_images(), **arguments)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"class_names": ["cat"]}, "`class_names` must name each of the model's 3"),
        ({"class_names": 3}, "`class_names` must be a list of names.*class_names=3"),
        ({"layer": np.zeros(2)}, "`layer` must be a layer of the model"),
        ({"classes": 3}, "`classes` must be from 0 to 2"),
        ({"layer": "none"}, "`layer` must be a layer of the model"),
        ({"value_range": (0, 1)}, "`value_range`"),
    ],
)
def test_bad_arguments_of_grad_cam(arguments, message):
    with pytest.raises(ValueError, match=message):
        visualization.grad_cam(make_classifier(), make_images(), **arguments)
