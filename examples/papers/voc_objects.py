"""Cuts the objects of Pascal VOC's photographs out, with the masks that people drew.

    python examples/papers/voc_objects.py JPEGImages SegmentationClass voc_animals \
        --classes cat cow dog horse sheep

writes `voc_animals/images/train/<class>`, `voc_animals/images/test/<class>` and
`voc_animals/masks/<class>`, the masks of the test images. `background.py --objects
drawn` takes them.

A photograph is used if its mask has exactly one of the classes. All pixels of this
class are the object. VOC's pixels of uncertain class (255) belong to no object. The
square around the object has `--context` times its longest side, and at most the short
side of the photograph.

- `--position any`: anywhere where the square holds the object. Most animals fill their
  photograph, so that they stay at the centre.
- `--position corner`: the centre of the object is a quarter of the square from two of
  its sides, or as near to that as the photograph allows. The object may be cut.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image

# The values of the masks of VOC 2007 to 2012.
CLASSES = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable "
    "dog horse motorbike person pottedplant sheep sofa train tvmonitor"
).split()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("photographs", "masks", "out"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--classes", nargs="+", required=True, choices=CLASSES[1:])
    parser.add_argument("--side", type=int, default=96, help="of the squares")
    parser.add_argument("--context", type=float, default=2, help="square by object")
    parser.add_argument("--position", choices=("any", "corner"), default="any")
    parser.add_argument("--test", type=int, default=200, help="test images of a class")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    rng = np.random.default_rng(arguments.seed)
    found = usable(arguments.photographs, arguments.masks, arguments.classes)
    for name, pairs in found.items():
        if len(pairs) <= arguments.test:
            parser.error(f"{name} has {len(pairs)} photographs, no more than --test")
        for place, index in enumerate(rng.permutation(len(pairs))):
            photograph, path = pairs[index]
            inside = np.asarray(Image.open(path)) == CLASSES.index(name)  # (H, W)
            box = square(inside, arguments.context, arguments.position, rng)
            part = "test" if place < arguments.test else "train"
            size = (arguments.side, arguments.side)
            image = Image.open(photograph).convert("RGB")
            write(
                image.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=3),
                arguments.out / "images" / part / name / f"{path.stem}.png",
            )
            if part == "test":
                mask = Image.fromarray(inside * np.uint8(255))
                write(
                    mask.resize(size, Image.Resampling.BOX, box),
                    arguments.out / "masks" / name / f"{path.stem}.png",
                )
        print(f"{name}: {len(pairs) - arguments.test} to train on")


def usable(photographs, masks, classes):
    """The photographs with one of the classes.

    Args:
        photographs, masks: Paths of folders.
        classes: Names of classes.

    Returns:
        Dict from the classes to lists of pairs of paths, of a photograph and its mask.
    """
    by_stem = {path.stem: path for path in sorted(photographs.iterdir())}
    found = {name: [] for name in classes}
    for path in sorted(masks.glob("*.png")):
        if path.stem not in by_stem:
            continue
        values = np.unique(np.asarray(Image.open(path)))
        names = [name for name in classes if CLASSES.index(name) in values]
        if len(names) == 1:
            found[names[0]].append((by_stem[path.stem], path))
    return found


def square(inside, context, position, rng):
    """A square around an object.

    Args:
        inside: Bool array `(height, width)`, true on the object.
        context: Float, the side of the square by the longest side of the object.
        position: `"any"` or `"corner"`, as on the command line.
        rng: `numpy.random.Generator`.

    Returns:
        The square's `(left, top, right, bottom)`, ints.
    """
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    spans = [(places[0], places[-1] + 1) for places in (rows, columns)]
    longest = max(end - start for start, end in spans)
    side = min(round(context * longest), *inside.shape)
    starts = []
    for (start, end), length in zip(spans, inside.shape):
        if position == "any":
            # Where the square holds the object, or lies within a larger object.
            low, high = sorted((max(0, end - side), min(start, length - side)))
            starts.append(int(rng.integers(low, high + 1)))
            continue
        middle = (start + end) / 2
        quarters = [round(middle - side * share) for share in (1 / 4, 3 / 4)]
        inner = np.clip(quarters, 0, length - side)
        shifts = np.abs(middle - inner - side / 2)
        # Borders of the photograph can keep one of them near the middle.
        starts.append(int(rng.choice(inner[shifts >= 0.9 * shifts.max()])))
    top, left = starts
    return left, top, left + side, top + side


def write(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


if __name__ == "__main__":
    main()
