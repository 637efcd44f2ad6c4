"""Commands that paint refuse a preset that was never trained."""

import pytest
from helpers.models import TINY
from helpers.models import randomize

import keras_mra

pytest.importorskip("typer")
from typer.testing import CliRunner  # noqa: E402

from keras_mra.models.trained_mae import trained_mae  # noqa: E402
from keras_mra_cli.commands import app  # noqa: E402

pytestmark = pytest.mark.once
COMMANDS = {
    "augment": ["augment", "in", "out", "--preset"],
    "inspect": ["inspect"],
    "app": ["app", "--no-browser"],
}


@pytest.fixture
def untrained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    keras_mra.MAE((8, 8, 3), 4, **TINY).save_to_preset("untrained")
    return "untrained"


@pytest.mark.parametrize("command", COMMANDS)
def test_an_untrained_preset_is_refused(command, untrained):
    result = CliRunner().invoke(app, [*COMMANDS[command], untrained])
    assert result.exit_code == 1
    words = " ".join(result.output.split())
    assert "`preset` must be trained. Received: 'untrained', whose encoder and" in words


@pytest.mark.parametrize("command", COMMANDS)
def test_an_architecture_is_refused(command, untrained):
    result = CliRunner().invoke(app, [*COMMANDS[command], "mae_nano"])
    assert result.exit_code == 1 and "without weights" in result.output


def test_a_trained_preset_is_loaded(tmp_path):
    mae = randomize(keras_mra.MAE((8, 8, 3), 4, **TINY))
    mae.save_to_preset(tmp_path / "trained")
    assert trained_mae(str(tmp_path / "trained")).image_shape == (8, 8, 3)
