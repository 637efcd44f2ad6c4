"""Presets: named architectures, shipped weights, and folders of one's own.

A preset folder has KerasHub's layout: `config.json`, `model.weights.h5` and
`metadata.json`. Nothing in it is code: the configuration may only name an `MAE`.
"""

import contextlib
import json
import os
import pathlib
from typing import Any

import keras

from keras_mra import weights
from keras_mra.models.convert import load_checkpoint
from keras_mra.version import __version__
from keras_mra.weights import hub

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "mae_nano": dict(
        description="ViT 96x4, decoder 64x2: small images and CPUs.",
        config=dict(
            image_shape=(32, 32, 3), patch_size=4,
            encoder_dim=96, encoder_depth=4, encoder_heads=3,
            decoder_dim=64, decoder_depth=2, decoder_heads=2,
        ),
    ),
    "mae_mini": dict(
        description="ViT-Tiny 192x12, decoder 128x4: the role of the paper's MAE-Mini.",
        config=dict(
            image_shape=(224, 224, 3), patch_size=16,
            encoder_dim=192, encoder_depth=12, encoder_heads=3,
            decoder_dim=128, decoder_depth=4, decoder_heads=4,
        ),
    ),
    "mae_small": dict(
        description="ViT-Small 384x12, decoder 256x4.",
        config=dict(
            image_shape=(224, 224, 3), patch_size=16,
            encoder_dim=384, encoder_depth=12, encoder_heads=6,
            decoder_dim=256, decoder_depth=4, decoder_heads=8,
        ),
    ),
    "mae_base": dict(
        description="The published MAE ViT-B/16: 768x12, decoder 512x8.",
        config=dict(
            image_shape=(224, 224, 3), patch_size=16,
            encoder_dim=768, encoder_depth=12, encoder_heads=12,
            decoder_dim=512, decoder_depth=8, decoder_heads=16,
        ),
    ),
    "mae_large": dict(
        description="The published MAE ViT-L/16: 1024x24, decoder 512x8.",
        config=dict(
            image_shape=(224, 224, 3), patch_size=16,
            encoder_dim=1024, encoder_depth=24, encoder_heads=16,
            decoder_dim=512, decoder_depth=8, decoder_heads=16,
        ),
    ),
}  # fmt: skip


def describe_presets():
    """Names of all shipped presets and a description of each, as a dict."""
    presets = {name: entry["description"] for name, entry in ARCHITECTURES.items()}
    for folder in sorted(shipped_folder().iterdir()):
        if (folder / METADATA).is_file():
            presets[folder.name] = _read_json(folder / METADATA)["description"]
    return presets


def shipped_folder():
    """Where the presets that come with weights lie."""
    return pathlib.Path(__file__).parents[1] / "presets"


def architecture(preset):
    """The arguments of `MAE` that a preset stands for, as a new dict."""
    if isinstance(preset, str) and preset in ARCHITECTURES:
        return dict(ARCHITECTURES[preset]["config"])
    place = find(preset)
    if _is_foreign(place):
        return weights.read_checkpoint(place, {}).arguments
    return _read_config(place)


def load_preset(cls, preset, load_weights, overrides):
    """Makes a model of class `cls` from a preset; see `MAE.from_preset`."""
    if isinstance(preset, str) and preset in ARCHITECTURES:
        if load_weights:
            raise ValueError(
                f"`load_weights=True`, but preset {preset!r} is an architecture "
                "without weights. With weights there are: "
                f"{sorted(set(describe_presets()) - set(ARCHITECTURES))}"
            )
        return cls(**{**architecture(preset), **overrides})
    folder = find(preset)
    if _is_foreign(folder):
        return load_checkpoint(cls, folder, load_weights, overrides)
    model = cls.from_config({**_read_config(folder), **overrides})
    if load_weights is None or load_weights:
        _load_weights(model, folder / WEIGHTS)
    return model


def save_preset(model, path, description=""):
    """Writes a preset folder; see `MAE.save_to_preset`."""
    folder = pathlib.Path(path)
    if (folder / CONFIG).is_file() and not _is_ours(folder):
        raise ValueError(
            f"`path` must be another folder: {str(folder)!r} holds a model of another "
            "library, whose configuration would be overwritten."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        metadata = {
            "description": description,
            "keras_version": keras.__version__,
            "keras_mra_version": __version__,
            "parameter_count": model.count_params(),
        }
        documents = {
            CONFIG: keras.saving.serialize_keras_object(model),
            METADATA: metadata,
        }
        with contextlib.ExitStack() as leftovers:
            parts = {}
            for name in (WEIGHTS, CONFIG, METADATA):
                parts[name] = folder / f"part.{name}"
                leftovers.callback(parts[name].unlink, missing_ok=True)
            _reserve(parts[WEIGHTS], 4 * model.count_params() + 2**20)
            _without_optimizer(model).save_weights(parts[WEIGHTS])
            for name, content in documents.items():
                text = json.dumps(content, indent=2) + "\n"
                parts[name].write_text(text, encoding="utf-8")
            # Nothing is replaced before everything is written.
            for name, part in parts.items():
                os.replace(part, folder / name)
    except OSError as error:
        raise OSError(
            f"The preset could not be written to `path` {str(folder)!r}: {error}"
        ) from error


def upload_preset(handle, path, private=False):
    """Sends a folder written by `save_to_preset` to the Hugging Face hub.

    Others then load it by `MAE.from_preset(handle)`. Needs `huggingface_hub`
    (`pip install 'keras-mra[hub]'`) and a login (`hf auth login`).

    Args:
        handle: `hf://OWNER/NAME`; the repository is made if there is none.
        path: The folder.
        private: Bool, for a new repository.

    Raises:
        ValueError: If the folder is no preset, or `handle` no handle.
    """
    folder = pathlib.Path(path)
    hub.parse(handle)
    _read_config(folder)
    if not (folder / WEIGHTS).is_file():
        raise ValueError(f"`path` {str(folder)!r} has no {WEIGHTS!r}.")
    hub.upload(folder, handle, private)


def _reserve(path, size):
    """Makes a full disk known as an `OSError`; h5py can crash the interpreter on it."""
    with open(path, "wb") as file:
        for _ in range(-(-size // 2**20)):
            file.write(bytes(2**20))
        file.flush()
        os.fsync(file.fileno())


def _without_optimizer(model):
    """A copy that was never compiled: Keras saves an optimizer with the weights."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


def find(preset):
    """The place of a preset that is no architecture: a folder, or a file of weights.

    Args:
        preset: Name, path or handle.

    Returns:
        `pathlib.Path`.

    Raises:
        ValueError: If there is none.
    """
    if hub.is_handle(preset):
        return hub.download(preset)
    if not isinstance(preset, (str, os.PathLike)):
        raise ValueError(
            "`preset` must be a preset's name, a path or a handle. "
            f"Received: preset={preset!r} (of type {type(preset).__name__})"
        )
    for place in (shipped_folder() / preset, pathlib.Path(preset)):
        if (place / CONFIG).is_file() or weights.is_checkpoint(place):
            return place
    if pathlib.Path(preset).is_dir():
        raise ValueError(
            f"`preset` names the folder {str(preset)!r}, which holds no {CONFIG!r} "
            "and so is no preset."
        )
    raise ValueError(
        "`preset` must be the path of a preset folder or of a file of weights, a "
        f"handle 'hf://OWNER/NAME', or one of {sorted(describe_presets())}. "
        f"Received: preset={str(preset)!r}"
    )


def is_foreign(preset):
    """Whether a preset is a checkpoint of another library."""
    named = isinstance(preset, str) and preset in ARCHITECTURES
    return not named and _is_foreign(find(preset))


def _is_foreign(place):
    return weights.is_checkpoint(place) and not _is_ours(place)


def _is_ours(place):
    """Whether a folder's configuration is one of Keras."""
    return place.is_dir() and "registered_name" in weights.read_json(place / CONFIG)


def _read_config(folder):
    document = _read_json(folder / CONFIG)
    if isinstance(document, dict) and "model_type" in document:
        raise ValueError(
            f"`preset` {str(folder)!r}, a folder of {document['model_type']!r}, must "
            f"hold its weights, one of {', '.join(weights.FILES)}. Received: "
            f"{', '.join(sorted(p.name for p in folder.iterdir())[:8])}"
        )
    name = document.get("registered_name") if isinstance(document, dict) else None
    if name != "keras_mra>MAE" or not isinstance(document.get("config"), dict):
        raise ValueError(
            f"`preset` must be an MAE's. Received: {str(folder / CONFIG)!r} "
            f"describes {name!r}, not 'keras_mra>MAE'."
        )
    return document["config"]


def _load_weights(model, path):
    if not path.is_file():
        raise ValueError(f"`preset` has no weights: {str(path)!r} is missing.")
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"The weights {str(path)!r} could not be loaded into an MAE with "
            f"image_shape={model.image_shape}, patch_size={model.patch_size}, "
            f"encoder {model.encoder_dim}x{model.encoder_depth}, "
            f"decoder {model.decoder_dim}x{model.decoder_depth}: {error}"
        ) from error


def _read_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{str(path)!r} could not be read: {error}") from error
