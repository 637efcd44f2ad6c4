"""Questions about images, and their answers."""

import collections
import dataclasses

import numpy as np

from keras_mra.datasets import EpochDataset


@dataclasses.dataclass(frozen=True, eq=False)
class QuestionSet:
    """Questions about images.

    Attributes:
        images: Array of images, or an `EpochDataset` whose `batch(indices)` returns
            images.
        image_of: Int array of shape `(questions,)`, the index of the image that each
            question is about.
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
        """The most frequent answer to each question, or the first of the most frequent.

        Returns:
            List of strings.
        """
        return [
            collections.Counter(given).most_common(1)[0][0] for given in self.answers
        ]


def answer_classes(questions, most=3000):
    """The most frequent answers, which a classifier chooses from.

    Args:
        questions: `QuestionSet` to train on.
        most: Int, the largest number of answers.

    Returns:
        Tuple of strings, the most frequent first. Equally frequent answers are in
        alphabetical order.
    """
    counts = collections.Counter(questions.labels())
    return tuple(sorted(counts, key=lambda answer: (-counts[answer], answer))[:most])
