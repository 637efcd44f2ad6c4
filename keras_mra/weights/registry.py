"""Checkpoints of other libraries: whose they are, and their weights under our names."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np

from keras_mra.weights import architecture
from keras_mra.weights import published
from keras_mra.weights import vit_mae
from keras_mra.weights.files import Tensors
from keras_mra.weights.files import open_safetensors
from keras_mra.weights.files import open_shards
from keras_mra.weights.files import open_torch
from keras_mra.weights.layout import mismatches
from keras_mra.weights.layout import to_ours

LAYOUTS = (vit_mae, published)
OPENERS = {
    ".safetensors": open_safetensors,
    ".safetensors.index.json": open_shards,
    ".pth": open_torch,
    ".pt": open_torch,
    ".bin": open_torch,
}
# Of a folder, the first that is there.
FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of another library, of which no weight has been read yet.

    Attributes:
        path: `pathlib.Path` of the tensors.
        layout: Module of this package that knows the names.
        arguments: Dict, of the `MAE` that it is of; `decoder_depth` is 0 where it has
            no decoder.
        is_configured: Bool, whether a configuration tells what is in no tensor: heads,
            and whether it was trained with `norm_pix_loss`.
        tensors: `Tensors`, under the layout's names.
    """

    path: pathlib.Path
    layout: Any
    arguments: dict
    is_configured: bool
    tensors: Tensors

    def weights(self, decoder=True):
        """All weights as a dict from our names to arrays.

        Positions are `(1 + patches, dim)`, the class token's first.

        Args:
            decoder: Bool; `False` leaves those of the decoder out.

        Raises:
            ValueError: If a value is not finite.
        """
        shapes = architecture.weight_shapes(self.arguments)
        return {
            e.ours: to_ours(e, self._finite(e.theirs), shapes[e.ours])
            for e in self.layout.entries(
                self.arguments["encoder_depth"],
                self.arguments["decoder_depth"] if decoder else 0,
            )
        }

    def _finite(self, name):
        array = self.tensors.read(name)
        if not np.isfinite(array).all():
            raise ValueError(
                f"{str(self.path)!r} has values in {name!r} that are not finite."
            )
        return array


def read_checkpoint(path, overrides):
    """Finds out what a file or a folder of another library holds.

    Args:
        path: A `.safetensors`, `.pth`, `.pt` or `.bin` file, or a folder with one. A
            `config.json` is looked for beside the file.
        overrides: Dict of arguments of `MAE` that need not be found out.

    Returns:
        A `Checkpoint`.

    Raises:
        ValueError: If it is damaged, of no known layout, or if a tensor is missing,
            unexpected or of another shape. No tensor has been read then.
    """
    given = path = pathlib.Path(path)
    if path.is_dir():
        path = _tensors_of(path)
    tensors = _opener(path)(path)
    for layout in LAYOUTS:
        named = tensors.renamed(layout.names(tensors.shapes))
        if not layout.recognises(named.shapes):
            continue
        config = layout.configuration(path, read_json(path.parent / CONFIG))
        # A lone file may lie beside what belongs to another.
        belongs = config or given.is_dir()
        preprocessor = read_json(path.parent / PREPROCESSOR) if belongs else {}
        found = architecture.arguments(path, layout, named.shapes, config, preprocessor)
        _check_tensors(path, layout, named.shapes, found)
        found |= architecture.heads(path, found, config, overrides)
        return Checkpoint(path, layout, found, bool(config), named)
    known = " and ".join(layout.NAME for layout in LAYOUTS)
    raise ValueError(
        f"{str(path)!r} must hold a masked autoencoder, in the layout of {known}. "
        f"Received: tensors named {', '.join(sorted(tensors.shapes)[:4])}, ..."
    )


def is_checkpoint(path):
    """Whether `read_checkpoint` reads such a file, or a folder with one."""
    path = pathlib.Path(path)
    if path.is_dir():
        return any((path / name).is_file() for name in FILES)
    return _opener(path) is not None and path.is_file()


def read_json(path):
    """A JSON file's dict; an empty one where there is no file."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{str(path)!r} could not be read: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{str(path)!r} must hold a JSON object.")
    return content


def _opener(path):
    """The function that opens a file of that name, or `None`."""
    for ending, opener in OPENERS.items():
        if path.name.endswith(ending):
            return opener
    return None


def _check_tensors(path, layout, shapes, found):
    """Refuses tensors too many, too few, or of another shape, by name."""
    wrong = mismatches(
        layout.entries(found["encoder_depth"], found["decoder_depth"]),
        shapes,
        architecture.weight_shapes(found),
        (*found["patch_size"], found["image_shape"][-1]),
    )
    if wrong:
        more = f"; and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        raise ValueError(
            f"{str(path)!r}, of the layout of {layout.NAME}, does not fit a model: "
            f"{'; '.join(wrong[:8])}{more}."
        )


def _tensors_of(folder):
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(
        f"{str(folder)!r} must hold one of {', '.join(FILES)}. Received: "
        f"{', '.join(sorted(p.name for p in folder.iterdir())[:8])}"
    )
