"""What the results of all protocols print and save."""

import json

import numpy as np
import pytest

from keras_mra import evaluation

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


@pytest.fixture
def results(rng, train, test):
    images = rng.integers(0, 256, (60, 8, 8, 1), dtype="uint8")
    labels = np.arange(60) % 2

    def flat(images):
        return images.reshape(len(images), -1).astype("float32")

    return {
        "linear_probe": evaluation.linear_probe(None, train, test),
        "knn": evaluation.knn(None, train, test, k=(1, 20)),
        "few_shot": evaluation.few_shot(None, train, ways=3, episodes=10),
        "low_shot": evaluation.low_shot(None, train, test, (5, 10)),
        "alignment": evaluation.alignment(None, train[0], train[0]),
        "purity": evaluation.purity(None, train, k=(1, 2)),
        "invariance": evaluation.invariance(flat, (images, labels), (images, labels)),
        "occlusion": evaluation.occlusion_curve(flat, (images, labels), (0, 2)),
    }


def test_results_print_as_tables_and_save_as_json(results, tmp_path):
    for protocol, result in results.items():
        lines = str(result).splitlines()
        assert len({len(line) for line in lines}) == 1 and set(lines[1]) == {"|", "-"}
        result.save(tmp_path / "result.json")
        loaded = json.loads((tmp_path / "result.json").read_text())
        assert loaded == result.to_dict()
        assert loaded["protocol"] == protocol
        with pytest.raises(AttributeError):
            result.seed = 1


def test_tables_show_percentages(results):
    one, twenty = (100 * results["knn"].accuracy[k] for k in (1, 20))
    assert str(results["knn"]).splitlines() == [
        "| k  | accuracy % |",
        "|----|------------|",
        f"| 1  | {one:.2f}      |",
        f"| 20 | {twenty:.2f}      |",
    ]
    assert str(results["occlusion"]).splitlines()[0] == "| boundary, pixels | error % |"
    saved = results["occlusion"].to_dict()
    assert saved["error"] == {str(k): v for k, v in results["occlusion"].error.items()}


def test_seeds_of_numpy_can_be_saved(train, test, tmp_path):
    (seed,) = np.arange(3, 4)
    result = evaluation.low_shot(None, train, test, (5,), draws=2, seed=seed)
    result.save(tmp_path / "result.json")
    assert json.loads((tmp_path / "result.json").read_text())["seed"] == 3
