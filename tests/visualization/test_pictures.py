"""Pictures show the images, the masks, the paint and the numbers that they say."""

import keras
import numpy as np
import pytest
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


def assert_nothing_clipped(figure):
    """All that is drawn, every text included, lies inside the figure."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()  # inches
    width, height = figure.get_size_inches()
    assert box.x0 > 0 and box.x1 < width
    assert box.y0 > 0 and box.y1 < height


RANGES = [
    (1, (0, 255), "uint8"),
    (3, (0, 255), "uint8"),
    (4, (0, 255), "uint8"),
    (1, (0, 1), "float32"),
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


@pytest.mark.parametrize("channels, value_range, dtype", RANGES[-2:])
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
        assert shown.mean() == 0.5  # two of four patches; the others are mid-gray
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
    assert [a.get_title() for a in axes[0]] == [names[c] for c in predicted]
    # Each of the class that was seen in the original image.
    for row in rows:
        view = np.stack([drawn(axis) for axis in axes[row]])  # gray, 0 to 1
        expected = grad_cam_maps(classifier, 255 * view[..., None], predicted)
        for axis, values in zip(axes[row], expected):
            np.testing.assert_allclose(drawn(axis, 1), values, atol=1e-3)
    assert_nothing_clipped(figure)


# --- Grad-CAM ------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grad_cam(channels):
    classifier, images = make_classifier(channels), make_images(channels)
    figure = visualization.grad_cam(classifier, images, classes=[2, 0])
    axes = grid(figure, 2, 2)
    assert labels(axes) == ["original", "Grad-CAM"]
    assert [a.get_title() for a in axes[0]] == ["class 2", "class 0"]
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


# --- curves --------------------------------------------------------------------------


def legend(axis):
    box = axis.get_legend()
    return [text.get_text() for text in box.get_texts()], box.get_title().get_text()


def band(axis, i):
    """Lower and upper edge of an arm's band, at the places of its line."""
    points = axis.collections[i].get_paths()[0].vertices
    x = axis.lines[i].get_xdata()
    at = [points[np.isclose(points[:, 0], place), 1] for place in x]
    return np.array([p.min() for p in at]), np.array([p.max() for p in at])


def test_occlusion(rng):
    curves = {"none": rng.uniform(0, 1, (3, 4)), "MRA": rng.uniform(0, 1, (3, 4))}
    figure = visualization.plot_occlusion(curves, widths=[0, 2, 4, 7])
    (axis,) = figure.axes
    assert axis.get_title() == "Error under occlusion"
    assert axis.get_xlabel() == "width of the occluded border, pixels"
    assert axis.get_ylabel() == "classification error, %"
    assert legend(axis) == (["none", "MRA"], "mean ± standard\ndeviation, 3 seeds")
    assert axis.lines[0].get_color() != axis.lines[1].get_color()
    for i, errors in enumerate(curves.values()):
        np.testing.assert_array_equal(axis.lines[i].get_xdata(), [0, 2, 4, 7])
        mean, deviation = 100 * errors.mean(0), 100 * errors.std(0, ddof=1)
        np.testing.assert_allclose(axis.lines[i].get_ydata(), mean)
        low, high = band(axis, i)
        np.testing.assert_allclose(low, mean - deviation)
        np.testing.assert_allclose(high, mean + deviation)
    assert_nothing_clipped(figure)


def test_ten_arms_are_told_apart():
    curves = {f"an arm of some length {i}": [[0.1, 0.2]] for i in range(10)}
    figure = visualization.plot_occlusion(curves, [0, 1], xlabel="hidden patches, %")
    (axis,) = figure.axes
    assert axis.get_xlabel() == "hidden patches, %"
    assert legend(axis)[1] == "one seed"
    assert not axis.collections
    looks = {(line.get_color(), line.get_linestyle()) for line in axis.lines}
    assert len(looks) == 10
    assert_nothing_clipped(figure)


def as_history(values):
    history = keras.callbacks.History()
    history.history = {"loss": [0.0], "accuracy": values}
    return history


@pytest.mark.parametrize("form", [list, as_history, lambda v: {"accuracy": v}])
def test_learning_curves(form):
    histories = {
        "none": [form([0.1, 0.5, 0.7]), form([0.3, 0.5, 0.8, 0.9])],
        "MRA": form([0.2, 0.6]),
    }
    figure = visualization.plot_learning_curves(histories, "accuracy")
    (axis,) = figure.axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "accuracy")
    assert legend(axis) == (
        ["none", "MRA"],
        "mean ± standard\ndeviation, 1 to 2 seeds",
    )
    # Up to the epoch that all seeds of the arm reached.
    np.testing.assert_array_equal(axis.lines[0].get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [0.2, 0.5, 0.75])
    np.testing.assert_allclose(axis.lines[1].get_ydata(), [0.2, 0.6])
    low, high = band(axis, 0)
    deviation = np.array([0.1, 0.0, 0.05]) * 2**0.5
    np.testing.assert_allclose((high - low) / 2, deviation, atol=1e-12)
    assert len(axis.collections) == 1  # a single seed has no band
    assert_nothing_clipped(figure)


def test_learning_curves_of_some_epochs():
    runs = [{"epoch": [1, 5, 10], "error": [0.9, 0.5, 0.2]}]
    (axis,) = visualization.plot_learning_curves({"none": runs}, "error").axes
    np.testing.assert_array_equal(axis.lines[0].get_xdata(), [1, 5, 10])


# --- bad input -----------------------------------------------------------------------


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
    ],
)
def test_bad_arguments(plot, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(visualization, plot)(make_mae(), make_images(), **arguments)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"class_names": ["cat"]}, "`class_names` must name each of the model's 3"),
        ({"classes": 3}, "`classes` must be from 0 to 2"),
        ({"layer": "none"}, "`layer` must be a layer of the model"),
        ({"value_range": (0, 1)}, "`value_range`"),
    ],
)
def test_bad_arguments_of_grad_cam(arguments, message):
    with pytest.raises(ValueError, match=message):
        visualization.grad_cam(make_classifier(), make_images(), **arguments)


@pytest.mark.parametrize(
    "curves, widths, message",
    [
        ({}, [0], "`curves` must be a dict"),
        ([[0.1]], [0], "`curves` must be a dict"),
        ({"a": [[0.1, 0.2]]}, [0], r"\(seeds, 1\).*for 'a'"),
        ({"a": [[10.0, 20.0]]}, [0, 1], "shares in .*from 10 to 20 for 'a'"),
        ({"a": [[0.1, np.nan]]}, [0, 1], "shares in"),
        ({"a": [[0.1, 0.2]]}, [1, 0], "`widths` must be increasing"),
    ],
)
def test_bad_curves(curves, widths, message):
    with pytest.raises(ValueError, match=message):
        visualization.plot_occlusion(curves, widths)


@pytest.mark.parametrize(
    "histories, message",
    [
        ([], "`histories` must be a dict"),
        ({"a": {"accuracy": [1]}}, r"a run of 'a' with \['accuracy'\]"),
        ({"a": [[]]}, "number per epoch"),
        ({"a": []}, "at least one run.*'a'"),
    ],
)
def test_bad_histories(histories, message):
    with pytest.raises(ValueError, match=message):
        visualization.plot_learning_curves(histories)
