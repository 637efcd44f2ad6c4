"""The official files of VQAv2."""

import json

import numpy as np
import pytest
from study.vqa import QuestionBatches
from study.vqa import WordTokenizer
from study.vqa import answer_classes
from study.vqa import read_vqav2
from study.vqa.read_vqav2 import normalize_answer

from keras_mra import files

pytestmark = pytest.mark.once


@pytest.fixture
def official(tmp_path):
    """Two images and three questions in the official form."""
    from PIL import Image

    folder = tmp_path / "images"
    folder.mkdir()
    for image_id, value in ((9, 200), (581921, 50)):
        image = Image.new("RGB", (12, 8), (value, 0, 0))
        image.save(folder / f"COCO_train2014_{image_id:012d}.jpg")
    asked = [
        (581921, 11, "Is it a dog?", "yes/no", ["yes"] * 9 + ["no"]),
        (9, 12, "How many dogs?", "number", ["2"] * 2 + ["two"] + ["3"] * 7),
        (581921, 13, "What is it?", "other", ["The cat!"] * 6 + ["cat"] * 4),
    ]
    questions = [
        {"image_id": i, "question_id": q, "question": text}
        for i, q, text, _, _ in asked
    ]
    annotations = [
        {
            "image_id": i,
            "question_id": q,
            "answer_type": kind,
            "multiple_choice_answer": given[0],
            "answers": [
                {"answer": a, "answer_confidence": "yes", "answer_id": n}
                for n, a in enumerate(given, start=1)
            ],
        }
        for i, q, _, kind, given in reversed(asked)
    ]
    for name, content in (
        ("questions", {"data_subtype": "train2014", "questions": questions}),
        ("annotations", {"data_subtype": "train2014", "annotations": annotations}),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


def read(folder, **changed):
    names = ("questions.json", "annotations.json", "images")
    paths = [changed.get(n.partition(".")[0], folder / n) for n in names]
    return read_vqav2(*paths, (4, 4, 3))


def test_official_files(official):
    found = read(official)
    assert found.questions == ("Is it a dog?", "How many dogs?", "What is it?")
    assert found.kinds == ("yes/no", "number", "other")
    assert found.labels() == ["yes", "3", "cat"]
    assert found.answers[1] == ("2",) * 3 + ("3",) * 7
    assert answer_classes(found) == ("3", "cat", "yes")
    tokenizer = WordTokenizer.fit(found.questions)
    batches = QuestionBatches(found, tokenizer, ("yes", "cat"), batch_size=2)
    inputs, labels = batches[0]
    # The question that none of the two answers is left out.
    assert sorted(labels) == [0, 1] and len(batches) == 1
    assert inputs["images"].shape == (2, 4, 4, 3)
    assert (abs(inputs["images"][..., 0].astype(int) - 50) < 5).all()
    ((everything,),) = list(QuestionBatches(found, tokenizer))
    np.testing.assert_array_equal(
        everything["images"][:, 0, 0, 0] > 128, [False, True, False]
    )
    np.testing.assert_array_equal(everything["question"], tokenizer(found.questions))


def test_the_files_may_be_as_large_as_the_official_ones(official):
    content = json.loads((official / "questions.json").read_text())
    content["info"] = "x" * files.LARGEST_DOCUMENT
    (official / "questions.json").write_text(json.dumps(content))
    assert len(read(official)) == 3


def test_an_image_that_cannot_be_decoded_is_reported(official):
    path = official / "images" / "COCO_train2014_000000000009.jpg"
    path.write_bytes(b"no image")
    found = read(official)
    tokenizer = WordTokenizer.fit(found.questions)
    batches = QuestionBatches(found, tokenizer)
    batches.on_epoch_begin()
    batches[0]
    with pytest.warns(UserWarning, match="000000000009.jpg"):
        batches.on_epoch_end()


def test_bad_official_files_are_named(official):
    with pytest.raises(ValueError, match="`annotations` must be a JSON file of VQAv2"):
        read(official, annotations=official / "questions.json")
    broken = json.loads((official / "annotations.json").read_text())
    broken["annotations"].pop()
    (official / "fewer.json").write_text(json.dumps(broken))
    with pytest.raises(ValueError, match="`annotations`.*1 of 3, such as question 11"):
        read(official, annotations=official / "fewer.json")
    del broken["annotations"][1]["answers"][0]["answer"]
    (official / "damaged.json").write_text(json.dumps(broken))
    with pytest.raises(ValueError, match="`annotations` must be .* whose entry 1 is"):
        read(official, annotations=official / "damaged.json")
    (official / "images" / "COCO_train2014_000000000009.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 2 images.*000000000009.jpg"):
        read(official)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Two", "2"),
        ("a  dog", "dog"),
        ("The cat!", "cat"),
        ("none", "0"),
        ("t-shirt", "t shirt"),
        ("1,000", "1000"),
        ("yes.", "yes"),
        ("2.5", "2.5"),
        ("red/white", "red white"),
    ],
)
def test_answers_are_compared_without_articles_and_punctuation(text, expected):
    assert normalize_answer(text) == expected
