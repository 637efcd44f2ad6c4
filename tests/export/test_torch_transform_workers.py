"""Workers of a `DataLoader` give every sample a view of its own, in every epoch."""

import keras
import pytest
from helpers.models import randomize
from helpers.repeated_image import RepeatedImage
from helpers.repeated_image import kept
from helpers.small_augmentor import make_mae

import keras_mra

torch = pytest.importorskip("torch")

BACKEND = keras.backend.backend()


def loader(length=16, workers=2, **arguments):
    """Batches of one image whose 36 patches are dropped at random."""
    mae = randomize(make_mae(patch_size=2))
    layer = keras_mra.layers.MaskReconstruct(mae, 0.5, "random", seed=0)
    return torch.utils.data.DataLoader(
        RepeatedImage(keras_mra.TorchTransform(layer), length),
        batch_size=4,
        num_workers=workers,
        timeout=300 if workers else 0,
        **arguments,
    )


def epochs(data, seed):
    """The masks of two epochs, in the order of the samples."""
    torch.manual_seed(seed)
    return [[mask for images, _ in data for mask in kept(images)] for _ in range(2)]


@pytest.mark.skipif(BACKEND != "torch", reason="Refused; see below.")
@pytest.mark.parametrize("persistent", [False, True])
def test_forked_workers_do_not_repeat_each_other(persistent):
    data = loader(multiprocessing_context="fork", persistent_workers=persistent)
    first, second = epochs(data, seed=0)
    assert len(first) == len(second) == 16
    assert len({*first, *second}) == 32
    if not persistent:  # Workers that stay were seeded when they started.
        assert epochs(data, seed=0) == [first, second]
    assert not {*epochs(data, seed=1)[0]} & {*first, *second}


def test_without_workers():
    data = loader(workers=0)
    first, second = epochs(data, seed=0)
    assert len({*first, *second}) == 32
    assert epochs(data, seed=0) == [first, second]


@pytest.mark.skipif(BACKEND == "torch", reason="PyTorch works in them.")
def test_forked_workers_of_other_backends_are_refused():
    with pytest.raises(
        RuntimeError, match=f'{BACKEND} .*multiprocessing_context="spawn'
    ):
        next(iter(loader(workers=1, multiprocessing_context="fork")))


@pytest.mark.skipif(BACKEND != "jax", reason="Once, as workers import for seconds.")
def test_spawned_workers():
    data = loader(8, workers=1, multiprocessing_context="spawn")
    images, indices = zip(*data)
    assert torch.cat(indices).tolist() == list(range(8))
    masks = [mask for batch in images for mask in kept(batch)]
    assert len({*masks}) == 8


@pytest.mark.skipif(BACKEND != "torch", reason="CUDA of PyTorch.")
def test_forked_workers_with_an_accelerator_are_refused(monkeypatch):
    transform = loader(workers=0).dataset.transform
    image = RepeatedImage(None, 0).image
    monkeypatch.setattr(transform, "_process", -1)
    transform(image)
    weight = type("Weight", (), {"value": torch.zeros(1, device="meta")})
    mae = type("Model", (), {"weights": [weight]})
    monkeypatch.setattr(transform, "layer", type("Layer", (), {"mae": mae}))
    with pytest.raises(RuntimeError, match="CUDA .*multiprocessing_context="):
        transform(image)
