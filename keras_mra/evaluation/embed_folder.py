"""Features of a folder tree of images, in a Parquet file."""

import contextlib
import dataclasses
import functools
import itertools
import os
from collections.abc import Generator
from collections.abc import Sequence
from typing import Any

import keras

from keras_mra import checks
from keras_mra import engines
from keras_mra import files
from keras_mra.datasets.find_images import find_images
from keras_mra.datasets.folder_dataset import first_level_folders
from keras_mra.datasets.picture_file import MAX_MEGAPIXELS
from keras_mra.datasets.read_ahead import ReadAhead
from keras_mra.evaluation.embedder import Embedded
from keras_mra.evaluation.embedder import Embedder
from keras_mra.evaluation.feature_file import writing_features
from keras_mra.evaluation.feature_target import feature_target
from keras_mra.evaluation.features import required_mae
from keras_mra.evaluation.parquet_file import parquet
from keras_mra.models import MAE
from keras_mra.models.describe_mae import describe_mae
from keras_mra.typing import Path
from keras_mra.version import __version__


@dataclasses.dataclass
class EmbedReport:
    """What `embed_folder` did.

    The paths are `pathlib.Path`s; those of a store are paths whose `str` is their URL.

    Attributes:
        written: Int, the rows that were written.
        failed: List of `(path, reason)`, the files that could not be read.
        left_out: List of `(path, reason)`, the links that leave the source, what is
            named as an image but is not a regular file, and folders that cannot be
            listed.
    """

    written: int
    failed: list[tuple[files.Place, str]]
    left_out: list[tuple[files.Place, str]]


def embed_folder(
    mae: Any,
    source: Path,
    out: Path,
    *,
    pool: str = "cls+mean",
    batch_size: int = 256,
    follow_links: bool = False,
    max_megapixels: float = MAX_MEGAPIXELS,
    engine: str = "local",
    workers: int | None = None,
    progress: bool = True,
) -> EmbedReport:
    """Computes the features of all images of a folder tree once, for later use.

    The images are turned upright, and their centre is resized to the size of the MAE,
    as `keras_mra.datasets.FolderDataset` does with `crop="center"`. They are read in
    batches and written in groups, so that memory does not grow with the folder. The
    file appears when it is complete, and replaces one that exists. Until then, the
    groups lie in a hidden folder beside it, and a run that was interrupted can be
    repeated: images whose groups are complete are not read again, unless an argument,
    the MAE, the backend or the list of images has changed.

    `read_features` reads the file for `linear_probe`, `knn` and the other protocols,
    and `pandas.read_parquet` for anything else. Its columns are

    - `path`, a string: the path below `source`, with `/`;
    - `label`, a string: the name of the first-level folder. The column is missing if
      an image lies in none;
    - `features`, a list of `dim` floats.

    The folder and the file can be URLs that `fsspec` knows, such as
    `s3://bucket/photos` (`pip install 'keras-mra[remote]' s3fs`). The file must be in
    an object store, which writes whole objects. It is made in the folder for temporary
    files, and then uploaded. If that fails, it is kept there.

    The rows are sorted by path. Embed the parts of a split, such as `train` and
    `test`, one by one: their names are not classes.

    Args:
        mae: `keras_mra.MAE` or `keras_mra.MSA` of 1, 3 or 4 channels.
        source: Path or URL of the folder to read.
        out: Path or URL of the Parquet file to write. It must end in `.parquet`.
        pool: `"cls"` for the class token, `"mean"` for the mean of the patch tokens,
            `"cls+mean"` for both, the class token first.
        batch_size: Int, images in one call of the encoder, at most 65,536.
        follow_links: Bool, whether links that leave the source are followed too. A
            store has no links.
        max_megapixels: Float, the largest pictures that are read, in millions of
            pixels. A larger one counts as a file that cannot be read. So does a file of
            a store if it has more than 64 MiB and 8 MB for each megapixel.
        engine: `"local"`, or `"ray"` for the machines of a Ray cluster that all see
            the source, as in `keras_mra.augment_folder`. The features are the same.
        workers: Int. For `"local"`, the threads that read images, and `None` is the
            number of processors. For `"ray"`, processes that hold the MAE, with one CPU
            each, and one GPU if the cluster has any; `None` is one for each GPU, or for
            each CPU if there is no GPU.
        progress: Bool, whether to show a progress bar.

    Returns:
        An `EmbedReport`.

    Raises:
        ValueError: If an argument is out of its range, or `source` holds no image that
            can be read.
        FileNotFoundError: If `source` does not exist.
        ImportError: If pyarrow, the engine, `fsspec` or its package for a URL is not
            installed.
        OSError: If `out` cannot be written, another process writes it, or the cluster
            or a store does not answer.

    Example:

    >>> mae = keras_mra.MAE.from_preset("mae_nano_photos")
    >>> keras_mra.evaluation.embed_folder(mae, "photos", "photos.parquet").written
    3
    """
    import PIL  # noqa: F401  A missing Pillow would otherwise fail file by file.

    mae = required_mae(mae)
    max_megapixels = checks.positive_float("max_megapixels", max_megapixels)
    embedding = (mae, pool, batch_size, max_megapixels)
    embedder = Embedder(*embedding)
    checks.flag("progress", progress)
    engines.check_engine(engine, workers)
    parquet()
    folder = files.place("source", source, "folder")
    file = feature_target(out)
    found = find_images(folder, checks.flag("follow_links", follow_links))
    labelled = None not in first_level_folders(found)
    settings = {
        "mae": describe_mae(mae),
        "backend": keras.backend.backend(),
        "keras_mra_version": __version__,
        "pool": pool,
        "batch_size": batch_size,
        "max_megapixels": max_megapixels,
        "images": found.paths.digest(),
    }
    with contextlib.ExitStack() as stack:
        if engine == "ray":
            stack.enter_context(engines.ray_cluster())
        writer = stack.enter_context(writing_features(file, settings))
        if engine == "ray":
            make = functools.partial(_make_embedder, folder, embedding)
            paths = itertools.islice(found.paths, writer.done, None)
            chunks = engines.chunked(paths, batch_size)
            parts = engines.map_on_ray(make, chunks, workers)
        else:
            parts = _embedded(embedder, found.paths, batch_size, workers, writer.done)
        stack.enter_context(contextlib.closing(parts))
        advance = stack.enter_context(
            engines.progress_bar(progress, "Embedding", len(found.paths))
        )
        advance(writer.done)
        for part in parts:
            inside = [path.relative_to(folder) for path in part.paths]
            writer.write(
                [_text(path.as_posix()) for path in inside],
                [_text(path.parts[0]) for path in inside] if labelled else None,
                part.features,
                [
                    [path.relative_to(folder).as_posix(), reason]
                    for path, reason in part.failed
                ],
            )
            advance(len(part.paths) + len(part.failed))
        failed = [(folder / name, reason) for name, reason in writer.failed]
        if not writer.rows:
            path, reason = failed[0]
            raise ValueError(
                "`source` must hold an image that can be read. Received: "
                f"source={str(folder)!r}, with {len(failed)} that cannot, such as "
                f"{str(path)!r} ({reason})"
            )
    return EmbedReport(writer.rows, failed, found.left_out)


def _embedded(
    embedder: Embedder,
    paths: Sequence[files.Place],
    batch_size: int,
    workers: int | None,
    first: int,
) -> Generator[Embedded, None, None]:
    """Embeds batches from the first path on, while threads read the next one."""
    reader = ReadAhead(lambda place: embedder.read(paths[place]), workers)
    for start in range(first, len(paths), batch_size):
        now = range(start, min(start + batch_size, len(paths)))
        reader.begin(range(start, min(start + 2 * batch_size, len(paths))))
        yield embedder.embed(list(paths[start : now.stop]), reader.take(list(now)))


def _make_embedder(
    source: files.Place, embedding: tuple[MAE, str, int, float]
) -> Embedder:
    """Makes the function of a chunk, in a worker."""
    engines.check_shared("source", source, lambda: files.is_folder(source))
    return Embedder(*embedding)


def _text(name: str) -> str:
    """A name in UTF-8. Bytes that are not text are written as `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
