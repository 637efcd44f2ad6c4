"""Measures which batch size and learning rate `pretrain_mae` should take by default.

Every run sees the same number of images. Its paint is measured on held-out images and
divided by the error of Telea's inpainting. Finished runs are kept in the output, so a
killed measurement goes on where it stopped.

    python tools/measure_defaults.py photographs.npy rates.json --images 1500 \
        --held-out held_out.npy --seen 30000 --batches 64 --rates 4e-4 1e-3 2.5e-3

`docs/results/defaults.md` shows the tables. Cost: two to three minutes a run of 40,000
images on one core of an AMD EPYC.
"""

import argparse
import itertools
import json
import pathlib

import keras
import numpy as np

import keras_mra
from keras_mra import evaluation

RATIOS = (0.4, 0.75)
# What the presets of this package were trained with.
MAE_ARGUMENTS = {"mask_ratio": (0.4, 0.75), "smooth_fill": True}


def run(images, held_out, seen, batch_size, rate, preset, patch_size, view):
    """Trains once and returns the error of the paint, divided by Telea's."""
    steps = seen // batch_size
    layer = keras.layers.RandomFlip("horizontal", seed=0) if view == "flip" else "auto"
    mae = keras_mra.pretrain_mae(
        images,
        preset=preset,
        patch_size=patch_size,
        view=layer,
        epochs=max(1, steps * batch_size // len(images)),
        batch_size=batch_size,
        learning_rate=rate * 256 / batch_size,  # the argument is per 256 images
        verbose=0,
        **MAE_ARGUMENTS,
    )
    result = {"loss": mae.history.history["loss"][-1]}
    for ratio in RATIOS:
        paint = evaluation.paint(mae, held_out, mask_ratio=ratio, strategy="random")
        result[f"paint_{ratio:g}"] = float(paint.mse_to_telea)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("train", type=pathlib.Path, help="`.npy`, uint8 images")
    parser.add_argument("out", type=pathlib.Path, help="`.json`")
    parser.add_argument("--held-out", type=pathlib.Path, required=True)
    parser.add_argument("--images", type=int, required=True, help="of training")
    parser.add_argument("--seen", type=int, required=True, help="images in all epochs")
    parser.add_argument("--batches", type=int, nargs="+", required=True)
    parser.add_argument("--rates", type=float, nargs="+", required=True)
    parser.add_argument("--preset", default="mae_nano")
    parser.add_argument("--patch-size", type=int)
    parser.add_argument("--view", choices=("flip", "auto"), default="flip")
    arguments = parser.parse_args()
    images = np.array(np.load(arguments.train, mmap_mode="r")[: arguments.images])
    held_out = np.load(arguments.held_out, mmap_mode="r")
    held_out = np.array(held_out[:: max(1, len(held_out) // 300)])
    results = {}
    if arguments.out.exists():
        results = json.loads(arguments.out.read_text())
    for batch_size, rate in itertools.product(arguments.batches, arguments.rates):
        name = (
            f"{len(images)} images of {arguments.train.stem}, {arguments.preset}, "
            f"view {arguments.view}, {arguments.seen} seen, "
            f"batch {batch_size}, peak {rate:g}"
        )
        if name not in results:
            results[name] = run(
                images,
                held_out,
                arguments.seen,
                batch_size,
                rate,
                arguments.preset,
                arguments.patch_size,
                arguments.view,
            )
            arguments.out.write_text(json.dumps(results, indent=1))
        print(name, results[name], flush=True)


if __name__ == "__main__":
    main()
