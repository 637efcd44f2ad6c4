"""One rule for seeds: integers from 0 to 2**64 - 1, or `None`, on every backend."""

import keras
import numpy as np
import pytest
from helpers.models import TINY
from keras import ops

import keras_mra
from keras_mra import backend
from keras_mra import checks
from keras_mra import masking
from keras_mra import views
from keras_mra.augment.painter import Painter
from keras_mra.classifiers.networks.small_cnn import small_cnn
from keras_mra.evaluation.occlusion import patch_occlusion
from keras_mra.models.autoencoder import layer_seeds
from keras_mra.pretrain.data_request import DataRequest

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")
LARGE = [2**31, 2**32 + 1, 2**63, 2**64 - 1]

NO_SEEDS = [-1, 2**64, True, np.bool_(True), 1.0, "1", [1]]


def mae(**arguments):
    return keras_mra.MAE((8, 8, 3), 4, **{**TINY, **arguments})


TAKE_A_SEED = {
    "MAE": lambda seed: mae(seed=seed),
    "MSA": lambda seed: keras_mra.MSA(mae(), seed=seed, hidden_dim=8),
    "MaskReconstruct": lambda seed: keras_mra.layers.MaskReconstruct(
        mae(), 0.5, "random", seed=seed
    ),
    "weak": lambda seed: views.weak((8, 8, 3), seed=seed),
    "strong": lambda seed: views.strong((8, 8, 3), seed=seed),
    "RandomResizedCrop": lambda seed: keras_mra.layers.RandomResizedCrop(seed=seed),
    "RandomBlur": lambda seed: keras_mra.layers.RandomBlur(seed=seed),
    "AugMix": lambda seed: keras_mra.layers.AugMix(seed=seed),
    "RandAugment": lambda seed: keras_mra.layers.RandAugment(seed=seed),
    "TrivialAugment": lambda seed: keras_mra.layers.TrivialAugment(seed=seed),
    "RandomApply": lambda seed: keras_mra.layers.RandomApply(
        keras.layers.RandomFlip(), 0.5, seed=seed
    ),
    "random_patches": lambda seed: masking.random_patches(2, 4, 2, seed=seed),
    "visible_patches": lambda seed: masking.visible_patches(
        np.ones((2, 4)), 0.5, temperature=1.0, seed=seed
    ),
    "data": lambda seed: DataRequest(IMAGES, seed=seed),
}
NEED_A_SEED = {
    "Painter": lambda seed: Painter(mae(), 0.5, "random", 0.0, seed, 4),
    "small_cnn": lambda seed: small_cnn((8, 8, 3), 2, (0, 255), seed=seed),
    "load": lambda seed: keras_mra.datasets.load("digits", seed=seed),
    "patch_occlusion": lambda seed: patch_occlusion(IMAGES, 0.5, 4, seed=seed),
}


@pytest.mark.parametrize("seed", NO_SEEDS)
@pytest.mark.parametrize("name", [*TAKE_A_SEED, *NEED_A_SEED])
def test_no_seeds(name, seed):
    with pytest.raises(ValueError, match=r"`seed` must be an integer from 0 to 2\*\*"):
        {**TAKE_A_SEED, **NEED_A_SEED}[name](seed)


@pytest.mark.parametrize("name", NEED_A_SEED)
def test_a_result_states_its_seed(name):
    with pytest.raises(ValueError, match="Received: seed=None"):
        NEED_A_SEED[name](None)


@pytest.mark.parametrize("name", [*TAKE_A_SEED, *NEED_A_SEED])
def test_large_seeds(name):
    for seed in (np.uint32(2**31), *LARGE):
        {**TAKE_A_SEED, **NEED_A_SEED}[name](seed)


@pytest.mark.parametrize("seed", LARGE)
def test_large_seeds_decide_what_is_drawn(seed):
    def drawn(seed):
        return ops.convert_to_numpy(mae(seed=seed)(IMAGES)["visible"])

    np.testing.assert_array_equal(drawn(seed), drawn(seed))


def test_large_seeds_are_saved_as_given():
    config = mae(seed=np.uint64(2**64 - 1)).get_config()
    assert config["seed"] == 2**64 - 1 and type(config["seed"]) is int


def test_folded_seeds():
    folded = [backend.folded_seed(seed) for seed in LARGE]
    assert len(set(folded)) == len(LARGE)
    assert all(0 <= seed < 2**31 for seed in folded)
    generator = keras.random.SeedGenerator(1)
    for seed in (0, 7, 2**31 - 1, None, generator):
        assert backend.folded_seed(seed) is seed
    assert backend.seed_generator(generator) is generator


def test_neighbouring_seeds_do_not_draw_the_same_numbers():
    streams = [backend.seed_generator(seed) for seed in (0, 1, 2)]
    drawn = [
        ops.convert_to_numpy(keras.random.uniform((4,), seed=stream)).tobytes()
        for stream in streams
        for _ in range(4)
    ]
    assert len(set(drawn)) == 12


@pytest.mark.parametrize("seed", range(10))
def test_masks_are_not_drawn_from_the_numbers_of_the_weights(seed):
    first = int(ops.convert_to_numpy(backend.seed_generator(seed).state)[0])
    for stream in range(3):
        assert first != next(layer_seeds(seed, stream))


def test_generators_are_seeds_of_layers_alone():
    generator = keras.random.SeedGenerator(1)
    assert checks.seed_or_generator(generator) is generator
    with pytest.raises(ValueError, match="`seed` must be an integer from 0"):
        checks.seed(generator)
