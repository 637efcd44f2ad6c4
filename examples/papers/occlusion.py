"""Error under occlusion, for each augmentation: border, centre, random patches.

MRA (arXiv 2206.04846), figure 4. The classifiers are those of `supervised.py`, found
under `--work` where that has trained them.

    KERAS_BACKEND=tensorflow python examples/occlusion.py   # or jax, or torch

Cost: beside `supervised.py`'s training, 14 minutes of one core of an AMD EPYC
(TensorFlow); `--quick` 20 s on PyTorch, 15 on TensorFlow, 16 on JAX (two cores).
Expected result: where the middle is hidden, CutMix and Cutout err less than no
augmentation by 5 to 17 points (from 8 pixels on), and MRA as much as none; under hidden
borders no arm is better throughout: `docs/results/occlusion.md`.
"""

import numpy as np
from study import arms
from study.comparison import comparison
from study.study import Study

from keras_mra import datasets
from keras_mra.evaluation import occlusion_curve
from keras_mra.pretrain.prepare import fitting_patch
from keras_mra.visualization import plot_occlusion

ARMS = [
    "none", "flip+crop", "Cutout", "MixUp", "CutMix", "RandAugment", "AugMix",
    "MRA", "MRA random", "MRA low attention", "flip+crop+MRA", "RandAugment+MRA",
]  # fmt: skip
QUICK = {**arms.QUICK, "arms": ["none", "CutMix", "flip+crop+MRA"]}
# Shares of the image's side, of the side, and of the patches, which are sevenths of it
# where that divides the image, and smaller where not.
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
    study = Study(__doc__, {"arms": ARMS, **arms.SETTINGS}, QUICK)
    test = datasets.in_memory(study.data.test, limit=16 * 2**30)
    shape = study.data.image_shape
    side = min(shape[:2])
    patch_size = fitting_patch(shape, max(1, side // 7))
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
        tables[f"## Error by {label}"] = comparison(errors, study.args.arms[0])
        points = {
            arm: [list(e.values()) for e in found] for arm, found in errors.items()
        }
        figures[kind] = plot_occlusion(points, amounts[kind], label)
    study.write(study.record(runs=runs, curves=curves), tables, figures)


if __name__ == "__main__":
    main()
