"""Checks of the scores that rank patches."""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra.checks.check_images import is_concrete
from keras_mra.typing import Array


def attention_scores(name: str, scores: Array) -> None:
    """Refuses scores that are NaN, infinite or negative, on concrete data.

    The order of such scores means nothing: a ranking of NaN keeps the first patches.
    """
    if not is_concrete(scores):
        return
    values = ops.convert_to_numpy(scores).astype("float32")
    if found := what_is_wrong(values):
        raise ValueError(f"`{name}` must be finite and at least 0. Received: {found}")


def what_is_wrong(scores: NDArray[Any]) -> str | None:
    """Says what makes scores useless, in words for a message, or returns `None`."""
    if np.isnan(scores).any():
        return "NaN"
    if np.isinf(scores).any():
        return "infinite scores"
    if (scores < 0).any():
        return f"negative scores, down to {scores.min():g}"
    return None
