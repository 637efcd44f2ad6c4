"""The official files of VQAv2: questions, annotations and a folder of images."""

import json
import os
import pathlib

import numpy as np

from keras_mra import checks
from keras_mra.datasets import FolderDataset
from study.vqa.questions import QuestionSet
from study.vqa.questions import normalize_answer


def read_vqav2(questions, annotations, images, image_shape, cache_side=None):
    """Reads questions and answers as https://visualqa.org offers them.

    Images are decoded as they are needed: resized to the short side and cut to the
    centre. Answers are normalised as the official evaluation does.

    Args:
        questions: Path of `v2_OpenEnded_mscoco_train2014_questions.json`.
        annotations: Path of `v2_mscoco_train2014_annotations.json`.
        images: Path of the folder of `COCO_train2014_000000000009.jpg` and so on; the
            split is read from `questions`.
        image_shape: Triple of ints, `(height, width, channels)`.
        cache_side: Int or `None`, as in `keras_mra.datasets.FolderDataset`.

    Returns:
        A `QuestionSet`; the kinds are the official `"yes/no"`, `"number"` and
        `"other"`.

    Raises:
        ValueError: If the files are no such files, or do not fit each other.
        FileNotFoundError: If a file or an image is missing.

    Example:

    >>> train = read_vqav2("train_q.json", "train_a.json", "train2014", (224, 224, 3))
    """
    image_shape = checks.image_shape(image_shape)
    asked, split = _read(questions, "questions")
    answered, _ = _read(annotations, "annotations")
    by_question = {entry["question_id"]: entry for entry in answered}
    missing = [q["question_id"] for q in asked if q["question_id"] not in by_question]
    if missing:
        raise ValueError(
            "`annotations` must answer every one of `questions`. Received: no answer "
            f"to {len(missing)} of {len(asked)}, such as question {missing[0]}"
        )
    ids = sorted({question["image_id"] for question in asked})
    place = {image_id: i for i, image_id in enumerate(ids)}
    annotated = [by_question[question["question_id"]] for question in asked]
    return QuestionSet(
        images=FolderDataset(
            _paths(pathlib.Path(images).expanduser(), split, ids),
            image_shape,
            1,
            crop="center",
            shuffle=False,
            cache_side=cache_side,
        ),
        image_of=np.array([place[question["image_id"]] for question in asked]),
        questions=tuple(question["question"] for question in asked),
        answers=tuple(
            tuple(normalize_answer(given["answer"]) for given in entry["answers"])
            for entry in annotated
        ),
        kinds=tuple(entry["answer_type"] for entry in annotated),
    )


def _read(path, key):
    """The entries of an official file, and the split that it is of."""
    content = json.loads(pathlib.Path(path).expanduser().read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not content.get(key):
        raise ValueError(
            f"`{key}` must be a JSON file of VQAv2 with entries under {key!r}. "
            f"Received: {str(path)!r}"
        )
    return content[key], content.get("data_subtype", "")


def _paths(folder, split, ids):
    paths = [folder / f"COCO_{split}_{image_id:012d}.jpg" for image_id in ids]
    there = set(os.listdir(folder))
    missing = [path.name for path in paths if path.name not in there]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} images are not in {str(folder)!r}, "
            f"such as {missing[0]}."
        )
    return paths
