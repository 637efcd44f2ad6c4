"""MRA on classes that look alike.

MRA (arXiv 2206.04846), fine-grained classification: what tells such classes apart is
small, and an augmentation that paints over it does harm. On Fashion-MNIST the classes
are the garments for the upper body.

    KERAS_BACKEND=tensorflow python examples/fine_grained.py   # or jax, or torch

Birds: `--data tfds:caltech_birds2011 --image-size 224 --network ResNet50`; any folder
of folders: `--data folder:PATH`. `--classes` picks some by name.

Cost: 7 minutes of one core of an AMD EPYC (TensorFlow, tcmalloc preloaded); `--quick`
15 s on PyTorch, 13 on TensorFlow, 16 on JAX (two cores).
Expected result: on Fashion-MNIST with 40 labels per class no augmentation helps. MRA
errs more than none by 0.4 ± 0.1 points, flip+crop by 4.9 ± 2.4, most of it on shirts:
`docs/results/fine_grained.md`.
"""

from study import arms
from study.classifiers import predictions
from study.comparison import comparison
from study.study import Study

from keras_mra.visualization import plot_learning_curves

ARMS = ["none", "flip+crop", "MRA", "MRA random", "flip+crop+MRA"]
QUICK = {**arms.QUICK, "arms": ["none", "MRA"]}
UPPER_BODY = ["T-shirt/top", "Pullover", "Dress", "Coat", "Shirt"]


def main():
    study = Study(__doc__, {"arms": ARMS, **arms.SETTINGS}, QUICK)
    if study.args.data == "fashion_mnist" and not study.args.classes:
        study.args.classes = UPPER_BODY

    def judge(network):
        predicted, labels = predictions(network, study.data.test)
        errors = {"all": float((predicted != labels).mean())}
        for place, name in enumerate(study.data.class_names):
            errors[name] = float((predicted != labels)[labels == place].mean())
        return errors

    runs, curves = arms.compare(study, "errors of", judge)
    study.write(
        study.record(runs=runs, curves=curves),
        {"## Error": comparison(runs, study.args.arms[0])},
        {"": plot_learning_curves(curves, "error", "test error")},
    )


if __name__ == "__main__":
    main()
