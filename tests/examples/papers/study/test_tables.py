"""Tables of means over seeds, and of differences seed by seed."""

import numpy as np
import pytest
from study.tables import comparison
from study.tables import mean_and_deviation

from keras_mra.comparison.paired_interval import interval

pytestmark = pytest.mark.once


def test_comparison_pairs_the_seeds():
    found = {
        "none": [{"clean": 0.2, 4: 0.5}, {"clean": 0.3, 4: 0.7}],
        "MRA": [{"clean": 0.1, 4: 0.5}, {"clean": 0.2, 4: 0.6}],
    }
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in comparison(found, "none").splitlines()
    ]
    assert lines[0] == ["%", "clean", "4"]
    assert lines[2] == ["none", "25.00 ± 7.07", "60.00 ± 14.14"]
    assert lines[3] == ["MRA", "15.00 ± 7.07", "55.00 ± 7.07"]
    assert lines[4] == [
        "MRA − none",
        "-10.00 ± 0.00 [-10.00, -10.00]",
        "-5.00 ± 7.07 [-68.53, +58.53]",
    ]
    assert len(comparison(found).splitlines()) == 4
    pixels = comparison(found, "none", unit="pixels").splitlines()
    assert "pixels" in pixels[0] and "0.250 ± 0.071" in pixels[2]
    assert "-0.100 ± 0.000 [-0.100, -0.100]" in pixels[4]
    single = {arm: runs[:1] for arm, runs in found.items()}
    assert "[" not in comparison(single, "none")


@pytest.mark.parametrize("count", [2, 5, 21])
def test_the_interval_is_that_of_students_t(count):
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(count).normal(3.0, 2.0, count)
    expected = stats.t.interval(
        0.95, count - 1, loc=values.mean(), scale=stats.sem(values)
    )
    np.testing.assert_allclose(interval(list(values)), expected, atol=2e-3)


@pytest.mark.parametrize(
    "values, options, text",
    [
        ([2.0], {}, "2.00"),
        ([1.0, 3.0], {}, "2.00 ± 1.41"),
        ([0.5, 0.5], {"signed": True, "digits": 1}, "+0.5 ± 0.0"),
    ],
)
def test_mean_and_deviation(values, options, text):
    assert mean_and_deviation(values, **options) == text
