"""Batches of images and tokenized questions."""

import numpy as np

from keras_mra.datasets import ArrayDataset
from keras_mra.datasets import EpochDataset


class QuestionBatches(EpochDataset):
    """Batches `({"images": ..., "question": ...}, labels)` for `build_vqa`'s model.

    Args:
        questions: `QuestionSet`.
        tokenizer: `WordTokenizer`.
        classes: Tuple of strings, as `answer_classes` returns it. Questions without an
            answer among them are left out. `None` keeps all questions in their order,
            without labels, as `predict` needs them.
        batch_size: Int.
        seed: Int, decides the order.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Example:

    >>> from study.vqa import answer_classes
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

    def set_epoch(self, epoch):
        super().set_epoch(epoch)
        self.images.set_epoch(epoch)

    def on_epoch_begin(self):
        super().on_epoch_begin()
        self.images.on_epoch_begin()

    def on_epoch_end(self):
        # A folder warns here of the files that it could not read.
        self.images.on_epoch_end()
        super().on_epoch_end()

    def batch(self, indices):
        asked = self.asked[indices]
        inputs = {
            "images": self.images.batch(self.image_of[asked]),
            "question": self.words[asked],
        }
        return (inputs,) if self.labels is None else (inputs, self.labels[asked])
