"""Figures that single scripts draw: axes, titles and labels."""

import ablations
import analysis
import pytest
from helpers.figures import assert_nothing_clipped
from helpers.figures import assert_titles_apart

pytestmark = pytest.mark.once


@pytest.mark.parametrize("count", [1, 2, 4])
def test_distances_fill_their_axis(count):
    name = "an encoder with a name of far more than thirty characters"
    runs = {
        f"{name} {i}": [{"heads": [[12.0, 12.5], [13.0, 14.0]], "uniform": 14.1}]
        for i in range(count)
    }
    figure = analysis.draw_distances(runs)
    low, high = figure.axes[0].get_ylim()
    assert 11 < low < 12 and 14.1 < high < 15
    assert_titles_apart(figure)
    assert_nothing_clipped(figure)


def test_errors_fill_their_axis():
    found = {
        option: {value: [{"test error": 0.3}, {"test error": 0.32}] for value in (1, 2)}
        for option in [*ablations.PRETRAINING, *ablations.AUGMENTATION]
    }
    figure = ablations.draw({"none": [{"test error": 0.31}]}, found)
    low, high = figure.axes[0].get_ylim()
    assert 29 < low < 30 and 32 < high < 33
    assert_nothing_clipped(figure)
