"""Batches of crops of images that are decoded when they are needed."""

import numpy as np

from keras_mra import checks
from keras_mra.datasets import crops
from keras_mra.datasets.epoch_dataset import EpochDataset


class CropDataset(EpochDataset):
    """Crops of one shape from images of any size.

    Subclasses implement `open_image(index, min_side)`. Each random draw depends on
    the seed, the epoch and the sample alone.

    Args:
        num_images: Int.
        image_shape: Triple of ints, `(height, width, channels)`, with 1, 3 or 4
            channels.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        crop: `"random"` for random resized crops, `"center"` for the centre after
            resizing the short side.
        crop_scale: Pair of floats in (0, 1], the share of the image's area that a
            random crop covers, drawn uniformly. The aspect ratio is drawn
            log-uniformly from 3/4 to 4/3.
        crops_per_image: Int, crops of each image in one epoch.
        shuffle: Whether each epoch has its own order.
        seed: Int, at least 0.
        labels: Whether to give `(images, labels)`, or images alone.
        cache_side: Int or `None`. An int keeps the decoded images in memory, with a
            short side of at most that many pixels: for many crops of a few large
            photographs.
        drop_last: Whether to drop a last batch that is not full.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.
    """

    def __init__(
        self,
        num_images,
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
        **kwargs,
    ):
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
        self.labels = bool(labels)
        self.num_images = num_images
        self._cache = {}
        super().__init__(
            num_images * self.crops_per_image,
            batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
            **kwargs,
        )

    def open_image(self, index, min_side):
        """Decodes an image.

        Args:
            index: Int, which image.
            min_side: Int; a decoder may shrink the image to a short side of no less.

        Returns:
            The image as `PIL.Image.Image` of any mode, and its label, an int or
            `None`.
        """
        raise NotImplementedError

    def batch(self, indices):
        images = np.empty((len(indices), *self.image_shape), "uint8")
        labels = np.empty(len(indices), "int32")
        for row, sample in enumerate(indices):
            image, label = self._converted(int(sample) // self.crops_per_image)
            box = self._box(image.size, sample)
            images[row] = crops.resized(image, box, self.image_shape)
            if self.labels:
                labels[row] = label
        return (images, labels) if self.labels else images

    def _box(self, size, sample):
        if self.crop == "center":
            return crops.center_box(size, (self.image_shape[1], self.image_shape[0]))
        return crops.random_box(size, self.crop_scale, self.sample_rng(sample))

    def _converted(self, index):
        """The image in the wanted mode and its label, from memory if it is there."""
        if index in self._cache:
            return self._cache[index]
        min_side = self.cache_side or crops.smallest_crop_side(
            self.image_shape, self.crop, self.crop_scale
        )
        image, label = self.open_image(index, min_side)
        image = crops.to_channels(image, self.image_shape[2])
        if self.cache_side is not None:
            image = _shrunk(image, self.cache_side)
            self._cache[index] = image, label
        return image, label


def _shrunk(image, side):
    from PIL import Image

    scale = side / min(image.size)
    if scale >= 1:
        return image
    size = tuple(max(side, round(length * scale)) for length in image.size)
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
