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
[3.1, 8.2]. Random patches before RandAugment do not lower
them. On photographs of another data set with drawn masks, "MRA grey" before RandAugment
does not change the error with the background of another class with certainty:
`docs/results/natural.md`.
"""

import keras
import numpy as np
from keras import ops
from study import arms
from study import object_masks
from study.digests import digest
from study.study import Study
from study.tables import comparison

from keras_mra import datasets
from keras_mra import evaluation
from keras_mra.evaluation.background_reliance import VERSIONS
from keras_mra.visualization import plot_learning_curves

SETTINGS = {
    "arms": arms.ARMS,
    "judged_on": "",
    **object_masks.SETTINGS,
    **arms.SETTINGS,
}
QUICK = {"arms": arms.QUICK_ARMS, **arms.QUICK}


def main():
    study = Study(__doc__, SETTINGS, QUICK)
    object_masks.check_options(study.args)
    args, data = study.args, study.data
    if args.judged_on:
        data = other_data(study)
    images, labels = datasets.in_memory(data.test, limit=16 * 2**30)
    masks = object_masks.object_masks(study, data, images)
    if args.judged_on or args.masks:
        # A folder can get other files under the same name.
        decides = {
            "objects": args.objects,
            "judged on": digest(images, labels, np.packbits(masks)),
        }
    else:
        decides = {"objects": args.objects, "object_share": args.object_share}
        decides |= {"smooth": True} if args.smooth else {}
    answers = [study.data.class_names.index(name) for name in data.class_names]

    def judge(network):
        found = evaluation.background_reliance(
            restricted(network, answers), (images, labels), masks
        )
        named = {VERSIONS[version]: error for version, error in found.error.items()}
        return {**named, "reliance on the background": found.reliance}

    runs, curves = arms.compare(study, "backgrounds of", judge, **decides)
    judged_on = data.judged_on + (f" of {data.name}" if args.judged_on else "")
    study.write(
        study.record(judged_on=judged_on, runs=runs, curves=curves),
        {"## Error by version of the image": comparison(runs, next(iter(runs)))},
        {"": plot_learning_curves(curves, "error", "test error")},
    )


def other_data(study):
    """The `Splits` of `--judged-on`.

    Raises:
        ValueError: If its classes are not among those of `--data`, or if its images
            have another size.
    """
    data = study.load(study.args.judged_on, study.data.image_shape[0])
    strangers = [x for x in data.class_names if x not in study.data.class_names]
    if strangers or data.image_shape != study.data.image_shape:
        raise ValueError(
            "`--judged-on` must have images of shape "
            f"{study.data.image_shape} and classes among "
            f"{', '.join(study.data.class_names)}. Received: {data.image_shape}, "
            f"{', '.join(strangers) or 'no other class'}"
        )
    return data


def restricted(network, answers):
    """The network with the scores of some classes alone, in the order of `answers`."""
    return keras.Model(network.inputs, ops.take(network.outputs[0], answers, axis=-1))


if __name__ == "__main__":
    main()
