"""The masks, views and Grad-CAM maps of each masking strategy.

MRA (arXiv 2206.04846), figure 2: a row each for masked images, reconstructed images and
Grad-CAM, for masking by attention, at random and by low attention. A table adds the
classifier's error on test images that each strategy has repainted.

    KERAS_BACKEND=torch python examples/papers/masking_strategies.py   # any backend

With another `--network`, `--layer` names the layer that Grad-CAM uses.

Cost: 5 minutes of one core of an AMD EPYC that other work shared (TensorFlow), beside
the training of `supervised.py`, whose classifiers are loaded. `--quick` takes 20 s on
PyTorch, 30 s on TensorFlow and 24 s on JAX (two cores).
Expected result: a classifier that was trained without repainted images has a higher
error on repainted images of Fashion-MNIST: by 3 points with attention, 2 with random
masks and 9 with low attention: `docs/results/masking_strategies.md`.
"""

import numpy as np
from study import arms
from study.study import Study
from study.tables import comparison

from keras_mra import masking
from keras_mra.classifiers.predictions import classification_error
from keras_mra.layers import MaskReconstruct
from keras_mra.visualization import plot_masking_strategies


def main():
    study = Study(__doc__, {"columns": 8, "layer": "", **arms.SETTINGS}, arms.QUICK)
    study.args.arms = ["none"]

    def judge(network):
        errors = {"test images": classification_error(network, study.data.test)}
        for strategy in masking.STRATEGIES:
            repaint = MaskReconstruct(
                study.mae, study.args.mask_ratio, strategy, seed=0, resize=True
            )
            name = f"repainted, {strategy.replace('_', ' ')}"
            errors[name] = classification_error(network, study.data.test, repaint)
        return errors

    runs, curves = arms.compare(
        study, "repainting for", judge, mask_ratio=study.args.mask_ratio
    )
    network, _ = arms.trained(study, "none", study.args.seeds[0])
    labels = study.data.test.all_labels()
    first = [np.flatnonzero(labels == label)[0] for label in np.unique(labels)]
    images, _ = study.data.test.batch(np.array(first[: study.args.columns]))
    layer = study.args.layer or None
    if layer is None and study.args.network == "small_cnn":
        # The network flattens its last map, so that gradients differ between places.
        # For half of the images, their mean over the few places of this map is noise.
        layer = "conv2"
    figure = plot_masking_strategies(
        study.mae,
        images,
        study.args.mask_ratio,
        classifier=network,
        layer=layer,
        class_names=study.data.class_names,
    )
    study.write(
        study.record(runs=runs, curves=curves),
        {"## Error of the classifier": comparison(runs)},
        {"": figure},
    )


if __name__ == "__main__":
    main()
