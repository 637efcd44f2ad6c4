"""The tables of names, and the forms of other libraries' tensors."""

import numpy as np
import pytest

from keras_mra.vit import structure
from keras_mra.weights import hugging_face
from keras_mra.weights import original_release
from keras_mra.weights.name_table import Entry

pytestmark = pytest.mark.once

LAYOUTS = [hugging_face, original_release]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_table_names_every_layer_and_no_other(layout):
    table = layout.TABLE
    assert table.layers.keys() == structure.ENCODER.keys() | structure.DECODER.keys()
    assert table.blocks.keys() == {"encoder", "decoder"}
    assert table.block.keys() == structure.BLOCK.keys()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("depths", [(1, 0), (3, 2), (12, 8)])
def test_a_table_names_every_weight_once(layout, depths):
    sizes = dict(zip(("encoder_depth", "decoder_depth"), depths))
    shapes = structure.mae_weight_shapes(
        dict(
            image_shape=(8, 8, 3), patch_size=(4, 4), encoder_dim=8, decoder_dim=4,
            mlp_ratio=2.0, **sizes,
        )
    )  # fmt: skip
    entries = layout.TABLE.entries(*depths)
    assert sorted(entry.ours for entry in entries) == sorted(shapes)
    parts = {(entry.theirs, entry.third) for entry in entries}
    assert len(parts) == len(entries)


def test_names_of_the_original_release():
    table = original_release.TABLE
    assert table.layer_name("encoder/block_11/mlp_in") == "blocks.11.mlp.fc1"
    found = {entry.ours: entry for entry in table.entries(2, 1)}
    assert found["decoder/block_0/value/kernel"] == Entry(
        "decoder/block_0/value/kernel", "decoder_blocks.0.attn.qkv.weight", "matrix", 2
    )
    assert found["encoder/block_1/norm2/beta"] == Entry(
        "encoder/block_1/norm2/beta", "blocks.1.norm2.bias", "plain"
    )
    assert found["decoder/mask_token"].theirs == "mask_token"


@pytest.mark.parametrize(
    "form,shape,theirs",
    [
        ("plain", (5,), (5,)),
        ("matrix", (6, 5), (5, 6)),
        ("convolution", (24, 5), (5, 2, 3, 4)),
        ("token", (1, 1, 5), (1, 1, 5)),
        ("token", (5,), (1, 1, 5)),
        ("positions", (7, 5), (1, 7, 5)),
    ],
)
def test_forms_are_converted_and_back(form, shape, theirs):
    entry, patch_shape = Entry("ours", "theirs", form), (3, 4, 2)
    weight = np.random.default_rng(0).normal(size=shape).astype("float32")
    tensor = entry.to_theirs(weight, patch_shape)
    assert tensor.shape == entry.shape_of_theirs(shape, patch_shape) == theirs
    np.testing.assert_array_equal(entry.to_ours(tensor, shape), weight)


def test_query_key_and_value_share_a_tensor():
    fused = np.arange(24.0).reshape(6, 4)  # 3 x (2 outputs), 4 inputs
    for third in range(3):
        entry = Entry("ours", "theirs", "matrix", third)
        assert entry.shape_of_theirs((4, 2), (1, 1, 1)) == (6, 4)
        np.testing.assert_array_equal(
            entry.to_ours(fused, (4, 2)), fused[2 * third : 2 * third + 2].T
        )
