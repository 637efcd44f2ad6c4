"""What encoders look at, and how they place images: MAE, MSA, supervised, random.

*Teaching Masked Autoencoder With Strong Augmentations* (MSA, TNNLS 2025), spatial
perception (how far the heads of each block look; where the class token looks) and
inter-image discrimination (alignment of two crops of an image and uniformity of all
images, less is better in both; the share of neighbours of an image's own class).

    KERAS_BACKEND=tensorflow python examples/analysis.py   # or jax, or torch

Encoders are those of `linear_probe.py`, found under `--work` where that has trained
them.

Cost: beside `linear_probe.py`'s training, whose encoders it finds, 90 s of one core of
an AMD EPYC (JAX); `--quick` 15 s on PyTorch, 18 on TensorFlow, 14 on JAX (two cores).
Expected result: in attention distance, uniformity and purity MSA lies between MAE and
"supervised" on Fashion-MNIST. Its last block looks 2.2 ± 1.0 pixels farther than MAE's,
its 20 nearest neighbours are of an image's class more often by 1.8 ± 0.5 points:
`docs/results/analysis.md`.
"""

import keras
import numpy as np
from matplotlib.figure import Figure
from study import encoders
from study.comparison import comparison
from study.splits import draw
from study.study import Study

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
    """A random view of each image, some images at a time."""
    for start in range(0, len(images), size):
        yield keras.ops.convert_to_numpy(view(images[start : start + size]))


def draw_distances(runs):
    """How far each head of each block looks, an axis for each encoder."""
    figure = Figure(figsize=(2.6 * len(runs) + 0.6, 3.4), layout="constrained")
    axes = figure.subplots(1, len(runs), sharey=True, squeeze=False)[0]
    for axis, (name, found) in zip(axes, runs.items()):
        for run in found:
            for block, heads in enumerate(run["heads"], start=1):
                axis.plot([block] * len(heads), heads, "o", color="#0072B2", alpha=0.6)
        axis.axhline(found[0]["uniform"], color="gray", linestyle="--")
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("block")
        axis.set_xticks(range(1, len(found[0]["heads"]) + 1))
    axes[0].set_ylabel("mean attention distance, pixels")
    axes[0].set_ylim(0, 1.1 * axes[0].get_ylim()[1])
    figure.suptitle(
        "How far the heads look: a dot is a head of one seed; "
        "dashed: equal attention to all patches",
        fontsize=10,
    )
    return figure


if __name__ == "__main__":
    main()
