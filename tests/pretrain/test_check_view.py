"""One check of views for `pretrain_mae` and `pretrain_msa`, before the first step."""

import keras
import numpy as np
import pytest
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import NoTraining
from helpers.small_pretraining import pretrain
from keras import ops

import keras_mra
from keras_mra.pretrain.check_view import check_view

pytestmark = pytest.mark.usefixtures("quick_compilation")


def with_mae(images, view):
    return pretrain(images, view=view)


def with_msa(images, view):
    small = dict(SMALL, hidden_dim=8, projection_dim=4)
    return keras_mra.pretrain_msa(
        images, "mae_nano", patch_size=2, epochs=1, verbose=0, views=(None, view),
        **small,
    )  # fmt: skip


BOTH = pytest.mark.parametrize("train", [with_mae, with_msa])


class Half(keras.layers.Layer):
    def call(self, x):
        return x[:, ::2]


def too_few_arguments():
    return None


@BOTH
@pytest.mark.parametrize(
    "view, message",
    [
        (
            lambda x: ops.cast(x, "float32") * 100,
            "must lie in the model's `value_range`",
        ),
        (lambda x: ops.cast(x, "float32") * np.nan, "must be finite"),
        (lambda x: x[:5], r"keep the shape.*Received: \(5, 8, 8, 1\) from \(12, 8"),
        (Half(), r"keep the shape of the images. Received: \(12, 4, 8, 1\) from"),
        (lambda x: None, "keep the shape of the images. Received: NoneType from"),
        (
            lambda x: (x, x),
            "keep the shape of the images. Received: .*12, 8, 8, 1.*from",
        ),
        (lambda x: x > 1, "must hold integers or floats. Received: dtype bool"),
        (lambda x: 1 / 0, "Received: an error, division by zero"),
        (too_few_arguments, "Received: an error, .*too_few_arguments"),
        (
            3,
            "must be 'auto', None, a Keras layer or a function.*Received: .*=3",
        ),
        ("strong", "must be 'auto', None, a Keras layer.*Received: .*='strong'"),
    ],
)
def test_a_bad_view_is_refused_before_training(
    images, train, view, message, monkeypatch
):
    def refuse(*_, **__):
        raise NoTraining

    monkeypatch.setattr(keras.Model, "fit", refuse)
    with pytest.raises(ValueError, match=message) as error:
        train(images, view)
    names = {with_mae: "`view`", with_msa: "`views[1]`"}
    assert str(error.value).startswith(names[train])


class Told:
    """A function that must be told that it is training."""

    def __call__(self, images, training=False):
        assert training
        return images


@BOTH
@pytest.mark.parametrize("view", [lambda images: images, Told()])
def test_functions_with_and_without_training(images, train, view):
    assert np.isfinite(train(images, view).history.history["loss"]).all()


def test_the_check_leaves_the_random_state(images):
    view = keras_mra.views.weak((8, 8, 1), seed=0)
    before = [np.array(ops.convert_to_numpy(v)) for v in view.variables]
    check_view("`view`", view, images, (0, 255))
    for variable, value in zip(view.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), value)
