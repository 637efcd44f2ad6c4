"""MRA beside common augmentations, for one classifier and one budget.

MRA (arXiv 2206.04846), supervised classification. The arms differ only in their
augmentation: they share the initial weights, labelled images, steps and schedule.

    KERAS_BACKEND=tensorflow python examples/papers/supervised.py   # or jax, or torch

`--labels-per-class 0` uses all labels. Other data: `--data folder:PATH --image-size
64`, or `--data tfds:imagenet2012 --network ResNet50`. With colour images every arm
begins with flips and crops. The networks of the field bring the settings of their
papers:

    ... supervised.py --data cifar10 --network resnet20 --labels-per-class 400

`--tune 8` first chooses the settings of each arm in 8 trials, judged on a tenth of the
training images; the results below use the defaults. A command that was killed continues
where it stopped.

Cost: 54 core minutes on an AMD EPYC that other work shared (TensorFlow). `--quick`
takes 20 s on PyTorch, 17 s on TensorFlow and 20 s on JAX (two cores).
Expected result: with 40 labels per class of Fashion-MNIST no augmentation helps much.
MRA changes the error by +0.3 ± 0.5 points: `docs/results/supervised.md`. On CIFAR-10
with `resnet20`, MRA and none have an error of 29.8 % with 400 labels per class, and of
59.6 and 60.5 % with 40. With 40 labels, RandAugment has 53.7 %, and MRA before
RandAugment 53.2 %: `docs/results/natural.md`.
"""

from study import arms
from study.study import Study
from study.tuning import trials_table
from study.tuning import tune

from keras_mra.classifiers.predictions import classification_error

SETTINGS = {"arms": arms.ARMS, "tune": 0, **arms.SETTINGS}
QUICK = {"arms": arms.QUICK_ARMS, **arms.QUICK}


def main():
    study = Study(__doc__, SETTINGS, QUICK)

    def judge(network):
        return {"test error": classification_error(network, study.data.test)}

    tuned, tables, found = None, {}, {}
    if study.args.tune:
        tuned, trials = tune(study, study.args.tune)
        tables["## Validation error of the trials"] = trials_table(tuned, trials)
        found = {"tuned": tuned, "trials": trials}
    runs, curves = arms.compare(study, "error of", judge, tuned=tuned)
    arms.write_errors(study, runs, curves, tables, **found)


if __name__ == "__main__":
    main()
