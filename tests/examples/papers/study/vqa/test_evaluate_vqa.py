"""The accuracy of answers and of guesses."""

import pytest
from helpers.small_questions import DATA
from helpers.small_questions import NAMES
from study.vqa import QuestionSet
from study.vqa import grid_questions
from study.vqa.evaluate_vqa import accuracy_by_kind
from study.vqa.evaluate_vqa import best_guesses
from study.vqa.evaluate_vqa import vqa_accuracy

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "answer, given, expected",
    [
        ("yes", ["yes"] * 10, 1.0),
        # With 3 matches, 7 of the 10 subsets hold all of them and 3 hold two.
        ("2", ["2"] * 3 + ["3"] * 7, (7 * 1 + 3 * 2 / 3) / 10),
        ("2", ["2"] * 2 + ["3"] * 8, (8 * 2 / 3 + 2 * 1 / 3) / 10),
        ("2", ["2"] + ["3"] * 9, 0.3),
        ("2", ["2"] * 4 + ["3"] * 6, 1.0),
        ("5", ["2"] * 10, 0.0),
        ("cat", ["cat"], 1.0),
        ("cat", ["dog"], 0.0),
    ],
)
def test_the_accuracy_is_vqas(answer, given, expected):
    assert vqa_accuracy(answer, given) == pytest.approx(expected)


def test_guesses_and_accuracies_by_kind():
    def four(answers, kinds):
        answers = tuple((answer,) for answer in answers)
        return QuestionSet(None, None, ("?",) * 4, answers, tuple(kinds))

    train, test = four("bba1", "xxxy"), four("ba1b", "xxyz")
    assert best_guesses(train, test) == ["b", "b", "1", ""]
    found = accuracy_by_kind(best_guesses(train, test), test)
    assert found == {"all": 0.5, "x": 0.5, "y": 1.0, "z": 0.0}


def test_each_question_needs_an_answer():
    with pytest.raises(ValueError, match="1 answers to 2 questions"):
        accuracy_by_kind(["a"], grid_questions(DATA, NAMES, 2))
