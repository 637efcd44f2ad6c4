"""How many epochs fit into the time of a comparison."""

import pytest

from keras_mra.comparison.comparison_plan import Costs
from keras_mra.comparison.comparison_plan import make_plan

pytestmark = pytest.mark.once
COSTS = Costs(10, {"base": 0.1, "MRA": 0.3}, 5.0)


def test_the_time_of_a_round():
    # Two runs of five seconds, and 20 epochs of 10 steps of 0.4 seconds.
    assert COSTS.round(20) == pytest.approx(2 * 5 + 20 * 10 * 0.4)


@pytest.mark.parametrize("minutes", [2, 5, 10])
def test_three_seeds_fit_and_another_epoch_does_not(minutes):
    epochs = make_plan(COSTS, minutes, None)
    assert 3 * COSTS.round(epochs) <= 60 * minutes < 3 * COSTS.round(epochs + 1)


def test_bounds_and_given_epochs():
    assert make_plan(COSTS, 0.01, None) == 2
    assert make_plan(COSTS, 1e6, None) == 300
    assert make_plan(Costs(600, {"base": 0.1}, 5.0), 1e6, None) == 20
    assert make_plan(COSTS, 1, 7) == 7
