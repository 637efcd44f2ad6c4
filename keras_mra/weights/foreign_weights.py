"""Weights of an MAE that another library saved, under this package's names."""

import dataclasses
import pathlib
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Protocol

from keras_mra import files
from keras_mra.typing import Path
from keras_mra.vit import structure
from keras_mra.weights import hugging_face
from keras_mra.weights import original_release
from keras_mra.weights import verify
from keras_mra.weights.mae_arguments import mae_arguments
from keras_mra.weights.mae_arguments import mae_heads
from keras_mra.weights.name_table import NameTable
from keras_mra.weights.name_table import NumpyArray
from keras_mra.weights.read import Tensors
from keras_mra.weights.read import is_readable
from keras_mra.weights.read import open_tensors


class Layout(Protocol):
    """What the modules `hugging_face` and `original_release` offer."""

    NAME: str
    TABLE: NameTable

    def canonical_names(self, found: Iterable[str]) -> dict[str, str]: ...
    def recognises(self, found: Iterable[str]) -> bool: ...
    def configuration(
        self, path: pathlib.Path, config: Mapping[str, Any]
    ) -> dict[str, Any]: ...


LAYOUTS: tuple[Layout, ...] = (hugging_face, original_release)


@dataclasses.dataclass(frozen=True)
class ForeignWeights:
    """A checkpoint of another library, whose values have not been read.

    Attributes:
        path: Path of the file of tensors.
        layout: The module that knows the library's names.
        arguments: Dict, the arguments of the `MAE` that was saved. `decoder_depth` is
            0 if the checkpoint has no decoder.
        is_configured: Bool, whether a configuration states what the tensors do not
            tell: the heads, and whether the model was trained with `norm_pix_loss`.
        tensors: The tensors, under the names of the layout's table.
    """

    path: pathlib.Path
    layout: Layout
    arguments: dict[str, Any]
    is_configured: bool
    tensors: Tensors

    def weights(self, decoder: bool = True) -> dict[str, NumpyArray]:
        """Reads the weights.

        Args:
            decoder: Bool. `False` leaves out the decoder's weights.

        Returns:
            A dict from our paths to float32 arrays. Positions are
            `(1 + patches, dim)`, the class token's first.

        Raises:
            ValueError: If a value is not finite.
        """
        shapes = structure.mae_weight_shapes(self.arguments)
        depths = (
            self.arguments["encoder_depth"],
            self.arguments["decoder_depth"] if decoder else 0,
        )
        found = {}
        for entry in self.layout.TABLE.entries(*depths):
            array = self.tensors.read(entry.theirs)
            verify.check_finite(self.path, entry.theirs, array)
            found[entry.ours] = entry.to_ours(array, shapes[entry.ours])
        return found


def read_checkpoint(path: Path, overrides: Mapping[str, Any]) -> ForeignWeights:
    """Finds out which MAE a file or a folder of another library holds.

    Args:
        path: A `.safetensors`, `.pth`, `.pt` or `.bin` file, or a folder with such a
            file. A `config.json` beside the file is read.
        overrides: Dict of arguments of `MAE` that the caller gives.

    Returns:
        A `ForeignWeights`.

    Raises:
        ValueError: If the file is damaged, no library is recognised, or a tensor is
            missing, unexpected or of another shape. No values have been read then.
        OSError: If the file cannot be read.
        ImportError: If the library that reads the file is not installed.
    """
    given = pathlib.Path(path)
    tensors = open_tensors(given)
    place = tensors.path
    for layout in LAYOUTS:
        named = tensors.renamed(layout.canonical_names(tensors.shapes))
        if not layout.recognises(named.shapes):
            continue
        config = layout.configuration(
            place, files.read_json(place.parent / hugging_face.CONFIG, missing_ok=True)
        )
        preprocessor = {}
        # What lies beside a lone file may belong to another file.
        if config or given.is_dir():
            preprocessor = files.read_json(
                place.parent / hugging_face.PREPROCESSOR, missing_ok=True
            )
        found = mae_arguments(
            place, layout.TABLE, named.shapes, config, preprocessor, overrides
        )
        verify.check_declared_sizes(place, found, config.get("declared", {}))
        verify.check_tensors(place, layout.NAME, layout.TABLE, named.shapes, found)
        found |= mae_heads(place, found, config, overrides)
        return ForeignWeights(place, layout, found, bool(config), named)
    known = " or ".join(layout.NAME for layout in LAYOUTS)
    raise ValueError(
        f"{str(place)!r} must hold a masked autoencoder with the names of {known}. "
        f"Received: tensors named {', '.join(sorted(tensors.shapes)[:4])}, ..."
    )


def is_checkpoint(path: Path) -> bool:
    """Whether `path` is a file or a folder that `read_checkpoint` can open."""
    return is_readable(pathlib.Path(path))
