"""Augmented copies of a folder tree of images, for users of any framework."""

import contextlib

from keras_mra import checks
from keras_mra import engines
from keras_mra import files
from keras_mra.augment.augment_report import AugmentReport
from keras_mra.augment.copies import Copies
from keras_mra.augment.copy_format import CopyFormat
from keras_mra.augment.copy_names import CopyNames
from keras_mra.augment.find_missing import find_missing
from keras_mra.augment.included_originals import check_collisions
from keras_mra.augment.local_copies import LocalCopies
from keras_mra.augment.painter import Painter
from keras_mra.augment.settings import check_settings
from keras_mra.augment.settings import write_settings
from keras_mra.augment.stored_copies import StoredCopies
from keras_mra.augment.write_copies import write_copies
from keras_mra.augment.write_copies_on_ray import write_copies_on_ray
from keras_mra.datasets.find_images import find_images
from keras_mra.datasets.picture_file import MAX_MEGAPIXELS
from keras_mra.models import MAE
from keras_mra.models.describe_mae import describe_mae
from keras_mra.typing import Path

# The numbers of the missing copies of a file are in memory at once.
MOST_COPIES = 100_000


def augment_folder(
    mae: MAE,
    source: Path,
    target: Path,
    *,
    copies: int = 1,
    mask_ratio: float = 0.4,
    strategy: str = "attention",
    temperature: float = 1.0,
    seed: int = 0,
    format: str = "png",
    quality: int = 90,
    include_originals: bool = False,
    follow_links: bool = False,
    max_megapixels: float = MAX_MEGAPIXELS,
    batch_size: int = 32,
    engine: str = "local",
    workers: int | None = None,
    progress: bool = True,
) -> AugmentReport:
    """Writes augmented copies of all images of a folder tree.

    Each image is turned upright, as its EXIF orientation asks, and shrunk to the size
    of the MAE, which chooses patches to drop and paints them. The painted patches are
    enlarged and inserted into the image at its own size. In PNG copies, all other
    pixels, and alpha, stay bit for bit those of the file, at its bit depth. JPEG and
    WebP copies are smaller, but lossy: all their pixels change a little.

    The copies of `a/b.jpg` are `a/b.jpg.mra1.png`, `a/b.jpg.mra2.png` and so on, with
    the ICC profile and the EXIF data of the original. The orientation in the EXIF data
    becomes 1, so that no reader turns a copy again.

    - Palettes and CMYK become RGB, without the profile of CMYK. Black and white
      becomes grey.
    - The first frame or page of a file is used. The report names the files with more.
    - Other metadata, such as the `gAMA` and `sRGB` chunks of a PNG file, is not
      copied.
    - 16-bit images stay 16-bit. PNG files with 16-bit colours need OpenCV
      (`pip install 'keras-mra[images]'`). 16-bit grey with alpha becomes RGBA with
      three equal colours, without the profile of grey.
    - An MAE for colour sees a grey image as three equal channels, and the mean of its
      painted channels is used. An MAE for grey chooses the patches of a colour image
      by the luminance and paints each channel by itself.

    A run can be interrupted and repeated. Copies that exist are kept, and a copy is
    never half-written. Each copy depends only on the MAE, the arguments, its number and
    the path of the file below `source`. The arguments and a digest of the MAE are
    recorded in `augment_settings.json`. A later run may ask for more `copies` or add
    the originals. A run with any other change is refused while the target holds copies.
    A target is also refused if its copies have no record, or if another process writes
    to it.

    Nothing is written outside of the target: a copy fails if the target holds a link in
    the place of its folder. Links of the source are followed within the source. Those
    that leave it, and what is not a regular file, such as a FIFO, are left out and
    listed in the report.

    Both folders can be URLs that `fsspec` knows, such as `s3://bucket/photos` (`pip
    install 'keras-mra[remote]' s3fs`). The target must be in an object store, which
    writes whole objects. The copies are the same. A store has no locks: nothing keeps
    two runs from writing to one URL at once.

    Args:
        mae: A `keras_mra.MAE` of 1, 3 or 4 channels, trained without `norm_pix_loss`.
        source: Path or URL of the folder to read.
        target: Path or URL of the folder to write. It is made if it does not exist.
        copies: Int, copies of each image, at most 100,000.
        mask_ratio: Float in (0, 1), the share of the patches that are painted.
        strategy: `"attention"`, `"low_attention"` or `"random"`: which patches stay.
        temperature: Float, at least 0: the scale of the noise in the choice of
            patches. It must be positive for several copies of one image, unless the
            strategy is `"random"`.
        seed: Int, at least 0.
        format: `"png"`, `"jpeg"`, `"webp"`, or `"same"`: JPEG for files that end in
            `.jpg` or `.jpeg`, WebP for `.webp`, and PNG for all others. 16-bit images
            fail in JPEG and WebP, and transparent images in JPEG. WebP turns grey into
            RGB, without the profile of grey.
        quality: Int from 1 to 100, of JPEG and WebP. PNG ignores it.
        include_originals: Bool. `True` also puts the originals into the target, which
            then is a training set. A file whose pixels stand upright is copied byte for
            byte, whatever the `format`. A file that asks for a rotation is written
            upright as copy number 0, `a/b.jpg.mra0.png`. A file that cannot be read is
            left out.
        follow_links: Bool, whether links that leave the source are followed too. A
            store has no links.
        max_megapixels: Float, the largest pictures that are read, in millions of
            pixels. A larger one counts as a file that cannot be read. A picture takes
            up to 16 MB for each megapixel, 21 MB as WebP, and 38 MB if it has 16
            bits. A file of a store is read into memory, and fails if it is larger than
            64 MiB and 8 MB more for each megapixel.
        batch_size: Int, images in one call of the MAE, at most 65,536.
        engine: `"local"`, or `"ray"` for the machines of a Ray cluster
            (`pip install 'keras-mra[ray]'`), which must all see both folders and have
            the same versions installed. It is the cluster that this process is
            connected to, the one that the environment variable `RAY_ADDRESS` names, or
            else one that is started on this machine. The copies are the same. A worker
            that dies is replaced, and its files are given to another one.
        workers: Int, processes of `"ray"` that hold the MAE, with one CPU each, and one
            GPU if the cluster has any. `None` is one for each GPU, or for each CPU if
            there is no GPU. For `"local"` it must be `None`.
        progress: Bool, whether to show a progress bar.

    Returns:
        An `AugmentReport`.

    Raises:
        ValueError: If an argument is out of its range, one folder contains the other,
            `source` holds no image, `target` holds copies that were made with other
            settings, or a copy would have the name of an original in the target.
        FileNotFoundError: If `source` does not exist.
        ImportError: If the engine, `fsspec` or its package for a URL is not installed.
        OSError: If the target cannot be written to, for instance on a full disk,
            another process writes to it, or the cluster or a store does not answer.

    Example:

    >>> mae = keras_mra.MAE.from_preset("mae_nano_photos")
    >>> report = augment_folder(mae, "photos", "photos-augmented", copies=4)
    """
    import PIL  # noqa: F401  A missing Pillow would otherwise fail file by file.

    painting = (mae, mask_ratio, strategy, temperature, seed, batch_size)
    painter = Painter(*painting)
    copy_format = CopyFormat(format, quality)
    include_originals = checks.flag("include_originals", include_originals)
    follow_links = checks.flag("follow_links", follow_links)
    max_megapixels = checks.positive_float("max_megapixels", max_megapixels)
    checks.flag("progress", progress)
    engines.check_engine(engine, workers)
    if engine == "local" and workers is not None:
        raise ValueError(
            "`workers` must be None for the engine 'local'. Received: "
            f"workers={workers}, engine={engine!r}"
        )
    expected = f"an integer from 1 to {MOST_COPIES:,}"
    copies = checks.integer("copies", copies, 1, expected, high=MOST_COPIES)
    if copies > 1 and temperature == 0 and strategy != "random":
        raise ValueError(
            "`temperature` must be positive for more than one copy, because all "
            "copies of an image would be equal. Received: "
            f"temperature={temperature}, copies={copies}, strategy={strategy!r}"
        )
    names = CopyNames(*_folders(source, target), copy_format)
    found = find_images(names.source, follow_links)
    paths = found.paths
    if include_originals:
        check_collisions(names, paths, copies)
    settings = {
        "mae": describe_mae(mae),
        "copies": copies,
        "mask_ratio": float(mask_ratio),
        "strategy": strategy,
        "temperature": float(temperature),
        "seed": painter.seed,
        "format": copy_format.format,
        "quality": copy_format.quality,
        "include_originals": include_originals,
    }
    report = AugmentReport(left_out=found.left_out)
    with contextlib.ExitStack() as stack:
        if engine == "ray":
            stack.enter_context(engines.ray_cluster())
        stack.enter_context(names.copies.held())
        check_settings(names.copies, settings)
        write_settings(names.copies, settings)
        advance = stack.enter_context(
            engines.progress_bar(progress, "Augmenting", len(paths) * copies)
        )
        missing = find_missing(names, paths, copies, include_originals, report, advance)
        if engine == "ray":
            write_copies_on_ray(
                painting, names, missing, max_megapixels, report, advance, workers
            )
        else:
            write_copies(painter, names, missing, max_megapixels, report, advance)
    report.animated.sort()
    report.failed.sort()
    return report


def _folders(source: Path, target: Path) -> tuple[files.Place, Copies]:
    outer = files.place("source", source, "folder")
    inner = files.place("target", target, "folder")
    copies = (
        StoredCopies(inner)
        if isinstance(inner, files.RemotePath)
        else LocalCopies(inner)
    )
    if files.is_inside(inner, outer) or files.is_inside(outer, inner):
        raise ValueError(
            "`target` must be a folder outside `source` that does not contain "
            "`source`: the next run would otherwise augment the copies. Received: "
            f"source={str(outer)!r}, target={str(inner)!r}"
        )
    return outer, copies
