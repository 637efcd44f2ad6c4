"""Presets on the Hugging Face hub, by handle: `hf://OWNER/NAME`."""

import pathlib
import re
from typing import Any
from typing import TypeGuard

from keras_mra import files
from keras_mra.weights.read import FILES

SCHEME = "hf://"
# Names, because the hub's cache makes paths of them: no part may be empty or start
# with a dot.
_NAME = r"\w([\w.-]*\w)?"
_PART = r"\w[\w.-]*"
HANDLE = re.compile(
    rf"hf://(?P<repo>{_NAME}/{_NAME})(@(?P<revision>{_PART}(/{_PART})*))?", re.ASCII
)
LONGEST = 200
# Of the files of weights, only the first that the repository has is downloaded.
WEIGHTS = ["model.weights.h5", *FILES]
DOCUMENTS = ["config.json", "metadata.json", "preprocessor_config.json", "README.md"]
SHARDS = "model-*.safetensors"


def is_handle(preset: Any) -> TypeGuard[str]:
    """Whether a preset is given as a handle."""
    return isinstance(preset, str) and preset.startswith(SCHEME)


def download(handle: str) -> pathlib.Path:
    """Downloads a repository's configuration and weights, or finds them in the cache.

    Args:
        handle: `hf://OWNER/NAME` or `hf://OWNER/NAME@REVISION`.

    Returns:
        Path of a folder.

    Raises:
        ValueError: If `handle` is not a handle, or the hub has no such repository.
        OSError: If the files cannot be downloaded, for example without a network.
        ImportError: If `huggingface_hub` is not installed.
    """
    repo, revision = parse("preset", handle)
    hub = _hub()
    try:
        found = hub.list_repo_files(repo, revision=revision)
    except hub.errors.RepositoryNotFoundError as error:
        raise ValueError(
            f"`preset` {handle!r}: the hub has no such repository, or the repository "
            "is private. `hf auth login` logs in to the hub."
        ) from error
    except hub.errors.RevisionNotFoundError as error:
        raise ValueError(
            f"`preset` {handle!r}: the repository has no revision {revision!r}."
        ) from error
    except Exception as error:  # The network can raise any error.
        return _cached(hub, handle, repo, revision, error)
    weights = [name for name in WEIGHTS if name in found][:1]
    if not weights:
        raise ValueError(
            f"`preset` {handle!r} must be a repository with one of "
            f"{', '.join(WEIGHTS)}. Received: {', '.join(sorted(found)[:8])}"
        )
    if weights[0].endswith("index.json"):
        weights.append(SHARDS)
    try:
        folder = hub.snapshot_download(
            repo, revision=revision, allow_patterns=[*DOCUMENTS, *weights]
        )
    except Exception as error:  # The network, the disk or the library failed.
        raise OSError(
            f"`preset` {handle!r} could not be downloaded: {error}"
        ) from error
    return pathlib.Path(folder)


def _cached(
    hub: Any, handle: str, repo: str, revision: str | None, reason: Exception
) -> pathlib.Path:
    """The folder of an earlier download, if the hub does not answer."""
    try:
        folder = hub.snapshot_download(repo, revision=revision, local_files_only=True)
    except Exception:
        raise OSError(
            f"`preset` {handle!r} could not be downloaded: {reason}"
        ) from reason
    return pathlib.Path(folder)


def upload(folder: pathlib.Path, handle: str, private: bool = False) -> None:
    """Uploads a preset folder to the hub.

    Args:
        folder: The folder.
        handle: `hf://OWNER/NAME`. The repository is created if it does not exist.
        private: Bool, whether a new repository is private.

    Raises:
        ValueError: If `handle` is not a handle.
        OSError: If the upload fails.
        ImportError: If `huggingface_hub` is not installed.
    """
    repo, revision = parse("handle", handle)
    api = _hub().HfApi()
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            revision=revision,
            ignore_patterns=[f"{name}*" for name in (files.PREFIX, files.LOCK)],
        )
    except Exception as error:  # The network, the hub or the library failed.
        raise OSError(f"The upload to `handle` {handle!r} failed: {error}") from error


def parse(argument: str, handle: str) -> tuple[str, str | None]:
    """Splits a handle into a repository and a revision, `None` if there is none.

    Args:
        argument: Name of the caller's argument, for the message.
        handle: `hf://OWNER/NAME` or `hf://OWNER/NAME@REVISION`. A revision is the name
            of a branch or tag, or a commit.

    Raises:
        ValueError: If `handle` is not a handle.
    """
    is_short = isinstance(handle, str) and len(handle) <= LONGEST
    match = HANDLE.fullmatch(handle) if is_short else None
    if match is None or ".." in handle or "--" in match["repo"]:
        raise ValueError(
            f"`{argument}` must be 'hf://OWNER/NAME' or 'hf://OWNER/NAME@REVISION', "
            "where a revision is the name of a branch, a tag or a commit. "
            f"Received: {argument}={handle!r}"
        )
    return match["repo"], match["revision"]


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            "Handles need huggingface_hub: pip install 'keras-mra[hub]'"
        ) from error
    return huggingface_hub
