"""Questions whose answers are worked out again, VQAv2's files, and the model."""

import collections
import json
import re

import keras
import numpy as np
import pytest
from helpers.models import QUICK
from helpers.models import TINY
from helpers.models import compute
from keras import ops
from study.vqa import QuestionBatches
from study.vqa import WordTokenizer
from study.vqa import answer_classes
from study.vqa import build_vqa
from study.vqa import evaluate_vqa
from study.vqa import grid_questions
from study.vqa import plot_questions
from study.vqa import read_vqav2
from study.vqa import train_vqa
from study.vqa import without_images
from study.vqa.questions import QuestionSet
from study.vqa.questions import accuracy_by_kind
from study.vqa.questions import best_guesses
from study.vqa.questions import normalize_answer
from study.vqa.questions import vqa_accuracy

import keras_mra

pytestmark = pytest.mark.usefixtures("quick_compilation")

NAMES = ("T-shirt/top", "bag", "coat", "ankle boot", "shirt")


def plain_images(count, first=0):
    """Images of one value, 40 times the label and an own number."""
    labels = np.arange(count) % len(NAMES)
    values = 40 * labels + (first + np.arange(count)) % 40
    return np.full((count, 3, 4, 1), values[:, None, None, None], "uint8"), labels


DATA = plain_images(60)


# --- made questions ------------------------------------------------------------------


def look(grid, rows, columns):
    """The name of the class at each place of a grid, by the name of the place."""
    vertical = {2: ["top", "bottom"], 3: ["top", "middle", "bottom"]}[rows]
    horizontal = {2: ["left", "right"], 1: [""]}[columns]
    found = {}
    for row, first in enumerate(vertical):
        for column, second in enumerate(horizontal):
            tile = grid[3 * row : 3 * row + 3, 4 * column : 4 * column + 4]
            assert np.ptp(tile) == 0
            found[f"{first} {second}".strip()] = NAMES[tile[0, 0, 0] // 40]
    return found


def answer(question, seen):
    """Answers from the words alone of the question and what is to be seen."""
    if match := re.fullmatch(r"what is at the (.*)\?", question):
        return seen[match[1]]
    if match := re.fullmatch(r"where is the (.*)\?", question):
        (place,) = [place for place, name in seen.items() if name == match[1]]
        return place
    if match := re.fullmatch(r"how many times is there a (.*)\?", question):
        return str(list(seen.values()).count(match[1]))
    match = re.fullmatch(r"are (.*) and (.*) the same\?", question)
    assert match[1] != match[2]
    return "yes" if seen[match[1]] == seen[match[2]] else "no"


@pytest.mark.parametrize("grid", [(2, 2), (3, 1), (3, 2)])
def test_the_answers_are_true(grid):
    made = grid_questions(DATA, NAMES, 400, grid, seed=1)
    assert made.images.shape == (400, 3 * grid[0], 4 * grid[1], 1)
    assert made.images.dtype == "uint8" and made.image_of.tolist() == list(range(400))
    for image, question, given in zip(made.images, made.questions, made.answers):
        assert given == (answer(question, look(image, *grid)),)
    assert set(made.images.ravel()) <= set(DATA[0].ravel())
    assert collections.Counter(made.kinds) == dict.fromkeys(
        ("what", "where", "count", "same"), 100
    )


def test_guessing_does_not_pay():
    """The answers are as likely as each other, whatever is asked for."""
    train, test = (grid_questions(DATA, NAMES, 6000, seed=seed) for seed in (0, 1))
    guess = accuracy_by_kind(best_guesses(train, test), test)
    expected = {"what": 1 / 5, "where": 1 / 4, "count": 1 / 5, "same": 1 / 2}
    for kind, chance in expected.items():
        assert guess[kind] == pytest.approx(chance, abs=0.04)
    assert guess["all"] == pytest.approx(np.mean(list(expected.values())), abs=0.02)
    by_words = collections.defaultdict(collections.Counter)
    for question, (given,) in zip(train.questions, train.answers):
        by_words[question][given] += 1
    exact = [
        by_words[question].most_common(1)[0][0] if by_words[question] else ""
        for question in test.questions
    ]
    assert accuracy_by_kind(exact, test)["all"] < guess["all"] + 0.03


def test_the_seed_decides():
    one, same, other = (grid_questions(DATA, NAMES, 40, seed=s) for s in (3, 3, 4))
    assert one.questions == same.questions != other.questions
    np.testing.assert_array_equal(one.images, same.images)
    assert (one.images != other.images).any()


# --- VQAv2 ---------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "answer, given, expected",
    [
        ("yes", ["yes"] * 10, 1.0),
        # With 3 matches, 7 of the 10 subsets hold all of them and 3 hold two.
        ("2", ["2"] * 3 + ["3"] * 7, (7 * 1 + 3 * 2 / 3) / 10),
        ("2", ["2"] * 2 + ["3"] * 8, (8 * 2 / 3 + 2 * 1 / 3) / 10),
        ("2", ["2"] + ["3"] * 9, 0.3),
        ("2", ["2"] * 4 + ["3"] * 6, 1.0),
        ("5", ["2"] * 10, 0.0),
        ("cat", ["cat"], 1.0),
        ("cat", ["dog"], 0.0),
    ],
)
def test_the_accuracy_is_vqas(answer, given, expected):
    assert vqa_accuracy(answer, given) == pytest.approx(expected)


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


def test_guesses_and_accuracies_by_kind():
    def four(answers, kinds):
        answers = tuple((answer,) for answer in answers)
        return QuestionSet(None, None, ("?",) * 4, answers, tuple(kinds))

    train, test = four("bba1", "xxxy"), four("ba1b", "xxyz")
    assert best_guesses(train, test) == ["b", "b", "1", ""]
    found = accuracy_by_kind(best_guesses(train, test), test)
    assert found == {"all": 0.5, "x": 0.5, "y": 1.0, "z": 0.0}


# --- words ---------------------------------------------------------------------------


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


# --- the model -----------------------------------------------------------------------

SHAPE = (6, 8, 1)


def small(encoder, **arguments):
    defaults = dict(vocabulary_size=30, length=10, num_answers=7, dim=16, heads=2)
    return build_vqa(encoder, SHAPE, **{**defaults, "fusion_depth": 1, **arguments})


def inputs(rng, count=6):
    return {
        "images": rng.uniform(0, 255, (count, *SHAPE)).astype("float32"),
        "question": rng.integers(30, size=(count, 10)).astype("int32"),
    }


@pytest.fixture(scope="module")
def mae():
    return keras_mra.MAE(SHAPE, (3, 4), **TINY)


@pytest.mark.graph
def test_the_model_learns_and_is_saved(mae, tmp_path):
    train = grid_questions(DATA, NAMES, 256, seed=0)
    test = grid_questions(plain_images(60, first=7), NAMES, 60, seed=1)
    tokenizer, classes = WordTokenizer.fit(train.questions), answer_classes(train)
    batches = QuestionBatches(train, tokenizer, classes, batch_size=32)
    model = small(
        mae,
        vocabulary_size=tokenizer.vocabulary_size,
        length=tokenizer.length,
        num_answers=len(classes),
    )
    before = [ops.convert_to_numpy(v) for v in model.trainable_variables]
    model.compile(
        keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", **QUICK
    )
    losses = model.fit(batches, epochs=4, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < 0.75 * losses[0]
    unchanged = [
        variable.path
        for variable, start in zip(model.trainable_variables, before)
        if (ops.convert_to_numpy(variable) == start).all()
    ]
    assert not unchanged  # the encoder is trained, too
    result = evaluate_vqa(model, train, test, tokenizer, classes)
    assert list(result.accuracy) == ["all", "count", "same", "what", "where"]
    assert list(result.guess) == list(result.accuracy) and result.questions == 60
    lines = str(result).splitlines()
    assert len({len(line) for line in lines}) == 1 and len(lines) == 7
    model.save(tmp_path / "vqa.keras")
    loaded = keras.models.load_model(tmp_path / "vqa.keras")
    assert evaluate_vqa(loaded, train, test, tokenizer, classes) == result
    assert len(loaded.trainable_variables) == len(model.trainable_variables)


def test_the_encoder_is_copied(mae, rng):
    before = mae.get_weights()
    model = small(mae)
    x = inputs(rng)
    probabilities = model.predict(x, verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    # The answer hangs on the image, on the words and on their order.
    for name in x:
        changed = {**x, name: x[name][:, ::-1]}
        assert np.abs(model.predict(changed, verbose=0) - probabilities).max() > 1e-4
    tokens = keras.Model(model.inputs[0], model.get_layer("image").input)
    found = tokens.predict(x["images"], verbose=0)
    np.testing.assert_allclose(found, compute(mae.encode, x["images"]), atol=1e-4)
    model.compile("adam", "sparse_categorical_crossentropy", **QUICK)
    model.train_on_batch(x, np.arange(6))
    for old, new in zip(before, mae.get_weights()):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [keras.layers.GlobalAveragePooling2D(data_format="channels_last")],
        [keras.layers.Reshape((12, 5))],
    ],
)
def test_maps_features_and_tokens_are_read(layers, rng):
    conv = keras.layers.Conv2D(5, 3, 2, padding="same", data_format="channels_last")
    encoder = keras.Sequential([keras.Input(SHAPE), conv, *layers])
    encoder.trainable = False
    model = small(encoder)
    x = inputs(rng)
    assert model(x).shape == (6, 7)
    trainable = {v.path for v in model.trainable_variables}
    assert any(conv.name in path for path in trainable)
    one, other = ({**x, "images": x["images"] * f} for f in (1, 0))
    assert np.abs(ops.convert_to_numpy(model(one) - model(other))).max() > 1e-5


def test_the_seed_decides_the_weights(mae):
    one, same, other = (small(mae, seed=s).get_weights() for s in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, same))
    assert any((a != b).any() for a, b in zip(one, other))


def test_training_tells_images_from_text(mae):
    train = grid_questions(DATA, NAMES, 256, seed=0)
    test = grid_questions(plain_images(60, first=7), NAMES, 60, seed=1)
    options = dict(answers=5, epochs=2, batch_size=32, dim=16)
    result, curve = train_vqa(mae, train, test, SHAPE, **options)
    assert result.questions == 60 and len(curve["loss"]) == 2
    assert curve["loss"][1] < curve["loss"][0]
    again, _ = train_vqa(mae, train, test, SHAPE, **options)
    assert again == result
    blind = without_images(test, SHAPE)
    assert blind.questions == test.questions and blind.answers == test.answers
    assert not blind.images.any()
    (seen,) = {blind.images[place].shape for place in blind.image_of}
    assert seen == SHAPE and test.images.any()


def test_questions_are_drawn():
    asked = grid_questions(DATA, NAMES, 5, seed=0)
    figure = plot_questions(asked, columns=3)
    assert len(figure.axes) == 3
    for place, axis in enumerate(figure.axes):
        assert axis.get_title() == asked.questions[place]
        assert axis.get_xlabel() == asked.answers[place][0]
        shown = np.asarray(axis.images[0].get_array())
        np.testing.assert_allclose(shown, asked.images[place, ..., 0] / 255, atol=1e-6)


# --- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: grid_questions(DATA, NAMES, 0), "`count` must be a positive"),
        (lambda: grid_questions(DATA, NAMES, 1, (4, 1)), r"`grid` must be .*\(4, 1\)"),
        (lambda: grid_questions(DATA, NAMES, 1, (1, 1)), r"`grid` must be .*\(1, 1\)"),
        (lambda: grid_questions(DATA, NAMES, 1, seed=None), "`seed` must be"),
        (
            lambda: grid_questions(DATA, [*NAMES, "hat"], 1),
            r"`data` must have images of each.*12, 0\]",
        ),
        (lambda: WordTokenizer.fit(["?"]), "`texts` must hold words"),
        (lambda: WordTokenizer(["a", "a"], 2), "`words` must differ"),
        (lambda: WordTokenizer(["a"], 0), "`length` must be a positive"),
        (
            lambda: accuracy_by_kind(["a"], grid_questions(DATA, NAMES, 2)),
            "1 answers to 2 questions",
        ),
    ],
)
def test_bad_questions_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


BOXES = keras.Sequential([keras.Input(SHAPE), keras.layers.Reshape((2, 2, 3, 4))])


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(dim=15), "`dim` must be divisible by `heads`.*dim=15, heads=2"),
        (dict(num_answers=0), "`num_answers` must be a positive"),
        (dict(encoder=lambda x: x), "`encoder` must be an MAE.*function"),
        (
            dict(
                encoder=keras.Sequential(
                    [keras.Input(SHAPE), keras.layers.Reshape((2, 2, 3, 4))]
                )
            ),
            "`encoder` must return tokens",
        ),
    ],
)
def test_bad_models_are_named(mae, arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**{"encoder": mae, **arguments})


def test_another_size_than_the_maes_is_named(mae):
    with pytest.raises(ValueError, match=r"`image_shape`.*\(6, 8, 1\).*\(6, 6, 1\)"):
        build_vqa(mae, (6, 6, 1), 30, 10, 7)


def test_bad_official_files_are_named(official):
    with pytest.raises(ValueError, match="`annotations` must be a JSON file of VQAv2"):
        read(official, annotations=official / "questions.json")
    broken = json.loads((official / "annotations.json").read_text())
    broken["annotations"].pop()
    (official / "fewer.json").write_text(json.dumps(broken))
    with pytest.raises(ValueError, match="`annotations`.*1 of 3, such as question 11"):
        read(official, annotations=official / "fewer.json")
    (official / "images" / "COCO_train2014_000000000009.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 2 images.*000000000009.jpg"):
        read(official)
