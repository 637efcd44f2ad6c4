"""The schedule against Keras' cosine decay, and the optimizers against NumPy."""

import keras
import numpy as np
import pytest
from helpers.models import QUICK
from helpers.models import TINY
from keras import ops

import keras_mra
from keras_mra.optimizers import LayerwiseAdamW
from keras_mra.optimizers import WarmupCosineDecay
from keras_mra.optimizers import adamw
from keras_mra.optimizers import rate_scales

pytestmark = pytest.mark.usefixtures("quick_compilation")

# --- the schedule --------------------------------------------------------------------


@pytest.mark.parametrize("steps, warmup", [(20, 0), (20, 4), (20, 20), (7, 9), (1, 0)])
def test_the_schedule_is_keras_cosine_decay(steps, warmup):
    schedule = WarmupCosineDecay(2e-3, steps, warmup)
    decay_steps = max(steps - warmup, 1)
    published = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else 2e-3,
        decay_steps,
        warmup_target=2e-3 if warmup else None,
        warmup_steps=warmup,
    )
    for step in range(steps + 3):
        found, expected = (
            float(ops.convert_to_numpy(rate(ops.convert_to_tensor(step))))
            for rate in (schedule, published)
        )
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_the_schedule_begins_at_the_peak_without_warm_up():
    assert float(WarmupCosineDecay(0.5, 10)(0)) == 0.5


def test_the_schedule_is_saved_with_its_optimizer():
    optimizer = keras.optimizers.SGD(WarmupCosineDecay(0.5, 10, warmup_steps=2))
    config = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(config)
    variable = keras.Variable(np.ones(1, "float32"))
    again.build([variable])
    again.iterations.assign(1)
    again.apply([ops.ones(1)])
    # The first step is halfway through the warm-up.
    np.testing.assert_allclose(ops.convert_to_numpy(variable), 0.75, rtol=1e-6)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(peak=0.0, steps=10), "`peak` must be"),
        (dict(peak=0.1, steps=0), "`steps` must be a positive integer"),
        (dict(peak=0.1, steps=9, warmup_steps=-1), "`warmup_steps` must be an integer"),
    ],
)
def test_bad_arguments_of_the_schedule(arguments, message):
    with pytest.raises(ValueError, match=message):
        WarmupCosineDecay(**arguments)


# --- MAE's optimizer -----------------------------------------------------------------


@pytest.fixture
def mae():
    return keras_mra.MAE((8, 8, 1), 4, **TINY)


def test_adamw_decays_weights_but_not_biases_norms_and_tokens(mae):
    """Without a gradient, a step multiplies by the rate and the decay alone."""
    optimizer = adamw(1e-2, 512, steps=10, warmup_steps=0, weight_decay=0.5)
    optimizer.build(mae.trainable_variables)
    for variable in mae.trainable_variables:
        variable.assign(ops.ones(variable.shape))
    optimizer.apply([ops.zeros(v.shape) for v in mae.trainable_variables])
    for variable in mae.trainable_variables:
        # The rate of 512 images is twice that of 256.
        expected = 1 - 2e-2 * 0.5 if variable.name == "kernel" else 1.0
        found = ops.convert_to_numpy(variable)
        np.testing.assert_allclose(found, expected, rtol=1e-6, err_msg=variable.path)
    assert (optimizer.beta_1, optimizer.beta_2) == (0.9, 0.95)


# --- layer-wise rates ----------------------------------------------------------------


def steps_by_hand(weights, gradients, scales, decays, lr, wd, b1, b2, eps):
    """Steps of AdamW, each variable at its own rate, in float64."""
    weights = [w.astype("float64") for w in weights]
    m, v = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for step, gradient in enumerate(gradients, start=1):
        for i, g in enumerate(gradient(weights)):
            rate = lr * scales[i]
            m[i] = b1 * m[i] + (1 - b1) * g
            v[i] = b2 * v[i] + (1 - b2) * g**2
            mean, square = m[i] / (1 - b1**step), v[i] / (1 - b2**step)
            kept = weights[i] * (1 - rate * wd * decays[i])
            # Keras adds epsilon before it corrects the second moment.
            weights[i] = kept - rate * mean / (
                np.sqrt(square) + eps / np.sqrt(1 - b2**step)
            )
    return weights


@pytest.fixture
def regression(rng):
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))

    def gradients(weights):
        first, bias, second = weights
        hidden = x @ first + bias
        error = 2 * (hidden @ second - y) / y.size
        back = error @ second.T
        return x.T @ back, back.sum(axis=0), hidden.T @ error

    return x, y, gradients


def two_layers(**arguments):
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, bias_initializer="ones"),
            keras.layers.Dense(2, use_bias=False),
        ]
    )
    optimizer = LayerwiseAdamW(
        [0.3, 0.5, 1.0], learning_rate=0.05, weight_decay=0.2, **arguments
    )
    model.compile(optimizer, "mse", **QUICK)
    return model


@pytest.mark.graph
def test_steps_are_those_computed_by_hand(regression, tmp_path):
    x, y, gradients = regression
    model = two_layers(beta_2=0.9)
    start = model.get_weights()
    constants = dict(lr=0.05, wd=0.2, b1=0.9, b2=0.9, eps=1e-7)
    model.fit(x, y, batch_size=8, verbose=0)
    by_hand = (start, [gradients], (0.3, 0.5, 1.0), (1, 0, 1))
    for found, wanted in zip(model.get_weights(), steps_by_hand(*by_hand, **constants)):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    # The file keeps the scales, the decay and the moments.
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    by_hand = (start, [gradients] * 3, (0.3, 0.5, 1.0), (1, 0, 1))
    for found, wanted in zip(model.get_weights(), steps_by_hand(*by_hand, **constants)):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_accumulated_gradients_make_one_step(regression):
    x, y, _ = regression
    whole, halves = two_layers(), two_layers(gradient_accumulation_steps=2)
    halves.set_weights(whole.get_weights())
    whole.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    halves.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    for one, other in zip(whole.get_weights(), halves.get_weights()):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_rate_scales_decay_level_by_level(mae):
    levels = [[mae.encoder.get_layer(f"block_{i}")] for i in range(2)]
    levels.append([mae.encoder.get_layer("norm")])
    token = mae.encoder.get_layer("class_token").token
    variables = [level[0].trainable_variables[0] for level in levels]
    assert rate_scales(levels, 0.5, [*variables, token]) == [0.25, 0.5, 1.0, 1.0]


def test_bad_arguments_of_layerwise_adamw():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="`rate_scales`.*1 for 2 variables"):
        LayerwiseAdamW([1.0]).build(model.trainable_variables)
    with pytest.raises(ValueError, match="`use_ema` must be False"):
        LayerwiseAdamW([1.0, 1.0], use_ema=True)
