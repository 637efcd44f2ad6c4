"""Builds the arrays of photographs on which the presets `mae_*_photos` are trained.

Training images are Tiny ImageNet's training split and, of each training photograph of
Imagenette, random square crops. The photographs held out are Imagenette's validation
split, centre crops.

    python tools/presets/photographs.py --tiny-imagenet tiny-imagenet-200 \
        --imagenette imagenette2 --side 64 --out photographs

Both data sets are parts of ImageNet, whose terms allow non-commercial research. They
are not part of this package. Cost: a minute on two cores for 64 pixels.
"""

import argparse
import concurrent.futures
import functools
import pathlib

import numpy as np
from PIL import Image


def crops(path, side, number, scale=(0.35, 1.0)):
    """Random square crops of a file as uint8 `(number, side, side, 3)`.

    The crop's sides are `scale` of the photograph's short side. `number=0` gives one
    centre crop of the whole short side.
    """
    # The path alone decides the crops, so that the order of files does not matter.
    rng = np.random.default_rng(list(path.name.encode()))
    with Image.open(path) as file:
        image = file.convert("RGB")
    short = min(image.size)
    boxes = []
    for _ in range(max(number, 1)):
        length = short * (rng.uniform(*scale) if number else 1.0)
        share = rng.uniform(size=2) if number else (0.5, 0.5)
        left, top = (np.array(image.size) - length) * share
        boxes.append((left, top, left + length, top + length))
    return np.stack(
        [
            np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box))
            for box in boxes
        ]
    )


def read(paths, side, number, scale=(0.35, 1.0)):
    """Crops of many files, `(files * max(number, 1), side, side, 3)`."""
    crop = functools.partial(crops, side=side, number=number, scale=scale)
    with concurrent.futures.ProcessPoolExecutor() as pool:
        return np.concatenate(list(pool.map(crop, sorted(paths), chunksize=64)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tiny-imagenet", type=pathlib.Path, help="omit above 64 px")
    parser.add_argument("--imagenette", type=pathlib.Path, required=True)
    parser.add_argument("--wallpapers", type=pathlib.Path, help="backgrounds of tests")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--crops", type=int, default=3, help="of an Imagenette photo")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    side = arguments.side
    parts = [read(arguments.imagenette.glob("train/*/*.JPEG"), side, arguments.crops)]
    if arguments.tiny_imagenet:
        tiny = arguments.tiny_imagenet.glob("train/*/images/*.JPEG")
        parts.append(read(tiny, side, 0))
    images = np.concatenate(parts)
    np.random.default_rng(0).shuffle(images)
    arguments.out.mkdir(parents=True, exist_ok=True)
    np.save(arguments.out / f"train_{side}.npy", images)
    held_out = read(arguments.imagenette.glob("val/*/*.JPEG"), side, 0)
    np.save(arguments.out / f"held_out_{side}.npy", held_out)
    if arguments.wallpapers:
        wallpapers = read(arguments.wallpapers.glob("*.jpg"), side, 60, (0.15, 0.6))
        np.save(arguments.out / f"wallpapers_{side}.npy", wallpapers)
    print(f"{len(images)} training images, {len(held_out)} held out, {side} px")


if __name__ == "__main__":
    main()
