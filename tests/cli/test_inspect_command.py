"""`keras-mra inspect`: which images it takes, what it prints and what it draws."""

import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize
from helpers.reading import noise

import keras_mra
from keras_mra import datasets
from keras_mra import evaluation
from keras_mra import visualization
from keras_mra.datasets import fashion_mnist
from keras_mra.visualization.new_figure import new_figure

pytest.importorskip("typer")
from PIL import Image  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from keras_mra_cli.commands import app  # noqa: E402

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """Folders of a colour preset and of a grey one, without cards."""
    folders = {}
    for name, channels in (("colour", 3), ("gray", 1)):
        folders[name] = str(tmp_path_factory.mktemp(name))
        arguments = {"value_range": (-1, 1), **TINY}
        mae = randomize(keras_mra.MAE((8, 8, channels), 2, **arguments))
        mae.save_to_preset(folders[name])
    return folders


@pytest.fixture
def calls(monkeypatch):
    """What the command passes to `evaluation.inspect`. Nothing is measured or drawn."""
    calls = []

    def record(mae, images, masks, ratios):
        calls.append((images, masks, ratios))
        return "All is well."

    monkeypatch.setattr(evaluation, "inspect", record)
    monkeypatch.setattr(
        visualization, "plot_inspection", lambda *arguments: new_figure(1, 1)
    )
    return calls


def run(*words, code=0):
    command = ["inspect", *map(str, words)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == code, result.output
    return result.output


def photos(folder, alpha=False):
    """Writes three images, with a transparent border or without."""
    folder.mkdir(parents=True)
    for i in range(3):
        pixels = noise(12 + i, 20, 4)
        pixels[..., 3] = 0
        pixels[4:9, 8:13, 3] = 255
        image = Image.fromarray(pixels if alpha else pixels[..., :3])
        image.save(folder / f"{i}.png")


def test_it_prints_everything_and_ends_in_the_verdict(presets, tmp_path):
    photos(tmp_path / "photos", alpha=True)
    words = [presets["colour"], "folder:photos", "--mask-ratios", "0.25", "0.5"]
    lines = run(*words, "--out", "made/picture.png").splitlines()
    assert lines[:2] == [
        "3 images of folder:photos, with masks of the objects.",
        "Wrote made/picture.png.",
    ]
    mae = keras_mra.MAE.from_preset(presets["colour"])
    images, masks = datasets.images_and_masks("photos", (8, 8, 3))
    images = (images / 127.5 - 1).astype("float32")
    expected = evaluation.inspect(mae, images, masks, (0.25, 0.5))
    assert lines[-1] == expected.attention_verdict
    assert lines[-3:-1] == list(expected.paint_verdicts)
    auroc = f"{expected.foreground[0].auroc:.3f} ± "
    assert any(line.startswith("| AUROC") and auroc in line for line in lines)
    with Image.open(tmp_path / "made" / "picture.png") as picture:
        assert min(picture.size) > 300


@pytest.mark.parametrize(
    "words, ratios",
    [
        ([], [0.25, 0.4, 0.75]),
        (["--mask-ratios", "0.3"], [0.3]),
        (["--mask-ratios", "0.3", "0.5", "--image-count", "2"], [0.3, 0.5]),
        (["--mask-ratios", "0.3,0.5"], [0.3, 0.5]),
        (["--mask-ratios=0.3 0.5"], [0.3, 0.5]),
    ],
)
def test_ratios(presets, calls, words, ratios):
    assert run(presets["colour"], "digits", *words).endswith("\n\nAll is well.\n")
    assert calls[0][2] == ratios


def test_images_are_spread_over_the_test_data(presets, calls):
    out = run(presets["gray"], "digits", "--image-count", "4")
    assert out.startswith("4 images of digits, without masks.\n")
    images, masks, _ = calls[0]
    test = datasets.load("digits").test[0]
    chosen = test[[i * len(test) // 4 for i in range(4)]]
    np.testing.assert_allclose(images, chosen / 127.5 - 1, atol=1e-6)
    assert images.dtype == np.float32 and masks is None


def test_masks_of_a_folder(presets, calls, tmp_path):
    photos(tmp_path / "data" / "test")
    photos(tmp_path / "data" / "train")
    (tmp_path / "masks" / "test").mkdir(parents=True)
    for i in range(2):
        mask = np.zeros((12 + i, 20), bool)
        mask[:, :10] = True
        Image.fromarray(mask).save(tmp_path / "masks" / "test" / f"{i}.gif")
    out = run(presets["colour"], "folder:data", "--masks", "masks")
    assert out.startswith("2 images of folder:data, with masks of the objects.\n")
    images, masks, _ = calls[0]
    assert images.shape == (2, 8, 8, 3)
    assert masks[:, :, :4].all() and not masks[:, :, 5:].any()


@pytest.fixture
def card(presets, tmp_path):
    """The path of a preset's card, and the preset."""
    preset = tmp_path / "preset"
    keras_mra.MAE.from_preset(presets["colour"]).save_to_preset(preset)
    return preset / "README.md", preset


@pytest.mark.parametrize("words", ["Trained on `{}` at night.", "datasets:\n- {}\n"])
def test_a_card_names_the_data_of_a_preset(calls, card, words):
    path, preset = card
    path.write_text(words.format("digits"))
    assert run(preset).startswith("64 images of digits, without masks.\n")
    path.write_text(words.format("photographs"))
    assert run(preset).startswith("4 images of the package's sample photographs, with")
    assert calls[1][0].shape == (4, 8, 8, 3) and calls[1][1] is None


@pytest.mark.parametrize("name", ["folder:photos", "folder:/", "tfds:mnist", "folder:"])
def test_a_card_chooses_no_folder(calls, card, tmp_path, monkeypatch, name):
    """A card comes with a preset, and may be a stranger's."""
    from keras_mra_cli import inspected_images

    monkeypatch.setattr(inspected_images, "_named", None)
    photos(tmp_path / "photos")
    path, preset = card
    path.write_text(f"Trained on `{name}` without labels.")
    output = run(preset, code=1)
    assert "`DATA` must be given where a preset's card names a folder" in output
    assert name in output and not calls
    assert not (tmp_path / "inspect.png").exists()
    monkeypatch.undo()


def test_the_user_chooses_any_folder(calls, card, tmp_path):
    photos(tmp_path / "photos")
    path, preset = card
    path.write_text("Trained on `folder:photos` without labels.")
    output = run(preset, "folder:photos")
    assert output.startswith("3 images of folder:photos, without masks.\n")


def test_clothes_are_not_black(presets, calls, few_images):
    out = run("mae_nano_fashion_mnist", "--image-count", "10")
    assert out.startswith("10 images of fashion_mnist, with masks of the objects.\n")
    images, masks, _ = calls[0]
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(masks, images[..., 0] > 0)
    # Also for any grey preset whose data are not known.
    assert "images of fashion_mnist" in run(presets["gray"], "--image-count", "10")


def test_gray_photographs_replace_clothes_that_are_missing(presets, calls, monkeypatch):
    def missing():
        raise datasets.DatasetUnavailable("no network")

    monkeypatch.setattr(fashion_mnist, "load_fashion_mnist", missing)
    assert "4 images of the package's sample photographs" in run(presets["gray"])
    assert calls[0][0].shape == (4, 8, 8, 1)


@pytest.mark.parametrize(
    "out, expected",
    [
        ("photos/0.png", "the folder of `data`"),
        ("photos/new/a.png", "the folder of `data`"),
        ("masks/0.png", "the folder of `masks`"),
        ("link/0.png", "the folder of `data`"),
        ("a.json", "`out` must end in .png"),
        ("a", "`out` must end in .png"),
    ],
)
def test_what_must_not_be_written_is_refused_first(out, expected, tmp_path):
    photos(tmp_path / "photos")
    photos(tmp_path / "masks")
    (tmp_path / "link").symlink_to("photos")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.png")}
    # There is no such preset: nothing has been loaded.
    words = ["nothing", "folder:photos", "--masks", "masks", "--out", out]
    assert expected in " ".join(run(*words, code=1).split())
    assert before == {file: file.read_bytes() for file in tmp_path.rglob("*.png")}


def test_bad_input_is_named(presets):
    preset = presets["colour"]
    for words, message in [
        (("mae_nano",), "without weights"),
        (("nothing",), "`preset` must be"),
        ((preset, "cifar"), "folder:PATH"),
        ((preset, "folder:none"), "does not exist"),
        ((preset, "digits", "--masks", "masks"), "`--masks` needs images of a folder"),
        ((preset, "digits", "--image-count", "1"), "`image_count` must be an integer"),
        ((preset, "digits", "--mask-ratios", "0.4", "1.5"), "`mask_ratios` must be a"),
        ((preset, "digits", "--out", "a.unknown"), "`out` must end in .png"),
    ]:
        assert message in run(*words, code=1)
    assert "--mask-ratios must be numbers. Received: 'half'" in run(
        preset, "--mask-ratios", "half", code=2
    )
    assert "requires an argument" in run(preset, "--mask-ratios", code=2)
