"""Where MAE, MSA, supervised and random encoders attend, and how they place images.

*Teaching Masked Autoencoder With Strong Augmentations* (MSA, TNNLS 2025), spatial
perception and inter-image discrimination. Spatial perception is the distance that the
heads of each block attend over, and the map of the class token's attention. Inter-image
discrimination is measured by the alignment of two crops of an image and the uniformity
of all images, where lower is better, and by the share of neighbours of the same class.

    KERAS_BACKEND=tensorflow python examples/papers/analysis.py   # or jax, or torch

The encoders are those of `linear_probe.py`. They are loaded if that script has trained
them under the same `--work`.

Cost: 90 s of one core of an AMD EPYC (JAX), beside the training of `linear_probe.py`.
`--quick` takes 15 s on PyTorch, 18 s on TensorFlow and 14 s on JAX (two cores).
Expected result: on Fashion-MNIST MSA lies between MAE and "supervised" in attention
distance, uniformity and purity. Compared with MAE, its last block attends 2.2 ± 1.0
pixels farther, and its 20 nearest neighbours have the class of the image more often, by
1.8 ± 0.5 points: `docs/results/analysis.md`.
"""

import textwrap

import keras
import numpy as np
from matplotlib.figure import Figure
from study import encoders
from study.splits import draw
from study.study import Study
from study.tables import comparison

from keras_mra import datasets
from keras_mra import evaluation
from keras_mra import views
from keras_mra.visualization import plot_attention

SETTINGS = {**encoders.SETTINGS, "images": 2000, "columns": 8}
QUICK = {**encoders.QUICK, "encoders": ["MAE", "random"], "images": 200}


def main():
    study = Study(__doc__, SETTINGS, QUICK)
    data, args = study.data, study.args
    per_class = max(args.images // data.num_classes, 1)
    images, labels = datasets.in_memory(draw(data.test, per_class))
    view = views.weak(data.image_shape, seed=0, crop_scale=(args.crop, 1.0))
    crops = [np.concatenate(list(views_of(view, images))) for _ in range(2)]

    def judge(mae, name, seed):
        found = evaluation.attention_distance(mae, images)
        aligned = evaluation.alignment(mae, *crops)
        ks = [k for k in (1, 5, 20) if k < len(labels)]
        purity = evaluation.purity(mae, (images, labels), ks)
        return {
            "heads": found.distance,
            "uniform": found.uniform,
            "distance": {
                f"block {number}": float(np.mean(heads))
                for number, heads in enumerate(found.distance, start=1)
            },
            "placement": {
                "alignment": aligned.alignment,
                "uniformity": aligned.uniformity,
            },
            "purity": {f"{k} nearest": share for k, share in purity.purity.items()},
            "chance": purity.chance,
        }

    runs, curves = encoders.compare(study, "analysis of", judge, images=args.images)
    first = next(iter(runs.values()))[0]
    baseline = "MAE" if "MAE" in runs else None

    def table(part, unit="%"):
        found = {name: [run[part] for run in r] for name, r in runs.items()}
        return comparison(found, baseline, unit)

    _, shown = np.unique(labels, return_index=True)
    tables = {
        "## Mean attention distance, pixels; uniform attention "
        f"{first['uniform']:.2f}": table("distance", "pixels"),
        "## Alignment of two crops, uniformity of all images": table("placement", ""),
        "## Purity of neighbourhoods, share of an image's own class; chance "
        f"{100 * first['chance']:.1f} %": table("purity"),
    }
    figures = {"distance": draw_distances(runs)}
    for name in runs:
        mae, _ = encoders.trained(study, name, args.seeds[0])
        figure = plot_attention(mae, images[shown[: args.columns]])
        title = figure.get_suptitle()
        figure.suptitle(f"{name}: {title}", fontsize=10)
        figures[f"attention_{name}"] = figure
    figures |= encoders.plot_training(curves)
    study.write(study.record(runs=runs, curves=curves), tables, figures)


def views_of(view, images, size=256):
    """Yields random views of the images, `size` images at a time."""
    for start in range(0, len(images), size):
        yield keras.ops.convert_to_numpy(view(images[start : start + size]))


def draw_distances(runs):
    """Draws the distance that each head of each block attends over."""
    figure = Figure(figsize=(2.6 * len(runs) + 0.6, 3.4), layout="constrained")
    axes = figure.subplots(1, len(runs), sharey=True, squeeze=False)[0]
    for axis, (name, found) in zip(axes, runs.items()):
        for run in found:
            for block, heads in enumerate(run["heads"], start=1):
                axis.plot([block] * len(heads), heads, "o", color="#0072B2", alpha=0.6)
        axis.axhline(found[0]["uniform"], color="gray", linestyle="--")
        axis.margins(y=0.1)
        axis.set_title(textwrap.fill(name, 24), fontsize=10)
        axis.set_xlabel("block")
        axis.set_xticks(range(1, len(found[0]["heads"]) + 1))
    axes[0].set_ylabel("mean attention distance, pixels")
    title = (
        "Attention distance. Dots: one per head and seed. "
        "Dashed line: equal attention to all patches."
    )
    letters = int(12 * figure.get_figwidth())
    figure.suptitle(textwrap.fill(title, letters), fontsize=10)
    return figure


if __name__ == "__main__":
    main()
