"""MRA's experiments on the digits, each on one backend, the backends in turn."""

import itertools

import numpy as np
import pytest
from helpers.running_examples import on
from helpers.running_examples import report
from helpers.running_examples import run
from helpers.running_examples import run_alone

from keras_mra import evaluation
from keras_mra.classifiers.networks.build_network import build_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the scripts share their autoencoder and their classifiers."""
    return tmp_path_factory.mktemp("mra")


def shares(record, arms):
    """Checks errors of the arms, one seed each; returns them by arm."""
    assert set(record["runs"]) == set(arms)
    found = {}
    for arm in arms:
        (found[arm],) = record["runs"][arm]
        assert all(0 <= share <= 1 for share in found[arm].values())
    return found


@on("tensorflow")
def test_supervised(folder):
    record = report("supervised", folder)
    found = shares(record, ["none", "CutMix", "flip+crop+MRA"])
    for arm, (curve,) in record["curves"].items():
        assert curve["epoch"] == [1, 2]
        # The curve is of all test images here, as the table is.
        assert curve["error"][-1] == pytest.approx(found[arm]["test error"])


@on("tensorflow")
def test_supervised_with_tuned_settings(folder):
    record = report("supervised", folder, "--tune", "2", "--arms", "none", "Cutout")
    shares(record, ["none", "Cutout"])
    assert set(record["tuned"]) == set(record["trials"]) == {"none", "Cutout"}
    for trials in record["trials"].values():
        assert [trial["changed"] == {} for trial in trials] == [True, False]
    text = (folder / "results" / "supervised.md").read_text()
    assert "Validation error of the trials" in text


@on("jax")
def test_schedules(folder):
    record = report("schedules", folder)
    errors = shares(record, ["none", "MRA", "MRA, rising", "MRA, consistency"])
    for arm, (curve,) in record["curves"].items():
        assert curve["error"][-1] == pytest.approx(errors[arm]["test error"])


@on("jax")
@pytest.mark.parametrize(
    "options, message",
    [
        (["--arms", "MixUp"], "must keep the labels.*'MixUp'"),
        (["--arms", "MRA tail"], "treat all classes alike.*'MRA tail'"),
        (["--uses", "risng"], "`uses` must be one of.*'risng'"),
        (["--attention", "x", "--arms", "RandAugment"], "`--attention` must be used"),
    ],
)
def test_schedules_of_bad_arms(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        run("papers/schedules.py", tmp_path, *options)


@on("tensorflow")
def test_occlusion(folder):
    """With the classifiers of `supervised.py`, where that has run before."""
    record = report("occlusion", folder)
    assert list(record["runs"]) == ["none", "CutMix", "flip+crop+MRA"]
    for (found,) in record["runs"].values():
        # Of 8 pixels: borders of 0 to 3, squares of 0 to 6.
        assert list(found["boundary"]) == ["0", "1", "2", "3"]
        assert list(found["center"])[-1] == "6" and list(found["patches"])[-1] == "0.8"
        clean = {next(iter(found[kind].values())) for kind in found}
        assert len(clean) == 1  # nothing is hidden yet


@on("jax")
def test_background(folder):
    record = report("background", folder, "--object-share", "0.5")
    assert list(record["runs"]) == ["none", "CutMix", "flip+crop+MRA"]
    for (found,) in record["runs"].values():
        other = found["background of an image of another class"]
        same = found["background of another image of the class"]
        assert found["reliance on the background"] == pytest.approx(other - same)
        assert all(0 <= error <= 1 for name, error in found.items() if "in" in name)


@on("jax")
def test_background_of_central_objects(folder):
    _, printed = run("papers/background.py", folder, "--objects", "central")
    assert "reliance on the background" in printed


@on("jax")
def test_each_option_of_the_masks_is_judged_anew(folder):
    def judgements():
        return set(folder.glob("runs/backgrounds_of_*"))

    record = report("background", folder, "--arms", "none")
    for options in (["--object-share", "0.3"], ["--smooth"]):
        before = judgements()
        other = report("background", folder, "--arms", "none", *options)
        assert len(judgements() - before) == 1
        # The patches of the digits are pixels, whose masks are as smooth as others.
        assert (other["runs"] == record["runs"]) == (options == ["--smooth"])


@on("tensorflow")
def test_background_of_drawn_objects_of_another_data_set(tmp_path):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)

    def write(root, name, number, pixels):
        path = tmp_path / root / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.fromarray(pixels).save(path)

    for name, number in itertools.product(("a", "b", "c"), range(12)):
        write("trained/train", name, number, rng.integers(0, 256, (8, 8, 3), "uint8"))
        write("trained/test", name, number, rng.integers(0, 256, (8, 8, 3), "uint8"))
    images = rng.integers(0, 256, (12, 8, 8, 3), "uint8")
    masks = rng.random((12, 8, 8)) < 0.5
    for number, name in enumerate("bbbbbbcccccc"):
        write("judged/train", name, number, images[number])
        write("judged/test", name, f"{number:02}", images[number])
        write("masks", name, f"{number:02}", masks[number] * np.uint8(255))

    def judge():
        return report(
            "background", tmp_path, "--data", f"folder:{tmp_path}/trained", "--arms",
            "none", "--objects", "drawn", "--masks", f"{tmp_path}/masks",
            "--judged-on", f"folder:{tmp_path}/judged",
        )  # fmt: skip

    record = judge()
    assert record["judged_on"] == f"the test images (12) of folder:{tmp_path}/judged"
    # The classifier of this run, judged without the script.
    (weights,) = tmp_path.glob("runs/classifier-*/network.weights.h5")
    network = build_network("small_cnn", (8, 8, 3), 3, (0, 255), 0)
    network.load_weights(weights)
    expected = evaluation.background_reliance(
        lambda batch: network.predict(batch, verbose=0)[:, 1:],
        (images, np.repeat([0, 1], 6)),
        masks,
    )
    (found,) = record["runs"]["none"]
    assert found["as it is"] == expected.error["original"]
    assert found["background in its mean colour"] == expected.error["removed"]

    # Other masks under the same name are judged anew.
    for number, name in enumerate("bbbbbbcccccc"):
        write("masks", name, f"{number:02}", masks[11 - number] * np.uint8(255))
    before = set(tmp_path.glob("runs/backgrounds_of_*"))
    judge()
    assert len(set(tmp_path.glob("runs/backgrounds_of_*")) - before) == 1


@on("torch")
def test_fine_grained(folder):
    record = report("fine_grained", folder, "--classes", "1", "7", "9")
    found = shares(record, ["none", "MRA"])
    for errors in found.values():
        assert set(errors) == {"all", "1", "7", "9"}
        ones = [errors[name] for name in ("1", "7", "9")]
        assert min(ones) <= errors["all"] <= max(ones)


@on("jax")
def test_long_tail(folder):
    record = report("long_tail", folder)
    found = shares({"runs": record["runs"]["10"]}, ["none", "MRA tail"])
    for errors in found.values():
        assert set(errors) == {"all", "many", "medium", "few"}
        # Ten classes: three, four and three.
        of_groups = 3 * errors["many"] + 4 * errors["medium"] + 3 * errors["few"]
        assert errors["all"] == pytest.approx(of_groups / 10)


@on("torch")
def test_semi_supervised_in_a_process_of_its_own(tmp_path):
    printed = run_alone("papers/semi_supervised.py", tmp_path)
    report_of_first = (tmp_path / "results" / "semi_supervised.md").read_text()
    assert report_of_first.strip() in printed
    assert printed.startswith("fixmatch labels only: arm labels only, count 4")
    # A second run, in this process, finds what the first has done.
    record = report("semi_supervised", tmp_path)
    shares({"runs": record["runs"]["4"]}, ["labels only", "MRA"])
    _, again = run("papers/semi_supervised.py", tmp_path)
    assert again.startswith("# FixMatch with MRA as the strong view")


@on("torch")
def test_few_shot(folder):
    def presets():
        return set(folder.glob("**/autoencoder-*/preset"))

    before = presets()
    record = report("few_shot", folder)
    assert list(record["runs"]) == record["settings"]["arms"]
    (found,) = record["runs"]["none"]
    assert set(found) == {"no copies", "flip+crop", "MRA"}
    for errors in found.values():
        assert set(errors) == {"1-shot", "5-shot"}
        assert all(0 <= error <= 1 for error in errors.values())
    # Copies are of use, or do harm: they are not left out.
    assert len({str(errors) for errors in found.values()}) == 3
    assert record["unseen"] == ["5", "6", "7", "8", "9"]
    # `--mae` names the autoencoder that the first command trained.
    (preset,) = presets() - before
    named = report("few_shot", folder, "--mae", str(preset))
    assert named["runs"] == record["runs"]
    assert presets() - before == {preset}


@on("torch")
def test_masking_strategies(folder):
    record = report("masking_strategies", folder)
    errors = shares(record, ["none"])["none"]
    assert list(errors) == [
        "test images",
        "repainted, attention",
        "repainted, random",
        "repainted, low attention",
    ]
    assert len(set(errors.values())) > 1  # views are repainted


@on("torch")
def test_ablations(folder):
    record = report("ablations", folder)
    assert list(record["runs"]["augmentation_ratios"]) == ["0.4", "0.8"]
    assert list(record["runs"]["pretraining_mask_ratios"]) == ["0.5"]
    shares({"runs": record["baseline"]}, ["none"])
