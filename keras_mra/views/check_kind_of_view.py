"""`check_kind_of_view`: the type of an argument that is a view."""

from typing import Any


def check_kind_of_view(name: str, view: Any) -> None:
    """Refuses what is neither `"auto"`, nor `None`, nor a layer or function.

    Args:
        name: Name of the argument in the message.
        view: What the caller passed.
    """
    is_auto = isinstance(view, str) and view == "auto"
    if not (view is None or is_auto or callable(view)):
        raise ValueError(
            f"`{name}` must be 'auto', None, a Keras layer or a function of images. "
            f"Received: {name}={view!r} (of type {type(view).__name__})"
        )
