"""`DataRequest`: the data that a caller of `pretrain_*` asked for."""

import dataclasses
from typing import Any

from keras_mra import checks
from keras_mra.datasets.picture_file import MAX_MEGAPIXELS
from keras_mra.typing import ImageShape

# Arguments that arrays and streams would ignore, and the data that they are for.
FOR_FILES = {
    "crops_per_image": "`folder:` and `tfds:`",
    "cache_side": "`folder:`",
    "image_library": "`folder:` and `tfds:`",
    "max_megapixels": "`folder:`",
    "held_out": "`folder:` and `tfds:`",
}


@dataclasses.dataclass(frozen=True)
class DataRequest:
    """The images to train on, and how to read them.

    The numbers are checked here. `training_data` checks `ds` when it opens it.

    Attributes:
        ds: Images, or the name of a data set; see `pretrain_mae`.
        image_shape: `(height, width, channels)`, or `None` for the data's own.
        batch_size: Int, or `None` for the default of the kind of data.
        steps_per_epoch: Int, or `None` for one pass over `ds`.
        crop: `"random"` or `"center"`, how named data crop their training images.
        crop_scale: Pair of floats in (0, 1], the share of the area of a random crop.
        crops_per_image: Int, crops of each file in one epoch.
        cache_side: Int, the short side of decoded files that stay in memory, or
            `None` for no cache.
        image_library: As in `datasets.load`.
        max_megapixels: Float, the largest files that are read, in millions of pixels.
        held_out: Int, images that are not trained on, for named data without a test
            split.
        seed: Int, for the order of arrays and the crops of named data, or `None`.

    Raises:
        ValueError: If a number is out of range.
    """

    ds: Any
    image_shape: ImageShape | None = None
    batch_size: int | None = None
    steps_per_epoch: int | None = None
    crop: str = "random"
    crop_scale: tuple[float, float] = (0.2, 1.0)
    crops_per_image: int = 1
    cache_side: int | None = None
    image_library: str | None = None
    max_megapixels: float = MAX_MEGAPIXELS
    held_out: int = 0
    seed: int | None = 0

    def __post_init__(self) -> None:
        for name in ("batch_size", "steps_per_epoch", "cache_side"):
            if getattr(self, name) is not None:
                checks.positive_int(name, getattr(self, name))
        if self.image_shape is not None:
            checks.image_shape(self.image_shape)
        checks.ascending_pair("crop_scale", self.crop_scale, upper=1.0)
        checks.positive_int("crops_per_image", self.crops_per_image)
        checks.positive_float("max_megapixels", self.max_megapixels)
        checks.nonnegative_int("held_out", self.held_out)
        checks.seed(self.seed)
        if not isinstance(self.ds, str):
            self.refuse_options_of_files(*FOR_FILES)

    def refuse_options_of_files(self, *names: str) -> None:
        """Refuses arguments that only decide how files are read, for other data."""
        for name in names:
            value, default = getattr(self, name), type(self).__dict__[name]
            if value != default:
                ds = self.ds if isinstance(self.ds, str) else type(self.ds).__name__
                raise ValueError(
                    f"`{name}` must be {default} for arrays and streams: it is for "
                    f"{FOR_FILES[name]} data. Received: {name}={value!r} and ds {ds}"
                )
