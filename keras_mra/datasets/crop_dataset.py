"""Batches of crops of images that are decoded on demand."""

from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mra import checks
from keras_mra.datasets import crops
from keras_mra.datasets import fast_crops
from keras_mra.datasets.epoch_dataset import Batch
from keras_mra.datasets.epoch_dataset import EpochDataset
from keras_mra.datasets.read_ahead import ReadAhead
from keras_mra.typing import ImageShape


class CropDataset(EpochDataset):
    """Crops of one shape from images of any size.

    Subclasses implement `open_image(index, min_side)`. Each random draw depends only
    on the seed, the epoch and the sample.

    Args:
        num_images: Int.
        image_shape: Triple of ints, `(height, width, channels)`, with 1, 3 or 4
            channels.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        crop: `"random"` for random resized crops, `"center"` for the centre after
            resizing the short side.
        crop_scale: Pair of floats in (0, 1], the range of the share of the image's
            area that a random crop covers, drawn uniformly. The aspect ratio is drawn
            log-uniformly from 3/4 to 4/3.
        crops_per_image: Int, crops of each image in one epoch.
        shuffle: Bool, whether each epoch has its own order.
        seed: Int, at least 0, or `None` for a random seed.
        labels: Bool, whether batches are `(images, labels)` or `images`.
        cache_side: Int or `None`. An int keeps the decoded images in memory, shrunk
            to a short side of at most that many pixels. It suits many crops of a few
            large photographs.
        drop_last: Bool, whether to drop a last batch that is not full.
        workers: Int, threads that decode and resize images, also those of the next two
            batches while a batch is used. `None` is the number of processors that the
            process may use. The batches do not depend on it.
        image_library: `"opencv"` or `"pillow"`, or `None` for OpenCV where it is
            installed. OpenCV reads colour JPEG files, and cuts and resizes random crops
            of them, of TFDS images and of cached images, faster than Pillow, which does
            all else. The pixels differ a little, so that a resumed run needs the
            library that it began with.
    """

    def __init__(
        self,
        num_images: int,
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
        drop_last: bool = True,
        workers: int | None = None,
        image_library: str | None = None,
    ) -> None:
        self.image_shape = checks.image_shape(image_shape)
        crops.check_channels(self.image_shape)
        self.crop_scale = crops.check_crop(crop, crop_scale)
        self.crop = crop
        self.crops_per_image = checks.positive_int("crops_per_image", crops_per_image)
        self.cache_side = (
            None
            if cache_side is None
            else checks.positive_int("cache_side", cache_side)
        )
        self.labels = checks.flag("labels", labels)
        library = fast_crops.chosen_library(image_library)
        is_fast = crop == "random" and self.image_shape[2] == 3
        self.image_library = library if is_fast else "pillow"
        # Pillow shrinks the images of the cache, once.
        self.takes_arrays = self.image_library == "opencv" and cache_side is None
        self.num_images = num_images
        self._cache: dict[int, tuple[Any, int | None]] = {}
        self._reader = ReadAhead(self._sample, workers)
        super().__init__(
            num_images * self.crops_per_image,
            batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
        )

    def open_image(self, index: int, min_side: int) -> tuple[Any, int | None]:
        """Decodes an image.

        Args:
            index: Int, the number of the image.
            min_side: Int. A decoder may shrink the image to a short side of at least
                this length.

        Returns:
            The image as a `PIL.Image.Image` of the channels of `image_shape`, or also
            as a uint8 array of shape `(height, width, 3)` if `takes_arrays`; and its
            label, an int or `None`.
        """
        raise NotImplementedError

    def batch(self, indices: npt.NDArray[Any]) -> Batch:
        """Returns crops at `indices`: uint8 images, and int32 labels if there are."""
        found, labels = zip(*self._reader.take([int(sample) for sample in indices]))
        images = np.stack(found)  # (B, H, W, C)
        return (images, np.array(labels, "int32")) if self.labels else images

    def begin(self, indices: npt.NDArray[Any]) -> None:
        """Starts to decode the samples at `indices`, for a later call of `batch`."""
        self._reader.begin(int(sample) for sample in indices)

    def set_epoch(self, epoch: int) -> None:
        """Moves to the start of an epoch, for instance that of a resumed run."""
        super().set_epoch(epoch)
        self._reader.forget()  # Random crops differ from epoch to epoch.

    def _sample(self, sample: int) -> tuple[npt.NDArray[np.uint8], int | None]:
        """A crop of shape `image_shape`, and its label."""
        image, label = self._opened(sample // self.crops_per_image)
        if isinstance(image, np.ndarray):
            box = self._box(image.shape[1::-1], sample)
            return fast_crops.resized(image, box, self.image_shape), label
        box = self._box(image.size, sample)
        return crops.resized(image, box, self.image_shape), label

    def _box(self, size: tuple[int, int], sample: int) -> crops.Box:
        if self.crop == "center":
            return crops.center_box(size, (self.image_shape[1], self.image_shape[0]))
        return crops.random_box(size, self.crop_scale, self.sample_rng(sample))

    def _opened(self, index: int) -> tuple[Any, int | None]:
        """Returns an image, of which OpenCV crops arrays, and its label."""
        if index in self._cache:
            return self._cache[index]
        min_side = self.cache_side or crops.smallest_crop_side(
            self.image_shape, self.crop, self.crop_scale
        )
        image, label = self.open_image(index, min_side)
        if self.cache_side is not None:
            image = _shrunk(image, self.cache_side)
            if self.image_library == "opencv":
                image = np.asarray(image)
            self._cache[index] = image, label
        return image, label


def _shrunk(image: Any, side: int) -> Any:
    """Shrinks a Pillow image whose short side is longer than `side`."""
    from PIL import Image

    scale = side / min(image.size)
    if scale >= 1:
        return image
    size = tuple(max(side, round(length * scale)) for length in image.size)
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
