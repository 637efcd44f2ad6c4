"""Trains on some devices and saves the results: a script for a process of its own.

    python train.py '{"devices": 2, "folder": "...", "checkpoints": "...",
                      "tasks": {"two": ["checkpoint", "msa"]}}'

On PyTorch, `torchrun` starts it once per device. On JAX and TensorFlow, `ports` and
`rank` make it one of two processes.
"""

import json
import os
import pathlib
import shutil
import sys
from unittest import mock

import keras
import numpy as np
from model import BATCH
from model import SMALL
from model import GivenViews
from model import different_images
from model import equal_images
from model import make_model
from model import same_patches

import keras_mra
from keras_mra import distribution
from keras_mra import masking
from keras_mra.datasets import ArrayDataset
from keras_mra.pretrain.checkpoint import Checkpoint

CONFIG = json.loads(sys.argv[1])
BACKEND = os.environ["KERAS_BACKEND"]
DEVICES = CONFIG["devices"]
PORTS = CONFIG.get("ports")


def devices():
    """What a user passes as `distribution`."""
    if BACKEND == "tensorflow":
        return tensorflow_devices()
    if DEVICES == 1:
        return None
    if BACKEND == "torch":
        if "keras" not in CONFIG["tasks"]:
            return "auto"
        keras.distribution.initialize()
    elif PORTS:
        address = f"127.0.0.1:{PORTS[0]}"
        keras.distribution.initialize(address, 2, CONFIG["rank"])
    return keras.distribution.DataParallel()


def tensorflow_devices():
    import tensorflow as tf

    if DEVICES == 1:
        # The few steps of the reference take less time than tracing them.
        tf.config.run_functions_eagerly(True)
        return None
    if PORTS:
        cluster = {"worker": [f"127.0.0.1:{port}" for port in PORTS]}
        task = {"type": "worker", "index": CONFIG["rank"]}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
        return tf.distribute.MultiWorkerMirroredStrategy()
    (cpu,) = tf.config.list_physical_devices("CPU")
    parts = [tf.config.LogicalDeviceConfiguration()] * DEVICES
    tf.config.set_logical_device_configuration(cpu, parts)
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(DEVICES)])


def fit(model, batches, epochs=1, **kwargs):
    """One `fit`, as `pretrain_msa` calls it."""
    batches, _ = distribution.share(batches, BATCH)
    return model.fit(batches, epochs=epochs, shuffle=False, verbose=0, **kwargs)


def on_each_replica(model, variable):
    """The values of a variable on all devices of this process."""
    if BACKEND == "jax":
        return [np.asarray(shard.data) for shard in variable.value.addressable_shards]
    if BACKEND == "tensorflow" and DEVICES > 1:
        local = model.distribute_strategy.experimental_local_results(variable.value)
        return [value.numpy() for value in local]
    return [keras.ops.convert_to_numpy(variable.value)]


def arrays_of(variables, prefix):
    return {
        f"{prefix}/{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)
    }


def logs_of(history):
    return {f"log/{k}": np.array(v) for k, v in history.history.items()}


def given(model):
    """Three steps with the same views and masks on any number of devices."""
    found = arrays_of(model.weights, "before")
    fit(model, GivenViews(0, 1))
    found |= arrays_of(model.weights, "after_one")
    history = fit(model, GivenViews(1, 3), epochs=2)
    found |= arrays_of(model.weights, "after_all")
    found |= logs_of(history)
    batches, _ = distribution.share(GivenViews(3, 5), BATCH)
    evaluated = model.evaluate(batches, verbose=0, return_dict=True)
    found |= {f"evaluated/{k}": np.array(v) for k, v in evaluated.items()}
    for i, w in enumerate([*model.teacher.weights, model.batches_seen]):
        found[f"teacher/{i}"] = np.stack(on_each_replica(model, w))
    return found


def drawn():
    """What the replicas drew for copies of one image, in two epochs."""
    model = make_model(rows=BATCH if BACKEND == "jax" else BATCH // DEVICES)
    found = {}
    for epoch in ("first", "second"):
        fit(model, ArrayDataset(equal_images(2), batch_size=BATCH))
        rows = on_each_replica(model, model.drawn)
        # Each replica of JAX holds the rows of the whole batch.
        found[epoch] = rows[0] if BACKEND == "jax" else np.concatenate(rows)
    found["seed"] = keras.ops.convert_to_numpy(model.mae.seed_generator.state)
    return found


def from_checkpoint(model, initial, epochs, folder=None):
    """A run that starts from the initial values, or continues from a checkpoint.

    `model` may have been trained: a new one would be compiled again.
    """
    variables = [*model.variables, *model.optimizer.variables]
    for variable, value in zip(variables, initial, strict=True):
        variable.assign(value)
    done, callbacks = 0, []
    if folder is not None:
        checkpoint = Checkpoint(folder, {"run": "this"})
        done, _ = checkpoint.restore(model)
        callbacks = [checkpoint] if distribution.is_main_process() else []
    fit(model, GivenViews(0, 2), epochs, initial_epoch=done, callbacks=callbacks)
    found = arrays_of(model.weights, "weights")
    found |= arrays_of(model.optimizer.variables, "optimizer")
    return {**found, "done": np.array(done)}


class Killed(Exception):
    pass


class KillAfterOneEpoch(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise Killed


# The peak learning rate is `learning_rate` times 8 / 256: the weights move visibly.
PRETRAINING = dict(
    preset="mae_nano", patch_size=4, epochs=2, batch_size=BATCH, learning_rate=0.3,
    verbose=0, smooth_fill=False, mask_ratio=0.75, **SMALL,
)  # fmt: skip


def pretrained_msa(folder, callbacks=()):
    """`pretrain_msa` as users call it, killed or to its end."""
    try:
        msa = keras_mra.pretrain_msa(
            different_images(2),
            views=("auto", None),
            distribution=DISTRIBUTION,
            checkpoint=folder,
            callbacks=callbacks,
            **PRETRAINING,
        )
    except Killed:
        return {}
    return arrays_of(msa.weights, "weights") | logs_of(msa.history)


def pretrained_mae():
    """`pretrain_mae` with the same masks on any number of devices."""
    with mock.patch.object(masking, "random_patches", same_patches):
        mae = keras_mra.pretrain_mae(
            different_images(2), view=None, distribution=DISTRIBUTION, **PRETRAINING
        )
    return arrays_of(mae.weights, "weights") | logs_of(mae.history)


class Unbuilt(distribution.DistributedModel):
    """A model whose weights do not exist before its first batch."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def fit_unbuilt():
    model = Unbuilt()
    model.compile("sgd", "mse")
    model.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)


def refused():
    """The messages of the errors for unsupported options."""
    attempts = {
        "batch_size": lambda: distribution.share(GivenViews(0, 1), BATCH - 1),
        "last_batch": lambda: distribution.share(
            ArrayDataset(np.zeros(BATCH + 1), batch_size=BATCH, drop_last=False), BATCH
        ),
    }
    if BACKEND == "tensorflow":
        views = GivenViews(0, 1)
        for name, options in (
            ("gradient_accumulation_steps", dict(accumulate=2)),
            ("steps_per_execution", dict(steps_per_execution=2)),
            ("jit_compile", dict(jit_compile=True)),
        ):
            attempts[name] = lambda options=options: fit(make_model(**options), views)
    if os.environ.get("WORLD_SIZE", "1") != "1" or PORTS:
        rank = int(os.environ.get("RANK", CONFIG.get("rank", 0)))
        attempts["checkpoint"] = lambda: distribution.check_epochs_done(rank)
    if BACKEND == "torch":
        attempts["model"] = fit_unbuilt
    found = {}
    for name, attempt in attempts.items():
        try:
            attempt()
        except ValueError as error:
            found[name] = np.array(str(error))
    return found


def results():
    tasks = {
        (name, do): f"{CONFIG['checkpoints']}/{name}_{do}"
        for name, dos in CONFIG["tasks"].items()
        for do in dos
    }
    model = make_model()
    variables = [*model.variables, *model.optimizer.variables]
    initial = [keras.ops.convert_to_numpy(v) for v in variables]
    yield "given", given(model)
    if BACKEND != "tensorflow":
        yield "accumulated", given(make_model(accumulate=2))
    yield "drawn", drawn()
    if DEVICES == 1:
        yield "uninterrupted", from_checkpoint(model, initial, 4)
        yield "mae", pretrained_mae()
        for (name, do), folder in tasks.items():
            if do == "checkpoint":
                yield f"resumed/{name}", from_checkpoint(model, initial, 4, folder)
            if do == "msa":
                yield f"msa/{name}", pretrained_msa(folder + "_one")
        return
    yield "refused", refused()
    for (_, do), folder in tasks.items():
        if do == "checkpoint":
            yield "trained", from_checkpoint(model, initial, 2, folder)
        if do == "mae":
            yield "mae", pretrained_mae()
        if do == "msa":
            yield "killed", pretrained_msa(folder, [KillAfterOneEpoch()])
            distribution.check_epochs_done(1)  # Waits until the checkpoint is written.
            if distribution.is_main_process():
                shutil.copytree(folder, folder + "_one")
            yield "msa", pretrained_msa(folder)


DISTRIBUTION = devices()
with distribution.scope(DISTRIBUTION):
    arrays = {f"{case}/{k}": v for case, found in results() for k, v in found.items()}
rank = os.environ.get("RANK", CONFIG.get("rank", 0))
np.savez(pathlib.Path(CONFIG["folder"]) / f"rank{rank}.npz", **arrays)
