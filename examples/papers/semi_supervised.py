"""FixMatch with MRA as the strong view.

MRA (arXiv 2206.04846), semi-supervised classification on STL-10: FixMatch (Sohn et
al., 2020), where the class of a weak view (flip and shift) is learnt from a strong one:
RandAugment, MRA, or both. "labels only" has the same network, weak views, labelled
batches and steps, and no unlabelled images.

    KERAS_BACKEND=tensorflow python examples/semi_supervised.py   # or jax, or torch

Other data: `--data folder:PATH`, `--data tfds:cifar10`.

Cost: 145 core minutes on an AMD EPYC that other work shared (TensorFlow, tcmalloc
preloaded); `--quick` 20 s on PyTorch, 24 on TensorFlow, 32 on JAX (two cores).
Expected result: with 4 labels per class of Fashion-MNIST RandAugment as the strong view
errs less than labels alone by 3.5 ± 1.2 points, MRA does not (+1.2 ± 2.3); with 25 and
100 labels none differs by half a point: `docs/results/semi_supervised.md`.
"""

from study import semi_supervised
from study.comparison import comparison
from study.study import Study

from keras_mra.visualization import plot_learning_curves


def main():
    study = Study(__doc__, semi_supervised.SETTINGS, semi_supervised.QUICK)
    runs, curves, tables, figures = {}, {}, {}, {}
    for count in study.args.labels_per_class:
        found = {
            arm: [
                semi_supervised.run(study, arm, count, seed)
                for seed in study.args.seeds
            ]
            for arm in study.args.arms
        }
        runs[count] = {
            arm: [{"test error": r["test error"]} for r in results]
            for arm, results in found.items()
        }
        curves[count] = {
            arm: [r["curve"] for r in results] for arm, results in found.items()
        }
        heading = f"{count} labels per class"
        tables[f"## Error, {heading}"] = comparison(runs[count], study.args.arms[0])
        figures[heading.replace(" ", "_")] = plot_learning_curves(
            curves[count],
            "error",
            f"test error ({semi_supervised.EPOCHS} epochs of equal steps)",
        )
    study.write(study.record(runs=runs, curves=curves), tables, figures)


if __name__ == "__main__":
    main()
