"""MRA beside the usual augmentations: one classifier, one budget.

MRA (arXiv 2206.04846), supervised classification. Every arm has the same initial
weights, labelled images, steps and schedule; it differs in augmentation alone.

    KERAS_BACKEND=tensorflow python examples/supervised.py   # or jax, or torch

`--labels-per-class 0` takes all labels. Other data: `--data folder:PATH --image-size
64`, `--data tfds:imagenet2012 --network ResNet50`. Settings are chosen under
`--validation`; none was, here. A killed command continues where it was.

Cost: 54 core minutes on an AMD EPYC that other work shared (TensorFlow); `--quick` 20 s
on PyTorch, 17 on TensorFlow, 20 on JAX (two cores).
Expected result: with 40 labels per class of Fashion-MNIST no augmentation helps much,
nor does MRA (+0.3 ± 0.5 points of error): `docs/results/supervised.md`.
"""

from study import arms
from study.classifiers import predictions
from study.comparison import comparison
from study.study import Study

from keras_mra.visualization import plot_learning_curves

ARMS = [
    "none", "flip+crop", "Cutout", "MixUp", "CutMix", "RandAugment", "AugMix",
    "MRA", "MRA random", "MRA low attention", "flip+crop+MRA", "RandAugment+MRA",
]  # fmt: skip
QUICK = {**arms.QUICK, "arms": ["none", "CutMix", "flip+crop+MRA"]}


def main():
    study = Study(__doc__, {"arms": ARMS, **arms.SETTINGS}, QUICK)

    def judge(network):
        predicted, labels = predictions(network, study.data.test)
        return {"test error": float((predicted != labels).mean())}

    runs, curves = arms.compare(study, "error of", judge)
    study.write(
        study.record(runs=runs, curves=curves),
        {"## Error": comparison(runs, study.args.arms[0])},
        {"": plot_learning_curves(curves, "error", "test error")},
    )


if __name__ == "__main__":
    main()
