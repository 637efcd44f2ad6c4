"""The random state of a model."""

from typing import Any


def random_states(model: Any) -> list[Any]:
    """Returns the variables of the seed generators inside a layer or model."""
    weights = {id(v) for v in model.weights}
    return [v for v in model.variables if id(v) not in weights]
