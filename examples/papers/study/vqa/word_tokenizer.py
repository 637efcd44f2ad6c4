"""Questions as rows of integers, one for each word."""

import collections
import re

import numpy as np

from keras_mra import checks

PADDING, UNKNOWN = 0, 1


class WordTokenizer:
    """Turns texts into rows of integers, all of the same length.

    0 stands for padding and 1 for an unknown word. The known words follow. Texts are
    lowercased, and cut if they are too long.

    Args:
        words: Sequence of strings, the known words.
        length: Int, the length of the rows.

    Attributes:
        vocabulary_size: Int, the number of known words, plus two.

    Call arguments:
        texts: Sequence of strings.

    Returns:
        Int32 array of shape `(texts, length)`.

    Example:

    >>> tokenizer = WordTokenizer.fit(train.questions)
    >>> tokenizer(["What is at the top left?"])
    """

    def __init__(self, words, length):
        self.words = tuple(words)
        self.length = checks.positive_int("length", length)
        self._places = {word: place for place, word in enumerate(self.words, start=2)}
        if len(self._places) != len(self.words):
            raise ValueError("`words` must not repeat a word. Received: repeated words")
        self.vocabulary_size = 2 + len(self.words)

    @classmethod
    def fit(cls, texts, length=None, max_words=10_000):
        """Makes a tokenizer that knows the words of training texts.

        Args:
            texts: Sequence of strings.
            length: Int, or `None` for the length of the longest text.
            max_words: Int, the largest number of known words. The most frequent words
                are kept.

        Returns:
            A `WordTokenizer`.

        Raises:
            ValueError: If an argument is not as described, or there are no words.
        """
        checks.positive_int("max_words", max_words)
        split = [split_words(text) for text in texts]
        counts = collections.Counter(word for words in split for word in words)
        known = sorted(counts, key=lambda word: (-counts[word], word))[:max_words]
        if not known:
            raise ValueError("`texts` must hold at least one word. Received: none")
        return cls(known, max(map(len, split)) if length is None else length)

    def __call__(self, texts):
        rows = np.full((len(texts), self.length), PADDING, "int32")
        for row, text in zip(rows, texts):
            found = [self._places.get(word, UNKNOWN) for word in split_words(text)]
            row[: len(found)] = found[: self.length]
        return rows


def split_words(text):
    """The lowercase words of a text, without punctuation except apostrophes."""
    return re.findall(r"\w+(?:'\w+)?", text.lower())
