"""Types of the public API."""

import os
from typing import Any
from typing import TypeAlias

import keras
import numpy as np

# Whatever holds numbers: a tensor of the backend, a symbolic one, or a NumPy array.
Array: TypeAlias = keras.KerasTensor | np.ndarray[Any, np.dtype[Any]]
Path: TypeAlias = str | os.PathLike[str]
# One number for both axes, or one each: (height, width).
Size: TypeAlias = int | tuple[int, int]
ImageShape: TypeAlias = tuple[int, int, int]  # (height, width, channels)
Seed: TypeAlias = int | keras.random.SeedGenerator | None
