"""The learning rate, against Keras' own cosine decay."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mra.optimizers import WarmupCosineDecay


@pytest.mark.parametrize("steps, warmup", [(20, 0), (20, 4), (20, 20), (7, 9), (1, 0)])
def test_is_keras_cosine_decay(steps, warmup):
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


def test_begins_at_the_peak_without_warm_up():
    assert float(WarmupCosineDecay(0.5, 10)(0)) == 0.5


def test_is_saved_with_its_optimizer():
    optimizer = keras.optimizers.SGD(WarmupCosineDecay(0.5, 10, warmup_steps=2))
    config = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(config)
    variable = keras.Variable(np.ones(1, "float32"))
    again.build([variable])
    again.iterations.assign(1)
    again.apply([ops.ones(1)])
    # Half-way through the warm-up.
    np.testing.assert_allclose(ops.convert_to_numpy(variable), 0.75, rtol=1e-6)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(peak=0.0, steps=10), "`peak` must be"),
        (dict(peak=0.1, steps=0), "`steps` must be a positive integer"),
        (dict(peak=0.1, steps=9, warmup_steps=-1), "`warmup_steps` must be an integer"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        WarmupCosineDecay(**arguments)
