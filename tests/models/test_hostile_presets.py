"""Presets from strangers: sizes, links and values that a file must not have."""

import json
import pathlib
import shutil
import time

import h5py
import numpy as np
import pytest
from helpers.peak_memory import peak_memory

import keras_mra
from keras_mra.models.info import describe
from keras_mra.models.info import read_card
from keras_mra.weights import h5_file

SIZES = dict(
    encoder_dim=8, encoder_depth=1, encoder_heads=1,
    decoder_dim=8, decoder_depth=1, decoder_heads=1,
)  # fmt: skip
TENSOR = "encoder/layers/class_token/vars/0"
KERNEL = "encoder/layers/transformer_block/mlp_in/vars/0"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "mine"
    keras_mra.MAE((8, 8, 1), 4, **SIZES).save_to_preset(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return pathlib.Path(shutil.copytree(saved, tmp_path / "mine"))


def change_config(folder, **changes):
    """Changes arguments in the configuration; `None` removes one."""
    path = folder / "config.json"
    document = json.loads(path.read_text())
    document["config"].update(changes)
    document["config"] = {k: v for k, v in document["config"].items() if v is not None}
    path.write_text(json.dumps(document))


def change_weights(folder, change):
    with h5py.File(folder / "model.weights.h5", "r+") as file:
        change(file)


def replace(file, name, **dataset):
    del file[name]
    file.create_dataset(name, **dataset)


@pytest.mark.parametrize("read", ["load", "load_without_weights", "info"])
@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(encoder_depth=1_000_000), "`encoder_depth` must be at most 200"),
        (dict(encoder_depth=1_000), "`encoder_depth` must be at most 200"),
        (dict(encoder_depth=150), "`encoder_depth` must be 1, as in the weights.*=150"),
        (dict(decoder_depth=150), "`decoder_depth` must be 1, as in the weights.*=150"),
        (dict(encoder_dim=8192), "`encoder_dim` must be 8, as in the weights.*=8192"),
        (dict(decoder_dim=8192), "`decoder_dim` must be 8, as in the weights.*=8192"),
        (dict(mlp_ratio=1024), "`mlp_ratio` must be 4.0, as in the weights"),
        (dict(image_shape=[100_000, 100_000, 1]), "`image_shape` must have sides"),
        (
            dict(image_shape=[8000, 8000, 3], patch_size=2000),
            "image_shape=.*8000",
        ),
        (dict(image_shape=None), "config.json' must hold the arguments.*no `image_sha"),
        (dict(image_shape="big"), "`image_shape` must be"),
        (dict(std=[1e-320]), "`std` must be one positive.*from 1e-06 to 1e.06.*1e-320"),
        (dict(mean=[1e39]), r"`mean` must be.*from -1e\+06 to 1e\+06.*1e\+39"),
        (dict(value_range=[0, 1e-39]), "`value_range` must be.*1e-39"),
        (dict(rotary=True), "config.json' must hold.*`rotary`, which MAE does not"),
    ],
)
def test_a_configuration_that_the_weights_do_not_confirm(
    folder, changes, message, read
):
    change_config(folder, **changes)
    started = time.monotonic()
    with pytest.raises(ValueError, match=message):
        if read == "info":
            describe(folder)
        else:
            keras_mra.MAE.from_preset(folder, load_weights=read == "load" or False)
    assert time.monotonic() - started < 1


def test_defaults_stand_in_for_what_a_configuration_leaves_out(folder):
    change_config(folder, smooth_fill=None, mlp_ratio=None)
    assert keras_mra.MAE.from_preset(folder).mlp_ratio == 4


def linked(file):
    file[TENSOR.replace("vars/0", "vars/1")] = h5py.SoftLink("/" + TENSOR)


def external(file):
    del file[TENSOR]
    file[TENSOR] = h5py.ExternalLink("/etc/passwd", "/x")


def cyclic(file):
    file["encoder/again"] = file["encoder"]


def compressed(file):
    values = np.zeros((8, 32), "float32")
    replace(file, KERNEL, data=values, chunks=(8, 32), compression="gzip")


def filled(file):
    replace(file, KERNEL, shape=(8, 32), dtype="float32")


def shared(file):
    """A thousand names of one tensor, each of which would be read."""
    for i in range(1000):
        file[f"encoder/more_{i}"] = file[KERNEL]


def nested(file):
    """The full names grow with the square of the depth."""
    group = file
    for _ in range(1000):
        group = group.create_group("a" * 300)


def test_a_file_of_too_many_groups(folder, monkeypatch):
    monkeypatch.setattr(h5_file, "MOST_OBJECTS", 10)
    with pytest.raises(ValueError, match="at most 10 tensors and groups"):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize("name", ["config.json", "metadata.json"])
def test_a_large_document_is_not_read(folder, name):
    with open(folder / name, "ab") as file:
        file.truncate(2**29)
    setup = "from keras_mra.models.info import describe"
    grown, message = peak_memory(setup, f"describe({str(folder)!r})", folder)
    assert f"{name}' must have at most 4,194,304 bytes" in message
    assert grown < 200


def test_a_large_card_is_not_read(folder):
    card = folder / "README.md"
    card.write_text("Trained on `digits`.\n" + 262_123 * " ")
    assert card.stat().st_size == 2**18
    assert read_card(folder)["training_data"] == "digits"
    with open(card, "ab") as file:
        file.truncate(2**29)
    setup = "from keras_mra.models.info import describe"
    grown, _ = peak_memory(setup, f"describe({str(folder)!r})", folder)
    assert grown < 200
    told = describe(folder)
    for name in ("training_data", "license"):
        assert told[name] == "not told: the model card has more than 262,144 bytes"


@pytest.mark.parametrize(
    "start", ["datasets:", "datasets: -", "license:", "Trained on `", "Weights: a"]
)
@pytest.mark.parametrize("repeated", [" ", "\n", "\n ", "-", "a", ".", None])
def test_a_card_takes_no_time(folder, start, repeated):
    """Two neighbours in a pattern that take the same characters would need hours."""
    text = (start * 2**18 if repeated is None else start + repeated * 2**18)[: 2**18]
    (folder / "README.md").write_text(text)
    started = time.process_time()
    told = read_card(folder)
    assert time.process_time() - started < 2
    assert all(len(value) <= 201 for value in told.values())


@pytest.mark.parametrize(
    "text, data, license",
    [
        ("---\ndatasets:\n- imagenet-1k\nlicense: mit\n---\n", "imagenet-1k", "mit"),
        ("datasets: cifar10\nlicense:  apache-2.0", "cifar10", "apache-2.0"),
        ("datasets:\n  -   a/b\n", "a/b", "not told"),
        ("A net. Trained on `digits` once. Weights: MIT.", "digits", "MIT"),
        ("# A net\n", "not told", "not told"),
    ],
)
def test_what_a_card_tells(folder, text, data, license):
    (folder / "README.md").write_text(text)
    assert read_card(folder) == {"training_data": data, "license": license}


@pytest.mark.parametrize(
    "change, message",
    [
        (linked, "must hold all of its tensors. Received: .*vars/1', a link"),
        (external, "must hold all of its tensors. Received: .*class_token.*, a link"),
        (cyclic, "names of at most 512 characters. Received: 'encoder/again/"),
        (nested, "names of at most 512 characters. Received: 'aaaa.*with 601"),
        (compressed, "uncompressed.*Received: .*mlp_in/vars/0' of shape"),
        (filled, "hold every value.*Received: .*mlp_in/vars/0' of shape"),
        (shared, "must hold every value that it declares, in its"),
    ],
)
def test_weights_that_the_file_does_not_hold(folder, change, message):
    change_weights(folder, change)
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize(
    "dtype, value, message",
    [
        ("float32", np.nan, "finite values. Received: tensor '.*class_token/vars/0'"),
        ("float32", -np.inf, "finite values. Received: tensor '.*class_token/vars/0'"),
        ("complex64", 1 + 2j, "tensors of floats. Received: '.*class_token.*complex64"),
        ("int32", 3, "tensors of floats. Received: '.*class_token.*of int32"),
    ],
)
def test_values_that_are_not_finite_floats(folder, dtype, value, message):
    data = np.full((1, 1, 8), value, dtype)
    change_weights(folder, lambda file: replace(file, TENSOR, data=data))
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder)


@pytest.mark.parametrize("dtype", ["float16", "mixed_float16"])
def test_weights_that_the_dtype_does_not_hold(folder, dtype):
    data = np.full((1, 1, 8), 7e4, "float32")
    change_weights(folder, lambda file: replace(file, TENSOR, data=data))
    document = json.loads((folder / "config.json").read_text())
    del document["weights_sha256"]
    (folder / "config.json").write_text(json.dumps(document))
    keras_mra.MAE.from_preset(folder)
    message = "model.weights.h5' must hold weights that float16 holds.*class_token"
    with pytest.raises(ValueError, match=message):
        keras_mra.MAE.from_preset(folder, dtype=dtype)


def test_statistics_that_the_dtype_does_not_hold(folder):
    document = json.loads((folder / "config.json").read_text())
    document["config"]["std"] = [1e-5]
    (folder / "config.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match="that the `dtype` float16 holds.*100000"):
        keras_mra.MAE.from_preset(folder, dtype="float16")


def test_bfloat16_is_read(tmp_path):
    mae = keras_mra.MAE((8, 8, 1), 4, dtype="bfloat16", **SIZES)
    mae.save_to_preset(tmp_path / "mine")
    keras_mra.MAE.from_preset(tmp_path / "mine")


def test_damage_anywhere_ends_in_our_words(folder):
    path, rng = folder / "model.weights.h5", np.random.default_rng(0)
    whole, refused = np.frombuffer(path.read_bytes(), "uint8"), 0
    for start in rng.integers(0, len(whole) - 64, 40):
        damaged = whole.copy()
        damaged[start : start + 64] = rng.integers(0, 256, 64)
        path.write_bytes(damaged.tobytes())
        try:
            keras_mra.MAE.from_preset(folder)
        except ValueError as error:
            assert "model.weights.h5" in str(error)
            refused += 1
    assert refused > 10


@pytest.mark.parametrize("compression", ["gzip", None])
def test_a_small_file_does_not_take_much_memory(folder, compression):
    """Configuration and weights agree on 1.7 GB, of which the file holds nothing."""
    change_config(folder, encoder_dim=16384, encoder_heads=1, mlp_ratio=1 / 16384)

    def change(file):
        for name in ("query", "key", "value", "output_projection"):
            place = f"encoder/layers/transformer_block/{name}/vars/0"
            storage = dict(chunks=(64, 16384), compression=compression)
            storage = storage if compression else {}
            replace(file, place, shape=(16384, 16384), dtype="float32", **storage)

    change_weights(folder, change)
    assert (folder / "model.weights.h5").stat().st_size < 2**20
    grown, message = peak_memory(
        "import keras_mra", f"keras_mra.MAE.from_preset({str(folder)!r})", folder
    )
    assert "must hold every value" in message
    assert grown < 200
