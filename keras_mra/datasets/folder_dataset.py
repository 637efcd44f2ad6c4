"""Images in a folder tree, decoded as training needs them."""

import os
import pathlib
import warnings

import numpy as np

from keras_mra.datasets.crop_dataset import CropDataset

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def find_images(root):
    """Lists the image files of a folder tree.

    Args:
        root: Path of a folder.

    Returns:
        Sorted list of paths; hidden files and folders are left out.

    Raises:
        FileNotFoundError: If there is no such folder.
        NotADirectoryError: If `root` is a file.
        ValueError: If it holds no image.
    """
    root = pathlib.Path(root).expanduser()
    if not root.exists():
        raise FileNotFoundError(f"There is no folder {str(root)!r}.")
    if not root.is_dir():
        raise NotADirectoryError(f"{str(root)!r} must be a folder, and is a file.")
    found, seen = [], set()
    for folder, children, names in os.walk(root, followlinks=True):
        # A link to a folder above would never end.
        real = os.path.realpath(folder)
        children[:] = [
            c for c in children if not c.startswith(".") and real not in seen
        ]
        names = [] if real in seen else names
        seen.add(real)
        found += [
            pathlib.Path(folder, name)
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    if not found:
        raise ValueError(
            f"The folder {str(root)!r} holds no image. Looked for files ending in "
            f"{', '.join(SUFFIXES)}, in sub-folders too."
        )
    return sorted(found)


class FolderDataset(CropDataset):
    """Crops of the images of a folder tree.

    PNG, JPEG, WebP, BMP, GIF (first frame) and TIFF files of any size and mode. EXIF
    orientation is applied, alpha is dropped unless 4 channels are asked for, 16-bit
    values are scaled to 8 bits. A file that cannot be read is replaced by the next
    one that can; a warning at the end of the epoch counts and names such files, and
    `unreadable` holds all of them.

    Args:
        root: Path of a folder, or a list of paths of images.
        image_shape: Triple of ints, `(height, width, channels)`, with 1, 3 or 4
            channels.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        crop: `"random"` for random resized crops, `"center"` for the centre after
            resizing the short side.
        crop_scale: Pair of floats in (0, 1], the share of the image's area that a
            random crop covers.
        crops_per_image: Int, crops of each image in one epoch.
        shuffle: Whether each epoch has its own order.
        seed: Int, at least 0; with the epoch and the sample it decides every draw.
        labels: Whether to give `(images, labels)`; a label is the place of the
            image's first-level sub-folder (in a list of paths, of its folder) in the
            sorted `class_names`.
        cache_side: Int or `None`. An int keeps the decoded images in memory, with a
            short side of at most that many pixels.
        drop_last: Whether to drop a last batch that is not full.
        class_names: List of folder names, where not all of them may occur here.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there is no image, fewer samples than a batch, or labels are
            asked for where images lie in no sub-folder.

    Example:

    >>> dataset = FolderDataset("photos", (64, 64, 3), 256, crops_per_image=100)
    >>> mae.fit(dataset, epochs=10, shuffle=False)
    """

    def __init__(
        self,
        root,
        image_shape,
        batch_size,
        *,
        crop="random",
        crop_scale=(0.2, 1.0),
        crops_per_image=1,
        shuffle=True,
        seed=0,
        labels=False,
        cache_side=None,
        drop_last=True,
        class_names=None,
        **kwargs,
    ):
        if isinstance(root, (str, os.PathLike)):
            self.paths = find_images(root)
            folders = first_level_folders(root, self.paths)
        else:
            self.paths = [pathlib.Path(path) for path in root]
            folders = [path.parent.name for path in self.paths]
        self.class_names = None
        if labels:
            self.class_names = class_names or class_names_of(folders)
            self._labels = _labels(folders, self.class_names)
        self.unreadable = {}
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
            **kwargs,
        )

    def open_image(self, index, min_side):
        for step in range(self.num_images):
            candidate = (index + step) % self.num_images
            path = self.paths[candidate]
            if path in self.unreadable:
                continue
            try:
                image = decode(path, min_side)
            except MemoryError:
                raise
            except Exception as error:  # Pillow's decoders raise almost anything.
                self.unreadable[path] = f"{type(error).__name__}: {error}"
            else:
                return image, self._labels[candidate] if self.labels else None
        raise ValueError(
            f"None of the {self.num_images} images can be read: {self._first_few()}"
        )

    def can_read(self, index):
        path = self.paths[index // self.crops_per_image]
        try:
            decode(path, 1)
        except MemoryError:
            raise
        except Exception as error:  # as above
            self.unreadable[path] = f"{type(error).__name__}: {error}"
            return False
        return True

    def all_labels(self):
        if not self.labels:
            return super().all_labels()
        return np.repeat(np.array(self._labels, "int32"), self.crops_per_image)

    def on_epoch_end(self):
        if self._begun and len(self.unreadable) > self._reported:
            self._reported = len(self.unreadable)
            warnings.warn(
                f"{self._reported} of {self.num_images} images could not be read and "
                f"were replaced by others: {self._first_few()}",
                stacklevel=2,
            )
        super().on_epoch_end()

    def _first_few(self, count=3):
        few = list(self.unreadable.items())[:count]
        text = "; ".join(f"{path} ({reason})" for path, reason in few)
        return text + ("; ..." if len(self.unreadable) > count else "")


def decode(path, min_side):
    """Reads an image file, upright.

    Args:
        path: Path of the file.
        min_side: Int; a JPEG may be shrunk to a short side of no less, which saves
            most of the work of decoding a photograph.

    Returns:
        A `PIL.Image.Image` of any mode.
    """
    from PIL import Image
    from PIL import ImageOps

    with Image.open(path) as image:
        image.draft(None, (min_side, min_side))
        image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # Broken metadata does not spoil the pixels.
        return image


def first_level_folders(root, paths):
    """Name of the folder below `root` that each path lies in, or `None`."""
    root = pathlib.Path(root).expanduser()
    parts = [path.relative_to(root).parts for path in paths]
    return [names[0] if len(names) > 1 else None for names in parts]


def class_names_of(folders):
    """Sorted distinct folder names."""
    return sorted({folder for folder in folders if folder is not None})


def _labels(folders, class_names):
    places = {name: place for place, name in enumerate(class_names)}
    strangers = sorted({str(folder) for folder in folders if folder not in places})
    if strangers:
        raise ValueError(
            "`labels=True` needs every image in the sub-folder of its class, one of "
            f"{class_names}. Received: images in {strangers[:5]} (None stands for no "
            "sub-folder)."
        )
    return [places[folder] for folder in folders]
