"""A share of each batch is augmented: how many, which ones, and nothing else."""

import keras
import numpy as np
import pytest
from keras import ops
from study.on_some import OnSome


class Negative(keras.layers.Layer):
    """Negates images, and counts them."""

    def call(self, inputs, training=True):
        self.count = inputs["images"].shape[0]
        return {**inputs, "images": -inputs["images"]}


IMAGES = np.arange(1, 11, dtype="float32")[:, None, None, None] * np.ones(
    (1, 2, 2, 1), "float32"
)


def negated(layer, **arguments):
    out = ops.convert_to_numpy(layer(IMAGES, **arguments))
    np.testing.assert_array_equal(np.abs(out), IMAGES)
    return out[:, 0, 0, 0] < 0


@pytest.mark.parametrize("share, count", [(0.0, 0), (0.25, 2), (0.5, 5), (1.0, 10)])
def test_the_share_is_augmented_and_nothing_more_is_computed(share, count):
    layer = OnSome(Negative(), share, seed=0)
    assert negated(layer).sum() == count
    assert getattr(layer.layer, "count", 0) == count
    assert not negated(layer, training=False).any()


def test_every_image_is_chosen_as_often():
    layer = OnSome(Negative(), 0.3, seed=0)
    often = np.mean([negated(layer) for _ in range(400)], axis=0)
    np.testing.assert_allclose(often, 0.3, atol=0.1)


def test_a_layer_can_be_saved():
    layer = OnSome(Negative(), 0.3, seed=0)
    with keras.saving.custom_object_scope({"Negative": Negative}):
        again = OnSome.from_config(layer.get_config())
    np.testing.assert_array_equal(negated(again), negated(layer))


def test_dicts_keep_their_other_entries():
    layer = OnSome(Negative(), 1.0)
    labels = ops.ones((10, 3))
    found = layer({"images": ops.convert_to_tensor(IMAGES), "labels": labels})
    assert (ops.convert_to_numpy(found["images"]) < 0).all()
    np.testing.assert_array_equal(found["labels"], labels)


def test_batches_of_unknown_size():
    """Inside of `fit`, TensorFlow traces without the size of the batch."""

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.augment = OnSome(Negative(), 0.5, seed=0)
            self.scale = keras.layers.Dense(1, kernel_initializer="ones")

        def call(self, images, training=False):
            return self.scale(self.augment(images, training=training))

    model = Model()
    # The second term has a gradient, which `fit` needs.
    model.compile("sgd", lambda _, x: ops.sum(1 - ops.sign(x)) / 2 + 0 * ops.sum(x))
    history = model.fit(IMAGES[:6], IMAGES[:6], batch_size=6, epochs=1, verbose=0)
    # Three of the six images are negative: four pixels of each.
    np.testing.assert_allclose(history.history["loss"], 12, atol=1e-3)
