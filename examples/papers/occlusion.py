"""The error of each augmentation under occlusion of the border, centre or patches.

MRA (arXiv 2206.04846), figure 4. The classifiers are those of `supervised.py`. They are
loaded if that script has trained them under the same `--work`.

    KERAS_BACKEND=tensorflow python examples/papers/occlusion.py   # or jax, or torch

Cost: 14 minutes of one core of an AMD EPYC (TensorFlow), beside the training of
`supervised.py`. `--quick` takes 20 s on PyTorch, 15 s on TensorFlow and 16 s on JAX
(two cores).
Expected result: under a hidden centre of 8 pixels or more, CutMix and Cutout have an
error 5 to 17 points lower than no augmentation, and MRA has the same error as no
augmentation. Under hidden borders no arm is better at every width:
`docs/results/occlusion.md`.
"""

import numpy as np
from study import arms
from study.square_patch import square_patch
from study.study import Study
from study.tables import comparison

from keras_mra import datasets
from keras_mra.evaluation import occlusion_curve
from keras_mra.visualization import plot_occlusion

SETTINGS = {"arms": arms.ARMS, **arms.SETTINGS}
QUICK = {"arms": arms.QUICK_ARMS, **arms.QUICK}
# What is hidden: shares of the image's side for the border and the centre, and shares
# of the patches.
HIDDEN = {
    "boundary": np.arange(0, 11, 2) / 28,
    "center": np.arange(0, 21, 4) / 28,
    "patches": [0, 0.2, 0.4, 0.6, 0.8],
}
LABELS = {
    "boundary": "width of the hidden border, pixels",
    "center": "side of the hidden square in the middle, pixels",
    "patches": "share of the patches that are hidden",
}


def main():
    study = Study(__doc__, SETTINGS, QUICK)
    test = datasets.in_memory(study.data.test, limit=16 * 2**30)
    shape = study.data.image_shape
    side = min(shape[:2])
    patch_size = square_patch(shape, grid=7)
    amounts = HIDDEN | {
        kind: sorted({round(share * side) for share in HIDDEN[kind]})
        for kind in ("boundary", "center")
    }

    def judge(network):
        return {
            kind: occlusion_curve(
                network, test, amounts[kind], kind, patch_size=patch_size
            ).error
            for kind in HIDDEN
        }

    runs, curves = arms.compare(study, "occlusion of", judge, amounts=amounts)
    tables, figures = {}, {}
    for kind, label in LABELS.items():
        errors = {arm: [run[kind] for run in found] for arm, found in runs.items()}
        tables[f"## Error by {label}"] = comparison(errors, next(iter(errors)))
        points = {
            arm: [list(e.values()) for e in found] for arm, found in errors.items()
        }
        figures[kind] = plot_occlusion(points, amounts[kind], label)
    study.write(study.record(runs=runs, curves=curves), tables, figures)


if __name__ == "__main__":
    main()
