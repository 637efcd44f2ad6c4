"""The model that answers: built on any encoder, trained, and saved."""

import keras
import numpy as np
import pytest
from helpers.models import QUICK
from helpers.models import TINY
from helpers.models import compute
from helpers.small_questions import DATA
from helpers.small_questions import NAMES
from helpers.small_questions import plain_images
from keras import ops
from study.vqa import QuestionBatches
from study.vqa import WordTokenizer
from study.vqa import answer_classes
from study.vqa import build_vqa
from study.vqa import evaluate_vqa
from study.vqa import grid_questions
from study.vqa import train_vqa
from study.vqa import without_images

import keras_mra

pytestmark = pytest.mark.usefixtures("quick_compilation")


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
    given = mae.get_weights()
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
    assert not unchanged  # the encoder is trained, too: a copy of it
    for old, new in zip(given, mae.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    result = evaluate_vqa(model, train, test, tokenizer, classes)
    assert list(result.accuracy) == ["all", "count", "same", "what", "where"]
    assert list(result.guess) == list(result.accuracy) and result.questions == 60
    lines = str(result).splitlines()
    assert len({len(line) for line in lines}) == 1 and len(lines) == 7
    model.save(tmp_path / "vqa.keras")
    loaded = keras.models.load_model(tmp_path / "vqa.keras")
    assert evaluate_vqa(loaded, train, test, tokenizer, classes) == result
    assert len(loaded.trainable_variables) == len(model.trainable_variables)


def test_the_model_sees_the_image_and_reads_the_words(mae, rng):
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
