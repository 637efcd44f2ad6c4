"""The networks by name: their sizes, their seeds, and what they return."""

import keras
import numpy as np
import pytest

from keras_mra.classifiers.networks.build_network import build_network
from keras_mra.classifiers.networks.cifar_resnet import cifar_resnet
from keras_mra.classifiers.networks.wide_resnet import wide_resnet


def parameters(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


@pytest.mark.parametrize(
    "name, count",
    [
        # He et al. report 0.27 M and 0.85 M, Zagoruyko and Komodakis 1.5 M.
        ("resnet20", 269_722),
        ("resnet56", 853_018),
        ("wrn_28_2", 1_467_610),
        ("vit_tiny", 5_350_282),
    ],
)
def test_sizes_are_the_published_ones(name, count):
    network = build_network(name, (32, 32, 3), 10, (0, 255), 0)
    assert parameters(network) == count
    assert network.output_shape == (None, 10)


@pytest.mark.parametrize("name", ["small_cnn", "resnet20", "MobileNetV2"])
def test_networks_start_from_their_seed(name):
    def weights(seed):
        network = build_network(name, (32, 32, 3), 3, (0, 255), seed)
        return [w for w in network.get_weights() if w.ndim > 1]

    first, again, other = weights(0), weights(0), weights(1)
    for one, same, another in zip(first, again, other):
        np.testing.assert_array_equal(one, same)
        assert (one != another).any()


def test_outputs_are_probabilities_of_pixels_in_any_range():
    images = np.random.default_rng(0).random((2, 16, 24, 1)).astype("float32")
    found = []
    for low, high in ((0, 1), (-1, 3)):
        network = build_network("resnet20", (16, 24, 1), 3, (low, high), 0)
        found.append(network.predict(low + (high - low) * images, verbose=0))
    np.testing.assert_allclose(found[0].sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


def test_shortcuts_of_a_resnet_have_no_parameters():
    """All convolutions have a side of 3, and two lie in each of nine blocks."""
    network = cifar_resnet((32, 32, 3), 10, (0, 255), depth=20)
    convolutions = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
    assert len(convolutions) == 19
    assert {x.kernel_size for x in convolutions} == {(3, 3)}


def test_a_vit_has_eight_patches_a_side_and_patches_of_sixteen_pixels_at_most():
    for side, tokens in ((32, 8), (64, 8), (224, 14)):
        network = build_network("vit_tiny", (side, side, 3), 2, (0, 255), 0)
        patches = network.get_layer("patches").output
        assert patches.shape[1] == tokens**2


def test_unknown_networks_and_depths():
    # Keras has a module of the name "resnet".
    for name in ("NoNet", "resnet", "__name__", "", 3, None):
        with pytest.raises(ValueError, match=f"`network` must be.*network={name!r}"):
            build_network(name, (8, 8, 1), 3, (0, 255), 0)
    with pytest.raises(ValueError, match="`depth` must be 6n . 2.*21"):
        cifar_resnet((32, 32, 3), 10, (0, 255), depth=21)
    with pytest.raises(ValueError, match="`depth` must be 6n . 4.*20"):
        wide_resnet((32, 32, 3), 10, (0, 255), depth=20)
