"""Damaged files of every kind that is read: they load, or an error of ours says why."""

import contextlib
import datetime
import json
import pathlib
import resource

import hypothesis
import numpy as np
import pytest
from helpers import damaged
from helpers import hugging_face
from helpers.saved_epochs import restored
from helpers.saved_epochs import save_epoch
from study.vqa import read_vqav2

import keras_mra
from keras_mra.datasets.image_reader import read_exact
from keras_mra.datasets.image_reader import read_upright

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # Damage is warned of in many ways.
]

EXAMPLES = 300
# The MiB that reading a damaged file of a few kB may take, and the bytes that it may
# ask for without using them, as Pillow does for a chunk that claims to be long.
USED, ASKED = 512, 4 * 2**30
FORMATS = ("png", "jpeg", "webp", "bmp", "gif", "tiff")


@contextlib.contextmanager
def bounded_memory():
    """Fails what takes much memory, and allocations that no machine could serve."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    size = pages * resource.getpagesize() + ASKED
    before = peak()
    resource.setrlimit(resource.RLIMIT_AS, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    assert peak() - before < USED


def peak():
    """The largest resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def check(path, strategy, read, named=True):
    """Reads damaged copies of a file.

    Args:
        path: The file.
        strategy: Function of the content to a strategy of damaged content.
        read: Function that reads the file.
        named: Bool, whether errors have to name the folder or an argument.
    """
    whole = path.read_bytes()
    read()  # The whole file can be read, so that errors are the damage's.

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=datetime.timedelta(seconds=10),
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy(whole))
    def test(data):
        path.write_bytes(data)
        with bounded_memory():
            try:
                read()
            except (ValueError, OSError) as error:
                is_named = str(path.parent) in str(error) or "`" in str(error)
                assert is_named or not named, error

    try:
        test()
    finally:
        path.write_bytes(whole)


# --- weights --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("native") / "mine"
    sizes = dict(
        encoder_dim=8, encoder_depth=1, encoder_heads=1,
        decoder_dim=8, decoder_depth=1, decoder_heads=1,
    )  # fmt: skip
    keras_mra.MAE((8, 8, 1), 4, **sizes).save_to_preset(folder)
    return folder


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "model.weights.h5"])
def test_a_native_preset(preset, name):
    strategy = damaged.damaged_json if name.endswith("json") else damaged.damaged_bytes
    check(preset / name, strategy, lambda: keras_mra.MAE.from_preset(preset))


# The width of the MLPs is 2.5 times that of the tokens, as it is in the decoder.
SMALL = dict(hidden_size=8, num_hidden_layers=1, intermediate_size=20)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    hugging_face.make(**SMALL).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "name, strategy",
    [
        ("config.json", damaged.damaged_json),
        ("model.safetensors", damaged.damaged_safetensors),
        ("model.safetensors", damaged.damaged_bytes),
    ],
)
def test_a_folder_of_hugging_face(foreign, name, strategy):
    check(foreign / name, strategy, lambda: keras_mra.MAE.from_preset(foreign))


@pytest.mark.parametrize("strategy", [damaged.damaged_zip, damaged.damaged_bytes])
def test_a_file_of_pytorch(tmp_path, strategy):
    import torch

    path = tmp_path / "mae.pth"
    model = hugging_face.make(**SMALL)
    torch.save(model.state_dict(), path)

    def read():
        keras_mra.weights.read.open_tensors(path)

    check(path, strategy, read)


# --- checkpoints ----------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [damaged.damaged_zip, damaged.damaged_bytes])
def test_a_checkpoint(tmp_path, strategy):
    save_epoch(tmp_path, 1)
    (path,) = tmp_path.glob("*.npz")

    def read():
        with contextlib.suppress(AssertionError):  # Damaged weights can be read.
            restored(tmp_path)

    check(path, strategy, read)


# --- pictures -------------------------------------------------------------------------


# Those who read many pictures add the path to the error.
@pytest.mark.parametrize("read", [read_exact, lambda path: read_upright(path, 3)])
@pytest.mark.parametrize("format", FORMATS)
def test_a_picture(tmp_path, format, read):
    from PIL import Image

    path = tmp_path / f"picture.{format}"
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype("uint8")
    Image.fromarray(pixels).save(path)
    check(path, damaged.damaged_bytes, lambda: read(path), named=False)


def test_a_picture_with_sixteen_bits(tmp_path):
    from PIL import Image

    path = tmp_path / "picture.png"
    Image.fromarray(np.arange(768, dtype="uint16").reshape(24, 32) * 85).save(path)
    check(path, damaged.damaged_bytes, lambda: read_exact(path), named=False)


# --- questions ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["questions", "annotations"])
def test_questions_of_vqav2(tmp_path, name):
    from PIL import Image

    Image.new("RGB", (12, 8)).save(tmp_path / "COCO_train2014_000000000009.jpg")
    question = {"image_id": 9, "question_id": 12, "question": "How many dogs?"}
    answers = [{"answer": "2"}] * 10
    content = {
        "questions": [question],
        "annotations": [
            {"question_id": 12, "answer_type": "number", "answers": answers}
        ],
    }
    paths = {key: tmp_path / f"{key}.json" for key in content}
    for key, entries in content.items():
        document = {"data_subtype": "train2014", key: entries}
        paths[key].write_text(json.dumps(document))

    def read():
        read_vqav2(paths["questions"], paths["annotations"], tmp_path, (4, 4, 3))

    check(paths[name], damaged.damaged_json, read)
