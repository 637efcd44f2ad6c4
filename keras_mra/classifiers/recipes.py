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
