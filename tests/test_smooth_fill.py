"""The smooth fill of hidden patches, beside an exact solution of the same equation."""

import keras
import numpy as np
import pytest
from helpers.models import compute
from helpers.models import random_visible
from helpers.models import traced
from scipy import sparse
from scipy.sparse import linalg

from keras_mra import MAE
from keras_mra.patches import patchify
from keras_mra.patches import unpatchify
from keras_mra.smooth_fill import smooth_fill


def filled(images, visible, patch_size):
    """The fill of images, as an array of their shape."""
    patches = keras.ops.convert_to_tensor(np.asarray(patchify_np(images, patch_size)))
    fill = smooth_fill(patches, visible, patch_size, images.shape[1:])
    return compute(lambda x: unpatchify(x, patch_size, images.shape[1:]), fill)


def patchify_np(images, patch_size):
    return compute(lambda x: patchify(x, patch_size), images)


def shown_pixels(visible, shape, patch_size):
    """Boolean `(height, width)`: pixels of the visible patches of one image."""
    rows, columns = (side // p for side, p in zip(shape, patch_size))
    shown = np.isin(np.arange(rows * columns), visible).reshape(rows, columns)
    return np.kron(shown, np.ones(patch_size, bool))


def harmonic(image, shown):
    """Solves for hidden pixels that equal the mean of their neighbours in the image."""
    height, width = shown.shape
    number = np.arange(height * width).reshape(height, width)
    matrix = sparse.lil_matrix((height * width, height * width))
    right = np.zeros((height * width, image.shape[-1]))
    for row, column in np.ndindex(height, width):
        own = number[row, column]
        matrix[own, own] = 1.0
        if shown[row, column]:
            right[own] = image[row, column]
            continue
        for down, along in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            # The border repeats itself.
            other = (
                np.clip(row + down, 0, height - 1),
                np.clip(column + along, 0, width - 1),
            )
            matrix[own, number[other]] -= 0.25
    return linalg.spsolve(matrix.tocsc(), right).reshape(image.shape)


@pytest.mark.parametrize(
    "size, patch_size, share",
    [((32, 24), (8, 8), 0.25), ((28, 42), (7, 14), 0.6), ((24, 24), (6, 4), 0.4)],
)
def test_close_to_the_harmonic_fill(size, patch_size, share):
    rng = np.random.default_rng(0)
    coarse = rng.uniform(size=(3, 4, 4, 2))
    images = compute(lambda x: keras.ops.image.resize(x, size), coarse)
    images = images.astype("float32")
    count = (size[0] // patch_size[0]) * (size[1] // patch_size[1])
    visible = random_visible(rng, 3, count, (count + 1) // 2)
    ours = filled(images, visible, patch_size)
    for image, fill, indices in zip(images, ours, visible):
        shown = shown_pixels(indices, size, patch_size)
        np.testing.assert_array_equal(fill[shown], image[shown])
        exact = harmonic(image, shown)
        mean = image[shown].mean(axis=0)
        error = np.abs(fill - exact)[~shown].mean()
        # The mean of the visible pixels, from which the fill starts, is the yardstick.
        assert error < share * np.abs(exact - mean)[~shown].mean()


def test_hidden_patches_are_not_read():
    rng = np.random.default_rng(1)
    images = rng.uniform(size=(2, 16, 16, 1)).astype("float32")
    visible = random_visible(rng, 2, 16, 6)
    changed = images.copy()
    for image, indices in zip(changed, visible):
        image[~shown_pixels(indices, (16, 16), (4, 4))] = np.nan
    np.testing.assert_array_equal(
        filled(np.nan_to_num(changed), visible, (4, 4)), filled(images, visible, (4, 4))
    )


def test_a_flat_image_is_filled_flat():
    images = np.full((1, 16, 16, 3), 0.3, "float32")
    fill = filled(images, np.array([[3, 7]]), (4, 4))
    np.testing.assert_allclose(fill, images, atol=1e-6)


def test_traces_with_a_dynamic_batch():
    rng = np.random.default_rng(2)
    patches = rng.uniform(size=(2, 16, 16)).astype("float32")
    visible = random_visible(rng, 2, 16, 6)
    function = traced(
        lambda x, kept: smooth_fill(x, kept, (4, 4), (16, 16, 1)),
        ((None, 16, 16), "float32"),
        ((None, 6), "int32"),
    )
    found = keras.ops.convert_to_numpy(
        function(*map(keras.ops.convert_to_tensor, (patches, visible)))
    )
    expected = compute(lambda x: smooth_fill(x, visible, (4, 4), (16, 16, 1)), patches)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.fixture
def mae():
    return MAE(
        (16, 16, 3), 4, encoder_dim=16, encoder_depth=1, encoder_heads=2,
        decoder_dim=8, decoder_depth=1, decoder_heads=2, smooth_fill=True, seed=0,
    )  # fmt: skip


def test_a_decoder_of_zeros_paints_the_fill(mae):
    for variable in mae.decoder.layers[-1].variables:
        variable.assign(np.zeros(variable.shape, "float32"))
    rng = np.random.default_rng(3)
    images = rng.uniform(0, 255, size=(2, 16, 16, 3)).astype("float32")
    visible = random_visible(rng, 2, 16, 8)
    expected = filled(images / 255, visible, (4, 4)) * 255
    found = compute(lambda x: mae.reconstruct(x, visible), images)
    np.testing.assert_allclose(found, np.clip(expected, 0, 255), atol=0.01)
    loss = compute(lambda x: mae.reconstruction_loss(x, visible), images)
    dropped = np.stack([~shown_pixels(v, (16, 16), (4, 4)) for v in visible])
    squares = ((expected - images) / 255)[dropped] ** 2
    np.testing.assert_allclose(loss, squares.mean(), rtol=1e-4)


def test_configuration_holds_it(mae):
    assert MAE.from_config(mae.get_config()).smooth_fill is True


def test_refused_with_patches_standardised_one_by_one():
    with pytest.raises(ValueError, match="`smooth_fill` must be False with"):
        MAE((16, 16, 3), 4, smooth_fill=True, norm_pix_loss=True)


def test_refused_by_a_format_without_it(mae, tmp_path):
    with pytest.raises(ValueError, match="`smooth_fill`"):
        mae.export_transformers(tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_untrained_autoencoder_paints_the_fill():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 16, 16, 3)).astype("uint8")
    mae = MAE(
        (16, 16, 3), 4, encoder_dim=8, encoder_depth=1, encoder_heads=2,
        decoder_dim=8, decoder_depth=1, decoder_heads=2, smooth_fill=True,
    )  # fmt: skip
    visible = np.array([[0, 5, 10, 15], [1, 2, 3, 4]], "int32")
    fill = filled(images.astype("float32"), visible, (4, 4))
    painted = keras.ops.convert_to_numpy(mae.reconstruct(images, visible))
    assert np.abs(painted - fill).max() <= 0.5 + 1e-3
