"""Batches of crops of a TensorFlow Datasets (TFDS) set, read without TensorFlow.

`tfds.data_source` gives random access to the examples.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mra.datasets import image_reader
from keras_mra.datasets.crop_dataset import CropDataset
from keras_mra.datasets.dataset_unavailable import DatasetUnavailable
from keras_mra.typing import ImageShape


class TfdsDataset(CropDataset):
    """Crops of the images of one split.

    Args:
        source: Random-access sequence of examples, as from `tfds.data_source`.
        image_key: Name of the image in an example.
        image_shape: Triple of ints, `(height, width, channels)`.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        label_key: Name of the label in an example, or `None`.
        encoded: The same sequence with encoded images, or `None`. Only the labels of
            its examples are used.
        **kwargs: Other arguments of `CropDataset`.
    """

    def __init__(
        self,
        source: Sequence[dict[Any, Any]],
        image_key: str,
        image_shape: ImageShape,
        batch_size: int | None,
        *,
        label_key: str | None = None,
        encoded: Sequence[dict[Any, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.source = source
        self.encoded = source if encoded is None else encoded
        self.image_key = image_key
        self.label_key = label_key
        labels = label_key is not None
        super().__init__(len(source), image_shape, batch_size, labels=labels, **kwargs)

    def open_image(self, index: int, min_side: int) -> tuple[Any, int | None]:
        """Decodes an image and returns it with its label."""
        from PIL import Image

        example = self.source[index]
        pixels = np.asarray(example[self.image_key])
        label = None if self.label_key is None else example[self.label_key]
        if self.takes_arrays and pixels.shape[-1] == 3 and pixels.dtype == np.uint8:
            return pixels, label
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        return image_reader.to_channels(image, self.image_shape[2]), label

    def all_labels(self) -> npt.NDArray[Any]:
        """Returns the labels of all samples."""
        if not self.labels:
            return super().all_labels()
        return np.repeat(self._labels, self.crops_per_image)

    @functools.cached_property
    def _labels(self) -> npt.NDArray[np.int32]:
        # Each example is read as a whole, but its image is not decoded.
        labels = [self.encoded[i][self.label_key] for i in range(self.num_images)]
        return np.array(labels, "int32")


def open_tfds(
    name: str,
) -> tuple[dict[str, Any], dict[str, Any] | None, str, str | None, Any]:
    """Opens a data set of TFDS, and downloads and prepares it if necessary.

    Args:
        name: The name in the form of TFDS: `name`, `name/config`,
            `name/config:version`.

    Returns:
        `(train, test, image_key, label_key, info)`. `train` and `test` are dicts of
        the arguments `source` and `encoded` of `TfdsDataset`; `test` may be `None`.
        `image_key` and `label_key` are the names of the image and of the label, which
        may be `None`. `info` is the `tfds.core.DatasetInfo`.

    Raises:
        DatasetUnavailable: If TFDS is not installed or cannot provide the data set.
        ValueError: If the data set holds no images.
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
    except Exception as error:  # TFDS raises errors of many types.
        reason = " ".join(str(error).split())[:500] or type(error).__name__
        raise DatasetUnavailable(f"`tfds:{name}` cannot be loaded: {reason}") from error
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

    def both(source: Any, split: str) -> dict[str, Any]:
        encoded = tfds.data_source(name, split=split, decoders=skip)
        return {"source": source, "encoded": encoded}

    return (
        both(train, "train"),
        None if test is None else both(test, held_out[0]),
        image_key,
        label_key,
        info,
    )
