"""Figures of curves: lines, bands, legends and labels."""

import keras
import numpy as np
import pytest
from helpers.figures import assert_nothing_clipped

from keras_mra import visualization

pytest.importorskip("matplotlib")

# NumPy and matplotlib alone: no backend computes anything here.
pytestmark = pytest.mark.once


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


def test_occlusion_shows_differences_and_no_impossible_errors():
    curves = {"none": [[0.60, 0.70]], "MRA": [[0.62, 0.66]]}
    (axis,) = visualization.plot_occlusion(curves, [0, 4]).axes
    low, high = axis.get_ylim()
    assert 50 < low < 60 and 70 < high < 80
    curves = {"none": [[0.0, 0.3], [0.3, 0.4]]}  # The band reaches below 0.
    (axis,) = visualization.plot_occlusion(curves, [0, 4]).axes
    assert axis.get_ylim()[0] == 0


def test_long_names_leave_the_curves_their_room():
    def drawn(name, arms=2):
        curves = {f"{name} {i}": [[0.1, 0.2]] for i in range(arms)}
        figure = visualization.plot_occlusion(curves, [0, 1], xlabel=30 * "width ")
        assert_nothing_clipped(figure)
        (axis,) = figure.axes
        room = axis.get_window_extent()
        legend = axis.get_legend().get_window_extent()
        assert not room.overlaps(legend)
        return room.width, legend.height

    short, _ = drawn("a")
    long, _ = drawn("an augmentation whose name has far more than thirty characters")
    assert long > 0.95 * short
    _, height = drawn("an augmentation whose name has many characters", arms=30)
    assert height > 500  # Taller than the usual figure.


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


def test_learning_curves_are_cut_to_the_differences_of_later_epochs():
    falling = [0.9, 0.6, 0.3, 0.3, 0.3, 0.3]
    histories = {"none": [falling], "MRA": [[v - 0.02 for v in falling]]}
    histories["MSA"] = [[0.25] * 6, [0.27] * 6]
    figure = visualization.plot_learning_curves(histories, "error")
    (axis,) = figure.axes
    low, high = axis.get_ylim()
    deviation = 0.01 * 2**0.5
    span = 0.3 - (0.26 - deviation)
    assert low == pytest.approx(0.26 - deviation - 0.15 * span)
    # Room for as much again on the side of the first epochs, which are outside.
    assert high == pytest.approx(0.3 + 1.15 * span)
    assert axis.get_title() == "Learning curves, cut to the values of later epochs"
    np.testing.assert_allclose(axis.lines[0].get_ydata(), falling)
    assert_nothing_clipped(figure)


def test_rising_learning_curves_are_cut_below():
    rising = [0.1, 0.5, 0.89, 0.9]
    histories = {"none": [rising], "MRA": [[0.1, 0.5, 0.91, 0.92]]}
    (axis,) = visualization.plot_learning_curves(histories, "accuracy").axes
    low, high = axis.get_ylim()
    assert 0.8 < low < 0.87 and 0.92 < high < 0.93


@pytest.mark.parametrize(
    "histories",
    [
        {"none": [[0.9, 0.5, 0.1, 0.1]]},  # Only its course is to be seen.
        {"none": [[0.5, 0.4, 0.3, 0.2]], "MRA": [[0.5, 0.4, 0.3, 0.1]]},
        {"none": [[0.9, 0.1]], "MRA": [[0.8, 0.1]]},  # They end in one point.
        {"none": [[0.9, 0.2, 0.11, np.nan]], "MRA": [[0.9, 0.2, 0.1, 0.1]]},
    ],
)
def test_other_learning_curves_are_drawn_whole(histories):
    (axis,) = visualization.plot_learning_curves(histories, "error").axes
    low, high = axis.get_ylim()
    values = [v for runs in histories.values() for run in runs for v in run]
    assert low < np.nanmin(values) and high > np.nanmax(values)
    assert axis.get_title() == "Learning curves"


def test_long_label_of_a_metric_fits():
    label = "pretraining: the mean squared error of the hidden patches, all channels"
    histories = {"none": [0.3, 0.2]}
    figure = visualization.plot_learning_curves(histories, "loss", label)
    (axis,) = figure.axes
    assert axis.get_ylabel().replace("\n", " ") == label
    assert_nothing_clipped(figure)


def test_learning_curves_of_some_epochs():
    runs = [{"epoch": [1, 5, 10], "error": [0.9, 0.5, 0.2]}]
    (axis,) = visualization.plot_learning_curves({"none": runs}, "error").axes
    np.testing.assert_array_equal(axis.lines[0].get_xdata(), [1, 5, 10])


@pytest.mark.parametrize(
    "curves, widths, message",
    [
        ({}, [0], "`curves` must be a dict"),
        ([[0.1]], [0], "`curves` must be a dict"),
        ({"a": [[0.1, 0.2]]}, [0], r"\(seeds, 1\).*for 'a'"),
        ({"a": [[10.0, 20.0]]}, [0, 1], "shares in .*from 10 to 20 for 'a'"),
        ({"a": [[0.1, np.nan]]}, [0, 1], "shares in"),
        ({"a": [[0.1, 0.2]]}, [1, 0], "`widths` must be increasing"),
        ({"a": [[0.1, 0.2]]}, [np.nan, 1], "`widths` must be increasing"),
        ({"a": [[0.1, 0.2]]}, "x", "`widths` must be an array"),
        ({"a": [[0.1], [0.1, 0.2]]}, [0, 1], "`curves` must be an array"),
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


def test_labels_that_are_no_strings():
    with pytest.raises(ValueError, match="`ylabel` must be a string or None.*=3"):
        visualization.plot_learning_curves({"a": [1, 2]}, ylabel=3)
    with pytest.raises(ValueError, match=r"`metric` must be a string.*=\[\]"):
        visualization.plot_learning_curves({"a": {"loss": [1, 2]}}, metric=[])
    with pytest.raises(ValueError, match="`xlabel` must be a string.*=3"):
        visualization.plot_occlusion({"a": [0.1, 0.2]}, [0, 1], xlabel=3)
