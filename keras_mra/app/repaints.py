"""`Repaints`: what a `MaskReconstruct` makes of one picture, and its line of Python."""

import dataclasses
import functools
import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray
from werkzeug.exceptions import BadRequest

from keras_mra import backend
from keras_mra.app import pictures
from keras_mra.app.requested import Requested
from keras_mra.layers import MaskReconstruct
from keras_mra.models import MAE

COUNT = 4
# JAX and TensorFlow compile a layer once for all pictures and seeds.
LAYERS_KEPT = 4


class Repaints:
    """Draws repaints of a picture with different seeds. Threads take turns.

    Args:
        mae: `keras_mra.MAE`, which is frozen.
        preset: String, what `MAE.from_preset` loads it from.

    Raises:
        ValueError: If `mae` cannot paint pictures.
    """

    def __init__(self, mae: MAE, preset: str) -> None:
        self.mae = mae
        self.preset = preset
        self._lock = threading.Lock()
        self._layer = functools.lru_cache(LAYERS_KEPT)(self._make_layer)
        self._attend = functools.cache(self._compile_attention)
        MaskReconstruct(mae, copy=False, **self.arguments(Requested()))

    def arguments(self, requested: Requested) -> dict[str, Any]:
        """The arguments of the layer, by name."""
        found = dataclasses.asdict(requested)
        if requested.attention_block is None:
            del found["attention_block"]
        if self.mae.norm_pix_loss:
            found["restore_patch_statistics"] = True
        return found

    def line(self, requested: Requested) -> str:
        """An expression that makes the layer. It needs `import keras_mra`."""
        arguments = "".join(
            f", {name}={_quoted(value) if isinstance(value, str) else repr(value)}"
            for name, value in self.arguments(requested).items()
        )
        mae = f"keras_mra.MAE.from_preset({_quoted(self.preset)})"
        return f"keras_mra.layers.MaskReconstruct({mae}{arguments})"

    def __call__(
        self, picture: NDArray[np.uint8], requested: Requested
    ) -> dict[str, Any]:
        """Repaints a picture with seeds from `requested.seed` on.

        Args:
            picture: Uint8 array of shape `mae.image_shape`.
            requested: Arguments of the layer.

        Returns:
            A dict for JSON, with pictures as URLs: `seen`, `attention` (with the lowest
            and the highest value, where 1 is uniform attention), `repaints`, `kept`,
            the number of visible patches, and `line`.

        Raises:
            BadRequest: If an argument is out of its range.
        """
        with self._lock:
            unseeded = dataclasses.replace(requested, seed=0)
            layer = self._layer(unseeded)
            image = self._in_range(picture)
            attend = self._attend(requested.attention_block)
            attention = ops.convert_to_numpy(attend(image[None]))[0]  # (patches,)
            attention = attention * self.mae.num_patches
            seeds = range(requested.seed, requested.seed + COUNT)
            repaints = [self._repaint(layer, picture, image, seed) for seed in seeds]
        heat = pictures.heat_picture(picture, attention, self.mae.grid)
        return {
            "seen": pictures.data_url(picture),
            "attention": {
                "picture": pictures.data_url(heat),
                "lowest": float(attention.min()),
                "highest": float(attention.max()),
            },
            "repaints": repaints,
            "kept": layer.num_visible,
            "line": self.line(requested),
        }

    def _make_layer(self, requested: Requested) -> MaskReconstruct:
        arguments = self.arguments(requested)
        try:
            return MaskReconstruct(
                self.mae, copy=False, return_visible=True, **arguments
            )
        except ValueError as error:
            raise BadRequest(str(error)) from error

    def _compile_attention(self, block: int | None) -> Callable[..., Any]:
        attend = functools.partial(
            self.mae.attention, block=-1 if block is None else block
        )
        return backend.compiled(self.mae, attend)

    def _repaint(
        self,
        layer: MaskReconstruct,
        picture: NDArray[np.uint8],
        image: NDArray[Any],
        seed: int,
    ) -> dict[str, Any]:
        # The state of a new layer with this seed.
        layer.seed_generator.state.assign(backend.seed_generator(seed).state)
        repainted, visible = map(ops.convert_to_numpy, layer(image))
        is_changed = bool(visible[0] >= 0)
        shown = visible if is_changed else np.arange(self.mae.num_patches)
        kept = pictures.kept_picture(picture, shown, self.mae.grid)
        return {
            "seed": seed,
            "changed": is_changed,
            "kept": pictures.data_url(kept),
            "picture": pictures.data_url(self._to_picture(repainted)),
        }

    def _in_range(self, picture: NDArray[np.uint8]) -> NDArray[Any]:
        """The picture in the model's `value_range`; uint8 where that has 8 bits."""
        low, high = self.mae.value_range
        if (low, high) == (0, 255):
            return picture
        return (low + picture / 255 * (high - low)).astype("float32")

    def _to_picture(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        low, high = self.mae.value_range
        if image.dtype == np.uint8:
            return image
        return np.rint((image - low) / (high - low) * 255).clip(0, 255).astype("uint8")


def _quoted(text: str) -> str:
    """A Python literal with double quotes."""
    # JSON escapes rare characters in a way of its own, but bytes of a path that are no
    # text as Python does.
    is_text = text == text.encode(errors="ignore").decode()
    return json.dumps(text, ensure_ascii=not is_text)
