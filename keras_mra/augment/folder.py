"""Re-imagined copies of a folder tree of images, for users of any framework."""

import contextlib
import dataclasses
import errno
import hashlib
import itertools
import os
import pathlib
from typing import Any

import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra import masking
from keras_mra.datasets.exact import ExactImage
from keras_mra.datasets.exact import read_exact
from keras_mra.datasets.folder_dataset import find_images
from keras_mra.models import MAE

_UNFINISHED = ".mra-unfinished"
# Files are read until their pixels reach this, or there are a batch of them.
_PIXELS_AT_ONCE = 2**26
# A name too long is that file's own fault; other failures to write hit every file.
_FAULTS_OF_ONE_FILE = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclasses.dataclass
class AugmentReport:
    """What a run of `augment_folder` did.

    Attributes:
        written: Int, copies written.
        skipped: Int, copies that were there already.
        failed: List of `(path, reason)`, files that could not be read or named.
    """

    written: int = 0
    skipped: int = 0
    failed: list = dataclasses.field(default_factory=list)


def augment_folder(
    mae,
    source,
    target,
    *,
    copies=1,
    mask_ratio=0.4,
    strategy="attention",
    temperature=1.0,
    seed=0,
    batch_size=32,
    progress=True,
):
    """Writes re-imagined copies of all images of a folder tree.

    Each image is shrunk to the size of the MAE, which chooses patches to drop and
    paints them anew; these are enlarged and put into the image at its own size. All
    other pixels, and alpha, are the file's own, bit for bit at its bit depth. The
    copies of `a/b.jpg` are `a/b.jpg.mra1.png`, `a/b.jpg.mra2.png` and so on, lossless
    PNG files with the colour profile and the EXIF data of the original.

    Palettes become RGB, CMYK becomes RGB, black and white gray; 16-bit images stay
    16-bit; of an animation the first frame is used. Gray images enter a colour MAE as
    three equal channels, and the mean of its channels is used; of a colour image a
    gray MAE paints each channel by itself, at the patches that it chooses by the
    luminance. Images are used as they are stored: EXIF orientation is copied, and not
    applied.

    A run can be interrupted and repeated: finished copies are kept, whatever the
    arguments they were made with, and none is ever half-written. Each copy depends on
    the seed, its number and the file's path below `source` alone. One run at a time
    may write to a target.

    Args:
        mae: A `keras_mra.MAE` of 1, 3 or 4 channels.
        source: Path of the folder to read.
        target: Path of the folder to write; made if missing.
        copies: Int, copies of each image.
        mask_ratio: Float in (0, 1), share of the patches that are painted.
        strategy: `"attention"`, `"low_attention"` or `"random"`: which patches stay.
        temperature: Float, at least 0: how far chance perturbs the choice. It has to
            be positive for copies of one image to differ, unless the strategy is
            `"random"`.
        seed: Int, at least 0.
        batch_size: Int, images in one call of the MAE.
        progress: Whether to show a progress bar.

    Returns:
        An `AugmentReport`.

    Raises:
        ValueError: If an argument is out of its range, one folder contains the other,
            or `source` holds no image.
        FileNotFoundError: If there is no `source`.
        OSError: If the target cannot be written to, for instance on a full disk.

    Example:

    >>> mae = keras_mra.MAE.from_preset("mae_nano_photos")
    >>> report = augment_folder(mae, "photos", "photos-augmented", copies=4)
    """
    import PIL  # noqa: F401  A missing Pillow is not the fault of each file.

    painter = _Painter(mae, mask_ratio, strategy, temperature, seed, batch_size)
    copies = checks.positive_int("copies", copies)
    if copies > 1 and temperature == 0 and strategy != "random":
        raise ValueError(
            "`temperature` must be positive for more than one copy, because all "
            "copies of an image would be equal. Received: "
            f"temperature={temperature}, copies={copies}, strategy={strategy!r}"
        )
    source, target = _folders(source, target)
    paths = find_images(source)
    _make_folder(target)
    for leftover in target.rglob(f".*{_UNFINISHED}"):  # Of a run that was killed.
        leftover.unlink(missing_ok=True)

    report = AugmentReport()
    with _progress(progress, len(paths) * copies) as advance:
        jobs = _jobs(source, target, paths, copies, report, advance)
        for group in _groups(jobs, batch_size):
            for job, number, png in painter.paint(group):
                try:
                    _write(job.outputs[number], png)
                    report.written += 1
                except _Unnameable as error:
                    report.failed.append((job.path, str(error)))
                advance()
    return report


@dataclasses.dataclass(frozen=True)
class _Job:
    """A file that lacks copies: `outputs` maps the number of each to its path."""

    path: pathlib.Path
    key: bytes
    image: ExactImage
    outputs: dict


def _folders(source, target):
    source = pathlib.Path(source).expanduser()
    target = pathlib.Path(target).expanduser()
    inner, outer = target.resolve(), source.resolve()
    if inner == outer or inner in outer.parents or outer in inner.parents:
        raise ValueError(
            "`target` must be a folder outside `source`, and not around it: copies "
            "would be augmented again by the next run. Received: "
            f"source={str(source)!r}, target={str(target)!r}"
        )
    return source, target


def _jobs(source, target, paths, copies, report, advance):
    """Reads the files that lack copies; one that cannot be read is reported."""
    for path in paths:
        relative = path.relative_to(source)
        outputs = {
            number: target / relative.parent / f"{relative.name}.mra{number}.png"
            for number in range(1, copies + 1)
        }
        missing = {n: output for n, output in outputs.items() if not _exists(output)}
        report.skipped += copies - len(missing)
        advance(copies - len(missing))
        if not missing:
            continue
        try:
            image = read_exact(path)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise almost anything.
            report.failed.append((path, f"{type(error).__name__}: {error}"))
            advance(len(missing))
            continue
        yield _Job(path, os.fsencode(relative.as_posix()), image, missing)


def _exists(path):
    try:
        return path.exists()
    except OSError:  # A name too long: found out when it is written.
        return False


def _groups(jobs, batch_size):
    """Gathers jobs into lists that fit a batch and the memory."""
    group, pixels = [], 0
    for job in jobs:
        group.append(job)
        pixels += job.image.color.size
        if len(group) == batch_size or pixels >= _PIXELS_AT_ONCE:
            yield group
            group, pixels = [], 0
    if group:
        yield group


class _Painter:
    """The MAE at its own size, fed with batches that all have one size."""

    def __init__(self, mae, mask_ratio, strategy, temperature, seed, batch_size):
        if not isinstance(mae, MAE):
            raise ValueError(
                f"`mae` must be a keras_mra.MAE. Received: {type(mae).__name__}"
            )
        if mae.norm_pix_loss:
            raise ValueError(
                "`mae` must be trained with `norm_pix_loss=False`: others paint gray "
                "mush. Received: an MAE with norm_pix_loss=True"
            )
        if mae.image_shape[2] not in (1, 3, 4):
            raise ValueError(
                "`mae` must have 1, 3 or 4 channels, as image files do. Received: "
                f"an MAE of image_shape={tuple(mae.image_shape)}"
            )
        self.mae = mae
        self._attend = backend.compiled(mae, mae.attention)
        self._repaint = backend.compiled(mae, mae.reconstruct)
        self.mask_ratio = mask_ratio
        self.strategy = strategy
        self.temperature = temperature
        self.seed = checks.seed(seed)
        if self.seed is None:
            raise ValueError(
                "`seed` must be an integer, at least 0. Received: seed=None"
            )
        self.batch_size = checks.positive_int("batch_size", batch_size)
        # Refuses bad arguments before any work.
        masking.check_strategy(strategy, temperature)
        masking.num_visible(self.mae.num_patches, mask_ratio)

    def paint(self, jobs):
        """Yields `(job, number, PNG file)` for each copy that the jobs lack."""
        attention = self._attention(jobs)
        views = [self._views(job.image) for job in jobs]
        rows = (
            (job, number, view, visible)
            for job, weights, job_views in zip(jobs, attention, views, strict=True)
            for number in job.outputs
            for visible in [self._visible(weights, job.key, number)]
            for view in job_views
        )
        done: dict[tuple[bytes, int], list] = {}
        for batch in _batches(rows, self.batch_size):
            painted = self._reconstruct(
                [row[2] for row in batch], [r[3] for r in batch]
            )
            for (job, number, view, visible), pixels in zip(
                batch, painted, strict=False
            ):
                # Colours of one copy may lie in two batches.
                parts = done.setdefault((job.key, number), [])
                parts.append(pixels)
                if len(parts) == (
                    job.image.color.shape[2] if view.shape[2] == 1 else 1
                ):
                    del done[job.key, number]
                    color = self._composite(job.image, parts, visible)
                    yield job, number, job.image.png(color)

    def _attention(self, jobs):
        if self.strategy == "random":  # Looks at the shape alone.
            return np.ones((len(jobs), self.mae.num_patches), "float32")
        whole = [self._whole(job.image) for job in jobs]
        return np.concatenate(
            [
                _numpy(self._attend(self._padded(batch)))[: len(batch)]
                for batch in _batches(whole, self.batch_size)
            ]
        )

    def _reconstruct(self, views, visible):
        return _numpy(self._repaint(self._padded(views), self._padded(visible)))

    def _padded(self, rows):
        """One array of `batch_size` rows: a partial batch would be traced anew."""
        return np.stack(rows + rows[-1:] * (self.batch_size - len(rows)))

    def _visible(self, weights, key, number):
        digest = hashlib.sha256(b"%d/%d/%s" % (self.seed, number, key)).digest()
        visible = masking.visible_patches(
            weights[None],
            self.mask_ratio,
            self.strategy,
            self.temperature,
            seed=int.from_bytes(digest[:4], "big") >> 1,
        )
        return _numpy(visible)[0]

    def _whole(self, image):
        """The image as the MAE sees it, `(height, width, channels)`."""
        height, width, channels = self.mae.image_shape
        color = _resized(image.color / np.float32(image.white), (height, width))
        if channels == 1:
            color = color if color.shape[2] == 1 else color @ _LUMINANCE
        elif color.shape[2] == 1:
            color = np.repeat(color, 3, axis=2)
        if channels == 4:
            alpha = np.ones((height, width, 1), "float32")
            if image.alpha is not None:
                alpha = _resized(image.alpha / np.float32(image.white), (height, width))
            color = np.concatenate([color, alpha], axis=2)
        return self._to_range(color)

    def _views(self, image):
        """What is painted: the whole, or for a gray MAE each colour by itself."""
        height, width, channels = self.mae.image_shape
        if channels > 1:
            return [self._whole(image)]
        color = _resized(image.color / np.float32(image.white), (height, width))
        return list(self._to_range(np.moveaxis(color, 2, 0)[..., None]))

    def _to_range(self, color):
        low, high = self.mae.value_range
        return (low + color * (high - low)).astype("float32")

    def _composite(self, image, parts, visible):
        """The image's own pixels, with the dropped patches painted."""
        height, width, channels = image.color.shape
        low, high = self.mae.value_range
        painted = np.concatenate(parts, axis=2)[..., :3]  # Without a fourth, alpha.
        if channels == 1:
            painted = painted.mean(axis=2, keepdims=True)
        painted = _resized((painted - low) / (high - low), (height, width))
        painted = np.rint(np.clip(painted, 0, 1) * image.white)
        shown = np.zeros(self.mae.num_patches, bool)
        shown[visible] = True
        shown = shown.reshape(self.mae.grid)
        rows = _patch_of_pixel(height, self.mae.grid[0])
        columns = _patch_of_pixel(width, self.mae.grid[1])
        shown = shown[rows[:, None], columns[None], None]  # (height, width, 1)
        return np.where(shown, image.color, painted.astype(image.color.dtype))


_LUMINANCE = np.array([[0.299], [0.587], [0.114]], "float32")


def _patch_of_pixel(length, patches):
    """Which of `patches` equal parts the centre of each of `length` pixels is in."""
    return ((2 * np.arange(length) + 1) * patches) // (2 * length)


def _resized(image, size):
    """Resizes a float image with Pillow, channel by channel, without rounding."""
    from PIL import Image

    height, width = size
    if image.shape[:2] == (height, width):
        return image.astype("float32")
    channels = [
        Image.fromarray(np.ascontiguousarray(image[..., channel], "float32")).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        for channel in range(image.shape[2])
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def _batches(rows, size):
    rows = iter(rows)
    while batch := list(itertools.islice(rows, size)):
        yield batch


def _numpy(tensor) -> Any:
    return ops.convert_to_numpy(tensor)


class _Unnameable(Exception):
    """A file that cannot be written because of its own name."""


def _write(path, data):
    """Writes a file that is either there as a whole or not at all."""
    # A short name of its own, because the file's may have the greatest length.
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    unfinished = path.parent / f".{name}{_UNFINISHED}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(unfinished, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        if error.errno in _FAULTS_OF_ONE_FILE:
            raise _Unnameable(f"{path}: {error.strerror}") from error
        raise _cannot_write(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _make_folder(target):
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(
            f"`target` must be a folder. {str(target)!r} is a file."
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(error, target) from error


def _cannot_write(error, path):
    reason = "the disk is full" if error.errno in _DISK_FULL else error.strerror
    return OSError(
        error.errno,
        f"Writing stopped: {reason}. All files written so far are complete; the same "
        "command goes on from here. The file was",
        str(path),
    )


@contextlib.contextmanager
def _progress(show, total):
    """Yields a function that moves the bar on by a number of copies."""
    if not show:
        yield lambda count=1: None
        return
    from rich import progress

    with progress.Progress(
        progress.TextColumn("Re-imagining"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda count=1: bar.advance(task, count)
