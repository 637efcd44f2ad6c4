"""`check_attention_teacher`: the teacher of attention, before training starts."""

import hashlib
import os
from typing import Any

import keras
import numpy as np

from keras_mra.models.msa import MSA
from keras_mra.pretrain.training_data import TrainingData
from keras_mra.pretrain.viewed_mae import ViewedMAE


def check_attention_teacher(
    model: ViewedMAE | MSA, teacher: Any, data: TrainingData
) -> dict[str, Any]:
    """Checks the scores that a teacher gives to the first images.

    Args:
        model: The model to train, which holds a copy of the teacher.
        teacher: What the caller passed, or `None`.
        data: The data to train on.

    Returns:
        The entries of a checkpoint's header. They are absent without a teacher, so that
        headers of earlier versions stay equal.

    Raises:
        ValueError: If a score is negative or not finite, or all scores are 0.
    """
    if model.attention_teacher is None:
        return {}
    model.attention_teacher.check_scores(data.first_images[:8])
    header = {
        "attention_teacher": (
            str(teacher)
            if isinstance(teacher, (str, os.PathLike))
            else type(teacher).__name__
        ),
        "attention_weight": model.attention_weight,
        "attention_share": model.attention_share,
    }
    if isinstance(teacher, keras.Model):
        # A model has no name by which another one would be noticed.
        header["attention_teacher_weights"] = _digest(teacher)
    return header


def _digest(model: keras.Model) -> str:
    """A short digest of the weights of a model."""
    found = hashlib.sha256()
    for array in model.get_weights():
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]
