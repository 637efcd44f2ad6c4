"""Records of a comparison: read as written, and refused if edited or of another one."""

import json
import math

import pytest

from keras_mra.comparison.records import Records

pytestmark = pytest.mark.once
SETTINGS = {"arms": ["MRA"], "epochs": None, "seeds": 2, "mask_ratio": 0.4}
PLAN = {"network": "small_cnn", "classes": 4, "learning_rate": 0.01}


def run(seed):
    curve = {"epoch": [1, 2], "loss": [math.nan, 0.5], "error": [1.0, 0.1 + 0.2]}
    return dict(
        seed=seed, error=1 / 3, occluded=1.0, swapped=1.0, seconds=2.5, curve=curve
    )


def write(folder):
    """Writes what a comparison has written that was killed after three runs."""
    records = Records(folder, SETTINGS, PLAN)
    records.write(attention="It sees objects.", plan={**PLAN, "epochs": 5})
    for arm, seed in (("base", 0), ("MRA", 0), ("base", 1)):
        records.add(arm, run(seed))
    return folder / "compare.json"


def test_what_was_written_is_read(tmp_path):
    write(tmp_path)
    found = Records(tmp_path, SETTINGS, PLAN)
    assert found.seconds() == 7.5
    assert found.get("base", 1)["error"] == 1 / 3
    assert found.get("MRA", 1) is None and found.get("MixUp", 0) is None
    assert found.found["plan"]["epochs"] == 5


EDITS = {
    "an error": lambda found: found["runs"]["MRA"][0].update(error=0.3),
    "a run less": lambda found: found["runs"]["base"].pop(),
    "the attention": lambda found: found.update(attention="It sees nothing."),
    "the plan": lambda found: found["plan"].update(epochs=6),
    "the settings": lambda found: found["settings"].update(seeds=3),
    "no settings": lambda found: found.pop("settings"),
    "no digest": lambda found: found.pop("content_sha256"),
    "another digest": lambda found: found.update(content_sha256=1),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_file_is_refused_and_kept(edit, tmp_path):
    file = write(tmp_path)
    found = json.loads(file.read_text())
    EDITS[edit](found)
    file.write_text(json.dumps(found))
    before = file.read_bytes()
    with pytest.raises(ValueError, match="^`out` must be a new folder") as error:
        Records(tmp_path, SETTINGS, PLAN)
    message = str(error.value)
    assert "does not match its `content_sha256`" in message and str(file) in message
    assert "Give another `out`, or delete the file" in message
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"runs": {"base"', "\xff\0", "5" * 5000]
)
def test_a_file_that_is_no_json_is_named(text, tmp_path):
    file = tmp_path / "compare.json"
    file.write_text(text)
    with pytest.raises(ValueError, match="^`out` must be .*damaged or edited") as error:
        Records(tmp_path, SETTINGS, PLAN)
    assert str(file) in str(error.value) and "delete the file" in str(error.value)


def test_other_settings_and_recipes_are_named(tmp_path):
    write(tmp_path)
    with pytest.raises(ValueError, match="made with mask_ratio 0.4, not 0.5"):
        Records(tmp_path, {**SETTINGS, "mask_ratio": 0.5}, PLAN)
    with pytest.raises(ValueError, match="made with learning_rate 0.01, not 0.1"):
        Records(tmp_path, SETTINGS, {**PLAN, "learning_rate": 0.1})
