"""How many epochs fit into the time of a comparison."""

import pytest

from keras_mra.comparison.comparison_plan import Costs
from keras_mra.comparison.comparison_plan import make_plan

pytestmark = pytest.mark.once
COSTS = Costs(10, {"base": 0.1, "MRA": 0.3}, 5.0)


def test_the_time_of_a_round():
    # Two runs of five seconds, and 20 epochs of 10 steps of 0.4 seconds.
    assert COSTS.round(20) == pytest.approx(2 * 5 + 20 * 10 * 0.4)


@pytest.mark.parametrize(
    "minutes, seeds, fitting", [(2, None, 3), (10, None, 3), (30, None, 5), (10, 2, 2)]
)
def test_the_seeds_fit_and_another_epoch_does_not(minutes, seeds, fitting):
    epochs = make_plan(COSTS, minutes, None, seeds)
    time = 60 * minutes
    assert fitting * COSTS.round(epochs) <= time < fitting * COSTS.round(epochs + 1)


def test_more_seeds_are_preferred_to_more_than_enough_epochs():
    fits_three_of_sixty = 3 * COSTS.round(60) / 60
    assert make_plan(COSTS, 1.01 * fits_three_of_sixty, None, None) == 60
    assert make_plan(COSTS, 1.6 * fits_three_of_sixty, None, None) == 60
    fits_five_of_seventy = 5 * COSTS.round(70) / 60
    assert make_plan(COSTS, 1.001 * fits_five_of_seventy, None, None) == 70


def test_bounds_and_given_epochs():
    assert make_plan(COSTS, 0.01, None, None) == 2
    assert make_plan(COSTS, 1e6, None, None) == 300
    assert make_plan(Costs(600, {"base": 0.1}, 5.0), 1e6, None, None) == 20
    assert make_plan(COSTS, 1, 7, None) == 7
