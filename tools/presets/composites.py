"""Composites: cut-outs pasted on photographs, with exact masks of the objects.

    python tools/presets/composites.py --cutouts stamps \
        --backgrounds wallpapers_64.npy --half test --count 800 --out test.npz

Cut-outs are PNG files with an alpha channel, such as those of Debian's package
`tuxpaint-stamps-default`. Half of them make training composites, the others make tests.
Positions are uniform, so that the centre prior helps little.
"""

import argparse
import pathlib
import zlib

import numpy as np
from PIL import Image
from PIL import ImageEnhance

HALVES = ("train", "test")


def read_cutouts(folder, half):
    """RGBA images cropped to what is opaque, of one half of the files."""
    cutouts = []
    for path in sorted(pathlib.Path(folder).rglob("*.png")):
        # Variants of one object have similar names. They belong to the same half.
        if zlib.crc32(path.stem[:4].lower().encode()) % 2 != HALVES.index(half):
            continue
        if "symbols" in path.parts:
            continue  # letters and digits are no objects
        with Image.open(path) as file:
            image = file.convert("RGBA")
        alpha = image.getchannel("A")
        box = alpha.point(lambda value: 255 * (value > 127)).getbbox()
        if box is None or alpha.getextrema()[0] > 127:
            continue  # empty, or without transparency
        image = image.crop(box)
        image.thumbnail((160, 160), Image.Resampling.LANCZOS)
        if min(image.size) >= 24:
            cutouts.append(image)
    return cutouts


def composite(background, cutout, rng, scale=(0.3, 0.7)):
    """Pastes a cut-out at a uniform position.

    Args:
        background: Uint8 array `(side, side, 3)`.
        cutout: RGBA image.
        rng: NumPy generator.
        scale: Range of the cut-out's longer side, as a share of the image's side.

    Returns:
        Uint8 image `(side, side, 3)`, and float32 opacity `(side, side)`.
    """
    side = background.shape[0]
    if rng.random() < 0.5:
        cutout = cutout.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    cutout = cutout.rotate(rng.uniform(-20, 20), Image.Resampling.BICUBIC, expand=True)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        alpha = cutout.getchannel("A")
        cutout = enhance(cutout.convert("RGB")).enhance(rng.uniform(0.7, 1.2))
        cutout.putalpha(alpha)
    length = side * rng.uniform(*scale) / max(cutout.size)
    size = [max(2, round(length * edge)) for edge in cutout.size]
    cutout = cutout.resize(size, Image.Resampling.LANCZOS)
    # Objects may leave the image by a third of their size. Otherwise most of them
    # would cover the centre.
    left, top = (round(rng.uniform(-edge / 3, side - 2 * edge / 3)) for edge in size)
    layer = Image.new("RGBA", (side, side))
    layer.paste(cutout, (left, top))
    pixels = np.asarray(layer, "float32")
    opacity = pixels[..., 3:] / 255
    image = background * (1 - opacity) + pixels[..., :3] * opacity
    return np.rint(image).astype("uint8"), opacity[..., 0]


def composites(backgrounds, cutouts, count, seed):
    """`count` images, their opacities, and the indices of their backgrounds."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(backgrounds), count, replace=count > len(backgrounds))
    pairs = [
        composite(backgrounds[i], cutouts[rng.integers(len(cutouts))], rng)
        for i in chosen
    ]
    images, opacities = zip(*pairs)
    return np.stack(images), np.stack(opacities), chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cutouts", type=pathlib.Path, required=True)
    parser.add_argument("--backgrounds", type=pathlib.Path, required=True)
    parser.add_argument("--half", choices=HALVES, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, help="use only the first backgrounds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    cutouts = read_cutouts(arguments.cutouts, arguments.half)
    backgrounds = np.load(arguments.backgrounds, mmap_mode="r")[: arguments.first]
    images, opacities, chosen = composites(
        backgrounds, cutouts, arguments.count, arguments.seed
    )
    np.savez(
        arguments.out,
        images=images,
        masks=opacities.astype("float16"),
        backgrounds=chosen,
    )
    print(
        f"{len(images)} composites of {len(cutouts)} cut-outs; objects cover "
        f"{opacities.mean():.0%}"
    )


if __name__ == "__main__":
    main()
