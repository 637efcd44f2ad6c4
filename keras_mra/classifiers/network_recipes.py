"""The settings with which the papers train each network, used where none are given."""

from typing import Any

# He et al. (2016), with the stronger L2 penalty of Zagoruyko and Komodakis (2016).
_RESIDUAL = dict(
    optimizer="sgd",
    learning_rate=0.1,
    batch_size=128,
    warmup_epochs=2,
    weight_decay=5e-4,
)
# DeiT's rate for 512 images, scaled to 128.
_TRANSFORMER = dict(
    optimizer="adamw",
    learning_rate=1.25e-4,
    batch_size=128,
    warmup_epochs=5,
    weight_decay=0.05,
    label_smoothing=0.1,
)
RECIPES: dict[str, dict[str, Any]] = {
    "resnet20": _RESIDUAL,
    "resnet56": _RESIDUAL,
    "wrn_28_2": _RESIDUAL,
    "vit_tiny": _TRANSFORMER,
}
# For small networks, and for those whose papers train on ImageNet.
_ADAM = dict(optimizer="adam", learning_rate=1e-3, batch_size=50)
# Batches are made smaller until an epoch has this many steps.
_STEPS_PER_EPOCH, _SMALLEST_BATCH = 10, 16


def recipe_for(network: str, images: int) -> dict[str, Any]:
    """The settings of a network, with batches that suit a number of images.

    Args:
        network: String, as in `build_network`.
        images: Int, the training images.

    Returns:
        A dict of `optimizer`, `learning_rate`, `batch_size`, `warmup_epochs`,
        `weight_decay` and `label_smoothing`. The rate falls with the batch.
    """
    defaults = dict(warmup_epochs=0, weight_decay=0.0, label_smoothing=0.0)
    recipe = {**defaults, **RECIPES.get(network, _ADAM)}
    most = recipe["batch_size"]
    size = min(most, max(_SMALLEST_BATCH, images // _STEPS_PER_EPOCH), images)
    rate = recipe["learning_rate"] * size / most
    return {**recipe, "batch_size": size, "learning_rate": rate}
