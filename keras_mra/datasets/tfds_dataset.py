"""TensorFlow Datasets, read without TensorFlow through their random-access form."""

import functools

import numpy as np

from keras_mra.datasets.crop_dataset import CropDataset
from keras_mra.datasets.unavailable import DatasetUnavailable


class TfdsImages(CropDataset):
    """Crops of the images of one split.

    Args:
        source: Random-access sequence of examples, as from `tfds.data_source`.
        image_key: Name of the image in an example.
        image_shape: Triple of ints.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        label_key: Name of the label in an example, or `None`.
        encoded: The same sequence with its images not decoded, or `None`; read for
            the labels alone.
        **kwargs: As in `CropDataset`.
    """

    def __init__(
        self,
        source,
        image_key,
        image_shape,
        batch_size,
        *,
        label_key=None,
        encoded=None,
        **kwargs,
    ):
        self.source = source
        self.encoded = source if encoded is None else encoded
        self.image_key = image_key
        self.label_key = label_key
        labels = label_key is not None
        super().__init__(len(source), image_shape, batch_size, labels=labels, **kwargs)

    def open_image(self, index, min_side):
        from PIL import Image

        example = self.source[index]
        pixels = np.asarray(example[self.image_key])
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        return image, example[self.label_key] if self.labels else None

    def all_labels(self):
        if not self.labels:
            return super().all_labels()
        return np.repeat(self._labels, self.crops_per_image)

    @functools.cached_property
    def _labels(self):
        # Reads every example, encoded image and all.
        labels = [self.encoded[i][self.label_key] for i in range(self.num_images)]
        return np.array(labels, "int32")


def open_tfds(name):
    """Prepares a data set, downloading it if need be.

    Args:
        name: As TFDS writes it: `name`, `name/config`, `name/config:version`.

    Returns:
        `(train, test, image_key, label_key, info)`: the arguments `source` and
        `encoded` of `TfdsImages` as dicts (`test` may be `None`), names of the image
        and of the label (which may be `None`), and the data set's
        `tfds.core.DatasetInfo`.

    Raises:
        DatasetUnavailable: If TFDS is not installed, or cannot provide it.
        ValueError: If it holds no images.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DatasetUnavailable(
            "`tfds:` names need TensorFlow Datasets, which is not installed: "
            'pip install "keras-mra[tfds]"'
        ) from error
    try:
        train = tfds.data_source(name, split="train")
        info = tfds.builder(name, file_format="array_record").info
        held_out = [split for split in ("test", "validation") if split in info.splits]
        test = tfds.data_source(name, split=held_out[0]) if held_out else None
    except Exception as error:  # Unknown name, no network, a failed preparation.
        reason = " ".join(str(error).split())[:500] or type(error).__name__
        raise DatasetUnavailable(f"`tfds:{name}` is not to be had: {reason}") from error
    images = [
        key
        for key, feature in info.features.items()
        if type(feature) is tfds.features.Image
    ]
    if not images:
        raise ValueError(
            f"`tfds:{name}` must hold images. Received: features {list(info.features)}"
        )
    labels = [
        key
        for key, feature in info.features.items()
        if type(feature) is tfds.features.ClassLabel
    ]
    image_key = "image" if "image" in images else images[0]
    label_key = "label" if "label" in labels else next(iter(labels), None)
    skip = {image_key: tfds.decode.SkipDecoding()}

    def both(source, split):
        encoded = tfds.data_source(name, split=split, decoders=skip)
        return {"source": source, "encoded": encoded}

    return (
        both(train, "train"),
        None if test is None else both(test, held_out[0]),
        image_key,
        label_key,
        info,
    )
