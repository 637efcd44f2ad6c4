"""Trains on some devices and writes down what came out: run as a process of its own.

    python train.py '{"devices": 2, "folder": "...", "checkpoints": "...",
                      "todo": {"two": ["trained", "pretrained"]}}'

On PyTorch, `torchrun` starts it once per device. `ports` and `rank` make it one of two
processes on JAX and TensorFlow.
"""

import json
import os
import pathlib
import shutil
import sys

import keras
import numpy as np
from model import BATCH
from model import IMAGE_SHAPE
from model import GivenViews
from model import equal_images
from model import make_model

import keras_mra
from keras_mra import distribution
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
        return "auto"
    if PORTS:
        address = f"127.0.0.1:{PORTS[0]}"
        keras.distribution.initialize(address, 2, CONFIG["rank"])
    return keras.distribution.DataParallel()


def tensorflow_devices():
    import tensorflow as tf

    if DEVICES == 1:
        # The reference may be slow at each step, but not before the first.
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
    """One `fit`, as the trainer calls it."""
    batches, _ = distribution.share(batches, BATCH)
    return model.fit(batches, epochs=epochs, shuffle=False, verbose=0, **kwargs)


def on_each_replica(model, variable):
    """The values of a variable in all the places of this process."""
    if BACKEND == "jax":
        return [np.asarray(shard.data) for shard in variable.value.addressable_shards]
    if BACKEND == "tensorflow" and DEVICES > 1:
        local = model.distribute_strategy.experimental_local_results(variable.value)
        return [value.numpy() for value in local]
    return [keras.ops.convert_to_numpy(variable.value)]


def weights(model, prefix):
    return {
        f"{prefix}/{i}": keras.ops.convert_to_numpy(w)
        for i, w in enumerate(model.weights)
    }


def given(**options):
    """Three steps with views and masks from outside."""
    model = make_model(**options)
    found = weights(model, "before")
    fit(model, GivenViews(0, 1))
    found |= weights(model, "after_one")
    history = fit(model, GivenViews(1, 3), epochs=2)
    found |= weights(model, "after_all")
    found |= {f"log/{k}": np.array(v) for k, v in history.history.items()}
    batches, _ = distribution.share(GivenViews(3, 5), BATCH)
    evaluated = model.evaluate(batches, verbose=0, return_dict=True)
    found |= {f"evaluated/{k}": np.array(v) for k, v in evaluated.items()}
    for i, w in enumerate([*model.teacher.weights, model.batches_seen]):
        found[f"teacher/{i}"] = np.stack(on_each_replica(model, w))
    return found


def drawn():
    """What the replicas drew for one and the same image, in two epochs."""
    model = make_model(rows=BATCH if BACKEND == "jax" else BATCH // DEVICES)
    found = {}
    for epoch in ("first", "second"):
        fit(model, ArrayDataset(equal_images(2), batch_size=BATCH))
        rows = on_each_replica(model, model.drawn)
        # JAX's replicas all hold the rows of the whole batch.
        found[epoch] = rows[0] if BACKEND == "jax" else np.concatenate(rows)
    found["seed"] = keras.ops.convert_to_numpy(model.mae.seed_generator.state)
    return found


def trained(epochs, folder=None):
    """A run that goes on from a checkpoint if there is one."""
    model = make_model()
    model.optimizer.build(model.trainable_variables)
    done, callbacks = 0, []
    if folder is not None:
        checkpoint = Checkpoint(folder, {"run": "this"})
        done, _ = checkpoint.restore(model)
        callbacks = [checkpoint] if distribution.is_main_process() else []
    fit(model, GivenViews(0, 2), epochs, initial_epoch=done, callbacks=callbacks)
    found = weights(model, "weights")
    for i, v in enumerate(model.optimizer.variables):
        found[f"optimizer/{i}"] = keras.ops.convert_to_numpy(v)
    return {**found, "done": np.array(done)}


class Killed(Exception):
    pass


class KillAfterOneEpoch(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise Killed


def pretrained(folder, callbacks=()):
    """`pretrain_msa` as it is called by users; killed, or to its end."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * BATCH, *IMAGE_SHAPE), dtype="uint8")
    try:
        msa = keras_mra.pretrain_msa(
            images, "mae_nano", patch_size=4, epochs=2, batch_size=BATCH,
            views=("auto", None), distribution=DISTRIBUTION,
            checkpoint=folder, callbacks=callbacks,
            encoder_dim=16, encoder_depth=1, encoder_heads=2, decoder_dim=8,
            decoder_depth=1, decoder_heads=2, verbose=0,
        )  # fmt: skip
    except Killed:
        return {}
    history = {f"log/{k}": np.array(v) for k, v in msa.history.history.items()}
    return {**weights(msa, "weights"), **history}


def refused():
    """The messages of what cannot be done."""
    attempts = {"batch_size": lambda: distribution.share(GivenViews(0, 1), BATCH - 1)}
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
    found = {}
    for name, attempt in attempts.items():
        try:
            attempt()
        except ValueError as error:
            found[name] = np.array(str(error))
    return found


def results():
    yield "given", given()
    yield "drawn", drawn()
    if BACKEND != "tensorflow":
        yield "accumulated", given(accumulate=2)
    todo = {
        (name, do): f"{CONFIG['checkpoints']}/{name}_{do}"
        for name, dos in CONFIG["todo"].items()
        for do in dos
    }
    if DEVICES == 1:
        yield "uninterrupted", trained(4)
        for (name, do), folder in todo.items():
            if do == "trained":
                yield f"resumed/{name}", trained(4, folder)
            else:
                yield f"pretrained/{name}", pretrained(folder + "_one")
        return
    yield "refused", refused()
    for (_, do), folder in todo.items():
        if do == "trained":
            yield "trained", trained(2, folder)
            continue
        yield "killed", pretrained(folder, [KillAfterOneEpoch()])
        distribution.check_epochs_done(1)  # Waits until it is written.
        if distribution.is_main_process():
            shutil.copytree(folder, folder + "_one")
        yield "pretrained", pretrained(folder)


DISTRIBUTION = devices()
with distribution.scope(DISTRIBUTION):
    arrays = {f"{case}/{k}": v for case, found in results() for k, v in found.items()}
rank = os.environ.get("RANK", CONFIG.get("rank", 0))
np.savez(pathlib.Path(CONFIG["folder"]) / f"rank{rank}.npz", **arrays)
