"""Pretrains as one of two hosts: a script for a process in a network of its own.

python host.py '{"rank": 0, "addresses": ["10.77.0.1:29500", "10.77.0.2:29500"],
                 "checkpoint": "...", "out": "...", "dies_in": null}'
"""

import json
import os
import signal
import sys

CONFIG = json.loads(sys.argv[1])
BACKEND = os.environ["KERAS_BACKEND"]
if BACKEND == "tensorflow":
    task = {"type": "worker", "index": CONFIG["rank"]}
    cluster = {"worker": CONFIG["addresses"]}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})

import keras  # noqa: E402
import numpy as np  # noqa: E402
from model import BATCH  # noqa: E402
from model import SMALL  # noqa: E402
from model import different_images  # noqa: E402

import keras_mra  # noqa: E402


def devices():
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.distribute.MultiWorkerMirroredStrategy()
    if BACKEND == "jax":
        keras.distribution.initialize(CONFIG["addresses"][0], 2, CONFIG["rank"])
        return keras.distribution.DataParallel()
    return "auto"


class Die(keras.callbacks.Callback):
    """Kills the process when an epoch begins, as a lost host would end."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == CONFIG["dies_in"]:
            os.kill(os.getpid(), signal.SIGKILL)


mae = keras_mra.pretrain_mae(
    different_images(2),
    preset="mae_nano",
    patch_size=4,
    epochs=4,
    batch_size=BATCH,
    learning_rate=0.3,
    mask_ratio=0.75,
    smooth_fill=False,
    distribution=devices(),
    checkpoint=CONFIG["checkpoint"],
    callbacks=[Die()],
    verbose=0,
    **SMALL,
)
weights = {str(i): keras.ops.convert_to_numpy(w) for i, w in enumerate(mae.weights)}
np.savez(CONFIG["out"], loss=mae.history.history["loss"], **weights)
