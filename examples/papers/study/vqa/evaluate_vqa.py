"""The accuracy of a model's answers, beside that of guesses."""

import collections
import dataclasses

import numpy as np

from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import percent
from study.vqa.question_batches import QuestionBatches


@dataclasses.dataclass(frozen=True)
class VqaResult(Result):
    """The result of `evaluate_vqa`.

    Attributes:
        accuracy: Dict from `"all"` and each kind of question to the accuracy.
        guess: Dict from the same keys to the accuracy of guesses. A guess is the most
            frequent training answer to the question's kind.
        questions: Int, the number of questions.
    """

    protocol = "vqa"

    accuracy: dict[str, float]
    guess: dict[str, float]
    questions: int

    def rows(self):
        return [
            ("questions", "accuracy %", "best guess %"),
            *(
                (kind, percent(value), percent(self.guess[kind]))
                for kind, value in self.accuracy.items()
            ),
        ]


def evaluate_vqa(model, train, test, tokenizer, classes, batch_size=256):
    """Measures the accuracy of a model's answers and of guesses.

    Args:
        model: Keras model from `{"images", "question"}` to probabilities of `classes`.
        train: `QuestionSet` that the guesses are made from.
        test: `QuestionSet` to answer.
        tokenizer: `WordTokenizer`.
        classes: Tuple of strings, the answers that the model chooses from.
        batch_size: Int.

    Returns:
        A `VqaResult`.
    """
    batches = QuestionBatches(test, tokenizer, None, batch_size)
    chosen = model.predict(batches, verbose=0).argmax(axis=1)
    answered = [classes[place] for place in chosen]
    return VqaResult(
        accuracy=accuracy_by_kind(answered, test),
        guess=accuracy_by_kind(best_guesses(train, test), test),
        questions=len(test),
    )


def best_guesses(train, test):
    """The most frequent training answer to the kind of each test question.

    Args:
        train, test: `QuestionSet`s.

    Returns:
        List of strings, one per test question. It is empty for a kind that is not in
        `train`.
    """
    labels, kinds = np.array(train.labels()), np.array(train.kinds)
    guesses = {
        kind: collections.Counter(labels[kinds == kind].tolist()).most_common(1)[0][0]
        for kind in set(train.kinds)
    }
    return [guesses.get(kind, "") for kind in test.kinds]


def accuracy_by_kind(answered, questions):
    """The mean `vqa_accuracy` of all questions and of each kind.

    Args:
        answered: Sequence of strings, an answer to each question.
        questions: `QuestionSet`.

    Returns:
        Dict from `"all"` and the kinds, in alphabetical order, to accuracies.

    Raises:
        ValueError: If there is not one answer for each question.
    """
    if len(answered) != len(questions):
        raise ValueError(
            "`answered` must hold an answer to each question. Received: "
            f"{len(answered)} answers to {len(questions)} questions"
        )
    scores = np.array(
        [vqa_accuracy(*pair) for pair in zip(answered, questions.answers)]
    )
    kinds = np.array(questions.kinds)
    by_kind = {
        kind: float(scores[kinds == kind].mean())
        for kind in sorted(set(questions.kinds))
    }
    return {"all": float(scores.mean()), **by_kind}


def vqa_accuracy(answer, given):
    """The accuracy of an answer by the definition of VQAv2.

    It is the mean of `min(matches / 3, 1)` over all ways to leave one annotator out.
    If there is a single annotator, the answer is right or wrong.

    Args:
        answer: String.
        given: Sequence of strings, the annotators' answers.

    Returns:
        Float from 0 to 1.
    """
    if len(given) == 1:
        return float(answer == given[0])
    matches = sum(answer == other for other in given)
    return float(np.mean([min((matches - (answer == left)) / 3, 1) for left in given]))
