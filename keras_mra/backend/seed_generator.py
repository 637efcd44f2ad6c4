"""Generators of random numbers from seeds of any size."""

from typing import Any

import keras
import numpy as np

from keras_mra.typing import Seed


def folded_seed(seed: Seed) -> Any:
    """Returns a seed that every backend takes.

    The state of a generator is a signed or unsigned integer of 32 or 64 bits, by the
    backend. Integers of 2**31 and more are mapped to smaller ones. Smaller integers,
    generators and `None` stay.

    Args:
        seed: Int, at least 0, `keras.random.SeedGenerator` or `None`.
    """
    if not isinstance(seed, int) or seed < 2**31:
        return seed
    state = np.random.SeedSequence(seed).generate_state(1)[0]
    return int(state) % 2**31


def seed_generator(seed: Seed) -> Any:
    """Returns a `keras.random.SeedGenerator` for a seed, or `seed` if it is one."""
    if isinstance(seed, keras.random.SeedGenerator):
        return seed
    return keras.random.SeedGenerator(folded_seed(seed))
