"""Epochs of a checkpoint that can be told from each other, without a training."""

import keras
import numpy as np

from keras_mra.pretrain.checkpoint import Checkpoint

RUN = {"seed": 1}


def small_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def save_epoch(folder, epoch):
    """Saves an epoch; all weights have its number."""
    model = small_model()
    checkpoint = Checkpoint(folder, RUN)
    checkpoint.set_model(model)
    checkpoint.restore(model)
    model.set_weights([np.full_like(w, epoch) for w in model.get_weights()])
    checkpoint.on_epoch_end(epoch - 1, {"loss": 1 / epoch})


def restored(folder):
    """The number of the saved epoch, or 0; weights and logs must agree with it."""
    model = small_model()
    done, logs = Checkpoint(folder, RUN).restore(model)
    if done:
        assert {float(x) for w in model.get_weights() for x in w.ravel()} == {done}
        assert len(logs["loss"]) == done
    return done
