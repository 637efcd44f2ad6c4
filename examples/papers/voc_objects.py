"""Cuts the objects of Pascal VOC's photographs out, with the masks that people drew.

    python examples/papers/voc_objects.py JPEGImages SegmentationClass voc_animals \
        --classes cat cow dog horse sheep

writes `voc_animals/images/train/<class>`, `voc_animals/images/test/<class>` and
`voc_animals/masks/<class>`, the masks of the test images. `background.py --objects
drawn` takes them.

A photograph is used if its mask has exactly one of the classes. All pixels of this
class are the object. VOC's pixels of uncertain class (255), the outlines of objects,
count as background. The square has `--context` times the longest side of the box around
the object, and at most the short side of the photograph.

- `--position any`: anywhere where the square holds the box, or lies within a larger
  box. Most animals fill their photograph, so that they stay at the centre. The square
  can lie between two animals.
- `--position corner`: the centre of the box is a quarter of the square from two of its
  sides, or as near to that as the photograph allows. The object may be cut.
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
ENDINGS = (".jpg", ".jpeg", ".png")


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
    for name in ("side", "context", "test"):
        if not getattr(arguments, name) > 0:
            parser.error(f"--{name} must be positive, not {getattr(arguments, name)}")
    if arguments.out.exists() and any(arguments.out.iterdir()):
        parser.error(f"{arguments.out} must be a new or empty folder")
    try:
        found = usable(arguments.photographs, arguments.masks, arguments.classes)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    for name, pairs in found.items():
        if len(pairs) <= arguments.test:
            parser.error(f"{name} has {len(pairs)} photographs, no more than --test")
    rng = np.random.default_rng(arguments.seed)
    for name, pairs in found.items():
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

    Raises:
        ValueError: If two photographs have the name of one mask, or a photograph has
            another size than its mask.
    """
    by_stem = {}
    for path in sorted(photographs.iterdir()):
        if path.suffix.lower() not in ENDINGS:
            continue
        if by_stem.setdefault(path.stem, path) != path:
            raise ValueError(f"{by_stem[path.stem]} and {path} have the same mask")
    found = {name: [] for name in classes}
    for path in sorted(masks.iterdir()):
        if path.suffix.lower() != ".png" or path.stem not in by_stem:
            continue
        with Image.open(path) as mask, Image.open(by_stem[path.stem]) as photograph:
            if mask.mode not in ("P", "L") or mask.size != photograph.size:
                raise ValueError(
                    f"{path} must hold one class for each pixel of {photograph.size} "
                    f"pixels. It has mode {mask.mode} and {mask.size} pixels"
                )
            values = np.unique(np.asarray(mask))
        names = [name for name in found if CLASSES.index(name) in values]
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
    side = max(1, min(round(context * longest), *inside.shape))
    top, left = (
        _start(start, end, length, side, position, rng)
        for (start, end), length in zip(spans, inside.shape)
    )
    return left, top, left + side, top + side


def _start(start, end, length, side, position, rng):
    """Where the square begins along an axis on which the object has a span."""
    if position == "any":
        # Where the square holds the object, or lies within a larger object.
        low, high = sorted((max(0, end - side), min(start, length - side)))
        return int(rng.integers(low, high + 1))
    middle = (start + end) / 2
    quarters = [round(middle - side * share) for share in (1 / 4, 3 / 4)]
    inner = np.clip(quarters, 0, length - side)
    shifts = np.abs(middle - inner - side / 2)
    # Borders of the photograph can keep one of them near the middle.
    return int(rng.choice(inner[shifts >= 0.9 * shifts.max()]))


def write(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


if __name__ == "__main__":
    main()
