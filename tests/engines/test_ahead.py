"""Results that threads compute ahead."""

import threading

import pytest

from keras_mra import engines

pytestmark = pytest.mark.once


def test_results_come_in_order_and_some_ahead():
    begun, go = [], threading.Event()

    def function(item):
        begun.append(item)
        go.wait(20)
        return 2 * item

    results = engines.ahead(function, iter(range(10)), 3)
    item, first = next(results)
    assert item == 0 and not first.done() and set(begun) <= {0, 1, 2, 3}
    go.set()
    assert first.result() == 0
    assert [(item, found.result()) for item, found in results] == [
        (item, 2 * item) for item in range(1, 10)
    ]
    assert sorted(begun) == list(range(10))
    assert list(engines.ahead(function, [], 3)) == []


def test_no_more_items_are_taken_than_are_computed_ahead():
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    results = engines.ahead(abs, items(), 3)
    next(results)
    assert len(taken) == 4
    results.close()
    assert len(taken) == 4


def test_an_error_is_that_of_its_item():
    found = [future for _, future in engines.ahead(lambda x: 1 / x, [1, 0, 2], 2)]
    assert (found[0].result(), found[2].result()) == (1, 0.5)
    with pytest.raises(ZeroDivisionError):
        found[1].result()
