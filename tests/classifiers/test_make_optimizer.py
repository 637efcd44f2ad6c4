"""The optimizers of the classifiers: against their definitions in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mra.classifiers.make_optimizer import make_optimizer

STEPS = 10


def trained(optimizer, count=4):
    """A matrix and a vector after some steps of constant gradients."""
    weights = [
        keras.Variable(np.array([[1.0, -2.0]], "float32"), name="kernel"),
        keras.Variable(np.array([3.0], "float32"), name="bias"),
    ]
    optimizer.build(weights)
    for _ in range(count):
        optimizer.apply([ops.ones((1, 2)), ops.ones((1,))])
    return [ops.convert_to_numpy(weight) for weight in weights]


def test_sgd_has_nesterovs_momentum_and_an_l2_penalty_on_matrices():
    def expected(weight, decay):
        velocity = np.zeros_like(weight)
        for step in range(4):
            rate = 0.1 * 0.5 * (1 + np.cos(np.pi * step / STEPS))
            gradient = 1 + decay * weight
            velocity = 0.9 * velocity - rate * gradient
            weight = weight + 0.9 * velocity - rate * gradient
        return weight

    matrix, vector = trained(make_optimizer("sgd", 0.1, STEPS, weight_decay=0.5))
    np.testing.assert_allclose(
        matrix, expected(np.array([[1.0, -2.0]]), 0.5), rtol=1e-5
    )
    np.testing.assert_allclose(vector, expected(np.array([3.0]), 0.0), rtol=1e-5)


def test_adamw_decays_matrices_alone():
    plain = trained(make_optimizer("adam", 0.1, STEPS), 1)
    matrix, vector = trained(make_optimizer("adamw", 0.1, STEPS, weight_decay=0.5), 1)
    np.testing.assert_allclose(vector, plain[1], rtol=1e-5)
    # The first step is made at the full rate: 0.1 * 0.5 of each weight goes.
    np.testing.assert_allclose(
        matrix - plain[0], -0.05 * np.array([[1.0, -2.0]]), rtol=1e-3
    )


def test_the_rate_rises_and_falls():
    rate = make_optimizer("sgd", 0.1, 20, warmup_steps=10)._learning_rate
    found = [float(rate(step)) for step in (0, 5, 10, 15, 20)]
    np.testing.assert_allclose(found, [0, 0.05, 0.1, 0.05, 0], atol=1e-6)


def test_an_optimizer_is_kept_by_keras():
    optimizer = make_optimizer("sgd", 0.1, STEPS, weight_decay=0.5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    for one, other in zip(trained(optimizer), trained(again)):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "name, decay, message",
    [("lion", 0, "`optimizer` must be one of"), ("adam", 0.1, "`weight_decay` must")],
)
def test_bad_optimizers(name, decay, message):
    with pytest.raises(ValueError, match=message):
        make_optimizer(name, 0.1, STEPS, weight_decay=decay)
