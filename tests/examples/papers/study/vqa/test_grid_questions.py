"""Questions about grids, whose answers are worked out again from the pixels."""

import collections
import re

import numpy as np
import pytest
from helpers.small_questions import DATA
from helpers.small_questions import NAMES
from study.vqa import grid_questions
from study.vqa.evaluate_vqa import accuracy_by_kind
from study.vqa.evaluate_vqa import best_guesses

pytestmark = pytest.mark.once


def look(grid, rows, columns):
    """The name of the class at each place of a grid, by the name of the place."""
    vertical = {2: ["top", "bottom"], 3: ["top", "middle", "bottom"]}[rows]
    horizontal = {2: ["left", "right"], 1: [""]}[columns]
    found = {}
    for row, first in enumerate(vertical):
        for column, second in enumerate(horizontal):
            tile = grid[3 * row : 3 * row + 3, 4 * column : 4 * column + 4]
            assert np.ptp(tile) == 0
            found[f"{first} {second}".strip()] = NAMES[tile[0, 0, 0] // 40]
    return found


def answer(question, seen):
    """Answers from the words alone of the question and what is to be seen."""
    if match := re.fullmatch(r"what is at the (.*)\?", question):
        return seen[match[1]]
    if match := re.fullmatch(r"where is the (.*)\?", question):
        (place,) = [place for place, name in seen.items() if name == match[1]]
        return place
    if match := re.fullmatch(r"how many times is there a (.*)\?", question):
        return str(list(seen.values()).count(match[1]))
    match = re.fullmatch(r"are (.*) and (.*) the same\?", question)
    assert match[1] != match[2]
    return "yes" if seen[match[1]] == seen[match[2]] else "no"


@pytest.mark.parametrize("grid", [(2, 2), (3, 1), (3, 2)])
def test_the_answers_are_true(grid):
    made = grid_questions(DATA, NAMES, 400, grid, seed=1)
    assert made.images.shape == (400, 3 * grid[0], 4 * grid[1], 1)
    assert made.images.dtype == "uint8" and made.image_of.tolist() == list(range(400))
    for image, question, given in zip(made.images, made.questions, made.answers):
        assert given == (answer(question, look(image, *grid)),)
    assert set(made.images.ravel()) <= set(DATA[0].ravel())
    assert collections.Counter(made.kinds) == dict.fromkeys(
        ("what", "where", "count", "same"), 100
    )


def test_guessing_does_not_pay():
    """The answers are as likely as each other, whatever is asked for."""
    train, test = (grid_questions(DATA, NAMES, 6000, seed=seed) for seed in (0, 1))
    guess = accuracy_by_kind(best_guesses(train, test), test)
    expected = {"what": 1 / 5, "where": 1 / 4, "count": 1 / 5, "same": 1 / 2}
    for kind, chance in expected.items():
        assert guess[kind] == pytest.approx(chance, abs=0.04)
    assert guess["all"] == pytest.approx(np.mean(list(expected.values())), abs=0.02)
    by_words = collections.defaultdict(collections.Counter)
    for question, (given,) in zip(train.questions, train.answers):
        by_words[question][given] += 1
    exact = [
        by_words[question].most_common(1)[0][0] if by_words[question] else ""
        for question in test.questions
    ]
    assert accuracy_by_kind(exact, test)["all"] < guess["all"] + 0.03


def test_the_seed_decides():
    one, same, other = (grid_questions(DATA, NAMES, 40, seed=s) for s in (3, 3, 4))
    assert one.questions == same.questions != other.questions
    np.testing.assert_array_equal(one.images, same.images)
    assert (one.images != other.images).any()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((DATA, NAMES, 0), "`count` must be a positive"),
        ((DATA, NAMES, 1, (4, 1)), r"`grid` must be .*\(4, 1\)"),
        ((DATA, NAMES, 1, (1, 1)), r"`grid` must be .*\(1, 1\)"),
        ((DATA, NAMES, 1, (2, 2), None), "`seed` must be"),
        ((DATA, [*NAMES, "hat"], 1), r"`data` must have images of each.*12, 0\]"),
    ],
)
def test_bad_questions_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        grid_questions(*arguments)
