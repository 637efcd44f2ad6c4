"""Description of a preset, as `keras-mra info` prints it."""

import pathlib
import re
from typing import Any

from keras_mra import files
from keras_mra import weights
from keras_mra.models.mae import MAE
from keras_mra.models.presets import ARCHITECTURES
from keras_mra.models.presets import METADATA
from keras_mra.models.presets import architecture
from keras_mra.models.presets import find
from keras_mra.models.presets import is_foreign
from keras_mra.models.presets import read_config
from keras_mra.typing import Path


def describe(preset: Path) -> dict[str, Any]:
    """Describes a preset, without loading its weights.

    Args:
        preset: As in `MAE.from_preset`.

    Returns:
        A dict of strings and numbers.
    """
    form, description = "keras_mra", ""
    told = {"training_data": "none", "license": "Apache-2.0"}
    if isinstance(preset, str) and preset in ARCHITECTURES:
        description = ARCHITECTURES[preset]["description"] + " No weights."
        model = MAE(**architecture(preset))
    else:
        place = find(preset)
        if is_foreign(place):
            checkpoint = weights.read_checkpoint(place, {})
            form = checkpoint.layout.NAME
            model = MAE(**checkpoint.arguments)
        else:
            model = MAE(**read_config(place))
            description = files.read_json(place / METADATA, missing_ok=True).get(
                "description", ""
            )
        told = read_card(place)
    decoder = f"{model.decoder_dim}x{model.decoder_depth}, {model.decoder_heads} heads"
    return {
        "form": form,
        "description": description or "none",
        "image_shape": model.image_shape,
        "patch_size": model.patch_size,
        "encoder": f"{model.encoder_dim}x{model.encoder_depth}, "
        f"{model.encoder_heads} heads",
        "decoder": decoder if model.decoder is not None else "none",
        "parameters": f"{model.count_params():,}",
        "value_range": model.value_range,
        "mean_and_std": f"{model.mean}, {model.std}",
        "mask_ratio": model.mask_ratio,
        "norm_pix_loss": model.norm_pix_loss,
        "smooth_fill": model.smooth_fill,
        **told,
    }


# Far more than any card.
LARGEST_CARD = 2**18
# Model cards of Hugging Face name these in a header, those of this package in a
# sentence. Cards are not trusted: each pattern reads a place of it once or
# twice, which two neighbours that both take spaces would not.
ON_CARDS = {
    "training_data": r"(?m)^datasets:\s*(?:- *)?(\S{1,200})"
    r"|[Tt]rained on `([^`]{1,200})`",
    "license": r"(?m)^license: *(\S{1,200})|Weights: ([\w.-]{1,200}\w)",
}


def read_card(place: pathlib.Path) -> dict[str, str]:
    """Training data and licence, as the model card of a preset states them.

    Args:
        place: Folder or file of the preset, as `presets.find` returns it.

    Returns:
        A dict with `"training_data"` and `"license"`, which are `"not told"` if there
        is no card or it does not name them, and say so if it is too large to be read.
    """
    card = place / "README.md"
    content = b""
    if card.is_file():
        with files.open_regular(card) as file:
            content = file.read(LARGEST_CARD + 1)
    if len(content) > LARGEST_CARD:
        too_large = f"not told: the model card has more than {LARGEST_CARD:,} bytes"
        return dict.fromkeys(ON_CARDS, too_large)
    text = content.decode("utf-8", "replace")
    matches = {name: re.search(pattern, text) for name, pattern in ON_CARDS.items()}
    return {
        name: (match[1] or match[2]) if match else "not told"
        for name, match in matches.items()
    }
