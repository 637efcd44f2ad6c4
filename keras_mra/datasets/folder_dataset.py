"""Batches of crops of the images of a folder tree."""

import os
import pathlib
import warnings
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mra import checks
from keras_mra.datasets import fast_crops
from keras_mra.datasets import image_reader
from keras_mra.datasets.crop_dataset import CropDataset
from keras_mra.datasets.find_images import FoundImages
from keras_mra.datasets.find_images import find_images
from keras_mra.datasets.held_out import evenly_spaced
from keras_mra.datasets.path_list import PathList
from keras_mra.datasets.picture_file import MAX_MEGAPIXELS
from keras_mra.typing import ImageShape
from keras_mra.typing import Path


class FolderDataset(CropDataset):
    """Crops of the images of a folder tree.

    The images are PNG, JPEG, WebP, BMP, GIF (first frame) and TIFF files of any size
    and mode. EXIF orientation is applied, alpha is dropped unless 4 channels are asked
    for, and 16-bit values are scaled to 8 bits. A file that cannot be read is replaced
    by the next file that can. A warning at the end of the epoch counts and names such
    files; `unreadable` maps all of them to the reason.

    Links that leave the folder, and what is named as an image but is not a regular
    file, are left out, and a warning counts and names them.

    Args:
        root: Path of a folder, or a list of paths of images, which may be links; or
            what `find_images` has found in a folder.
        image_shape: Triple of ints, `(height, width, channels)`, with 1, 3 or 4
            channels.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        crop: `"random"` for random resized crops, `"center"` for the centre after
            resizing the short side.
        crop_scale: Pair of floats in (0, 1], the range of the share of the image's
            area that a random crop covers.
        crops_per_image: Int, crops of each image in one epoch.
        shuffle: Bool, whether each epoch has its own order.
        seed: Int, at least 0, or `None` for a random seed. It decides every draw,
            together with the epoch and the sample.
        labels: Bool, whether batches are `(images, labels)` or `images`. A label is
            the place of the image's first-level sub-folder in the sorted
            `class_names`; in a list of paths, that of its folder.
        cache_side: Int or `None`. An int keeps the decoded images in memory, shrunk
            to a short side of at most that many pixels.
        max_megapixels: Float, the largest pictures that are read, in millions of
            pixels. A larger one counts as a file that cannot be read. In each of the
            `workers`, decoding takes at most 12 MB per megapixel, and little for JPEG
            files, which are shrunk while they are decoded.
        drop_last: Bool, whether to drop a last batch that is not full.
        class_names: List of folder names, if some of them may not occur here.
        workers: As in `CropDataset`.
        image_library: As in `CropDataset`.

    Raises:
        FileNotFoundError: If the folder does not exist.
        ValueError: If there is no image, or fewer samples than a batch; or if labels
            are asked for and an image lies in no sub-folder.

    Example:

    >>> dataset = FolderDataset("photos", (64, 64, 3), 256, crops_per_image=100)
    >>> mae.fit(dataset, epochs=10, shuffle=False)
    """

    def __init__(
        self,
        root: Path | Iterable[Path] | FoundImages,
        image_shape: ImageShape,
        batch_size: int | None,
        *,
        crop: str = "random",
        crop_scale: tuple[float, float] = (0.2, 1.0),
        crops_per_image: int = 1,
        shuffle: bool = True,
        seed: int | None = 0,
        labels: bool = False,
        cache_side: int | None = None,
        max_megapixels: float = MAX_MEGAPIXELS,
        drop_last: bool = True,
        class_names: Sequence[str] | None = None,
        workers: int | None = None,
        image_library: str | None = None,
    ) -> None:
        self.max_megapixels = checks.positive_float("max_megapixels", max_megapixels)
        inside: list[str | None]
        labels = checks.flag("labels", labels)
        if class_names is not None:
            class_names = [
                checks.instance("class_names", name, str, "a list of strings or None")
                for name in checks.names("class_names", class_names)
            ]
        if isinstance(root, (str, os.PathLike)):
            root = find_images(root)
        if isinstance(root, FoundImages):
            root.warn_of_left_out()
            self.paths = root.paths
            inside = first_level_folders(root)
        else:
            self.paths = PathList(_each_path(root))
            if not self.paths:
                raise ValueError(
                    f"`root` must hold at least one path. Received: root={root!r}"
                )
            inside = [pathlib.Path(folder).name for folder in self.paths.folders]
        self.class_names = None
        if labels:
            self.class_names = class_names or class_names_of(inside)
            places = np.array(_places(inside, self.class_names), "int32")
            self._labels = np.repeat(places, self.paths.counts)
        self.unreadable: dict[pathlib.Path, str] = {}
        self._no_replacements: frozenset[int] = frozenset()
        self._reported = 0
        super().__init__(
            len(self.paths),
            image_shape,
            batch_size,
            crop=crop,
            crop_scale=crop_scale,
            crops_per_image=crops_per_image,
            shuffle=shuffle,
            seed=seed,
            labels=labels,
            cache_side=cache_side,
            drop_last=drop_last,
            workers=workers,
            image_library=image_library,
        )

    def open_image(self, index: int, min_side: int) -> tuple[Any, int | None]:
        """Decodes an image, or the next one that can be read, and its label."""
        for step in range(self.num_images):
            candidate = (index + step) % self.num_images
            if self.paths[candidate] in self.unreadable or (
                step and candidate in self._no_replacements
            ):
                continue
            image = self._read(candidate, min_side)
            if image is not None:
                return image, int(self._labels[candidate]) if self.labels else None
        raise ValueError(
            f"None of the {self.num_images} images can be read: {self._first_few()}"
        )

    def leave_out(self, images: Iterable[int]) -> None:
        """Replaces no file that cannot be read by one of these.

        Args:
            images: Ints, the positions of files in `paths`, which another data set
                holds out.
        """
        self._no_replacements = frozenset(map(int, images))

    def can_read(self, index: int) -> bool:
        """Whether the file of sample `index` can be read."""
        return self._read(index // self.crops_per_image, 1) is not None

    def find_unreadable(self, most: int = 10_000) -> dict[pathlib.Path, str]:
        """Reads the headers of at most `most` files, spread evenly over all.

        Returns:
            `unreadable`, with the files whose header is damaged. Damage behind a header
            is found only when the file is read.
        """
        checks.positive_int("most", most)
        for index in evenly_spaced(self.num_images, min(most, self.num_images)):
            path = self.paths[index]
            try:
                image_reader.read_header(path, self.max_megapixels)
            except Exception as error:  # Pillow's decoders raise errors of many types.
                self.unreadable[path] = f"{type(error).__name__}: {error}"
        return self.unreadable

    def all_labels(self) -> npt.NDArray[Any]:
        """Returns the labels of all samples."""
        if not self.labels:
            return super().all_labels()
        return np.repeat(self._labels, self.crops_per_image)

    def on_epoch_end(self) -> None:
        """Warns of files that could not be read in this epoch for the first time."""
        if self._begun and len(self.unreadable) > self._reported:
            self._reported = len(self.unreadable)
            warnings.warn(
                f"{self._reported} of {self.num_images} images could not be read and "
                f"were replaced by others: {self._first_few()}",
                stacklevel=2,
            )
        super().on_epoch_end()

    def _read(self, index: int, min_side: int) -> Any:
        """Decodes a file, or adds it to `unreadable` and returns `None`."""
        path = self.paths[index]
        reader = fast_crops if self.takes_arrays else image_reader
        try:
            image = reader.read_upright(path, min_side, self.max_megapixels)
            if isinstance(image, np.ndarray):
                return image
            # Some modes can be read, but not converted.
            return image_reader.to_channels(image, self.image_shape[2])
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise errors of many types.
            self.unreadable[path] = f"{type(error).__name__}: {error}"
            return None

    def _first_few(self) -> str:
        few = list(self.unreadable.items())[:3]
        text = "; ".join(f"{path} ({reason})" for path, reason in few)
        return text + ("; ..." if len(self.unreadable) > len(few) else "")


def _each_path(root: Any) -> Iterator[Path]:
    """The paths of a list, each of which is checked."""
    try:
        paths = iter(root)
    except TypeError:
        paths = iter([root])
    for path in paths:
        if not isinstance(path, (str, os.PathLike)):
            raise ValueError(
                "`root` must be the path of a folder, or a list of paths. Received: "
                f"{path!r} (of type {type(path).__name__})"
            )
        yield path


def first_level_folders(found: FoundImages) -> list[str | None]:
    """Returns the folder directly below the root that holds each of `paths.folders`.

    It is `None` for the root.
    """
    parts = [
        type(found.root)(folder).relative_to(found.root).parts
        for folder in found.paths.folders
    ]
    return [names[0] if names else None for names in parts]


def class_names_of(folders: Sequence[str | None]) -> list[str]:
    """Returns the distinct folder names, sorted."""
    return sorted({folder for folder in folders if folder is not None})


def _places(folders: Sequence[str | None], class_names: Sequence[str]) -> list[int]:
    places: dict[str | None, int] = {
        name: place for place, name in enumerate(class_names)
    }
    strangers = sorted({str(folder) for folder in folders if folder not in places})
    if strangers:
        raise ValueError(
            "`labels=True` needs every image in the sub-folder of its class, one of "
            f"{class_names}. Received: images in {strangers[:5]} (None stands for no "
            "sub-folder)."
        )
    return [places[folder] for folder in folders]
