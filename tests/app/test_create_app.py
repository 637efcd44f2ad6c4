"""The app's answers: what it shows is what the layer does."""

import importlib
import os
import threading
import time

import keras
import numpy as np
import pytest
from helpers.models import TINY
from helpers.visitor import Visitor
from helpers.visitor import decoded
from helpers.visitor import encoded

import keras_mra
from keras_mra.app import create_app
from keras_mra.masking import STRATEGIES

# The package has a function of this name.
MODULE = importlib.import_module("keras_mra.app.create_app")


def answer(visitor, pixels, **fields):
    response = visitor.repaint(encoded(pixels), **fields)
    assert response.status_code == 200, response.text
    return response.json


def made_by(line):
    """The layer that a copied line makes."""
    return eval(line, {"keras_mra": keras_mra})


# --- what is shown -------------------------------------------------------------------


def test_the_copied_line_makes_the_layer_that_is_shown(visitor, pixels):
    found = answer(visitor, pixels, mask_ratio="0.5", temperature="2", seed="7")
    views = found["repaints"]
    assert [view["seed"] for view in views] == [7, 8, 9, 10]
    layer = made_by(found["line"])
    np.testing.assert_array_equal(
        decoded(views[0]["picture"]), keras.ops.convert_to_numpy(layer(pixels))
    )
    # The other pictures are those of the same layer with other seeds.
    another = made_by(found["line"].replace("seed=7", "seed=9"))
    np.testing.assert_array_equal(
        decoded(views[2]["picture"]), keras.ops.convert_to_numpy(another(pixels))
    )
    pictures = {view["picture"] for view in views}
    assert len(pictures) == 4


@pytest.mark.parametrize(
    "fields",
    [
        {},
        dict(mask_ratio="0.25", temperature="0", rate="0.5", seed="3"),
        dict(strategy="low_attention", attention_block="0"),
        dict(strategy="random", attention_block=""),
    ],
)
def test_the_line_has_the_settings(visitor, pixels, fields):
    line = answer(visitor, pixels, **fields)["line"]
    assert "\n" not in line
    config = made_by(line).get_config()
    defaults = dict(
        mask_ratio=0.4, strategy="attention", temperature=0.2, rate=1.0, seed=0
    )
    numbers = {k: v if k == "strategy" else float(v) for k, v in fields.items() if v}
    for name, value in {**defaults, "attention_block": None, **numbers}.items():
        assert config[name] == value, name


def test_the_pictures_of_one_answer(visitor, mae, pixels):
    found = answer(visitor, pixels, mask_ratio="0.5")
    np.testing.assert_array_equal(decoded(found["seen"]), pixels)
    assert found["kept"] == 8
    for view in found["repaints"]:
        kept, picture = decoded(view["kept"]), decoded(view["picture"])
        is_kept = kept[..., 3] == 255
        assert view["changed"]
        assert is_kept.sum() == 8 * 6  # 8 patches of 2x3 pixels
        np.testing.assert_array_equal(kept[is_kept][:, :3], pixels[is_kept])
        np.testing.assert_array_equal(picture[is_kept], pixels[is_kept])
        assert (picture[~is_kept] != pixels[~is_kept]).mean() > 0.5


@pytest.mark.parametrize("block", ["", "0", "1"])
def test_the_attention_is_that_of_the_block(visitor, mae, pixels, block):
    found = answer(visitor, pixels, attention_block=block)["attention"]
    attention = mae.attention(pixels[None], block=int(block or -1))
    attention = 16 * keras.ops.convert_to_numpy(attention)[0]
    assert found["lowest"] == pytest.approx(attention.min(), rel=1e-4)
    assert found["highest"] == pytest.approx(attention.max(), rel=1e-4)
    heat = decoded(found["picture"]).reshape(4, 2, 4, 3, 3).mean((1, 3, 4))
    assert np.corrcoef(heat.ravel(), attention)[0, 1] > 0.5


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy(visitor, mae, pixels, strategy):
    kept = answer(visitor, pixels, strategy=strategy, temperature="0")["repaints"]
    is_kept = [decoded(view["kept"])[::2, ::3, 3].ravel() > 0 for view in kept]
    if strategy == "random":
        assert not all((row == is_kept[0]).all() for row in is_kept)
        return
    attention = keras.ops.convert_to_numpy(mae.attention(pixels[None]))[0]
    sign = 1 if strategy == "attention" else -1
    expected = np.argsort(-sign * attention)[:10]
    for row in is_kept:
        np.testing.assert_array_equal(np.flatnonzero(row), np.sort(expected))


def test_rate(visitor, pixels):
    for view in answer(visitor, pixels, rate="0")["repaints"]:
        assert not view["changed"]
        np.testing.assert_array_equal(decoded(view["picture"]), pixels)
        assert (decoded(view["kept"])[..., 3] == 255).all()
    changed = {
        view["changed"]
        for seed in ("0", "4")
        for view in answer(visitor, pixels, rate="0.5", seed=seed)["repaints"]
    }
    assert changed == {False, True}


def test_the_same_request_has_the_same_answer(visitor, pixels):
    one, other, next_ = (answer(visitor, pixels, seed=s) for s in "001")
    assert one == other
    assert one["repaints"][1:] == next_["repaints"][:-1]


# --- models --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "channels, value_range", [(1, (0.0, 1.0)), (3, (-1.0, 1.0)), (4, (0.0, 255.0))]
)
def test_channels_and_ranges(rng, tmp_path, channels, value_range):
    mae = keras_mra.MAE((4, 6, channels), 2, **{**TINY, "value_range": value_range})
    mae.save_to_preset(tmp_path)
    visitor = Visitor(create_app(mae, str(tmp_path)))
    pixels = rng.integers(0, 256, (4, 6, channels), "uint8")
    found = answer(visitor, pixels)
    np.testing.assert_array_equal(decoded(found["seen"]), pixels)
    low, high = value_range
    image = (low + pixels / 255 * (high - low)).astype("float32")
    painted = keras.ops.convert_to_numpy(made_by(found["line"])(image))
    painted = np.rint((painted - low) / (high - low) * 255)
    shown = decoded(found["repaints"][0]["picture"])
    assert np.abs(shown - painted).max() <= 1
    kept = decoded(found["repaints"][0]["kept"])
    assert kept.shape == (4, 6, 4) and (kept[..., 3] == 0).any()


def test_a_model_of_standardised_patches_gets_their_statistics(pixels):
    mae = keras_mra.MAE((8, 12, 3), (2, 3), **{**TINY, "norm_pix_loss": True})
    line = answer(Visitor(create_app(mae, "mine")), pixels)["line"]
    assert line.endswith("restore_patch_statistics=True)")


@pytest.mark.parametrize(
    "shape, arguments, named",
    [
        ((8, 8, 3), {"decoder_depth": 0}, "decoder"),
        ((8, 8, 2), {}, "1, 3 or 4 channels"),
    ],
)
def test_models_that_paint_no_pictures_are_refused(shape, arguments, named):
    with pytest.raises(ValueError, match=named):
        create_app(keras_mra.MAE(shape, 4, **{**TINY, **arguments}), "mine")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"mae": "mae_nano_photos"}, "`mae` must be .*'mae_nano_photos'"),
        ({"hosts": "mra.example"}, "`hosts` must be a list .*hosts='mra.example'"),
        ({"hosts": [1]}, r"`hosts` must be a list .*hosts=\[1\]"),
    ],
)
def test_bad_arguments_are_named(mae, arguments, message):
    with pytest.raises(ValueError, match=message):
        create_app(**{"mae": mae, "preset": "mine", **arguments})


@pytest.mark.parametrize("name", ["p", "é", "😀", "a'b", os.fsdecode(b"\xff")])
def test_a_path_is_a_preset(mae, pixels, tmp_path, name):
    folder = tmp_path / name
    mae.save_to_preset(folder)
    visitor = Visitor(create_app(mae, folder))
    assert visitor.get("/model").json["preset"] == str(folder)
    layer = made_by(answer(visitor, pixels)["line"])
    assert layer.mae.image_shape == mae.image_shape


def test_hosts_in_any_case(mae):
    visitor = Visitor(create_app(mae, "mine", ["MRA.Example"]))
    assert visitor.get("/", Host="mra.example").status_code == 200
    assert visitor.get("/", Host="mra").status_code == 403


# --- the page ------------------------------------------------------------------------


def test_the_page_and_what_it_knows(visitor, preset):
    page = visitor.get("/")
    assert page.status_code == 200 and page.mimetype == "text/html"
    for name, kind in (
        ("app.js", "javascript"),
        ("app.css", "css"),
        ("icon.svg", "svg"),
    ):
        file = visitor.get(f"/static/{name}")
        assert file.status_code == 200 and kind in file.mimetype
        assert name in page.text
    model = visitor.get("/model").json
    assert model["preset"] == preset
    assert model["image_shape"] == [8, 12, 3] and model["patches"] == 16
    assert model["strategies"] == list(STRATEGIES) and model["blocks"] == 2
    assert model["mask_ratio"] == {"lowest": 0.07, "highest": 0.93}


def test_the_ends_of_the_slider_are_accepted(visitor, pixels):
    ends = visitor.get("/model").json["mask_ratio"]
    for end, kept in (("lowest", 15), ("highest", 1)):
        assert answer(visitor, pixels, mask_ratio=ends[end])["kept"] == kept


def test_sample_pictures(visitor):
    names = visitor.get("/model").json["samples"]
    assert names == ["astronaut", "cat", "coffee", "rocket"]
    file = visitor.get("/samples/1")
    assert file.mimetype == "image/jpeg"
    assert visitor.repaint(file.data).status_code == 200
    assert visitor.get("/samples/4").status_code == 404


def test_sample_pictures_of_a_gray_model():
    mae = keras_mra.MAE((4, 4, 1), 2, **TINY)
    visitor = Visitor(create_app(mae, "mine"))
    names = visitor.get("/model").json["samples"]
    assert names[:4] == ["bag", "boot", "dress", "pullover"] and "cat" in names
    assert decoded(
        visitor.repaint(visitor.get("/samples/0").data).json["seen"]
    ).shape == (4, 4, 1)


# --- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "field, value",
    [
        *((name, value)
          for name in ("mask_ratio", "temperature", "rate")
          for value in ("nan", "inf", "-inf", "-0.1", "much", "", "1e999")),
        ("mask_ratio", "0"), ("mask_ratio", "1"), ("mask_ratio", "0.01"),
        ("rate", "1.1"), ("strategy", "best"), ("strategy", ""),
        ("attention_block", "2"), ("attention_block", "-3"),
        ("attention_block", "0.5"), ("attention_block", "9" * 5000),
        ("seed", "-1"), ("seed", "1.5"), ("seed", str(2**31)),
    ],
)  # fmt: skip
def test_bad_settings_are_named(visitor, pixels, field, value):
    response = visitor.repaint(encoded(pixels), **{field: value})
    assert response.status_code == 400
    error = response.json["error"]
    assert error.startswith(f"`{field}` must ") and "Received: " in error
    assert len(error) < 250 and "Traceback" not in response.text


def test_no_picture(visitor):
    response = visitor.post({"seed": "1"})
    assert response.status_code == 415
    assert response.json["error"].startswith("`picture` must be an image file")


def test_pictures_are_read_one_by_one(monkeypatch, mae, pixels):
    """Ten pictures of 2 KB, read at once, took 8 GB."""
    monkeypatch.setattr(MODULE, "WAITING", 4)
    readers, reading, most, statuses = set(), 0, 0, []
    go_on, lock = threading.Event(), threading.Lock()

    def read(*_):
        nonlocal reading, most
        readers.add(threading.current_thread())
        with lock:
            reading += 1
            most = max(most, reading)
        assert go_on.wait(20)
        with lock:
            reading -= 1
        return pixels

    monkeypatch.setattr(MODULE, "read_picture", read)
    app = create_app(mae, "mine")

    def visit():
        response = Visitor(app).repaint(b"a picture")
        statuses.append(response.status_code)
        if response.status_code == 503:
            assert response.json["error"].startswith("The server is busy")

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 20
    while len(statuses) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert statuses == [503] * 3
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert sorted(statuses) == [200] * 5 + [503] * 3
    assert most == 1 and len(readers) == 1
    # Those who were refused may come again.
    visit()
    assert statuses[-1] == 200
