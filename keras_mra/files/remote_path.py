"""URLs of files and folders that fsspec reads, such as `s3://bucket/photos`."""

import os
import pathlib
import re
import urllib.request
from typing import Any
from typing import TypeAlias

from keras_mra import checks

_URL = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]+)((?:::[A-Za-z0-9+.-]+)*)://(.*)", re.DOTALL
)
# Other names of the same schemes.
_SAME = {"s3a": "s3", "gcs": "gs", "local": "file"}


class RemotePath(pathlib.PurePosixPath):
    """The URL of a file or folder, with the methods of a path that read nothing.

    Example:

    ```python
    folder = keras_mra.files.RemotePath("s3://bucket/photos")
    print(folder / "cat" / "1.png")  # s3://bucket/photos/cat/1.png
    ```
    """

    def __str__(self) -> str:
        # A path joins the slashes of `s3://` to one.
        scheme, *names = self.parts
        return f"{scheme}//" + "/".join(names)

    def relative_to(self, *other: Any) -> pathlib.PurePosixPath:  # type: ignore[override]
        """The path of a file below a folder, which is not a URL."""
        return pathlib.PurePosixPath(*super().relative_to(*other).parts)

    @property
    def scheme(self) -> str:
        """The beginning of the URL, such as `"s3"`."""
        return self.parts[0].removesuffix(":")


Place: TypeAlias = pathlib.Path | RemotePath


def place(name: str, value: Any, kind: str = "file or folder") -> Place:
    """Returns a URL as a `RemotePath`, and any other path as `checks.path` does.

    `file://` URLs are paths of this machine.

    Args:
        name: Name of the argument in the message.
        value: What the caller passed: a string or a path.
        kind: String, what the message calls it.

    Raises:
        ValueError: If no file or folder can have this path or URL.
        ImportError: If fsspec, or its package for the URL, is not installed.
    """
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    found = _URL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return checks.path(name, value, kind)
    scheme, chained, rest = found.groups()
    scheme = _SAME.get(scheme.lower(), scheme.lower())
    received = f"Received: {name}={text!r}"
    if chained or "::" in rest:
        raise ValueError(
            f"`{name}` must be a path or one URL, not a chain of them. {received}"
        )
    if scheme == "file":
        return checks.path(name, urllib.request.url2pathname(rest), kind)
    if not rest.strip("/"):
        raise ValueError(
            f"`{name}` must be the URL of a {kind}, such as 's3://bucket/{name}'. "
            f"{received}"
        )
    _check_installed(name, scheme, received)
    return RemotePath(f"{scheme}://{rest}")


def _check_installed(name: str, scheme: str, received: str) -> None:
    """Refuses a scheme that fsspec does not know, or whose package is missing."""
    try:
        import fsspec
    except ImportError as error:
        raise ImportError(
            f"`{name}` needs fsspec to be a URL: pip install 'keras-mra[remote]'. "
            f"{received}"
        ) from error
    try:
        fsspec.get_filesystem_class(scheme)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be a path, or a URL that fsspec knows. {received} ({error})"
        ) from error
    except ImportError as error:
        raise ImportError(
            f"`{name}` needs fsspec's package for {scheme}:// URLs. {received} "
            f"({error})"
        ) from error
