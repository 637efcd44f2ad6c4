"""The error of each augmentation when backgrounds are swapped or removed.

MRA (arXiv 2206.04846) keeps the object and repaints the background. A classifier that
was trained with it should rely less on backgrounds. The classifiers are those of
`supervised.py`. They are loaded if that script has trained them under the same
`--work`.

    KERAS_BACKEND=tensorflow python examples/papers/background.py   # or jax, or torch

The object of a test image is the share `--object-share` of its patches that the
autoencoder attends to most. MRA keeps patches by the same attention in training, so
that these masks suit it. `--objects central` takes the patches at the centre instead,
which no attention has chosen; patches at the same distance come in raster order. With
`--smooth`, the outlines of both kinds of masks do not follow the patches, which are
familiar to a classifier that has seen grey patches. `--objects drawn` takes the masks
of `--masks`, a folder whose files have the names of the test images of a folder, as
`datasets.images_and_masks` reads them.

`--judged-on DATA` tests on images of another data set, whose classes are some of those
of `--data`. The classifiers then choose among these classes.

Cost: 6 minutes of one core of an AMD EPYC (TensorFlow) for nine ResNet-20 and the
10,000 test images of CIFAR-10, beside the training of `supervised.py`. `--quick` takes
10 s on PyTorch, 11 s on TensorFlow and 17 s on JAX (two cores).
Expected result: on CIFAR-10 with 400 labels per class, MRA lowers the reliance on the
background by 3.1 points [0.4, 5.8] and the error without a background by 8.8 points
[1.1, 16.6], and with 40 by 1.8 and 6.1. With 40 labels, MRA before RandAugment lowers
the reliance by 1.8 [0.6, 3.1] and the error without a background by 5.3 [3.0, 7.7],
compared with RandAugment alone, and "MRA grey" before it by 3.7 [2.4, 5.0] and 5.7
[3.1, 8.2]. Random patches before RandAugment do not lower them:
`docs/results/natural.md`.
"""

import pathlib

import keras
import numpy as np
from keras import ops
from study import arms
from study.study import Study
from study.tables import comparison

from keras_mra import checks
from keras_mra import datasets
from keras_mra import evaluation
from keras_mra.datasets.splits_of import splits_of
from keras_mra.evaluation.attention_source import AttentionSource
from keras_mra.evaluation.background_reliance import VERSIONS
from keras_mra.evaluation.foreground import center_prior
from keras_mra.visualization import plot_learning_curves

SETTINGS = {
    "arms": arms.ARMS,
    "objects": "attended",
    "object_share": 0.4,
    "smooth": False,
    "masks": "",
    "judged_on": "",
    **arms.SETTINGS,
}
QUICK = {"arms": arms.QUICK_ARMS, **arms.QUICK}


def main():
    study = Study(__doc__, SETTINGS, QUICK)
    objects, share = study.args.objects, study.args.object_share
    checks.choice("objects", objects, ("attended", "central", "drawn"))
    data, decides = study.data, {"objects": objects, "object_share": share}
    if study.args.judged_on:
        data = study.load(study.args.judged_on, study.data.image_shape[0])
        decides["judged_on"] = study.args.judged_on
    images, labels = datasets.in_memory(data.test, limit=16 * 2**30)
    answers = answers_for(data.class_names, study.data.class_names)
    if objects == "drawn":
        decides["masks"] = study.args.masks
        del decides["object_share"]
        masks = drawn(data, images, study.args.masks)
    else:
        source = study.mae if objects == "attended" else central(study.mae.grid)
        if study.args.smooth:
            decides["smooth"] = True
            masks = smooth_masks(source, study.mae.grid, images, share)
        else:
            masks = evaluation.attended_masks(source, images, mask_ratio=1 - share)

    def judge(network):
        found = evaluation.background_reliance(
            choosing(network, answers), (images, labels), masks
        )
        named = {VERSIONS[version]: error for version, error in found.error.items()}
        return {**named, "reliance on the background": found.reliance}

    runs, curves = arms.compare(study, "backgrounds of", judge, **decides)
    study.write(
        study.record(runs=runs, curves=curves),
        {"## Error by version of the image": comparison(runs, next(iter(runs)))},
        {"": plot_learning_curves(curves, "error", "test error")},
    )


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


def answers_for(names, all_names):
    """The indices of the classes `names` among `all_names`.

    Raises:
        ValueError: If one of them is not there.
    """
    strangers = [name for name in names if name not in all_names]
    if strangers:
        raise ValueError(
            "`--judged-on` must have classes of `--data`, which are "
            f"{', '.join(all_names)}. Received: {', '.join(strangers)}"
        )
    return [all_names.index(name) for name in names]


def choosing(network, answers):
    """The network with the scores of some classes alone, in the order of `answers`."""
    return keras.Model(network.inputs, ops.take(network.outputs[0], answers, axis=-1))


def drawn(data, images, folder):
    """The masks in a folder of test images of another folder.

    Args:
        data: `Splits` of `folder:PATH`.
        images: Some of its test images.
        folder: Path of the folder of masks.
    """
    root = pathlib.Path(data.name.removeprefix("folder:"))
    found, masks = datasets.images_and_masks(
        splits_of(root)[1] or root, data.image_shape, masks=folder
    )
    # An experiment can use a part of the images.
    mask_of = {image.tobytes(): mask for image, mask in zip(found, masks)}
    missing = sum(image.tobytes() not in mask_of for image in images)
    if missing:
        raise ValueError(
            f"`--masks` must hold a mask of every test image of {data.name}. "
            f"Received: {folder!r} without masks of {missing} of {len(images)} images"
        )
    return np.stack([mask_of[image.tobytes()] for image in images])


if __name__ == "__main__":
    main()
