"""Workers, threads and forked processes draw apart, and wait for nobody."""

import os
import threading
import time

import keras
import numpy as np
import pytest
from helpers.models import randomize
from helpers.repeated_image import RepeatedImage
from helpers.repeated_image import kept
from helpers.small_augmentor import make_mae
from keras import ops

from keras_mra.layers import MaskReconstruct

BACKEND = keras.backend.backend()
forks = pytest.mark.skipif(
    BACKEND != "torch" or not hasattr(os, "fork"),
    reason="JAX and TensorFlow do not work in forked processes.",
)


@pytest.fixture
def layer():
    """A layer that drops 18 of 36 patches at random."""
    mae = randomize(make_mae(patch_size=2))
    return MaskReconstruct(mae, 0.5, "random", seed=0, return_visible=True)


class AsTensor:
    """A layer as a transform from an array to a tensor of PyTorch."""

    def __init__(self, layer):
        self.layer = layer

    def __call__(self, image):
        return self.layer(image)[0]


@forks
@pytest.mark.parametrize("persistent", [False, True])
def test_workers_of_a_loader_do_not_repeat_each_other(layer, persistent):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.DataLoader(
        RepeatedImage(AsTensor(layer), 16),
        batch_size=4,
        num_workers=2,
        timeout=300,
        persistent_workers=persistent,
        multiprocessing_context="fork",
    )

    def epochs(seed):
        torch.manual_seed(seed)
        return [[mask for images, _ in data for mask in kept(images)] for _ in range(2)]

    first, second = epochs(0)
    assert len(first) == len(second) == 16
    assert len({*first, *second}) == 32
    if not persistent:  # Workers that stay were seeded when they started.
        assert epochs(0) == [first, second]
    assert not {*epochs(1)[0]} & {*first, *second}


@forks
def test_workers_of_a_pool_do_not_repeat_each_other(layer):
    import multiprocessing

    image = RepeatedImage(None, 0).image

    def draw(_):
        time.sleep(0.2)  # so that both workers get some
        return os.getpid(), ops.convert_to_numpy(layer(image)[1]).tobytes()

    globals()["_draw"] = draw  # a pool finds functions by their names
    with multiprocessing.get_context("fork").Pool(2) as pool:
        drawn = pool.map(_call_draw, range(8), chunksize=1)
    assert len({process for process, _ in drawn}) == 2
    assert len({mask for _, mask in drawn}) == 8


def _call_draw(index):
    return globals()["_draw"](index)


@forks
def test_a_process_forked_during_a_call_does_not_hang(layer):
    images = np.zeros((64, 12, 12, 1), "uint8")
    layer(images[:1])
    is_done = threading.Event()

    def call():
        while not is_done.is_set():
            layer(images)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        for _ in range(5):
            time.sleep(0.02)
            process = os.fork()
            if process == 0:
                layer(images[:1])
                os._exit(0)
            assert _ends(process, seconds=60)
    finally:
        is_done.set()
        thread.join()


def _ends(process, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(process, os.WNOHANG)[0]:
            return True
        time.sleep(0.05)
    os.kill(process, 9)
    os.waitpid(process, 0)
    return False


@pytest.mark.parametrize("convert", [np.asarray, ops.convert_to_tensor])
def test_threads_draw_different_masks(layer, convert):
    images = convert(np.zeros((1, 12, 12, 1), "uint8"))
    layer(images)
    start = threading.Barrier(8)
    masks = []

    def call():
        start.wait()
        for _ in range(40):
            masks.append(ops.convert_to_numpy(layer(images)[1]).tobytes())

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(masks) == len({*masks}) == 320
