"""`DEFAULTS`: the defaults of `pretrain_mae` and `pretrain_msa`, for the help.

Their signatures cannot be read without a backend. A test compares the two.
"""

from typing import Any

# By the names of `OPTIONS`, without `None`.
DEFAULTS: dict[str, Any] = {
    "preset": "mae_mini",
    "effort": "good",
    "attention_weight": 0.1,
    "attention_share": 0.25,
    "held_out": 0,
    "steps_per_execution": 1,
    "weight_decay": 0.05,
    "crops_per_image": 1,
    "max_megapixels": 100.0,
    "probe_every": 1,
    "verbose": "auto",
    "seed": 0,
    "view": "auto",
    "crop_scale": (0.2, 1.0),
    "views": ("auto", "auto"),
    "contrast": "info_nce",
    "contrast_weight": 0.01,
    "temperature": 0.1,
    "momentum": 0.99,
    "pool": "cls+mean",
    "hidden_dim": 512,
    "projection_dim": 128,
}
