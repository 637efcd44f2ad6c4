"""Training on many devices equals training on one, on the backend in use."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_mra import distribution
from keras_mra.datasets import ArrayDataset
from keras_mra.distribution.keras_distributes import keras_distributes

HERE = pathlib.Path(__file__).parent
BACKEND = keras.backend.backend()
# The number of devices and of processes. PyTorch has one process per device.
LAYOUTS = {
    "tensorflow": {"two": (2, 1), "workers": (2, 2)},
    "jax": {"four": (4, 1), "two_by_two": (4, 2)},
    "torch": {"two": (2, 2), "keras": (2, 2)}
    if keras_distributes()
    else {"two": (2, 2)},
}[BACKEND]
# What each layout does besides: writes a checkpoint, runs `pretrain_mae`, and runs
# `pretrain_msa` with a kill. TensorFlow and JAX trace and compile each of them for
# several seconds, so one of two layouts does it.
TASKS = {
    "tensorflow": {"two": ("checkpoint", "mae"), "workers": ("msa",)},
    "jax": {"four": ("checkpoint", "mae"), "two_by_two": ("msa",)},
    # Through `keras.distribution`, where Keras has it on PyTorch: from 3.16.
    "torch": {"two": ("checkpoint", "mae", "msa"), "keras": ("mae",)},
}[BACKEND]
# Several processes trace and compile each step again: for `make test-slow`.
SLOW = {"tensorflow": ("workers",), "jax": ("two_by_two",), "torch": ()}[BACKEND]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def start(devices, processes, folder, **config):
    """Runs `train.py` on some devices.

    Returns:
        A dict of arrays for each process.
    """
    folder.mkdir()
    config = {"devices": devices, "folder": str(folder), **config}
    launcher = TORCHRUN if BACKEND == "torch" and processes > 1 else []
    configs = [config]
    if processes > 1 and not launcher:
        config["ports"] = free_ports(processes)
        configs = [{**config, "rank": rank} for rank in range(processes)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "XLA_FLAGS": f"{os.environ['XLA_FLAGS']} "
        f"--xla_force_host_platform_device_count={devices // processes}",
    }
    running = [
        subprocess.Popen(
            [sys.executable, *launcher, str(HERE / "train.py"), json.dumps(each)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for each in configs
    ]
    for process in running:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output[-5000:]
    files = [folder / f"rank{rank}.npz" for rank in range(processes)]
    return [dict(np.load(file)) for file in files]


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


@pytest.fixture(scope="module")
def run_group(tmp_path_factory):
    """A function of a layout to the runs of it and of those that are as slow as it."""
    found = {}

    def run(layout):
        is_slow = layout in SLOW
        if is_slow not in found:
            names = [name for name in LAYOUTS if (name in SLOW) == is_slow]
            found[is_slow] = runs_of(names, tmp_path_factory.mktemp("devices"))
        return found[is_slow]

    return run


def runs_of(names, folder):
    """The arrays of each layout, and those of one device: a dict for each process.

    The run on one device is the last, since it continues the checkpoints of the others.
    """
    checkpoints = str(folder / "checkpoints")
    tasks = {name: TASKS[name] for name in names}
    found = {
        name: start(
            *LAYOUTS[name], folder / name, checkpoints=checkpoints, tasks={name: do}
        )
        for name, do in tasks.items()
    }
    found["one"] = start(1, 1, folder / "one", checkpoints=checkpoints, tasks=tasks)
    return found


def param(name):
    return pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])


@pytest.fixture(params=map(param, LAYOUTS))
def layout(request):
    return request.param


def layouts_that(do):
    """Parametrizes `layout` with the layouts that do something."""
    names = [name for name in LAYOUTS if do in TASKS[name]]
    return pytest.mark.parametrize("layout", [param(name) for name in names])


@pytest.fixture
def runs(run_group, layout):
    return run_group(layout)


@pytest.fixture
def one(runs):
    return runs["one"][0]


@pytest.fixture
def many(runs, layout):
    """The arrays of the first process of a layout."""
    return runs[layout][0]


def part(arrays, prefix):
    """The arrays whose name starts with `prefix`."""
    found = {k: v for k, v in arrays.items() if k.startswith(prefix + "/")}
    assert found
    return found


def assert_close(found, expected, atol):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=atol, err_msg=name)


CASES = ["given"] if BACKEND == "tensorflow" else ["given", "accumulated"]


@pytest.mark.parametrize("case", CASES)
def test_losses_are_those_of_one_device(one, many, case):
    for logs in ("log", "evaluated"):
        expected = part(one, f"{case}/{logs}")
        assert f"{case}/{logs}/contrast_loss" in expected
        assert_close(part(many, f"{case}/{logs}"), expected, atol=1e-5)


def test_gradients_are_those_of_one_device(one, many):
    # The first step of plain gradient descent, at a rate of 0.1, is the gradient.
    def gradients(arrays):
        before = part(arrays, "given/before").values()
        after = part(arrays, "given/after_one").values()
        return [(b - a) / 0.1 for a, b in zip(before, after)]

    expected = gradients(one)
    assert max(np.abs(g).max() for g in expected) > 0.1
    for found, gradient in zip(gradients(many), expected):
        np.testing.assert_allclose(found, gradient, rtol=0, atol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_weights_and_teacher_are_those_of_one_device(one, many, case):
    expected = part(one, f"{case}/after_all")
    before = part(one, f"{case}/before").values()
    assert all(np.ptp(v - b) > 0 for v, b in zip(expected.values(), before) if v.ndim)
    assert_close(part(many, f"{case}/after_all"), expected, atol=1e-5)


def test_the_teacher_is_one_on_all_replicas(runs, layout):
    devices, processes = LAYOUTS[layout]
    for process in runs[layout]:
        for name, value in part(process, "given/teacher").items():
            assert len(value) == devices // processes
            first = runs[layout][0][name][:1]
            np.testing.assert_array_equal(value, np.repeat(first, len(value), axis=0))


@pytest.mark.parametrize("epoch", ["first", "second"])
def test_each_replica_draws_its_own_views_and_masks(runs, layout, epoch):
    processes = [process[f"drawn/{epoch}"] for process in runs[layout]]
    # Each process of JAX sees the whole batch.
    rows = processes[0] if BACKEND == "jax" else np.concatenate(processes)
    assert len(rows) == 8
    views, masks, strong = rows[:, 0], rows[:, 1:-1], rows[:, -1]
    assert len(np.unique(views)) == len(np.unique(strong)) == len(rows)
    assert len(np.unique(masks, axis=0)) == len(rows)


def test_the_next_epoch_draws_others(many):
    first, second = many["drawn/first"], many["drawn/second"]
    assert not np.intersect1d(first[:, 0], second[:, 0]).size


def test_random_state_is_saved_as_on_one_device(one, many):
    # A checkpoint holds the state of the first replica.
    np.testing.assert_array_equal(many["drawn/seed"], one["drawn/seed"])


@pytest.mark.skipif(BACKEND != "jax", reason="Other backends draw on each replica.")
def test_jax_draws_the_same_on_any_number_of_devices(one, many):
    np.testing.assert_allclose(many["drawn/first"], one["drawn/first"], atol=1e-5)


@layouts_that("checkpoint")
def test_a_checkpoint_of_many_continues_on_one(one, layout):
    resumed = part(one, f"resumed/{layout}")
    uninterrupted = part(one, "uninterrupted")
    assert resumed.pop(f"resumed/{layout}/done") == 2
    assert uninterrupted.pop("uninterrupted/done") == 0
    for found, expected in zip(resumed.values(), uninterrupted.values(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@layouts_that("mae")
def test_pretrain_mae_is_that_of_one_device(one, runs, layout):
    expected = part(one, "mae/log")["mae/log/loss"]
    assert expected[0] - expected[1] > 0.01
    for process in runs[layout]:
        np.testing.assert_allclose(process["mae/log/loss"], expected, atol=1e-5)
        assert_close(part(process, "mae/weights"), part(one, "mae/weights"), atol=1e-4)


@layouts_that("msa")
def test_pretrain_msa_continues_after_a_kill_on_many_and_on_one(runs, one, layout):
    for found in (part(runs[layout][-1], "msa"), part(one, f"msa/{layout}")):
        logs = {k.split("/")[-1]: v for k, v in found.items() if "/log/" in k}
        assert {"loss", "pixel_loss", "contrast_loss"} <= logs.keys()
        assert all(v.shape == (2,) and np.isfinite(v).all() for v in logs.values())


@layouts_that("msa")
def test_pretrain_msa_ends_with_the_same_weights_on_all_replicas(runs, layout):
    first, *others = (part(run, "msa/weights") for run in runs[layout])
    for other in others:
        assert_close(other, first, atol=0)


@layouts_that("msa")
@pytest.mark.skipif(BACKEND != "jax", reason="Other backends draw on each replica.")
def test_pretrain_msa_is_that_of_one_device_on_jax(one, many, layout):
    for kind in ("log", "weights"):
        found = part(one, f"msa/{layout}/{kind}")
        expected = part(many, f"msa/{kind}")
        for value, wanted in zip(found.values(), expected.values(), strict=True):
            np.testing.assert_allclose(value, wanted, rtol=0, atol=1e-4)


def test_unsupported_options_are_named(many, layout):
    messages = part(many, "refused")
    devices, processes = LAYOUTS[layout]
    if processes > 1:
        assert "checkpoints of [0, 1] epochs" in str(messages["refused/checkpoint"])
    expected = f"batch_size=7 for {devices} devices"
    assert expected in str(messages["refused/batch_size"])
    assert "Received: a last batch of 1 images" in str(messages["refused/last_batch"])
    if BACKEND == "torch":
        assert "`model` must be built" in str(messages["refused/model"])
    if BACKEND == "tensorflow":
        for name in ("gradient_accumulation_steps", "steps_per_execution"):
            assert f"Received: {name}=2" in str(messages[f"refused/{name}"])
        assert "jit_compile=True" in str(messages["refused/jit_compile"])


# --- in one process -------------------------------------------------------------------


@pytest.mark.parametrize("value", ["mirrored", 4, object()])
def test_a_distribution_of_another_kind_is_refused(value):
    with pytest.raises(ValueError, match="`distribution` must be .* Received: dist"):
        with distribution.scope(value):
            pass


@pytest.mark.skipif(keras_distributes(), reason="Keras distributes on it.")
def test_a_distribution_of_another_backend_is_refused():
    jax_only = keras.distribution.DataParallel(devices=["cpu:0"])
    with pytest.raises(ValueError, match=f"on the {BACKEND} backend.*DataParallel"):
        with distribution.scope(jax_only):
            pass


@pytest.mark.parametrize("value", [None, "auto"])
def test_one_device_is_no_special_case(value):
    before = keras.distribution.distribution()
    with distribution.scope(value):
        assert distribution.replicas() == 1
        assert distribution.is_main_process()
        data = ArrayDataset(np.zeros((6, 2)), batch_size=3)
        assert distribution.share(data, 3) == (data, 3)
    assert keras.distribution.distribution() is before


@pytest.mark.skipif(BACKEND != "jax", reason="One replica spans processes on JAX.")
@pytest.mark.parametrize("process", [0, 1])
def test_one_process_of_a_replica_is_the_main_one(monkeypatch, process):
    import jax

    monkeypatch.setattr(jax, "process_index", lambda: process)
    monkeypatch.setattr(keras.distribution, "distribution", object)
    assert distribution.is_main_process() == (process == 0)


def test_gather_keys_outside_of_a_distribution(rng):
    keys = rng.normal(size=(3, 4)).astype("float32")
    found, offset = distribution.gather_keys(keras.ops.convert_to_tensor(keys))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(found), keys)
    assert offset == 0


class Images(keras.utils.PyDataset):
    """A user's own data: pairs of images and labels."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return np.arange(8).reshape(4, 2) + 10 * index, np.arange(4)


def test_shares_make_up_the_batch():
    shares = [distribution.Share(Images(), rank, 2) for rank in range(2)]
    for index, batch in enumerate(Images()):
        for found, expected in zip(zip(*(s[index] for s in shares)), batch):
            np.testing.assert_array_equal(np.concatenate(found), expected)


def test_shares_of_shuffled_arrays_make_up_the_batch_of_each_epoch():
    def dataset():
        return ArrayDataset(np.arange(12), batch_size=4, seed=3)

    shares = [distribution.Share(dataset(), rank, 2) for rank in range(2)]
    orders = []
    for epoch in (0, 5):
        whole = dataset()
        whole.set_epoch(epoch)
        for share in shares:
            share.dataset.set_epoch(epoch)
        for index in range(len(whole)):
            found = np.concatenate([share[index] for share in shares])
            np.testing.assert_array_equal(found, whole[index])
        orders.append(whole.order())
    assert not np.array_equal(*orders)


def test_a_share_reads_only_its_own_rows():
    class Counting(ArrayDataset):
        def batch(self, indices):
            read.extend(indices)
            return super().batch(indices)

    read = []
    share = distribution.Share(
        Counting(np.arange(8), batch_size=4, shuffle=False), 1, 2
    )
    assert [list(share[i]) for i in range(2)] == [[2, 3], [6, 7]]
    assert read == [2, 3, 6, 7]


def test_an_uneven_batch_is_refused():
    share = distribution.Share(Images(), 0, 3)
    with pytest.raises(ValueError, match="A batch of 4 images .* by 3 processes"):
        share[0]
