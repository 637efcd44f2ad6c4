"""`OPTIONS`: the arguments of `pretrain_mae` and `pretrain_msa` on the command line."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any


def _unchanged(value: Any) -> Any:
    return value


def _auto_or_none(text: str) -> str | None:
    if text not in ("auto", "none"):
        raise ValueError(text)
    return None if text == "none" else text


def _views(text: str) -> tuple[str | None, str | None]:
    student, teacher = text.split(",")
    return _auto_or_none(student), _auto_or_none(teacher)


def _sides(text: str, most: int = 2) -> tuple[int, ...]:
    numbers = [int(number) for number in text.lower().split("x")]
    if len(numbers) > most:
        raise ValueError(text)
    return tuple(numbers * 2 if len(numbers) == 1 else numbers)


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(","))


def _mask_ratio(text: str) -> float | tuple[float, ...]:
    numbers = _numbers(text)
    return numbers[0] if len(numbers) == 1 else numbers


def _crop_scale(text: str) -> tuple[float, ...]:
    numbers = _numbers(text)
    return (*numbers, 1.0) if len(numbers) == 1 else numbers


def _verbose(text: str) -> str | int:
    return text if text == "auto" else int(text)


@dataclasses.dataclass(frozen=True)
class PretrainOption:
    """One argument as an option.

    Attributes:
        name: Name of the argument.
        help: Text of the help, without the default.
        kind: Type that the command line gives, before `read`.
        read: Function from that value to the argument. It raises a `ValueError` for
            text that it cannot read.
        form: The texts that `read` accepts, separated by `|`.
        method: `"mae"` or `"msa"` for an argument of only one function, else `None`.
        called: Name of the option, if it is not the argument's.
    """

    name: str
    help: str
    kind: type = str
    read: Callable[[Any], Any] = _unchanged
    form: str | None = None
    method: str | None = None
    called: str | None = None

    @property
    def flag(self) -> str:
        """The option as it is typed, such as `--image-size`."""
        return "--" + (self.called or self.name).replace("_", "-")


OPTIONS = (
    PretrainOption("preset", "Architecture, or preset with weights to continue from."),
    PretrainOption(
        "image_shape",
        "Size of the images. Without it, the data's own, but at most 64 for files and "
        "mae_nano, and 224 for other architectures.",
        read=functools.partial(_sides, most=3),
        form="SIDE|HxW|HxWxC",
        called="image_size",
    ),
    PretrainOption(
        "patch_size",
        "Size of the patches. Without it, a size that fits the images.",
        read=_sides,
        form="SIDE|HxW",
    ),
    PretrainOption(
        "effort", "How long to train: quick, good or best (500, 4,000, 20,000 steps)."
    ),
    PretrainOption("epochs", "Epochs over the data, in place of --effort.", int),
    PretrainOption(
        "batch_size",
        "Images per batch, over all devices. Without it, 64, or 256 for many images.",
        int,
    ),
    PretrainOption(
        "steps_per_epoch",
        "Batches of an epoch. Without it, one pass over the data.",
        int,
    ),
    PretrainOption(
        "steps_per_execution",
        "Steps in one call of TensorFlow or JAX, as in Keras.",
        int,
    ),
    PretrainOption(
        "learning_rate",
        "Peak rate per 256 images of a batch. Without it, by the encoder's width.",
        float,
    ),
    PretrainOption(
        "warmup_epochs", "Epochs of rising rate. Without it, a twentieth of all.", float
    ),
    PretrainOption("weight_decay", "Weight decay of the kernels.", float),
    PretrainOption(
        "mask_ratio",
        "Share of the patches that the encoder does not see, or lowest and highest.",
        read=_mask_ratio,
        form="SHARE|LOW,HIGH",
    ),
    PretrainOption(
        "norm_pix_loss", "Train on standardised patches. Not for augmentors.", bool
    ),
    PretrainOption(
        "value_range", "Range of the pixels.", read=_numbers, form="LOW,HIGH"
    ),
    PretrainOption(
        "mean",
        "Mean of each channel, as a share of the range.",
        read=_numbers,
        form="M,M,M",
    ),
    PretrainOption(
        "std",
        "Deviation of each channel, as a share of the range.",
        read=_numbers,
        form="S,S,S",
    ),
    PretrainOption(
        "attention_teacher",
        "Preset or .keras file whose attention is taught, such as mae_nano_photos.",
    ),
    PretrainOption("attention_weight", "Weight of the attention loss.", float),
    PretrainOption(
        "attention_share", "Share of each batch whose attention is taught.", float
    ),
    PretrainOption(
        "held_out",
        "Images kept for the measurements at the end, if there is no test split; 64 "
        "here.",
        int,
    ),
    PretrainOption("dtype", "Precision, such as mixed_bfloat16."),
    PretrainOption(
        "crops_per_image", "Crops of each file in an epoch (folder:, tfds:).", int
    ),
    PretrainOption(
        "cache_side",
        "Keep decoded files in memory, with at most this short side (folder:).",
        int,
    ),
    PretrainOption(
        "image_library",
        "opencv or pillow, for random crops. Without it, OpenCV where it is installed.",
    ),
    PretrainOption("max_megapixels", "Largest files that are read (folder:).", float),
    PretrainOption(
        "distribution",
        "auto, the default here, trains on all devices; none trains on one.",
        read=_auto_or_none,
        form="auto|none",
    ),
    PretrainOption("probe", "Data name. Its labels serve a nearest-neighbour probe."),
    PretrainOption("probe_every", "Epochs between two probes.", int),
    PretrainOption("checkpoint", "Folder to save to and to resume from.", pathlib.Path),
    PretrainOption("tensorboard", "Folder for TensorBoard logs.", pathlib.Path),
    PretrainOption(
        "verbose", "Progress bar, as in Keras.", read=_verbose, form="auto|0|1|2"
    ),
    PretrainOption(
        "seed", "Seed of the weights, masks, views and order of images.", int
    ),
    PretrainOption(
        "view",
        "auto trains on random crops and flips, none on the images themselves.",
        read=_auto_or_none,
        form="auto|none",
        method="mae",
    ),
    PretrainOption(
        "crop_scale",
        "Smallest share, or smallest and largest, of a random crop's area.",
        read=_crop_scale,
        form="SHARE|SHARE,SHARE",
        method="mae",
    ),
    PretrainOption(
        "views",
        "Views of the student and the teacher, each auto or none.",
        read=_views,
        form="STUDENT,TEACHER",
        method="msa",
    ),
    PretrainOption("contrast", "Contrastive loss: info_nce or cosine.", method="msa"),
    PretrainOption(
        "contrast_weight", "Weight of the contrastive loss.", float, method="msa"
    ),
    PretrainOption("temperature", "Temperature of InfoNCE.", float, method="msa"),
    PretrainOption(
        "momentum", "The teacher's momentum at the start.", float, method="msa"
    ),
    PretrainOption(
        "pool", "Tokens that make the feature: cls, mean or cls+mean.", method="msa"
    ),
    PretrainOption("hidden_dim", "Hidden width of the heads.", int, method="msa"),
    PretrainOption(
        "projection_dim", "Width of the compared features.", int, method="msa"
    ),
)
