"""Four photographs in colour that come with the package."""

import pathlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks

FOLDER = pathlib.Path(__file__).parent / "photographs"
SIDE = 128


def sample_photographs(side: int = SIDE) -> NDArray[Any]:
    """Reads the sample photographs: an astronaut, a cat, a cup of coffee, a rocket.

    `photographs/README.md` beside this module names the photographers. All four are in
    the public domain or CC0.

    Args:
        side: Int, the height and the width in pixels.

    Returns:
        Uint8 array of shape `(4, side, side, 3)`.

    Raises:
        ValueError: If `side` is not a positive integer.
        ImportError: If Pillow is not installed.

    Example:

    ```python
    images = keras_mra.datasets.sample_photographs(64)
    mae = keras_mra.MAE.from_preset("mae_nano_photos")
    augmented = keras_mra.layers.MaskReconstruct(mae)(images)
    ```
    """
    side = checks.positive_int("side", side)
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Pillow reads the photographs, and is not installed: "
            'pip install "keras-mra[images]"'
        ) from error
    pictures = []
    for path in sorted(FOLDER.glob("*.jpg")):
        with Image.open(path, formats=("JPEG",)) as image:
            small = image.resize((side, side), Image.Resampling.LANCZOS)
            pictures.append(np.asarray(small))
    return np.stack(pictures)
