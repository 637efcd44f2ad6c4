"""`optimizer_class`: what the classes of Keras' optimizers become on a backend."""

from typing import Any


def optimizer_class(kind: Any) -> Any:
    """Returns the class to derive an optimizer from.

    Keras' optimizers become classes of the backend when they are made. Those of PyTorch
    update all variables at once. Direct subclasses of Keras' classes cannot, and their
    steps take twice the time.

    Args:
        kind: A class of `keras.optimizers`.
    """
    return type(kind.__new__(kind))
