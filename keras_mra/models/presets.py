"""Presets: named architectures, shipped weights, and preset folders of users.

A preset folder has KerasHub's layout: `config.json`, `model.weights.h5` and
`metadata.json`. It holds no code: the configuration can only name an `MAE`. A digest of
the weights in the configuration says that the two belong together.
"""

import os
import pathlib
from typing import Any

import keras

from keras_mra import checks
from keras_mra import files
from keras_mra import weights
from keras_mra.models.check_weights import check_loaded
from keras_mra.models.convert import load_checkpoint
from keras_mra.models.frozen import copy_of
from keras_mra.models.preset_config import complete_config
from keras_mra.models.preset_config import sizes_of
from keras_mra.models.preset_digest import DIGEST
from keras_mra.models.preset_digest import check_digest
from keras_mra.models.preset_digest import digest_of
from keras_mra.models.transfer_weights import transfer_weights
from keras_mra.typing import Path
from keras_mra.version import __version__
from keras_mra.weights import hub
from keras_mra.weights.native_weights import check_native_sizes
from keras_mra.weights.native_weights import check_native_values
from keras_mra.weights.native_weights import open_native

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
# Without the last, the others are not a preset.
NAMES = [WEIGHTS, METADATA, CONFIG]


def _architecture(
    description: str,
    side: int,
    patch_size: int,
    encoder: tuple[int, int, int],
    decoder: tuple[int, int, int],
) -> dict[str, Any]:
    """A preset without weights; encoder and decoder are (width, depth, heads)."""
    config: dict[str, Any] = {"image_shape": (side, side, 3), "patch_size": patch_size}
    for part, sizes in (("encoder", encoder), ("decoder", decoder)):
        for name, size in zip(("dim", "depth", "heads"), sizes):
            config[f"{part}_{name}"] = size
    return {"description": description, "config": config}


ARCHITECTURES: dict[str, dict[str, Any]] = {
    "mae_nano": _architecture(
        "ViT 96x4, decoder 64x2: small images and CPUs.",
        32, 4, (96, 4, 3), (64, 2, 2),
    ),
    "mae_mini": _architecture(
        "ViT-Tiny 192x12, decoder 128x4: the role of the paper's MAE-Mini.",
        224, 16, (192, 12, 3), (128, 4, 4),
    ),
    "mae_small": _architecture(
        "ViT-Small 384x12, decoder 256x4.",
        224, 16, (384, 12, 6), (256, 4, 8),
    ),
    "mae_base": _architecture(
        "The published MAE ViT-B/16: 768x12, decoder 512x8.",
        224, 16, (768, 12, 12), (512, 8, 16),
    ),
    "mae_large": _architecture(
        "The published MAE ViT-L/16: 1024x24, decoder 512x8.",
        224, 16, (1024, 24, 16), (512, 8, 16),
    ),
}  # fmt: skip


def describe_presets() -> dict[str, str]:
    """Names of all shipped presets, with a description of each."""
    presets = {name: entry["description"] for name, entry in ARCHITECTURES.items()}
    for folder in sorted(shipped_folder().iterdir()):
        if (folder / METADATA).is_file():
            presets[folder.name] = files.read_json(folder / METADATA)["description"]
    return presets


def shipped_folder() -> pathlib.Path:
    """The folder of the presets that are shipped with weights."""
    return pathlib.Path(__file__).parents[1] / "presets"


def architecture(preset: Path) -> dict[str, Any]:
    """The arguments of `MAE` that a preset stands for, as a new dict."""
    if isinstance(preset, str) and preset in ARCHITECTURES:
        return dict(ARCHITECTURES[preset]["config"])
    place = find(preset)
    if is_foreign(place):
        return weights.read_checkpoint(place, {}).arguments
    return read_config(place)


def load_preset(
    cls: Any, preset: Path, load_weights: bool | None, overrides: dict[str, Any]
) -> Any:
    """Makes a model of class `cls` from a preset; see `MAE.from_preset`."""
    if load_weights is not None:
        checks.flag("load_weights", load_weights)
    if isinstance(preset, str) and preset in ARCHITECTURES:
        if load_weights:
            raise ValueError(
                "`preset` must have weights, as one of "
                f"{sorted(set(describe_presets()) - set(ARCHITECTURES))} has. "
                f"Received: preset={preset!r}, an architecture without weights"
            )
        return cls(**{**architecture(preset), **overrides})
    folder = find(preset)
    if is_foreign(folder):
        return load_checkpoint(cls, folder, load_weights, overrides)
    document, path = _read_document(folder), folder / WEIGHTS
    # Keras' policy decides the dtype, as for presets without weights.
    config = {**_confirmed_config(folder, document), "dtype": None}
    arguments = {**config, **overrides}
    if load_weights is False:
        return cls.from_config(arguments)
    sizes_of(arguments)  # checks them
    stored = _stored(config, arguments)
    file = open_native(path)
    check_native_sizes(file, sizes_of(stored), stored["positions"])
    check_native_values(file)
    source = cls.from_config(stored)
    _load_weights(source, path)
    check_loaded(source, path)
    # Afterwards: another process may save while this one loads.
    check_digest(path, document.get(DIGEST))
    if stored == arguments:
        return source
    model = cls.from_config(arguments)
    transfer_weights(source, model)
    return model


def _stored(config: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with which a model fits the weights of a preset.

    Args:
        config: The preset's.
        arguments: Those of the model that is asked for. It may have another size, and
            a decoder that the preset lacks.
    """
    stored = dict(arguments)
    if not config["decoder_depth"]:
        stored["decoder_depth"] = 0
    sizes, own = sizes_of(arguments), sizes_of(config)
    is_resized = sizes.image_shape[:2] != own.image_shape[:2]
    is_same = sizes.patch_size == own.patch_size
    if arguments["positions"] == "learned" and is_resized and is_same:
        stored["image_shape"] = (*own.image_shape[:2], sizes.image_shape[2])
        # Another one may suit only the other number of patches.
        stored["mask_ratio"] = config["mask_ratio"]
    return stored


def save_preset(model: Any, path: Path) -> None:
    """Writes a preset folder; see `MAE.save_to_preset`."""
    check_writable("path", path)
    folder = pathlib.Path(path)
    metadata = {
        "keras_version": keras.__version__,
        "keras_mra_version": __version__,
        "parameter_count": model.count_params(),
    }
    config = keras.saving.serialize_keras_object(model)
    try:
        with files.replacing_together(folder, NAMES, "path") as parts:
            _reserve(parts[WEIGHTS], 4 * model.count_params() + 2**20)
            # Of a copy, because Keras saves an optimizer with the weights.
            copy_of(model).save_weights(parts[WEIGHTS])
            config = {**config, DIGEST: digest_of(parts[WEIGHTS])}
            for name, document in ((CONFIG, config), (METADATA, metadata)):
                parts[name].write_text(files.json_text(document), encoding="utf-8")
    except OSError as error:
        raise OSError(
            f"The preset could not be written to `path` {str(folder)!r}: {error}"
        ) from error


def check_writable(argument: str, path: Path) -> None:
    """Makes the folder of a preset, and refuses one to which none can be written.

    Args:
        argument: Name of the caller's argument, for the message.
        path: The folder.

    Raises:
        ValueError: If no folder can have this path, or the folder holds a model of
            another library.
        OSError: If the folder cannot be written to.
    """
    checks.path(argument, path, "folder")
    folder = pathlib.Path(path)
    if (folder / CONFIG).is_file() and not _is_ours(folder):
        raise ValueError(
            f"`{argument}` must be another folder: {str(folder)!r} holds a model of "
            "another library, whose configuration would be overwritten."
        )
    files.probe_folder(argument, folder, tuple(NAMES))


def upload_preset(handle: str, path: Path, private: bool = False) -> None:
    """Uploads a folder written by `save_to_preset` to the Hugging Face hub.

    `MAE.from_preset(handle)` loads it from there. The function needs `huggingface_hub`
    (`pip install 'keras-mra[hub]'`) and a login (`hf auth login`).

    Args:
        handle: `hf://OWNER/NAME`. The repository is created if it does not exist.
        path: The folder.
        private: Bool, whether a new repository is private.

    Raises:
        ValueError: If the folder is not a preset, or `handle` is not a handle.
    """
    checks.flag("private", private)
    hub.parse("handle", handle)
    checks.path("path", path, "folder")
    folder = pathlib.Path(path)
    read_config(folder)
    if not (folder / WEIGHTS).is_file():
        raise ValueError(f"`path` {str(folder)!r} has no {WEIGHTS!r}.")
    hub.upload(folder, handle, private)


def _reserve(path: pathlib.Path, size: int) -> None:
    """Raises `OSError` on a full disk, where h5py can crash the interpreter."""
    with open(path, "wb") as file:
        for _ in range(-(-size // 2**20)):
            file.write(bytes(2**20))
        file.flush()
        os.fsync(file.fileno())


def find(preset: Path) -> pathlib.Path:
    """The folder or the file of weights of a preset that is not an architecture.

    A handle is downloaded; pass the returned path on, rather than the handle.

    Args:
        preset: Name, path or handle.

    Returns:
        `pathlib.Path`.

    Raises:
        ValueError: If there is no such preset.
    """
    if hub.is_handle(preset):
        return hub.download(preset)
    if not isinstance(preset, (str, os.PathLike)):
        raise ValueError(
            "`preset` must be the name of a preset, a path or a handle. "
            f"Received: preset={preset!r} (of type {type(preset).__name__})"
        )
    checks.path("preset", preset)
    for place in (shipped_folder() / preset, pathlib.Path(preset)):
        if (place / CONFIG).is_file() or weights.is_checkpoint(place):
            return place
    if pathlib.Path(preset).is_dir():
        raise ValueError(
            f"`preset` must be a preset folder. Received: {str(preset)!r}, a folder "
            f"without {CONFIG!r}"
        )
    raise ValueError(
        "`preset` must be the path of a preset folder or of a file of weights, a "
        f"handle 'hf://OWNER/NAME', or one of {sorted(describe_presets())}. "
        f"Received: preset={str(preset)!r}"
    )


def is_foreign(preset: Path) -> bool:
    """Whether a preset is a checkpoint of another library."""
    if isinstance(preset, str) and preset in ARCHITECTURES:
        return False
    place = find(preset)
    return weights.is_checkpoint(place) and not _is_ours(place)


def _is_ours(place: pathlib.Path) -> bool:
    """Whether Keras wrote the configuration of a folder."""
    if not place.is_dir():
        return False
    return "registered_name" in files.read_json(place / CONFIG, missing_ok=True)


def read_config(folder: pathlib.Path) -> dict[str, Any]:
    """The arguments of `MAE` in the configuration of a preset folder.

    Raises:
        ValueError: If the configuration is missing, damaged, or not an MAE's, or has
            other sizes than the weights beside it. No weights have been read then.
    """
    return _confirmed_config(folder, _read_document(folder))


def _read_document(folder: pathlib.Path) -> dict[str, Any]:
    document = files.read_json(folder / CONFIG)
    if "model_type" in document:
        raise ValueError(
            f"`preset` {str(folder)!r}, a folder of {document['model_type']!r}, must "
            f"hold its weights, one of {', '.join(weights.FILES)}. Received: "
            f"{', '.join(sorted(p.name for p in folder.iterdir())[:8])}"
        )
    name = document.get("registered_name")
    if name != "keras_mra>MAE" or not isinstance(document.get("config"), dict):
        raise ValueError(
            f"`preset` must be an MAE's. Received: {str(folder / CONFIG)!r} "
            f"describes {name!r}, not 'keras_mra>MAE'."
        )
    return document


def _confirmed_config(folder: pathlib.Path, document: dict[str, Any]) -> dict[str, Any]:
    config = complete_config(folder / CONFIG, document["config"])
    if (folder / WEIGHTS).is_file():
        # The configuration is not trusted: its weights must confirm the sizes.
        file = open_native(folder / WEIGHTS)
        check_native_sizes(file, sizes_of(config), config["positions"])
    return config


def _load_weights(model: Any, path: pathlib.Path) -> None:
    try:
        model.load_weights(path)
    except Exception as error:  # The library's error depends on the damage.
        raise ValueError(
            f"The weights {str(path)!r} could not be loaded into an MAE with "
            f"image_shape={model.image_shape}, patch_size={model.patch_size}, "
            f"encoder {model.encoder_dim}x{model.encoder_depth}, "
            f"decoder {model.decoder_dim}x{model.decoder_depth}: {error}"
        ) from error
