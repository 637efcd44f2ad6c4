"""Halves the sides of the images and masks that the other scripts made for 64 pixels.

    python tools/presets/halve.py photographs/train_64.npy photographs/train_32.npy \
        --add cifar10/train
    python tools/presets/halve.py composites_train.npz composites32_train.npz

A pixel is the mean of four. `--add` mixes the image files of a folder, which must have
the halved size, into an array. Cost: seconds.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image

CHUNK = 4000


def halved(array):
    """Means over 2x2 pixels: `(N, H, W, ...)` to float32 `(N, H / 2, W / 2, ...)`."""
    count, height, width, *rest = array.shape
    pairs = array.reshape(count, height // 2, 2, width // 2, 2, *rest)
    return pairs.astype("float32").mean(axis=(2, 4))


def halved_images(images):
    parts = (images[i : i + CHUNK] for i in range(0, len(images), CHUNK))
    return np.concatenate(
        [np.rint(halved(np.asarray(p))).astype("uint8") for p in parts]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=pathlib.Path, help="`.npy` or `.npz`")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--add", type=pathlib.Path, help="folder of image files")
    arguments = parser.parse_args()
    source = np.load(arguments.source, mmap_mode="r")
    if arguments.source.suffix == ".npz":
        images, masks = halved_images(source["images"]), halved(source["masks"])
        np.savez(arguments.out, images=images, masks=masks >= 0.5)
        return
    images = halved_images(source)
    if arguments.add:
        added = [
            np.asarray(Image.open(p)) for p in sorted(arguments.add.rglob("*.jpg"))
        ]
        images = np.concatenate([np.stack(added), images])
        np.random.default_rng(0).shuffle(images)
    np.save(arguments.out, images)


if __name__ == "__main__":
    main()
