"""The official files of VQAv2, read as a `QuestionSet`."""

import os
import pathlib
import re

import numpy as np

from keras_mra import checks
from keras_mra import files
from keras_mra.datasets import FolderDataset
from study.vqa.question_set import QuestionSet


def read_vqav2(questions, annotations, images, image_shape, cache_side=None):
    """Reads questions and answers from the files at https://visualqa.org.

    Images are decoded as they are needed, resized by their short side and cropped at
    the centre. Answers are normalized as in the official evaluation.

    Args:
        questions: Path of `v2_OpenEnded_mscoco_train2014_questions.json`.
        annotations: Path of `v2_mscoco_train2014_annotations.json`.
        images: Path of the folder with `COCO_train2014_000000000009.jpg` and the other
            images. `questions` names the split.
        image_shape: `(height, width, channels)`.
        cache_side: Int or `None`, as in `keras_mra.datasets.FolderDataset`.

    Returns:
        A `QuestionSet`. The kinds are the official `"yes/no"`, `"number"` and
        `"other"`.

    Raises:
        ValueError: If a JSON file cannot be read or is not a file of VQAv2, or if the
            annotations do not answer the questions.
        FileNotFoundError: If an image is missing. One that cannot be decoded is
            replaced by another, with a warning at the end of the epoch.

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


# What an entry of each file must have.
_FIELDS = {
    "questions": {"question_id": int, "image_id": int, "question": str},
    "annotations": {"question_id": int, "answer_type": str, "answers": list},
}


def _read(path, key):
    """The entries of an official file, and the name of its split."""
    path = pathlib.Path(path).expanduser()
    try:
        # `files.read_json` refuses documents as large as those of VQAv2.
        with files.open_regular(path) as file:
            content = files.json_object(file.read(), path)
    except OSError as error:
        raise ValueError(f"{str(path)!r} could not be read: {error}") from error
    entries = content.get(key)
    if not isinstance(entries, list) or not entries:
        raise ValueError(
            f"`{key}` must be a JSON file of VQAv2 with entries under {key!r}. "
            f"Received: {key}={str(path)!r}"
        )
    for place, entry in enumerate(entries):
        answers = entry.get("answers", []) if isinstance(entry, dict) else []
        if not _has(entry, _FIELDS[key]) or not all(
            _has(given, {"answer": str}) for given in answers
        ):
            raise ValueError(
                f"`{key}` must be a JSON file of VQAv2, whose entries have "
                f"{', '.join(_FIELDS[key])}. Received: {key}={str(path)!r}, whose "
                f"entry {place} is {str(entry)[:200]}"
            )
    return entries, content.get("data_subtype", "")


def _has(entry, fields):
    """Whether a value from JSON is an object with values of these types."""
    return isinstance(entry, dict) and all(
        isinstance(entry.get(name), kind) for name, kind in fields.items()
    )


def _paths(folder, split, ids):
    """The paths of the images, all of which must exist."""
    paths = [folder / f"COCO_{split}_{image_id:012d}.jpg" for image_id in ids]
    there = set(os.listdir(folder))
    missing = [path.name for path in paths if path.name not in there]
    if missing:
        raise FileNotFoundError(
            "`images` must be the folder of all images that the questions are about. "
            f"Received: images={str(folder)!r}, which lacks {len(missing)} of "
            f"{len(paths)} images, such as {missing[0]}"
        )
    return paths


_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_NUMBERS = "zero one two three four five six seven eight nine ten".split()
_DIGITS = {"none": "0", **{word: str(n) for n, word in enumerate(_NUMBERS)}}


def normalize_answer(text):
    """Normalizes an answer as the official evaluation does, except for contractions.

    Letters become lowercase and number words become digits. Articles and punctuation
    are removed.

    Args:
        text: String.

    Returns:
        String.
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
