"""The structure that is written down is the structure of the models."""

import pytest

import keras_mra
from keras_mra.layers import TransformerBlock
from keras_mra.models.convert import named_weights
from keras_mra.vit import structure

SIZES = dict(
    encoder_dim=16, encoder_depth=3, encoder_heads=2,
    decoder_dim=8, decoder_depth=2, decoder_heads=2,
)  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {},
        dict(decoder_depth=0),
        dict(image_shape=(12, 8, 1), patch_size=(6, 2)),
        # 28 * (61 / 28) is 60.99999999999999
        dict(encoder_dim=28, decoder_dim=28, mlp_ratio=61 / 28),
    ],
)
def test_shapes_of_all_weights(changes):
    arguments = {"image_shape": (8, 12, 3), "patch_size": (4, 4), **SIZES, **changes}
    mae = keras_mra.MAE(**arguments, positions="learned")
    found = {name: tuple(v.shape) for name, v in named_weights(mae).items()}
    # The model has no position for the encoder's class token.
    places, dim = found["encoder/positions"]
    found["encoder/positions"] = (1 + places, dim)
    assert found == structure.mae_weight_shapes(mae.get_config())


def test_every_weight_has_one_path():
    mae = keras_mra.MAE((8, 8, 1), 4, **SIZES, positions="learned")
    named = [id(v) for v in named_weights(mae).values()]
    assert sorted(named) == sorted(id(v) for v in mae.trainable_weights)
    fixed = keras_mra.MAE((8, 8, 1), 4, **SIZES)
    assert not {"encoder/positions", "decoder/positions"} & set(named_weights(fixed))
    assert len(named_weights(fixed)) == len(named) - 2


def test_layers_of_a_block():
    block = TransformerBlock(2, mlp_ratio=2.0)
    block.build((None, None, 8))
    assert [layer.name for layer in block._flatten_layers(False)] == list(
        structure.BLOCK
    )
    assert all(getattr(block, name).name == name for name in structure.BLOCK)
    order = [
        f"{name}/{weight}"
        for name, spec in structure.BLOCK.items()
        for weight in spec.weights()
    ]
    assert ["/".join(v.path.split("/")[-2:]) for v in block.weights] == order


def test_shapes_need_no_model():
    """The sizes of a hostile file are known before memory is taken."""
    shapes = structure.mae_weight_shapes(
        dict(
            image_shape=(224, 224, 3), patch_size=(16, 16), mlp_ratio=4.0,
            encoder_dim=10**6, encoder_depth=2, decoder_depth=0,
        )
    )  # fmt: skip
    assert shapes["encoder/block_1/mlp_in/kernel"] == (10**6, 4 * 10**6)
    assert shapes["encoder/positions"] == (197, 10**6)
    assert not any(name.startswith("decoder/") for name in shapes)
