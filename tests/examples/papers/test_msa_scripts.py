"""MSA's experiments on the digits, each on one backend, the backends in turn."""

import pytest
from helpers.models import TINY
from helpers.running_examples import on
from helpers.running_examples import report
from helpers.running_examples import run

from keras_mra.models import MAE

ENCODERS = {"MAE", "MSA", "supervised", "random"}
PAIR = {"MAE", "random"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the scripts share their encoders."""
    return tmp_path_factory.mktemp("msa")


def encoders_of(record):
    """Checks what all examples say of the encoders; returns the runs of one seed."""
    assert list(record["curves"]) == record["settings"]["encoders"]
    for name, (curve,) in record["curves"].items():
        if name == "random":
            assert curve == {}
            continue
        losses = "cross_entropy" if name == "supervised" else "pixel_loss"
        assert len(curve[losses]) == len(curve["seconds"]) == 2
        assert all(value > 0 for value in curve[losses] + curve["seconds"])
    return {name: found for name, (found,) in record["runs"].items()}


@on("torch")
def test_linear_probe(folder):
    record = report("linear_probe", folder, "--five-epochs", "1")
    found = encoders_of(record)
    assert set(found) == ENCODERS | {"raw pixels"}
    for name, its in found.items():
        shares = its["clean"] | its["changed"]
        assert {"kNN, k = 20", "10 labels per class", "5-way 1-shot"} <= set(shares)
        assert {"linear probe, both", "shift", "flip", "cutout"} <= set(shares)
        assert ("linear probe, class" in shares) == (name != "raw pixels")
        assert all(0 <= share <= 1 for share in shares.values())
        # Ten classes: even random features of digits are far above chance.
        assert shares["linear probe, both"] > 0.4 and its["seconds"] > 0
    text = (folder / "results" / "linear_probe.md").read_text()
    assert "MSA − MAE" in text and "classes held out (1, 3, 5, 7, 9)" in text
    # A second run finds what the first has done.
    _, again = run("papers/linear_probe.py", folder, "--five-epochs", "1")
    assert "seed 0" not in again


@on("torch")
def test_linear_probe_of_other_data_and_of_changed_backgrounds(folder, tmp_path):
    mae = MAE(image_shape=(8, 8, 1), patch_size=4, **TINY)
    mae.save_to_preset(tmp_path / "masks")
    options = ("--transfer", "digits", "--masks", str(tmp_path / "masks"))
    options += ("--encoders", "MAE", "--work", str(folder / "runs"))
    record = report("linear_probe", tmp_path, *options)
    (other,), (clean,) = record["transfer"]["MAE"], record["runs"]["MAE"]
    assert other["clean"].items() <= clean["clean"].items()  # the same images
    shares = record["backgrounds"]["MAE"][0]["clean"]
    # Images without an object or a background are left out.
    accuracy = clean["clean"]["linear probe, both"]
    assert shares["as it is"] == pytest.approx(accuracy, abs=0.03)
    assert shares["object in the mean colour of the background"] < accuracy


@on("torch")
def test_fine_tune(folder):
    record = report("fine_tune", folder)
    assert set(record["runs"]) == {"4 labels per class", "all labels"}
    for labels, images in {"4 labels per class": 40, "all labels": 300}.items():
        found = encoders_of({**record, "runs": record["runs"][labels]})
        assert set(found) == PAIR
        for its in found.values():
            assert 0 <= its["test error"] < 1
            assert its["result"]["train_images"] == images
            assert len(its["curve"]["loss"]) == its["result"]["epochs"]
            # At least 20 steps, and 2 epochs.
            assert its["result"]["epochs"] == {40: 20, 300: 3}[images]


@on("jax")
def test_analysis(folder):
    record = report("analysis", folder)
    found = encoders_of(record)
    assert set(found) == PAIR
    for its in found.values():
        (heads,) = its["heads"]  # of one block
        assert len(heads) == 3 and all(0 < span < 8 for span in heads)
        assert its["distance"] == {"block 1": pytest.approx(sum(heads) / 3)}
        assert 0 < its["placement"]["alignment"] < 4
        assert -8 < its["placement"]["uniformity"] < 0
        # 20 images of each of ten classes.
        assert its["chance"] == pytest.approx(19 / 199)
        assert its["chance"] < its["purity"]["1 nearest"] <= 1
    names = {path.name for path in (folder / "results").glob("*.png")}
    assert {f"analysis_attention_{name}.png" for name in PAIR} <= names
    assert "analysis_distance.png" in names


@on("torch")
def test_vqa(folder):
    record = report("vqa", folder)
    found = encoders_of(record)
    assert set(found) == {"MAE", "text only"}
    assert record["questions"] == [240, 80]
    for its in found.values():
        assert list(its["accuracy"]) == ["all", "count", "same", "what", "where"]
        assert all(0 <= share <= 1 for share in its["accuracy"].values())
        assert its["guess"] == found["MAE"]["guess"] and len(its["curve"]["loss"]) == 2
    assert (folder / "results" / "vqa_questions.png").exists()
