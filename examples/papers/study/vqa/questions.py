"""Questions about images and their answers, whatever their source."""

import collections
import dataclasses
import re

import numpy as np

from keras_mra.datasets import ArrayDataset
from keras_mra.datasets import EpochDataset
from keras_mra.evaluation.results import Result
from keras_mra.evaluation.results import percent


@dataclasses.dataclass(frozen=True, eq=False)
class QuestionSet:
    """Questions about images.

    Attributes:
        images: Array of images, or an `EpochDataset` whose `batch(indices)` gives them.
        image_of: Int array of shape `(questions,)`, the image that each is about.
        questions: Tuple of strings.
        answers: Tuple with a tuple of strings for each question, one per annotator.
        kinds: Tuple of strings, the kind of each question.
    """

    images: np.ndarray | EpochDataset
    image_of: np.ndarray
    questions: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    kinds: tuple[str, ...]

    def __len__(self):
        return len(self.questions)

    def labels(self):
        """The most frequent answer to each question, of equals the first given."""
        return [
            collections.Counter(given).most_common(1)[0][0] for given in self.answers
        ]


def answer_classes(questions, most=3000):
    """The most frequent answers, which a classifier chooses from.

    Args:
        questions: `QuestionSet`, of training.
        most: Int, how many at most.

    Returns:
        Tuple of strings, the most frequent first; equals in alphabetical order.
    """
    counts = collections.Counter(questions.labels())
    return tuple(sorted(counts, key=lambda answer: (-counts[answer], answer))[:most])


class QuestionBatches(EpochDataset):
    """Batches `({"images": ..., "question": ...}, labels)` for `build_vqa`'s model.

    Args:
        questions: `QuestionSet`.
        tokenizer: `WordTokenizer`.
        classes: Tuple of strings, as `answer_classes` gives it. Questions that have no
            answer among them are left out. `None` for all questions in their order,
            without labels, as `predict` needs them.
        batch_size: Int.
        seed: Int, for the order.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Example:

    >>> batches = QuestionBatches(train, tokenizer, answer_classes(train))
    >>> model.fit(batches, epochs=10, shuffle=False)
    """

    def __init__(
        self, questions, tokenizer, classes=None, batch_size=64, seed=0, **kwargs
    ):
        images = questions.images
        if not isinstance(images, EpochDataset):
            images = ArrayDataset(images, batch_size=1)
        self.images = images
        self.image_of = np.asarray(questions.image_of)
        self.words = tokenizer(questions.questions)
        self.labels = None
        self.asked = np.arange(len(questions))
        if classes is not None:
            places = {answer: place for place, answer in enumerate(classes)}
            labels = [places.get(answer, -1) for answer in questions.labels()]
            self.labels = np.array(labels, "int32")
            self.asked = np.flatnonzero(self.labels >= 0)
        training = classes is not None
        super().__init__(
            len(self.asked),
            min(batch_size, max(len(self.asked), 1)),
            shuffle=training,
            seed=seed,
            drop_last=training,
            **kwargs,
        )

    def batch(self, indices):
        asked = self.asked[indices]
        inputs = {
            "images": self.images.batch(self.image_of[asked]),
            "question": self.words[asked],
        }
        return (inputs,) if self.labels is None else (inputs, self.labels[asked])


@dataclasses.dataclass(frozen=True)
class VqaResult(Result):
    """What `evaluate_vqa` measured.

    Attributes:
        accuracy: Dict from `"all"` and each kind of question to the accuracy.
        guess: Likewise of the most frequent training answer to each kind of question:
            what can be had without looking.
        questions: Int.
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
    """Measures the accuracy of a model's answers, beside guesses without images.

    Args:
        model: Keras model from `{"images", "question"}` to probabilities of `classes`.
        train: `QuestionSet`, for the guesses.
        test: `QuestionSet`.
        tokenizer: `WordTokenizer`.
        classes: Tuple of strings.
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
    """For each test question, the most frequent training answer to its kind."""
    labels, kinds = np.array(train.labels()), np.array(train.kinds)
    guesses = {
        kind: collections.Counter(labels[kinds == kind].tolist()).most_common(1)[0][0]
        for kind in set(train.kinds)
    }
    return [guesses.get(kind, "") for kind in test.kinds]


def accuracy_by_kind(answered, questions):
    """Mean `vqa_accuracy` of all questions and of each kind.

    Args:
        answered: Sequence of strings, an answer to each question.
        questions: `QuestionSet`.

    Returns:
        Dict from `"all"` and the kinds, in alphabetical order, to accuracies.
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
    """The accuracy of an answer, as VQAv2 defines it.

    `min(matches / 3, 1)` among all annotators but one, averaged over the one left out.
    An answer that a single annotator gave is right or wrong.

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


_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_NUMBERS = "zero one two three four five six seven eight nine ten".split()
_DIGITS = {"none": "0", **{word: str(n) for n, word in enumerate(_NUMBERS)}}


def normalize_answer(text):
    """An answer as VQAv2's own evaluation compares it, but for its contractions.

    Lowercase, digits for number words, no articles and no punctuation.
    """
    text = " ".join(text.split())
    changed = text
    comma_in_number = re.search(r"\d,\d", text) is not None
    for mark in _PUNCTUATION:
        at_edge = f"{mark} " in text or f" {mark}" in text
        changed = changed.replace(mark, "" if at_edge or comma_in_number else " ")
    changed = re.sub(r"\.(?!\d)", "", changed)
    words = (_DIGITS.get(word, word) for word in changed.lower().split())
    return " ".join(word for word in words if word not in ("a", "an", "the"))
