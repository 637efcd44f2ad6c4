"""What each masking strategy keeps, what is made of it, and what a classifier sees.

MRA (arXiv 2206.04846), figure 2: masked, reconstructed and Grad-CAM rows for attention,
random and low attention; with the classifier's error on each strategy's views of the
test images.

    KERAS_BACKEND=tensorflow python examples/masking_strategies.py   # or jax, or torch

Cost: `--quick` takes a minute on PyTorch, up to three where the backend compiles (two
cores, shared); the full settings are not timed yet.
Expected result: none is claimed before the full settings have been run.
"""

import numpy as np

from keras_mra import masking
from keras_mra.experiments import arms
from keras_mra.experiments.classifiers import predictions
from keras_mra.experiments.comparison import comparison
from keras_mra.experiments.study import Study
from keras_mra.layers import MaskReconstruct
from keras_mra.visualization import plot_masking_strategies


def main():
    study = Study(__doc__, {"columns": 8, **arms.SETTINGS}, arms.QUICK)
    study.args.arms = ["none"]

    def judge(network):
        errors = {"test images": error(study, network)}
        for strategy in masking.STRATEGIES:
            repaint = MaskReconstruct(
                study.mae, study.args.mask_ratio, strategy, seed=0, resize=True
            )
            name = f"repainted, {strategy.replace('_', ' ')}"
            errors[name] = error(study, network, repaint)
        return errors

    runs, curves = arms.compare(study, judge)
    network, _ = arms.trained(study, "none", study.args.seeds[0])
    labels = study.data.test.all_labels()
    first = [np.flatnonzero(labels == label)[0] for label in np.unique(labels)]
    images, _ = study.data.test.batch(np.array(first[: study.args.columns]))
    figure = plot_masking_strategies(
        study.mae,
        images,
        study.args.mask_ratio,
        classifier=network,
        class_names=study.data.class_names,
    )
    study.write(
        study.record(runs=runs, curves=curves),
        {"## Error of the classifier": comparison(runs)},
        {"": figure},
    )


def error(study, network, change=None):
    """The classifier's share of wrong answers on test images, changed or not."""
    predicted, labels = predictions(network, study.data.test, change)
    return float((predicted != labels).mean())


if __name__ == "__main__":
    main()
