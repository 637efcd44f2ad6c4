"""`pretrain_mae` and `pretrain_msa` with a teacher of attention."""

import json

import keras
import numpy as np
import pytest
from helpers.bright_square import bright_squares
from helpers.bright_square import brightness_teacher
from helpers.bright_square import mean_auroc
from helpers.small_pretraining import SMALL
from helpers.small_pretraining import Batches
from helpers.small_pretraining import Kill
from helpers.small_pretraining import Killed
from helpers.small_pretraining import assert_same_run
from helpers.small_pretraining import pretrain
from helpers.small_pretraining import pretrain_at_random
from keras import ops

import keras_mra
from keras_mra.patches import patchify
from keras_mra.pretrain.checkpoint import STATE
from keras_mra.pretrain.viewed_mae import ViewedMAE

to_numpy = ops.convert_to_numpy
pytestmark = pytest.mark.usefixtures("quick_compilation")


def pretrain_msa(ds, **arguments):
    defaults = dict(
        preset="mae_nano", patch_size=2, epochs=1, verbose=0, hidden_dim=12,
        projection_dim=6, views=(None, None), **SMALL,
    )  # fmt: skip
    return keras_mra.pretrain_msa(ds, **{**defaults, **arguments})


# --- what is learned -----------------------------------------------------------------


@pytest.mark.graph
@pytest.mark.parametrize("train", [pretrain, pretrain_msa])
def test_the_class_token_learns_to_see(train):
    images, _ = bright_squares(128, seed=1)
    unseen, masks = bright_squares(32, seed=2)
    arguments = dict(batch_size=32, learning_rate=0.08, encoder_dim=32)
    if train is pretrain:
        arguments["view"] = None

    def auroc(**more):
        model = train(images, **{**arguments, **more})
        mae = model if train is pretrain else model.mae
        return mean_auroc(to_numpy(mae.attention(unseen)), masks), model.history

    taught, history = auroc(
        epochs=25, attention_teacher=brightness_teacher(), attention_weight=0.5
    )
    assert taught > 0.9
    losses = history.history["attention_loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_a_new_class_token_does_not_see():
    unseen, masks = bright_squares(32, seed=2)
    values = []
    for seed in range(6):  # the initial weights of one seed favour or avoid brightness
        mae = keras_mra.MAE((8, 8, 1), 2, seed=seed, **{**SMALL, "encoder_dim": 32})
        values.append(mean_auroc(to_numpy(mae.attention(unseen)), masks))
    assert np.mean(values) < 0.75


# --- the loss ------------------------------------------------------------------------


def make_viewed(view=None, **arguments):
    mae = keras_mra.MAE((8, 8, 1), 2, **SMALL)
    model = ViewedMAE(mae, view, brightness_teacher(), **arguments)
    model.compile(keras.optimizers.SGD(0.1))
    return model


def test_the_teacher_sees_the_view_of_the_student():
    images, masks = bright_squares(4)

    def flip(images, training):
        return ops.flip(images, axis=2)

    model = make_viewed(flip, attention_share=1.0)
    outputs = model(ops.convert_to_tensor(images), training=True)
    flipped = images[:, :, ::-1].astype("float32") / 255
    np.testing.assert_allclose(
        to_numpy(outputs["targets"]), to_numpy(patchify(flipped, (2, 2))), atol=1e-6
    )
    seen = to_numpy(outputs["taught_attention"]).reshape(4, 4, 4) > 0
    np.testing.assert_array_equal(seen, masks.reshape(4, 4, 4)[:, :, ::-1])


@pytest.mark.parametrize("share, taught", [(0.25, 2), (0.6, 3), (1.0, 5), (1e-9, 1)])
def test_a_share_of_the_batch_is_taught(share, taught):
    images = ops.convert_to_tensor(bright_squares(5)[0])
    viewed = make_viewed(attention_share=share)
    msa = keras_mra.MSA(
        viewed.mae, None, None, attention_share=share, hidden_dim=4, projection_dim=4,
        attention_teacher=brightness_teacher(),
    )  # fmt: skip
    for model in (viewed, msa):
        whole = model(images, training=False)
        part = model(images, training=True)
        for name in ("attention", "taught_attention"):
            assert whole[name].shape == (5, 16)
            np.testing.assert_allclose(
                to_numpy(part[name]), to_numpy(whole[name])[:taught], atol=1e-6
            )
    assert keras_mra.MSA.from_config(msa.get_config()).attention_share == share


@pytest.mark.parametrize("weight", [0.0, 0.25])
@pytest.mark.parametrize("train", [pretrain, pretrain_msa])
def test_the_losses_add_up(images, train, weight):
    model = train(
        images, attention_teacher=brightness_teacher(), attention_weight=weight
    )
    logs = {name: values[0] for name, values in model.history.history.items()}
    expected = logs["pixel_loss"] + weight * logs["attention_loss"]
    expected += getattr(model, "contrast_weight", 0) * logs.get("contrast_loss", 0)
    assert logs["attention_loss"] > 0
    np.testing.assert_allclose(logs["loss"], expected, rtol=1e-5)


def test_without_a_teacher_nothing_else_is_reported(images):
    assert set(pretrain(images).history.history) == {"loss"}
    logs = pretrain_msa(images).history.history
    assert set(logs) == {"loss", "pixel_loss", "contrast_loss", "teacher_momentum"}


def test_the_teacher_is_not_trained(images):
    teacher = brightness_teacher(scale=3.0)
    msa = pretrain_msa(images, epochs=2, attention_teacher=teacher)
    held = msa.attention_teacher.model
    assert held is not teacher
    for model in (teacher, held):
        (kernel,) = model.get_weights()
        np.testing.assert_array_equal(kernel, np.full((1, 1, 1, 1), 3.0))
    mine = {id(v) for v in msa.trainable_variables}
    assert not mine & {id(v) for v in held.variables}


def test_mixed_precision_and_a_stream(images):
    mae = pretrain(
        Batches(images), dtype="mixed_bfloat16", attention_teacher=brightness_teacher()
    )
    assert np.isfinite(mae.history.history["attention_loss"]).all()


# --- checkpoints ---------------------------------------------------------------------


def taught_at_random(images, **arguments):
    return pretrain_at_random(
        images, attention_teacher=brightness_teacher(), **arguments
    )


@pytest.mark.graph
def test_a_resumed_run_equals_a_whole_one(images, tmp_path):
    whole = taught_at_random(images)
    with pytest.raises(Killed):
        taught_at_random(images, checkpoint=tmp_path, callbacks=[Kill(2, middle=True)])
    assert_same_run(taught_at_random(images, checkpoint=tmp_path), whole)


def header_of(folder):
    with np.load(folder / STATE) as state:
        return json.loads(str(state["header"]))


def test_what_a_checkpoint_holds(images, tmp_path):
    pretrain(images, checkpoint=tmp_path / "plain")
    teacher = brightness_teacher()
    pretrain(
        images, checkpoint=tmp_path / "taught", attention_teacher=teacher,
        attention_weight=0.2,
    )  # fmt: skip
    plain, taught = (header_of(tmp_path / name) for name in ("plain", "taught"))
    assert taught["variables"] == plain["variables"]
    told = {
        "attention_teacher": "Functional",
        "attention_weight": 0.2,
        "attention_share": 0.25,
    }
    assert len(taught["run"].pop("attention_teacher_weights")) == 16
    assert taught["run"] == {**plain["run"], **told}


def test_another_teacher_is_another_run(images, tmp_path):
    pretrain(images, checkpoint=tmp_path, attention_teacher=brightness_teacher())
    # A teacher with the same weights, as a new process makes it.
    pretrain(images, checkpoint=tmp_path, attention_teacher=brightness_teacher())
    with pytest.raises(ValueError, match="attention_teacher_weights=.* there"):
        other = brightness_teacher(scale=2.0)
        pretrain(images, checkpoint=tmp_path, attention_teacher=other)


def test_another_weight_is_another_run(images, tmp_path):
    teacher = brightness_teacher()
    pretrain(images, checkpoint=tmp_path, attention_teacher=teacher)
    with pytest.raises(ValueError, match="attention_weight=0.1 there, 0.2 here"):
        pretrain(
            images, checkpoint=tmp_path, attention_teacher=teacher,
            attention_weight=0.2,
        )  # fmt: skip


def test_a_taught_msa_is_saved_whole(images, tmp_path):
    msa = pretrain_msa(images, attention_teacher=brightness_teacher(scale=3.0))
    msa.save(tmp_path / "msa.keras")
    loaded = keras.saving.load_model(tmp_path / "msa.keras", compile=False)
    assert loaded.attention_weight == 0.1
    assert loaded.trainable_variables and not loaded.attention_teacher.trainable
    for one, other in zip(msa.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# --- refusals ------------------------------------------------------------------------


@pytest.mark.parametrize("train", [pretrain, pretrain_msa])
def test_a_bad_teacher_is_refused_before_training(images, train):
    with pytest.raises(ValueError, match="`attention_teacher` .*only zeros"):
        train(images, attention_teacher=brightness_teacher(bias=-2.0))
    with pytest.raises(ValueError, match="`attention_teacher` .*negative"):
        train(images, attention_teacher=brightness_teacher(scale=-1.0))
    with pytest.raises(ValueError, match="`attention_weight` must be"):
        train(images, attention_weight=-1.0)
    with pytest.raises(ValueError, match=r"`attention_share` must be in \(0, 1\]"):
        train(images, attention_share=0)
