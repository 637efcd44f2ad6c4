"""The objects of the test images: what attention marks, the centre, or drawn masks."""

import pathlib

import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra import datasets
from keras_mra import evaluation
from keras_mra.datasets.splits_of import splits_of
from keras_mra.evaluation.attention_source import AttentionSource
from keras_mra.evaluation.foreground import center_prior

# The options that decide the masks.
SETTINGS = {"objects": "attended", "object_share": 0.4, "smooth": False, "masks": ""}


def check_options(args):
    """Refuses combinations of options that cannot be meant, before any work.

    Args:
        args: `argparse.Namespace` with `SETTINGS`, `data`, `judged_on` and
            `validation`.

    Raises:
        ValueError: If an option is bad.
    """
    checks.choice("objects", args.objects, ("attended", "central", "drawn"))
    checks.share("object_share", args.object_share)
    is_drawn = args.objects == "drawn"
    if is_drawn != bool(args.masks):
        raise ValueError(
            "`--masks FOLDER` must be given with `--objects drawn`, and only then. "
            f"Received: objects={args.objects!r}, masks={args.masks!r}"
        )
    name = args.judged_on or args.data
    if is_drawn and (not name.startswith("folder:") or args.validation or args.smooth):
        raise ValueError(
            "`--objects drawn` must have the test images of folder:PATH, without "
            f"`--validation` and `--smooth`. Received: data={name!r}, "
            f"validation={args.validation}, smooth={args.smooth}"
        )


def object_masks(study, data, images):
    """The mask of the object of each image.

    Args:
        study: `Study` with the options that `check_options` takes.
        data: The `Splits` that the images are from.
        images: Some of its test images, `(images, height, width, channels)`.

    Returns:
        Bool array `(images, height, width)`.
    """
    args = study.args
    if args.objects == "drawn":
        return drawn(data, images, args.masks)
    source = study.mae if args.objects == "attended" else central(study.mae.grid)
    if args.smooth:
        return smooth_masks(source, study.mae.grid, images, args.object_share)
    return evaluation.attended_masks(source, images, mask_ratio=1 - args.object_share)


def central(grid):
    """A source of attention that is highest at the centre of a grid of patches."""

    def scores(images):
        size = images.shape[1:3]
        patch_size = tuple(side // count for side, count in zip(size, grid))
        prior = center_prior(size, patch_size)  # (N,)
        return np.tile(prior - prior.min(), (len(images), 1))

    return scores


def smooth_masks(source, grid, images, share):
    """Masks whose outlines do not follow the patches.

    Args:
        source: As in `evaluation.attended_masks`.
        grid: Pair of ints, the rows and columns of its patches.
        images: `(images, height, width, channels)`.
        share: Float in (0, 1), the share of the pixels that is the object: those with
            the highest scores, which are resized bicubically.

    Returns:
        Bool array `(images, height, width)`.
    """
    scores, _ = AttentionSource(source)(images)  # (B, N)
    maps = ops.image.resize(
        scores.reshape(-1, *grid, 1).astype("float32"),
        images.shape[1:3],
        interpolation="bicubic",
    )
    maps = ops.convert_to_numpy(maps)[..., 0]  # (B, H, W)
    return maps > np.quantile(maps, 1 - share, axis=(1, 2), keepdims=True)


def drawn(data, images, folder):
    """The masks in a folder of test images of another folder.

    Args:
        data: `Splits` of `folder:PATH`.
        images: Some of its test images.
        folder: Path of the folder of masks.

    Raises:
        ValueError: If an image has no mask, or two equal images have other masks.
    """
    root = pathlib.Path(data.name.removeprefix("folder:"))
    found, masks = datasets.images_and_masks(
        splits_of(root)[1] or root, data.image_shape, masks=folder
    )
    # An experiment can use a part of the images, in another order.
    mask_of = {}
    for image, mask in zip(found, masks):
        if not np.array_equal(mask_of.setdefault(image.tobytes(), mask), mask):
            raise ValueError(
                "`--masks` must hold equal masks of equal images. Received: two masks "
                f"of one image in {folder!r}"
            )
    missing = sum(image.tobytes() not in mask_of for image in images)
    if missing:
        raise ValueError(
            f"`--masks` must hold a mask of every test image of {data.name}. "
            f"Received: {folder!r} without masks of {missing} of {len(images)} images"
        )
    return np.stack([mask_of[image.tobytes()] for image in images])
