"""Sizes that no machine holds are refused by name, before anything is built."""

import pathlib
import subprocess
import sys
import time

import keras
import pytest

import keras_mra
from keras_mra import machine
from keras_mra.vit.mae_sizes import MOST_BLOCKS
from keras_mra.vit.mae_sizes import check_mae_sizes

SMALL = dict(
    image_shape=(8, 8, 1), patch_size=4,
    encoder_dim=8, encoder_depth=1, encoder_heads=1,
    decoder_dim=8, decoder_depth=1, decoder_heads=1,
)  # fmt: skip
REFUSED = [
    (dict(encoder_depth=1_000_000), "`encoder_depth` must be at most 200"),
    (dict(encoder_depth=1_000), "`encoder_depth` must be at most 200.*=1000"),
    (dict(decoder_depth=201), "`decoder_depth` must be at most 200.*=201"),
    (dict(encoder_dim=10**400), "`encoder_dim` must be a positive integer, below"),
    (dict(decoder_dim=2**17), "`decoder_dim` must be at most 65,536.*=131072"),
    (dict(mlp_ratio=1e308), "`mlp_ratio` must be at most 1,024"),
    (dict(image_shape=(100_000, 100_000, 3)), "`image_shape` must have sides.*100000"),
    (dict(image_shape=(8, 8, 100_000)), "`image_shape` must have sides and channels"),
    (
        dict(image_shape=(2**15, 2**15, 3)),
        r"`image_shape`, `patch_size` and `encoder_heads` must make.*at most 1 TB. "
        r"Received: image_shape=\(32768, 32768, 3\), patch_size=\(4, 4\), "
        r"encoder_heads=1 \(.* TB for the attention of the encoder\)",
    ),
    (
        dict(image_shape=(2**15, 2**15, 3), patch_size=2**14, decoder_dim=1024),
        r"`decoder_dim`, .*=1024, .* TB for the weights of the decoder\)",
    ),
    (
        dict(encoder_dim=2**16, encoder_depth=2),
        "`encoder_dim`, `encoder_depth` and `mlp_ratio` must make.*the weights",
    ),
    (
        dict(
            image_shape=(3000, 3000, 1), patch_size=10, encoder_dim=4096,
            encoder_depth=200, mlp_ratio=0.25,
        ),
        "encoder_depth=200.*the tokens of the encoder",
    ),
]  # fmt: skip


@pytest.mark.parametrize("changes, pattern", REFUSED)
def test_sizes_out_of_bounds(changes, pattern):
    started = time.monotonic()
    with pytest.raises(ValueError, match=pattern):
        keras_mra.MAE(**{**SMALL, **changes})
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("changes", [dict(encoder_depth=1_000), REFUSED[6][0]])
def test_a_keras_file_is_refused_at_once(tmp_path, changes):
    model = keras_mra.MAE(**SMALL)
    model.get_config = lambda: {**keras_mra.MAE.get_config(model), **changes}
    model.save(tmp_path / "mae.keras")
    started = time.monotonic()
    name = next(iter(changes))
    with pytest.raises((ValueError, TypeError), match=f"`{name}` must"):
        keras.models.load_model(tmp_path / "mae.keras")
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("name", ["hidden_dim", "projection_dim"])
def test_the_heads_of_an_msa_have_a_limit(name):
    with pytest.raises(ValueError, match=f"`{name}` must be at most 65,536"):
        keras_mra.MSA(keras_mra.MAE(**SMALL), **{name: 10**12})


def test_a_keras_file_beyond_the_memory_of_the_machine(tmp_path, monkeypatch):
    """Keras builds the model before it reads the weights."""
    keras_mra.MAE(**SMALL).save(tmp_path / "mae.keras")
    monkeypatch.setattr(machine, "memory", lambda: 1_000)
    with pytest.raises(
        (ValueError, TypeError),
        match=r"coder_depth` and `mlp_ratio` must make weights that fit in "
        r"the memory of this machine, 0.0 GB. Received: image_shape=\(8, 8, 1\)",
    ):
        keras.models.load_model(tmp_path / "mae.keras")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_the_memory_of_the_machine():
    """As the kernel states it, to a tenth: it keeps some for itself."""
    lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
    (total,) = (line.split()[1] for line in lines if line.startswith("MemTotal"))
    assert machine.memory() == pytest.approx(int(total) * 1024, rel=0.1)


def test_the_heads_of_an_msa_beyond_the_memory(monkeypatch):
    mae = keras_mra.MAE(**SMALL)
    # Projector and teacher 16-10-5, predictor 5-10-5: 520 weights without biases.
    heads = dict(hidden_dim=10, projection_dim=5)
    monkeypatch.setattr(machine, "memory", lambda: 4 * 520)
    keras_mra.MSA(mae, **heads)
    monkeypatch.setattr(machine, "memory", lambda: 4 * 520 - 1)
    with pytest.raises(ValueError, match="`hidden_dim` and `projection_dim` must make"):
        keras_mra.MSA(mae, **heads)


def test_published_sizes_are_within_the_limits(monkeypatch):
    """ViT-22B, and a photograph of 16 megapixels in patches of 16 pixels."""
    monkeypatch.setattr(machine, "memory", lambda: None)
    vit_22b = dict(encoder_dim=6144, encoder_depth=48, encoder_heads=48)
    for changes in (vit_22b, dict(image_shape=(4096, 4096, 3), patch_size=16)):
        check_mae_sizes(**{**SMALL, **changes}, mlp_ratio=4)


DEEPEST = f"""
import keras, keras_mra
sizes = {SMALL!r}
mae = keras_mra.MAE(**{{**sizes, "encoder_depth": {MOST_BLOCKS}}})
mae.save("deep.keras")
keras.models.load_model("deep.keras")
print("loaded", len(mae.encoder.layers))
"""


def test_the_deepest_model_stays_within_the_recursion_limit(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DEEPEST], capture_output=True, text=True, cwd=tmp_path
    )
    assert "loaded" in done.stdout, done.stderr
