"""A page in the browser that shows what `MaskReconstruct` makes of a picture.

`keras-mra app PRESET` serves it. The package needs Flask and waitress: `pip install
'keras_mra[app]'`.
"""

try:
    import flask  # noqa: F401
    import waitress  # noqa: F401
except ImportError as error:
    raise ImportError(
        "The app needs Flask and waitress, of which one is not installed: "
        "pip install 'keras_mra[app]'"
    ) from error

from keras_mra.app.create_app import create_app
from keras_mra.app.serve import serve

__all__ = ["create_app", "serve"]
