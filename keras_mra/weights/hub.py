"""Checkpoints by handle: `hf://OWNER/NAME`, through `huggingface_hub`."""

import pathlib
import re

from keras_mra.weights.registry import FILES

SCHEME = "hf://"
HANDLE = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
# Weights in the first kind that is there; nothing else is fetched.
SMALL = ["config.json", "metadata.json", "preprocessor_config.json", "README.md"]
WEIGHTS = ["model.weights.h5", *FILES]
SHARDS = "model-*.safetensors"


def is_handle(preset):
    """Whether a preset is named by a handle."""
    return isinstance(preset, str) and preset.startswith(SCHEME)


def download(handle):
    """Fetches a repository's configuration and weights, or finds them in the cache.

    Args:
        handle: `hf://OWNER/NAME` or `hf://OWNER/NAME@REVISION`.

    Returns:
        The `pathlib.Path` of a folder.

    Raises:
        ValueError: If it is no handle, or there is no such repository.
        OSError: If it cannot be fetched: no network, no space.
        ImportError: If `huggingface_hub` is not installed.
    """
    repo, revision = parse(handle)
    hub = _hub()
    try:
        found = hub.list_repo_files(repo, revision=revision)
    except hub.errors.RepositoryNotFoundError as error:
        raise ValueError(
            f"`preset` {handle!r}: the hub has no such repository, or it is private "
            "(`hf auth login` tells the hub who you are)."
        ) from error
    except hub.errors.RevisionNotFoundError as error:
        raise ValueError(
            f"`preset` {handle!r}: the repository has no revision {revision!r}."
        ) from error
    except Exception:  # whatever the network raises: the cache may have it
        found = WEIGHTS[1:2]
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
            repo, revision=revision, allow_patterns=[*SMALL, *weights]
        )
    except Exception as error:  # of the network, the disk, or the library
        raise OSError(f"`preset` {handle!r} could not be fetched: {error}") from error
    return pathlib.Path(folder)


def upload(folder, handle, private=False):
    """Sends a preset folder to the hub; see `keras_mra.upload_preset`."""
    repo, revision = parse(handle)
    api = _hub().HfApi()
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(repo_id=repo, folder_path=folder, revision=revision)
    except Exception as error:  # of the network, the hub, or the library
        raise OSError(f"`handle` {handle!r} could not be sent to: {error}") from error


def parse(handle):
    """A handle's repository, and its revision or `None`."""
    match = HANDLE.fullmatch(handle)
    if match is None:
        raise ValueError(
            "A handle must be 'hf://OWNER/NAME' or 'hf://OWNER/NAME@REVISION'. "
            f"Received: {handle!r}"
        )
    return match["repo"], match["revision"]


def _hub():
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            "Handles need huggingface_hub: pip install 'keras-mra[hub]'"
        ) from error
    return huggingface_hub
