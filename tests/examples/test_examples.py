"""The examples run as their users run them, each on one backend in turn."""

from helpers.running_examples import on
from helpers.running_examples import run


@on("tensorflow")
def test_classifier(tmp_path):
    printed = run("classifier.py", tmp_path)
    assert 0.05 < float(printed.split("test accuracy ")[-1].split()[0]) <= 1
    assert (tmp_path / "classifier.keras").exists()


@on("jax")
def test_msa_and_mra(tmp_path):
    printed = run("msa_and_mra.py", tmp_path)
    assert 0.05 < float(printed.split("test accuracy ")[-1].split()[0]) <= 1


@on("torch")
def test_own_vit(tmp_path):
    printed = run("own_vit.py", tmp_path).splitlines()[-1].split()
    assert 0.1 < float(printed[1]) < 0.5 and 0 < float(printed[-2]) <= 1
