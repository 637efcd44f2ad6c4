"""Words as integers."""

import numpy as np
import pytest
from study.vqa import WordTokenizer

pytestmark = pytest.mark.once


def test_words_become_integers():
    tokenizer = WordTokenizer.fit(["What is it? It's a T-shirt/top.", "what is THIS"])
    assert tokenizer.words[:2] == ("is", "what") and tokenizer.length == 8
    assert tokenizer.vocabulary_size == 2 + 9
    is_, what = 2, 3
    rows = tokenizer(["What, what is a zebra", "", "is " * 20])
    assert rows.dtype == "int32" and rows.shape == (3, 8)
    a = 2 + tokenizer.words.index("a")
    assert rows[0].tolist() == [what, what, is_, a, 1, 0, 0, 0]
    assert not rows[1].any() and (rows[2] == is_).all()
    few = WordTokenizer.fit(["b b c", "a c c"], length=2, max_words=2)
    assert few.words == ("c", "b") and few(["a b c"]).tolist() == [[1, 3]]
    again = WordTokenizer(tokenizer.words, tokenizer.length)
    np.testing.assert_array_equal(again(["is it"]), tokenizer(["is it"]))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: WordTokenizer.fit(["?"]), "`texts` must hold at least one word"),
        (lambda: WordTokenizer(["a", "a"], 2), "`words` must not repeat a word"),
        (lambda: WordTokenizer(["a"], 0), "`length` must be a positive"),
    ],
)
def test_bad_words_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
