"""Images that no public method of a model takes: each is refused by name."""

import keras
import numpy as np
import pytest
from helpers.models import QUICK
from helpers.models import TINY
from keras import ops

import keras_mra
from keras_mra import checks
from keras_mra.layers import MaskReconstruct

GOOD = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")
VISIBLE = np.tile([0, 1], (4, 1))


@pytest.fixture(scope="module")
def mae():
    mae = keras_mra.MAE((8, 8, 3), 4, **TINY)
    mae.compile("sgd", **QUICK)
    return mae


@pytest.fixture(scope="module")
def msa(mae):
    msa = keras_mra.MSA(mae, None, None, hidden_dim=8, projection_dim=4)
    msa.compile("sgd", **QUICK)
    return msa


def visible_of(x):
    """As many rows as there are images, or all for what is no batch."""
    return (
        VISIBLE[:0] if len(x if isinstance(x, np.ndarray) else GOOD) == 0 else VISIBLE
    )


@pytest.fixture(scope="module")
def calls(mae, msa):
    """What takes images, by the name of the argument in the message."""
    layer = MaskReconstruct(mae, 0.5, "random", seed=0)
    return [
        ("inputs", mae),
        ("x", lambda x: mae.fit(x, verbose=0)),
        ("x", lambda x: mae.evaluate(x, verbose=0)),
        ("x", lambda x: mae.predict(x, verbose=0)),
        ("images", mae.patchify),
        ("images", mae.encode),
        ("images", mae.attention),
        ("images", lambda x: mae.reconstruct(x, visible_of(x))),
        ("images", lambda x: mae.repaint(x, lambda *_: visible_of(x))),
        ("images", lambda x: mae.predict_patches(x, visible_of(x))),
        ("images", lambda x: mae.reconstruction_loss(x, visible_of(x))),
        ("inputs", msa),
        ("x", lambda x: msa.fit(x, verbose=0)),
        ("x", lambda x: msa.predict(x, verbose=0)),
        ("inputs", layer),
        ("inputs", lambda x: layer({"images": x})),
        ("inputs", lambda x: layer.random_map(x, np.random.default_rng(0))),
        ("inputs", keras_mra.views.weak((8, 8, 3))),
        ("inputs", keras_mra.layers.RandomBlur()),
        ("inputs", keras_mra.layers.RandomResizedCrop()),
    ]


@pytest.mark.parametrize(
    "images, message",
    [
        (np.full((4, 8, 8, 3), "a"), "must hold integers or floats.*str"),
        (np.full((4, 8, 8, 3), None), "must hold integers or floats.*object"),
        (GOOD.astype("complex64"), "must hold integers or floats.*complex64"),
        (GOOD > 9, "must hold integers or floats.*bool"),
        (GOOD[None], r"must .*\(batch, height, width, channels\).*\(1, 4, 8, 8, 3\)"),
        (GOOD[0, 0], r"must .*\(batch, height, width, channels\).*\(8, 3\)"),
        (GOOD.transpose(0, 3, 1, 2), r"\(4, 3, 8, 8\).*looks channels-first"),
        ([GOOD[0], GOOD[1, :4]], "must be an array.*of type list"),
        ({1, 2}, r"must be an array.*\{1, 2\} \(of type set\)"),
        ("photo.png", "must be an array.*'photo.png'"),
        (None, "must be an array.*NoneType"),
    ],
)
def test_no_images(calls, images, message):
    for name, call in calls:
        with pytest.raises(ValueError, match=f"`{name}` .*{message}"):
            call(images)


def test_other_sizes_and_channels(mae, calls):
    for name, call in calls[:14]:
        with pytest.raises(ValueError, match=f"`{name}` must .*3.*shape .4, 8, 8, 1."):
            call(GOOD[..., :1])
    with pytest.raises(ValueError, match="`images` must be divisible by `patch_size`"):
        mae.patchify(np.zeros((1, 10, 10, 3)))


@pytest.mark.parametrize(
    "images, message",
    [
        (GOOD.astype("uint16") * 200, "must lie in the model's `value_range`"),
        (GOOD * np.float32(3), "must lie in the model's `value_range`"),
        (np.full((4, 8, 8, 3), np.nan), "must be finite"),
        (GOOD[:0], "must not be empty"),
    ],
)
def test_values_before_training(mae, msa, images, message):
    for model in (mae, msa):
        for method in (model.fit, model.evaluate, model.predict):
            with pytest.raises(ValueError, match=f"`x` {message}"):
                method(images, verbose=0)


@pytest.mark.parametrize(
    "images, message",
    [
        (np.full((4, 8, 8, 3), np.nan, "float32"), "must be finite"),
        (GOOD * np.float32(3), "must lie in the model's `value_range`"),
    ],
)
def test_values_in_calls(mae, msa, images, message):
    """NaN came out as NaN, and 9e9 as 255."""
    tensor = ops.convert_to_tensor(images)
    for name, call in (
        ("inputs", lambda: mae(tensor)),
        ("inputs", lambda: msa(images)),
        (r"inputs\['images'\]", lambda: mae({"images": images, "visible": VISIBLE})),
        (
            r"inputs\['strong'\]",
            lambda: msa({"weak": GOOD, "strong": tensor, "visible": VISIBLE}),
        ),
        ("images", lambda: mae.repaint(tensor, lambda *_: VISIBLE)),
    ):
        with pytest.raises(ValueError, match=f"`{name}` {message}"):
            call()
    mae.repaint(tensor, lambda *_: VISIBLE, check_values=False)


def test_training_is_a_flag(mae):
    for training in ("x", 1, GOOD):
        with pytest.raises(ValueError, match="`training` must be True or False"):
            mae(GOOD, training=training)
    mae(GOOD, training=np.True_)


def test_no_step_of_a_training_looks_at_values(mae, msa, monkeypatch):
    """PyTorch runs them eagerly: each look would wait for the accelerator."""
    looks = []
    monkeypatch.setattr(
        "keras_mra.checks.check_images.pixel_values", lambda *_: looks.append(1)
    )
    for model in (mae, msa):
        for method in (model.fit, model.evaluate, model.predict):
            method(GOOD, batch_size=1, verbose=0)
    assert not looks
    layer = MaskReconstruct(mae, 0.5, "random", seed=0)
    for _ in range(2):
        layer(ops.convert_to_tensor(GOOD))
    assert not looks
    mae(GOOD)
    assert looks


def test_images_in_a_list(mae):
    found = mae.predict(list(GOOD), verbose=0)
    assert found["targets"].shape == (4, 4, 48)
    assert mae(GOOD.tolist())["targets"].shape == (4, 4, 48)


def test_empty_batches(mae, calls):
    """They are computed where the result is empty too, and refused elsewhere."""
    for name, call in calls:
        if name == "x":
            continue
        try:
            found = call(GOOD[:0])
        except ValueError as error:
            assert "must not be empty" in str(error)
            continue
        for x in keras.tree.flatten(found):
            assert x.shape[0] == 0
    empty = MaskReconstruct(mae, 0.5)(GOOD[:0], training=False)
    assert tuple(ops.shape(empty)) == (0, 8, 8, 3)


@pytest.mark.once
@pytest.mark.parametrize(
    "shape, is_first",
    [
        ((2, 3, 32, 32), True),
        ((3, 32, 32), True),
        ((2, 1, 28, 28), True),
        ((2, 32, 32, 3), False),
        ((2, 3, 3, 3), False),
        ((2, 4, 4, 1), False),
        ((2, None, None, 3), False),
        ((2, 3, None, None), False),
    ],
)
def test_order_of_axes(shape, is_first):
    assert bool(checks.order_of_axes(shape)) == is_first
