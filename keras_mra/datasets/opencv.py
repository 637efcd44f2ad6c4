"""`opencv`: the module `cv2`, which is imported where it is needed."""

from typing import Any

OLDEST = (4, 14)


def opencv(what: str) -> Any:
    """Imports OpenCV. Older versions do not write ICC profiles or cICP chunks.

    Args:
        what: String, what needs OpenCV, for a message.

    Raises:
        ImportError: If OpenCV is not installed or too old.
    """
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            f"{what} need OpenCV, which is not installed: "
            "pip install 'keras-mra[images]'"
        ) from error
    if tuple(int(part) for part in cv2.__version__.split(".")[:2]) < OLDEST:
        raise ImportError(
            f"{what} need OpenCV {OLDEST[0]}.{OLDEST[1]} or newer: "
            "pip install --upgrade 'keras-mra[images]'. "
            f"Received: OpenCV {cv2.__version__}"
        )
    return cv2
