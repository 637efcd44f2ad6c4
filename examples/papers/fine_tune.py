"""Fine-tuning of MAE, MSA, supervised and random encoders, on few labels and on all.

*Teaching Masked Autoencoder With Strong Augmentations* (MSA, TNNLS 2025), fine-tuning.
The whole encoder is trained on labelled crops by MAE's recipe. "random" is training
from scratch. "supervised" was trained on all labels before, so that with few labels it
shows the value of the other labels.

    KERAS_BACKEND=tensorflow python examples/papers/fine_tune.py   # or jax, or torch

The default is `--labels-per-class 10 100 0`, where 0 stands for all labels. The
encoders are those of `linear_probe.py`. They are loaded if that script has trained them
under the same `--work`.

Cost: on JAX and one core of an AMD EPYC, 113 s for two of the ten epochs on all labels,
and 50 s for all epochs on 10 labels per class. This makes about two hours for four
encoders and three seeds, beside the training of `linear_probe.py`. `--quick` takes 18 s
on PyTorch, 31 s on TensorFlow and 21 s on JAX (two cores).
Expected result: on CIFAR-10 with the encoders of `docs/results/natural.md`, 100 epochs
and 500 labels per class, MSA has an error of 38.5 % and MAE of 47.6 %: the difference
is −9.1 points [−12.4, −5.8]. With 50 labels per class, it is −4.1 [−10.0, +1.9]. The
experiment has not been run on Fashion-MNIST.
"""

import math

from study import encoders
from study.splits import draw
from study.study import Study
from study.tables import comparison

from keras_mra import evaluation
from keras_mra import views
from keras_mra.visualization import plot_learning_curves

# The settings of fine-tuning. There are at least `tune_epochs` epochs and `tune_steps`
# steps.
TUNING = dict(
    tune_epochs=10,
    tune_steps=500,
    tune_batch_size=128,
    tune_learning_rate=1e-3,
    tune_layer_decay=0.75,
)
SETTINGS = {**encoders.SETTINGS, **TUNING, "labels_per_class": [10, 100, 0]}
QUICK = {
    **encoders.QUICK,
    "encoders": ["MAE", "random"],
    "tune_epochs": 2,
    "tune_steps": 20,
    "tune_batch_size": 32,
    "labels_per_class": [4, 0],
}


def main():
    study = Study(__doc__, SETTINGS, QUICK)
    tuning = {key: study.settings[key] for key in TUNING}
    results, tables, figures = {}, {}, {}
    for count in study.args.labels_per_class:
        labels = f"{count} labels per class" if count else "all labels"

        def judge(mae, name, seed, count=count):
            return fine_tune(study, mae, seed, count)

        results[labels], curves = encoders.compare(
            study,
            f"fine-tuned {labels}",
            judge,
            count=count,
            crop=study.args.crop,
            **tuning,
        )
        errors = {
            name: [{"test error": run["test error"]} for run in runs]
            for name, runs in results[labels].items()
        }
        baseline = "MAE" if "MAE" in errors else None
        tables[f"## Error, {labels}"] = comparison(errors, baseline)
        losses = {
            name: [run["curve"] for run in runs]
            for name, runs in results[labels].items()
        }
        figures[labels.replace(" ", "_")] = plot_learning_curves(
            losses, "loss", f"cross-entropy of training crops, {labels}"
        )
    figures |= encoders.plot_training(curves)
    study.write(study.record(runs=results, curves=curves), tables, figures)


def fine_tune(study, mae, seed, count):
    """Fine-tunes on `count` labels of each class, or on all labels for 0."""
    args, data = study.args, study.data
    train = draw(data.train, count or None, seed)
    steps = max(train.num_samples // args.tune_batch_size, 1)
    result, _ = evaluation.fine_tune(
        mae,
        train,
        data.test,
        epochs=max(args.tune_epochs, math.ceil(args.tune_steps / steps)),
        batch_size=args.tune_batch_size,
        learning_rate=args.tune_learning_rate,
        layer_decay=args.tune_layer_decay,
        augmentation=views.weak(
            data.image_shape, seed=seed, crop_scale=(args.crop, 1.0)
        ),
        seed=seed,
        verbose=0,
    )
    found = result.to_dict()
    curve = found.pop("history")
    return {"test error": 1 - result.accuracy, "curve": curve, "result": found}


if __name__ == "__main__":
    main()
