"""What differs between the three ways to distribute training, and the one in use."""

import contextlib
import importlib
from collections.abc import Callable
from typing import Any
from typing import Protocol
from typing import cast

import keras

from keras_mra.typing import Array


class Engine(Protocol):
    """The functions that `jax.py`, `tensorflow.py` and `torch.py` define.

    Attributes:
        EXPECTED: What `distribution` must be, for error messages.
        STREAMS_ARE_SHARES: Whether a user's stream of batches holds the share of one
            process. Otherwise the engine cuts the stream.
    """

    EXPECTED: str
    STREAMS_ARE_SHARES: bool

    def automatic(self) -> Any:
        """Returns a distribution over all devices, or `None` if there is only one."""

    def enter(self, distribution: Any) -> contextlib.AbstractContextManager[Any] | None:
        """Returns the context of a distribution of the engine's own type, or `None`.

        Raises:
            ValueError: If the distribution does not span all processes.
        """

    def replicas(self) -> int:
        """Returns the number of replicas if no `keras.distribution` is set."""

    def rank_and_count(self) -> tuple[int, int]:
        """Returns the index of this process's share of a batch, and how many there are.

        The count is 1 where each process passes whole batches to the engine.
        """

    def is_main_process(self) -> bool:
        """Returns whether this process writes files and prints."""

    def numbers_of_all_processes(self, number: int) -> list[int]:
        """Waits for all processes, and returns the number that each of them passed."""

    def jit_compile(self, preferred: bool) -> bool:
        """Returns `preferred` if a model in the scope in force can have it."""

    def gather_keys(self, keys: Array) -> tuple[Array, Any]:
        """Returns the keys of all replicas, and the row of this replica's first key."""

    def summed_replicas(self) -> int:
        """Returns the number of replicas whose gradients are summed, not averaged."""

    def start(self, model: Any, random_states: list[Any]) -> None:
        """Gives all replicas the state of the first, and seeds of their own.

        Args:
            model: Compiled model.
            random_states: The variables of the model's seed generators.

        Raises:
            ValueError: If a part of the model was not made for the distribution.
        """

    def train_step(self, model: Any, step: Callable[..., Any], *args: Any) -> Any:
        """Trains on the share of a batch; `step` is the `train_step` of Keras."""

    def test_step(self, step: Callable[..., Any], *args: Any) -> Any:
        """Evaluates the share of a batch; `step` is the `test_step` of Keras."""

    def metrics(self, results: dict[str, Any]) -> dict[str, Any]:
        """Returns the metrics over all replicas, from those of one."""

    def builds_symbolically(self) -> bool:
        """Returns whether Keras may build a model symbolically before it trains."""


# Each module imports its library, so only that of the backend in use is imported.
engine = cast(
    Engine, importlib.import_module(f"keras_mra.distribution.{keras.backend.backend()}")
)
