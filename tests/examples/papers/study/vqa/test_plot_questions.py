"""The picture of questions."""

import numpy as np
import pytest
from helpers.figures import assert_nothing_clipped
from helpers.figures import assert_titles_apart
from helpers.small_questions import DATA
from helpers.small_questions import NAMES
from study.vqa import grid_questions
from study.vqa import plot_questions

pytestmark = pytest.mark.once


def test_questions_are_drawn():
    asked = grid_questions(DATA, NAMES, 5, seed=0)
    figure = plot_questions(asked, columns=3)
    assert len(figure.axes) == 3
    for place, axis in enumerate(figure.axes):
        assert axis.get_title().replace("\n", " ") == asked.questions[place]
        assert axis.get_xlabel() == asked.answers[place][0]
        shown = np.asarray(axis.images[0].get_array())
        np.testing.assert_allclose(shown, asked.images[place, ..., 0] / 255, atol=1e-6)
    assert_nothing_clipped(figure)


def test_long_questions_and_answers_fit():
    names = ["Acer pseudoplatanus, the sycamore maple"] * len(NAMES)
    asked = grid_questions(DATA, names, 5, seed=0)
    figure = plot_questions(asked, columns=3)
    assert max(len(axis.get_title()) for axis in figure.axes) > 40
    assert_titles_apart(figure)
    assert_nothing_clipped(figure)
