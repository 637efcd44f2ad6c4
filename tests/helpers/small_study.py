"""Small studies, and folders of images for them."""

import numpy as np
import pytest

SHAPE = (8, 8, 3)


def digits_study(folder, *options):
    """A `Study` of two arms on the digits, which keeps its runs below `folder`."""
    from study import arms
    from study.study import Study

    return Study(
        "A title.\n\nMore.",
        {"arms": ["none", "MixUp"], **arms.SETTINGS},
        dict(arms.QUICK, epochs=3),
        ["--data", "digits", "--quick", "--work", str(folder / "work"),
         "--out", str(folder / "out"), *options],
    )  # fmt: skip


def folder_of_classes(folder):
    """Writes three classes of colour images of many sizes, with a broken file each.

    Returns:
        The name of the data set.
    """
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for label, name in enumerate(("blue", "green", "red")):
        (folder / name).mkdir()
        for number in range(10):
            size = rng.integers(10, 30, 2)
            pixels = np.full((*size, 4 if number % 3 else 3), 10 * number, "uint8")
            pixels[..., label] += 100
            image.fromarray(pixels).save(folder / name / f"{number}.png")
        (folder / name / "broken.png").write_bytes(b"no image")
    return f"folder:{folder}"


def coloured(count, classes=4, seed=0):
    """Noise, to which the class adds light in one channel of three, or in none.

    Returns:
        Uint8 images of shape `(count, *SHAPE)`, and their labels.
    """
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % classes).astype("int32")
    images = rng.integers(0, 100, (count, *SHAPE))
    for channel in range(3):
        images[labels == channel, :, :, channel] += 120
    return images.astype("uint8"), labels


def coloured_splits(train=64, test=48, classes=4):
    """`Splits` of `coloured` images."""
    from study.splits import Splits

    from keras_mra import datasets

    return Splits(
        datasets.ArrayDataset(*coloured(train, classes), batch_size=16),
        datasets.ArrayDataset(
            *coloured(test, classes, 1), 16, shuffle=False, drop_last=False
        ),
        tuple("abcd"[:classes]),
        SHAPE,
        "coloured",
        "others",
    )
