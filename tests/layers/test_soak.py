"""`MaskReconstruct` over thousands of calls: its memory, threads and processes."""

import concurrent.futures
import gc
import multiprocessing
import os
import pathlib

import keras
import numpy as np
import pytest

import keras_mra

pytestmark = pytest.mark.slow

CALLS, THREADS = 10_000, 8
# Allocators keep some freed memory. A tensor of each call would be 20 times as much.
GROWTH = 30e6


@pytest.fixture(scope="module")
def layer():
    mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
    return keras_mra.layers.MaskReconstruct(
        mae, temperature=1.0, seed=0, return_visible=True
    )


def resident():
    """Bytes of this process in memory."""
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def visible(layer, images):
    return keras.ops.convert_to_numpy(layer(images)[1])


@pytest.mark.skipif(
    not os.path.exists("/proc/self/statm"), reason="Only Linux has /proc/self/statm."
)
def test_memory_stays_over_many_calls(layer):
    images = np.zeros((2, 28, 28, 1), "uint8")
    for _ in range(CALLS // 10):  # Caches fill.
        layer(images)
    before = resident()
    for _ in range(CALLS):
        layer(images)
    assert resident() - before < GROWTH


def test_threads_draw_different_masks(layer):
    images = np.zeros((1, 28, 28, 1), "uint8")
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda _: visible(layer, images).tobytes(), range(400)))
    # With 49 patches and noise, two equal masks in 400 are less likely than 1 in 1e6.
    assert len(set(found)) == len(found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system cannot fork.")
@pytest.mark.skipif(
    keras.backend.backend() != "torch",
    reason="JAX and TensorFlow do not work in forked processes.",
)
def test_forked_processes_neither_wait_nor_repeat(layer):
    import torch

    images = np.zeros((1, 28, 28, 1), "uint8")
    context = multiprocessing.get_context("fork")
    queue = context.Queue()

    def draw():
        torch.set_num_threads(1)  # As a `DataLoader` does: OpenMP's do not survive.
        queue.put(visible(layer, images).tobytes())

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(visible, layer, images) for _ in range(200)]
        # Daemons, as the workers of pools are: other processes train, and draw alike.
        children = [context.Process(target=draw, daemon=True) for _ in range(10)]
        for child in children:
            child.start()
        found = [queue.get(timeout=120) for _ in children]
        for child in children:
            child.join(60)
            assert child.exitcode == 0
        mine = {future.result().tobytes() for future in busy}
    assert len(set(found)) == len(found) and not mine & set(found)
