"""MRA's examples on the digits, each on one backend, the backends in turn."""

from helpers.running_examples import on
from helpers.running_examples import report


def shares(record, arms):
    """Checks errors of the arms, one seed each; returns them by arm."""
    assert set(record["runs"]) == set(arms)
    found = {}
    for arm in arms:
        (found[arm],) = record["runs"][arm]
        assert all(0 <= share <= 1 for share in found[arm].values())
    return found


@on("tensorflow")
def test_supervised(tmp_path):
    record = report("supervised", tmp_path)
    assert list(shares(record, record["settings"]["arms"])) == [
        "none", "CutMix", "flip+crop+MRA",
    ]  # fmt: skip
    assert record["curves"]["none"][0]["epoch"] == [1, 2]


@on("torch")
def test_occlusion(tmp_path):
    arms = ["none", "MRA", "MRA random"]
    record = report("occlusion", tmp_path, "--arms", *arms)
    for arm in arms:
        (run,) = record["runs"][arm]
        # Of 8 pixels: borders of 0 to 3, squares of 0 to 6.
        assert list(run["boundary"]) == ["0", "1", "2", "3"]
        assert list(run["center"])[-1] == "6" and list(run["patches"])[-1] == "0.8"
        clean = {next(iter(run[kind].values())) for kind in run}
        assert len(clean) == 1  # nothing is hidden yet


@on("tensorflow")
def test_fine_grained(tmp_path):
    record = report("fine_grained", tmp_path, "--classes", "1", "7", "9")
    assert set(shares(record, record["settings"]["arms"])["MRA"]) == {
        "all", "1", "7", "9",
    }  # fmt: skip


@on("torch")
def test_long_tail(tmp_path):
    record = report("long_tail", tmp_path)
    (run,) = record["runs"]["10"]["MRA tail"]
    assert set(run) == {"all", "many", "medium", "few"}


@on("torch")
def test_semi_supervised(tmp_path):
    record = report("semi_supervised", tmp_path)
    (run,) = record["runs"]["4"]["MRA"]
    assert 0 <= run["test error"] <= 1


@on("jax")
def test_few_shot(tmp_path):
    record = report("few_shot", tmp_path)
    assert list(record["runs"]) == record["settings"]["arms"]
    (found,) = record["runs"]["none"]
    assert set(found) == {"no copies", "flip+crop", "MRA"}
    for errors in found.values():
        assert set(errors) == {"1-shot", "5-shot"}
        assert all(0 <= error <= 1 for error in errors.values())
    assert record["unseen"] == ["5", "6", "7", "8", "9"]


@on("torch")
def test_masking_strategies(tmp_path):
    record = report("masking_strategies", tmp_path)
    assert "repainted, low attention" in shares(record, ["none"])["none"]


@on("jax")
def test_ablations(tmp_path):
    record = report("ablations", tmp_path)
    assert list(record["runs"]["augmentation_ratios"]) == ["0.4", "0.8"]
    assert list(record["runs"]["pretraining_mask_ratios"]) == ["0.5"]
    assert 0 <= record["baseline"]["none"][0]["test error"] <= 1
