"""Generators of random numbers from seeds of any size."""

from typing import Any

import keras
import numpy as np

from keras_mra.typing import Seed

LIMIT = 2**31
# Initial weights are drawn from the entropy of a seed and a small number.
_STREAM = 2**32 - 1


def folded_seed(seed: Seed) -> Any:
    """Returns a seed that every backend takes.

    The state of a generator is a signed or unsigned integer of 32 or 64 bits, by the
    backend. Integers of 2**31 and more are mapped to smaller ones. Smaller integers,
    generators and `None` stay.

    Args:
        seed: Int, at least 0, `keras.random.SeedGenerator` or `None`.
    """
    if not isinstance(seed, int) or seed < LIMIT:
        return seed
    return _below_limit(seed)


def seed_generator(seed: Seed) -> Any:
    """Returns a `keras.random.SeedGenerator` for a seed, or `seed` if it is one.

    On PyTorch, Keras draws the numbers of step `t` from the sum of the seed and `t`.
    The numbers of seed 1 would be those of seed 0, one step later. Seeds are therefore
    spread there.
    """
    if isinstance(seed, keras.random.SeedGenerator):
        return seed
    if isinstance(seed, int) and keras.backend.backend() == "torch":
        return keras.random.SeedGenerator(_below_limit([seed, _STREAM]))
    return keras.random.SeedGenerator(folded_seed(seed))


def _below_limit(entropy: int | list[int]) -> int:
    """An integer below `LIMIT`, independent of those of other entropies."""
    return int(np.random.SeedSequence(entropy).generate_state(1)[0]) % LIMIT
