"""Splits the error of repainted patches by frequency, beside Telea's inpainting.

    python tools/presets/error_spectrum.py mae_nano_photos photographs/held_out_64.npy

The squared error of each repainted patch is split by its discrete cosine transform:
the mean (0), the sums of one horizontal and vertical frequency (1), and the rest.
Needs SciPy and OpenCV. Cost: a minute.
"""

import argparse

import numpy as np
from scipy import fft

import keras_mra
from keras_mra.evaluation.reference_painters import telea


def by_frequency(painted, images, hidden, patch):
    """Mean squared errors of the frequencies 0, 1 and above, in the 0 to 1 scale."""
    count, height, width, channels = images.shape
    error = (painted.astype("float32") - images) / 255
    error = error.reshape(
        count, height // patch, patch, width // patch, patch, channels
    ).transpose(0, 1, 3, 2, 4, 5)  # (B, rows, columns, patch, patch, channels)
    error = error.reshape(count, -1, patch, patch, channels)[hidden]
    power = np.square(fft.dctn(error, axes=(1, 2), norm="ortho")).mean(axis=(0, 3))
    power /= patch**2
    frequency = np.add.outer(np.arange(patch), np.arange(patch))
    parts = (frequency == 0, frequency == 1, frequency > 1)
    return [power[part].sum() for part in parts]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("preset")
    parser.add_argument("images", help="`.npy`, uint8")
    parser.add_argument("--count", type=int, default=437)
    arguments = parser.parse_args()
    mae = keras_mra.MAE.from_preset(arguments.preset)
    images = np.load(arguments.images)[: arguments.count]
    rng = np.random.default_rng(0)
    for ratio in (0.4, 0.75):
        kept = mae.num_patches - round(ratio * mae.num_patches)
        visible = np.stack([rng.permutation(mae.num_patches)[:kept] for _ in images])
        hidden = np.ones((len(images), mae.num_patches), bool)
        np.put_along_axis(hidden, visible, False, axis=1)
        grids = hidden.reshape(len(images), *mae.grid)
        painters = {
            "MAE": np.asarray(mae.reconstruct(images, visible.astype("int32"))),
            "Telea": 255
            * np.stack(
                [telea(x / 255, h, mae.patch_size) for x, h in zip(images, grids)]
            ),
        }
        for name, painted in painters.items():
            parts = by_frequency(painted, images, hidden, mae.patch_size[0])
            print(ratio, name, *(f"{part:.4f}" for part in parts), f"{sum(parts):.4f}")


if __name__ == "__main__":
    main()
