"""Arguments and inputs that the layers of a ViT refuse."""

import numpy as np
import pytest

from keras_mra.layers import ClassToken
from keras_mra.layers import PatchEmbedding
from keras_mra.layers import RestoreTokens
from keras_mra.layers import TransformerBlock

TOKENS = np.zeros((2, 4, 8), "float32")
GOOD = {
    ClassToken: {},
    PatchEmbedding: {"dim": 8, "grid": (2, 2)},
    RestoreTokens: {"grid": (2, 2)},
    TransformerBlock: {"num_heads": 2},
}


@pytest.mark.parametrize(
    "layer, name, values",
    [
        (ClassToken, "seed", [-1, "x", 0.5]),
        (ClassToken, "dtype", ["int32", 3]),
        (PatchEmbedding, "dim", [0, -4, 6, 8.0, None, "8"]),
        (PatchEmbedding, "grid", [[], (2,), (0, 2), "ab", None, (2, 2, 2)]),
        (PatchEmbedding, "seed", [-1, []]),
        (PatchEmbedding, "positions", [None, "sine", 3, np.array([1, 2])]),
        (RestoreTokens, "grid", [[], (2, 0.5), None]),
        (RestoreTokens, "seed", [{}]),
        (RestoreTokens, "positions", [True, "x"]),
        (TransformerBlock, "num_heads", [0, -1, np.nan, {}, 2.0, None]),
        (TransformerBlock, "mlp_ratio", [0, -1.0, np.nan, "4", None]),
        (TransformerBlock, "layer_norm_epsilon", [0, -1e-6, np.inf, 1e308, "x"]),
        (TransformerBlock, "seed", [-1, 1.0]),
        (TransformerBlock, "name", ["", "a/b", 3]),
    ],
)
def test_bad_arguments(layer, name, values):
    for value in values:
        with pytest.raises(ValueError, match=f"`{name}`.* must .*Received: {name}="):
            layer(**{**GOOD[layer], name: value})


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: TransformerBlock(3)(TOKENS), "`num_heads` must divide .*width 8"),
        (lambda: TransformerBlock(2, 0.1)(TOKENS), "`mlp_ratio` must give at least"),
        (lambda: RestoreTokens(2)(TOKENS[..., :6], np.zeros((2, 3), "int32")),
         "`dim`, .* divisible by 4.*dim=6"),
        (lambda: TransformerBlock(2)(TOKENS[0]), "expected ndim=3, found ndim=2"),
        (lambda: ClassToken()(TOKENS[0]), "expected ndim=3, found ndim=2"),
        (lambda: PatchEmbedding(8, 2)(TOKENS[0]), "expected ndim=3, found ndim=2"),
    ],
)  # fmt: skip
def test_bad_tokens(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("layer", GOOD)
def test_good_arguments_come_back(layer):
    config = layer(**GOOD[layer]).get_config()
    assert layer.from_config(config).get_config() == config
    assert config.get("grid", (2, 2)) == (2, 2)
