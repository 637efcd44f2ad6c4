"""The demonstration: photographs repainted, and `compare` on clothes and few labels."""

from typing import Any

from keras_mra import checks
from keras_mra import datasets
from keras_mra import files
from keras_mra.comparison import Comparison
from keras_mra.comparison import compare
from keras_mra.models import MAE
from keras_mra.typing import Path
from keras_mra.visualization import plot_masking_strategies

# The preset that augments the photographs of the gallery.
PHOTOGRAPHS = "mae_nano_photos"
SETTINGS: dict[str, Any] = {"labels_per_class": 40, "epochs": 30, "seeds": 3}
QUICK = {"labels_per_class": 10, "epochs": 2, "seeds": 2}


def run_demo(
    out: Path = "mra-demo", data: str = "fashion_mnist", quick: bool = False
) -> Comparison:
    """Draws photographs and their repaints, and compares MRA with no augmentation.

    Args:
        out: Folder for `gallery.png`, `compare.json` and `compare.png`.
        data: `"fashion_mnist"`, which the digits replace where it cannot be loaded, or
            `"digits"`.
        quick: Bool. `True` only tries whether it runs.

    Returns:
        The `Comparison`.
    """
    folder = checks.path("out", out, "folder")
    # An error here must not come after the training.
    files.probe_folder("out", folder, ("gallery.png", "compare.json", "compare.png"))
    mae = MAE.from_preset(PHOTOGRAPHS)
    photographs = datasets.sample_photographs(mae.image_shape[0])
    with files.replacing(folder / "gallery.png") as part:
        plot_masking_strategies(mae, photographs, 0.4).savefig(part, dpi=120)
    print(f"Wrote {folder / 'gallery.png'}: photographs, repainted by {PHOTOGRAPHS}.")
    settings = QUICK if quick else SETTINGS
    return compare(available(data), arms=["MRA"], out=folder, **settings)


def available(data: str) -> str:
    """The name of the data, or `"digits"` where they cannot be loaded."""
    try:
        datasets.load(data)
    except datasets.DatasetUnavailable:
        print(
            "Fashion-MNIST could not be loaded (from Keras' cache, Debian's folder or "
            "the network), so the demonstration uses scikit-learn's 8x8 digits."
        )
        return "digits"
    return data
