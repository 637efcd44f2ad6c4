import keras
import numpy as np
import pytest
from helpers.models import QUICK
from helpers.models import TINY
from helpers.models import random_visible
from helpers.models import randomize
from keras import ops

import keras_mra
from keras_mra import MAE
from keras_mra import MSA
from keras_mra.layers import MaskReconstruct

BACKEND = keras.backend.backend()
to_numpy = ops.convert_to_numpy
pytestmark = pytest.mark.usefixtures("quick_compilation")


def make(seed=0, dtype=None, **arguments):
    small = {**TINY, "encoder_depth": 1}
    mae = MAE((8, 8, 1), 2, mask_ratio=0.5, seed=seed, dtype=dtype, **small)
    defaults = dict(hidden_dim=12, projection_dim=6, weak=None, strong=None, seed=seed)
    return MSA(mae, **{**defaults, **arguments})


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 255, (12, 8, 8, 1)).astype("float32")


@pytest.fixture
def given(images):
    rng = np.random.default_rng(1)
    return {
        "weak": images,
        "strong": images[:, ::-1],
        "visible": random_visible(rng, 12, 16, 8),
    }


def student_weights(msa):
    return [to_numpy(w) for w in [*msa.mae.encoder.weights, *msa.projector.weights]]


def teacher_weights(msa):
    return [to_numpy(w) for w in msa.teacher.weights]


class History(keras.callbacks.Callback):
    """The student's weights before each batch."""

    def __init__(self):
        super().__init__()
        self.students = []

    def on_train_batch_begin(self, batch, logs=None):
        # JAX's `fit` keeps the state to itself unless it is asked for.
        if BACKEND == "jax":
            self.model.jax_state_sync()
        self.students.append(student_weights(self.model))


def averaged(teacher, students, momenta):
    for student, m in zip(students, momenta):
        teacher = [m * t + (1 - m) * s for t, s in zip(teacher, student)]
    return teacher


def assert_close(found, expected, atol=1e-6):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=atol)


# --- the loss ----------------------------------------------------------------------


@pytest.mark.parametrize("contrast", ["info_nce", "cosine"])
@pytest.mark.parametrize("pool", ["cls+mean", "cls", "mean"])
def test_the_loss_is_pixels_plus_contrast(given, contrast, pool):
    msa = randomize(
        make(contrast=contrast, pool=pool, contrast_weight=0.7, temperature=0.3)
    )
    out = msa(given, training=False)
    tokens, queries, keys = (to_numpy(out[n]) for n in ("tokens", "queries", "keys"))
    parts = {"cls": tokens[:, 0], "mean": tokens[:, 1:].mean(1)}
    pooled = np.concatenate([parts[p] for p in pool.split("+")], -1)
    np.testing.assert_allclose(
        queries, to_numpy(msa.predictor(msa.projector(pooled))), atol=1e-5
    )
    everything = ops.tile(ops.arange(16, dtype="int32")[None], (12, 1))
    key = msa.teacher(
        {"patches": msa.mae.patchify(given["strong"]), "indices": everything}
    )
    np.testing.assert_allclose(keys, to_numpy(key), atol=1e-6)

    q, k = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, keys))
    if contrast == "cosine":
        expected = (2 - 2 * (q * k).sum(1)).mean()
    else:
        logits = q @ k.T / 0.3
        expected = (np.log(np.exp(logits).sum(1)) - np.diag(logits)).mean()
    pixel = float(msa.mae.reconstruction_loss(given["weak"], given["visible"]))
    msa.compile("sgd")
    loss = to_numpy(msa.compute_loss(y_pred=out, training=False))
    np.testing.assert_allclose(loss, pixel + 0.7 * expected, rtol=1e-4)
    metrics = {m.name: float(m.result()) for m in msa.metrics if m.name != "loss"}
    assert metrics == pytest.approx(
        {"pixel_loss": pixel, "contrast_loss": expected, "teacher_momentum": 0.99},
        rel=1e-4,
    )


def test_without_contrast_the_student_learns_as_an_mae_does(given):
    msa = randomize(make(contrast_weight=0.0))
    mae = randomize(make()).mae
    out = msa(given, training=True)
    alone = mae({"images": given["weak"], "visible": given["visible"]})
    assert float(to_numpy(msa.mae.compute_loss(y_pred=out))) == pytest.approx(
        float(to_numpy(mae.compute_loss(y_pred=alone))), rel=1e-6
    )


def test_views_are_applied_in_training_only(images):
    class Black(keras.layers.Layer):
        def call(self, x):
            return x * 0

    msa = randomize(make(strong=Black()))
    trained, tested = (
        to_numpy(msa(images, training=flag)["keys"]) for flag in (True, False)
    )
    assert np.ptp(trained, axis=0).max() < 1e-5 < np.ptp(tested, axis=0).max()
    black = msa({"weak": images, "strong": 0 * images, "visible": np.array([[0]] * 12)})
    np.testing.assert_allclose(trained, to_numpy(black["keys"]), atol=1e-5)


# --- the teacher -------------------------------------------------------------------


# JAX compiles each operation of an eager step: 25 seconds.
EAGER = pytest.param(True, marks=[pytest.mark.slow] if BACKEND == "jax" else [])


@pytest.mark.parametrize(
    "run_eagerly", [pytest.param(False, marks=pytest.mark.graph), EAGER]
)
def test_the_teacher_is_the_average_of_the_students_history(images, run_eagerly):
    msa = randomize(make(momentum=0.6, momentum_steps=8))
    before = teacher_weights(msa)
    compiled = {"run_eagerly": True} if run_eagerly else QUICK
    msa.compile(keras.optimizers.Adam(0.05), **compiled)
    history = History()
    msa.fit(images, batch_size=4, epochs=2, verbose=0, callbacks=[history])
    momenta = 1 - 0.4 * (np.cos(np.pi * np.arange(6) / 8) + 1) / 2
    assert len(history.students) == 6
    assert_close(teacher_weights(msa), averaged(before, history.students, momenta))
    assert max(np.abs(a - b).max() for a, b in zip(before, teacher_weights(msa))) > 0.01
    assert int(to_numpy(msa.batches_seen)) == 6
    logged = msa.history.history["teacher_momentum"]
    np.testing.assert_allclose(logged, momenta.reshape(2, 3).mean(1), rtol=1e-5)


@pytest.mark.graph
@pytest.mark.skipif(BACKEND == "torch", reason="Keras 3.15 has no such steps there")
def test_steps_per_execution_misses_no_step(images):
    found = []
    for steps in (1, 3):
        msa = randomize(make(momentum=0.6))
        msa.compile(keras.optimizers.SGD(0.05), steps_per_execution=steps, **QUICK)
        msa.fit(images, batch_size=4, epochs=1, shuffle=False, verbose=0)
        found.append(teacher_weights(msa))
    assert_close(*found)


def test_the_teacher_moves_once_per_window_of_accumulated_gradients(images):
    msa = randomize(make(momentum=0.6))
    before = teacher_weights(msa)
    msa.compile(keras.optimizers.SGD(0.05, gradient_accumulation_steps=3), **QUICK)
    history = History()
    msa.fit(images, batch_size=2, epochs=1, verbose=0, callbacks=[history])
    windows = history.students[::3]
    assert_close(history.students[1], history.students[0])  # one window, one student
    assert_close(teacher_weights(msa), averaged(before, windows, [0.6, 0.6]))


def test_evaluate_and_predict_leave_the_teacher(images):
    msa = randomize(make(momentum=0.6, contrast_weight=0.1))
    msa.compile("sgd", **QUICK)
    before = teacher_weights(msa)
    results = msa.evaluate(images, batch_size=4, verbose=0, return_dict=True)
    msa.predict(images, verbose=0)
    assert results["loss"] == pytest.approx(
        results["pixel_loss"] + 0.1 * results["contrast_loss"], rel=1e-4
    )
    assert_close(teacher_weights(msa), before, atol=0)
    assert int(to_numpy(msa.batches_seen)) == 0


def test_the_teacher_is_never_trained(images):
    msa = make()
    learned = [
        *msa.mae.trainable_variables,
        *msa.projector.trainable_variables,
        *msa.predictor.trainable_variables,
    ]
    for flag in (False, True):
        msa.trainable = flag
        assert not msa.teacher.trainable_variables
        assert len(msa.trainable_variables) == flag * len(learned)
    start = [to_numpy(v) for v in learned]
    msa.compile(keras.optimizers.SGD(0.1), **QUICK)
    msa.fit(images, batch_size=4, verbose=0)
    # All that should learn does: no part is without a gradient.
    moved = [np.abs(to_numpy(v) - s).max() > 0 for v, s in zip(learned, start)]
    assert all(moved)


def test_a_new_teacher_is_the_student():
    msa = make()
    assert_close(teacher_weights(msa), student_weights(msa), atol=0)


# --- saving, precision, other views --------------------------------------------------


def test_saved_and_loaded_whole(images, given, tmp_path):
    msa = randomize(make(weak="auto", strong="auto", momentum_steps=9))
    msa.compile("sgd", **QUICK)
    msa.fit(images, batch_size=4, verbose=0)
    msa.save(tmp_path / "msa.keras")
    loaded = keras.models.load_model(tmp_path / "msa.keras")
    assert_close(teacher_weights(loaded), teacher_weights(msa), atol=0)
    assert int(to_numpy(loaded.batches_seen)) == 3
    for name, value in msa(given).items():
        np.testing.assert_allclose(
            to_numpy(loaded(given)[name]), to_numpy(value), atol=1e-6, err_msg=name
        )
    assert not loaded.teacher.trainable_variables
    config, again = msa.get_config(), loaded.get_config()
    for name in ("momentum", "momentum_steps", "pool", "hidden_dim", "temperature"):
        assert config[name] == again[name]
    loaded.fit(images, batch_size=4, verbose=0)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(images, policy):
    msa = make(dtype=policy, weak="auto", strong="auto")
    msa.compile(keras.optimizers.SGD(0.01), **QUICK)
    history = msa.fit(images, batch_size=4, epochs=2, verbose=0).history
    assert np.isfinite([*history["loss"], *history["contrast_loss"]]).all()
    assert {w.dtype for w in msa.teacher.weights} == {"float32"}


@pytest.mark.xla
def test_default_views_and_a_compiled_step(images):
    msa = make(weak="auto", strong="auto")
    msa.compile("adam", jit_compile=keras_mra.backend.fastest_jit_compile())
    history = msa.fit(images.astype("uint8"), batch_size=4, epochs=2, verbose=0)
    assert set(history.history) == {
        "loss",
        "pixel_loss",
        "contrast_loss",
        "teacher_momentum",
    }
    assert np.isfinite(history.history["loss"]).all()


def test_mra_is_a_view_and_a_trained_student_an_augmentor(images):
    painter = make(seed=1).mae
    augment = MaskReconstruct(painter, 0.5, seed=0)
    msa = make(strong=augment)
    trainable = len(make().trainable_variables)
    assert len(msa.trainable_variables) == trainable  # the painter is not trained
    msa.compile("sgd", **QUICK)
    msa.fit(images, batch_size=4, verbose=0)
    again = MaskReconstruct(msa.mae, 0.5, seed=0)
    seen = to_numpy(again(images))
    assert seen.shape == images.shape and (seen != images).any()


@pytest.mark.parametrize(
    "arguments,message",
    [
        (dict(contrast="triplet"), "`contrast` must be one of .*'triplet'"),
        (dict(contrast_weight=-1), "`contrast_weight` must be .*-1"),
        (dict(temperature=0), "`temperature` must be a positive.*0"),
        (dict(momentum=1.5), r"`momentum` must be in \[0, 1\].*1.5"),
        (dict(momentum_steps=0), "`momentum_steps` must be a positive.*0"),
        (dict(pool="max"), "`pool` must be one of .*'max'"),
        (dict(projection_dim=0), "`projection_dim` must be a positive.*0"),
        (dict(strong=np.zeros(3)), "`strong` must be 'auto', None, a Keras layer"),
        (dict(weak="hard"), "`weak` must be 'auto', None, a Keras layer.*'hard'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)


def test_a_dict_without_all_views_is_refused(given):
    del given["strong"]
    with pytest.raises(ValueError, match=r"must hold .*strong.*\['visible', 'weak'\]"):
        make()(given)


def test_a_non_mae_is_refused():
    with pytest.raises(ValueError, match="`mae` must be a `keras_mra.MAE`.*Sequential"):
        MSA(keras.Sequential())


def test_the_heads_do_not_start_from_the_weights_of_the_student():
    model = make(seed=3)
    patches = to_numpy(model.mae.encoder.get_layer("patch_embedding").weights[0])
    hidden = to_numpy(model.projector.weights[0])
    count = min(patches.size, hidden.size)
    pair = patches.ravel()[:count], hidden.ravel()[:count]
    assert abs(np.corrcoef(*pair)[0, 1]) < 0.6


@pytest.mark.parametrize("dtype", ["bfloat16", "float64", "mixed_bfloat16"])
def test_the_teacher_moves_in_every_precision(images, dtype):
    msa = make(dtype=dtype, momentum=0.5)
    msa.compile("sgd", **QUICK)
    before = [to_numpy(ops.cast(w, "float32")) for w in msa.teacher.weights]
    msa.projector.weights[-1].assign(msa.projector.weights[-1] + 1)
    msa.fit(images, batch_size=12, verbose=0)
    after = [to_numpy(ops.cast(w, "float32")) for w in msa.teacher.weights]
    np.testing.assert_allclose(after[-1] - before[-1], 0.5, atol=1e-2)


def test_sample_weights_are_refused(images):
    msa = make()
    msa.compile("sgd", **QUICK)
    with pytest.raises(ValueError, match="`sample_weight` and `class_weight`"):
        msa.fit(images, np.zeros(12), sample_weight=np.ones(12), verbose=0)
