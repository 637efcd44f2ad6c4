"""AttentiveCutMix against NumPy, with an attention model that is known."""

import warnings

import keras
import numpy as np
import pytest
from helpers.models import randomize
from helpers.small_augmentor import make_mae
from helpers.small_augmentor import patch_noise
from helpers.small_augmentor import to_numpy
from keras import ops

import keras_mra
from keras_mra.layers import AttentiveCutMix
from keras_mra.layers import MaskReconstruct

COUNT, PASTED = 16, 3  # images, and pasted patches of nine
HOT = np.eye(COUNT, dtype="float32")  # every image is a class of its own


@pytest.fixture
def images():
    return patch_noise(np.random.default_rng(0), COUNT)


def brightness():
    """A model that scores each patch by its mean."""
    return keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            keras.layers.AveragePooling2D(4, data_format="channels_last"),
            keras.layers.Flatten(data_format="channels_last"),
        ]
    )


def make(mae, **arguments):
    settings = dict(paste_ratio=1 / 3, mask_ratio=0.4, seed=0)
    settings["attention_model"] = brightness()
    return AttentiveCutMix(mae, **{**settings, **arguments})


def mixed(layer, images, labels=HOT, **arguments):
    found = layer({"images": images, "labels": labels}, **arguments)
    return to_numpy(found["images"]), to_numpy(found["labels"])


def by_patch(images):
    """`(batch, 9, 16)`: the pixels of each patch."""
    cut = images.reshape(-1, 3, 4, 3, 4).transpose(0, 1, 3, 2, 4)
    return cut.reshape(len(images), 9, 16)


def reference(image, partner, view):
    """The mixed image and the partner's weight, in NumPy.

    Args:
        image, partner, view: Patches of shape `(9, 16)`: of the image, of its partner,
            and of the image's MRA view.
    """
    attention = image.mean(axis=1) / image.mean(axis=1).sum()
    of_partner = partner.mean(axis=1) / partner.mean(axis=1).sum()
    pasted = np.argsort(of_partner)[-PASTED:]
    stays = set(np.argsort(attention)[-5:]) - set(pasted)  # four of nine are painted
    expected = view.copy()
    expected[pasted] = partner[pasted]
    theirs, own = of_partner[pasted].sum(), attention[list(stays)].sum()
    return expected, theirs / (own + theirs)


def test_images_and_labels_are_those_of_the_reference(mae, images):
    out, labels = mixed(make(mae), images)
    view = to_numpy(MaskReconstruct(mae, 0.4, attention_model=brightness())(images))
    assert out.dtype == "uint8" and labels.dtype == "float32"
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
    partners = []
    for i, label in enumerate(labels):
        others = np.delete(np.arange(COUNT), i)
        partner = others[label[others].argmax()] if label[i] < 1 else i
        partners.append(partner)
        patches = by_patch(images)
        expected, share = reference(
            patches[i].astype(float), patches[partner].astype(float), by_patch(view)[i]
        )
        # Rounding of the paint may fall either way.
        difference = np.abs(by_patch(out)[i].astype(int) - expected.astype(int))
        assert difference.max() <= 1
        if partner != i:
            assert label[partner] == pytest.approx(share, abs=1e-5)
    # The partners are a permutation: every image is used once.
    assert sorted(partners) == list(range(COUNT)) and partners != sorted(partners)


def test_partners_are_drawn_anew_and_again_from_a_seed(mae, images):
    layer = make(mae)
    first, second = mixed(layer, images), mixed(layer, images)
    assert (first[1] != second[1]).any()
    for one, other in zip(first, mixed(make(mae), images)):
        np.testing.assert_array_equal(one, other)


def test_the_rate_is_the_share_of_the_images_that_change(mae, images):
    many = np.concatenate([images] * 8)
    labels = np.concatenate([HOT] * 8)
    out, found = mixed(make(mae, rate=0.5), many, labels)
    changed = (out != many).any(axis=(1, 2, 3))
    assert 0.3 < changed.mean() < 0.7
    np.testing.assert_array_equal(found[~changed], labels[~changed])
    for arguments in (dict(rate=0.0), {}):
        flag = {} if arguments else {"training": False}
        out, found = mixed(make(mae, **arguments), images, **flag)
        np.testing.assert_array_equal(out, images)
        np.testing.assert_array_equal(found, HOT)


def test_an_image_without_attention_counts_by_its_patches(mae):
    """All patches of a black image have the same weight."""
    images = np.zeros((8, 12, 12, 1), "uint8")
    images[0] = 200  # scores that are all zero for all images are refused
    _, labels = mixed(make(mae), images, np.eye(8, dtype="float32"))
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
    # Three pasted patches, which cover up to three of five visible ones.
    possible = [3 / (3 + own) for own in range(2, 6)]
    found = [row[j] for i, row in enumerate(labels) for j in row.nonzero()[0] if j != i]
    assert found and all(np.abs(np.subtract(possible, x)).min() < 1e-5 for x in found)


def test_a_single_image_is_its_own_partner(mae, images):
    out, label = mixed(make(mae), images[0], HOT[0])
    np.testing.assert_allclose(label, HOT[0], atol=1e-6)
    view = to_numpy(MaskReconstruct(mae, 0.4, attention_model=brightness())(images[0]))
    assert np.abs(out.astype(int) - view.astype(int)).max() <= 1


def test_other_entries_pass_and_the_callers_dict_stays(mae, images):
    given = {"images": images, "labels": HOT, "names": "kept"}
    found = make(mae)(given)
    assert found["names"] == "kept" and set(given) == {"images", "labels", "names"}
    assert given["images"] is images and given["labels"] is HOT


def test_the_autoencoders_own_attention_and_another_size(images):
    mae = make_mae()
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    layer = AttentiveCutMix(mae, 1 / 3, resize=True, seed=0)
    out, labels = mixed(layer, large.astype("float32"))
    assert out.shape == large.shape and out.dtype == "float32"
    assert ((labels > 0).sum(axis=1) == 2).any()
    small = keras_mra.pixels.resize(ops.convert_to_tensor(large), (12, 12))
    attention = to_numpy(mae.attention(small))
    i = int((labels.max(axis=1) < 1).argmax())
    (partner,) = (j for j in labels[i].nonzero()[0] if j != i)
    same = (out[i] == large[partner]).reshape(3, 8, 3, 8).all(axis=(1, 3)).ravel()
    assert same.sum() == PASTED
    # Untaught attention is nearly even, and its order may differ by rounding.
    lowest = np.sort(attention[partner])[-PASTED]
    assert (attention[partner][same] > lowest - 1e-4).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_rounds_neither_pixels_nor_labels(mae, images, policy):
    pixels = images.astype("float32") + 0.123
    out, labels = mixed(make(mae, dtype=policy), ops.convert_to_tensor(pixels))
    assert out.dtype == labels.dtype == "float32"
    exact = np.isin(out, pixels)
    assert exact.mean() > 0.5
    np.testing.assert_allclose(labels, mixed(make(mae), pixels)[1], atol=1e-6)


@pytest.mark.xfail(
    keras.__version__.startswith("3.16.0.dev"),
    reason="The `training` of a layer's inner model becomes that of the layers after "
    "it (keras#23364), as with every frozen backbone.",
    strict=True,
)
def test_a_model_trains_predicts_is_saved_and_loaded(mae, images, tmp_path):
    inputs = {
        "images": keras.Input((12, 12, 1), dtype="uint8", name="images"),
        "labels": keras.Input((COUNT,), name="labels"),
    }
    model = keras.Model(inputs, make(mae)(inputs))
    given = {"images": images, "labels": HOT}
    plain = model.predict(given, verbose=0)
    np.testing.assert_array_equal(plain["images"], images)
    np.testing.assert_array_equal(plain["labels"], HOT)
    assert not model.trainable_variables
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    tensors = {key: ops.convert_to_tensor(value) for key, value in given.items()}
    for found in (model(tensors, training=True), loaded(tensors, training=True)):
        assert (to_numpy(found["labels"]) != HOT).any()
    layer = loaded.layers[-1]
    assert layer.paste_ratio == pytest.approx(1 / 3) and layer.view.mask_ratio == 0.4


def test_labels_keep_float64(mae, images):
    tf = pytest.importorskip("tensorflow")
    given = {"images": images, "labels": HOT.astype("float64")}
    data = tf.data.Dataset.from_tensor_slices(given).batch(COUNT).map(make(mae))
    found = next(iter(data))["labels"].numpy()
    assert found.dtype == "float64" and (found != HOT).any()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    drawn = make(mae).random_map(given, np.random.default_rng(0))
    assert drawn["labels"].dtype == "float64"


def test_tf_data(mae, images):
    tf = pytest.importorskip("tensorflow")
    given = {"images": images, "labels": HOT, "names": np.arange(COUNT)}
    data = tf.data.Dataset.from_tensor_slices(given).batch(COUNT).map(make(mae))
    found = next(iter(data))
    assert found["images"].shape == images.shape and found["images"].dtype == "uint8"
    labels = found["labels"].numpy()
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
    assert (labels != HOT).any() and (found["names"].numpy() == np.arange(COUNT)).all()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(paste_ratio=0.01), "`paste_ratio` must paste at least one patch.*0.01"),
        (dict(paste_ratio=1.0), "`paste_ratio` must paste at least one patch"),
        (dict(paste_ratio=-1), "`paste_ratio` must be"),
        (dict(mask_ratio=1.0), "`mask_ratio` must be"),
        (dict(rate=2), "`rate` must be"),
        (dict(seed="a"), "`seed` must be"),
    ],
)
def test_bad_arguments(mae, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(mae, **arguments)


def test_bad_autoencoders():
    with pytest.raises(ValueError, match="`mae` must be a `keras_mra.MAE`"):
        AttentiveCutMix("mae_nano")
    with pytest.raises(ValueError, match="`mae` must be trained with `norm_pix_loss"):
        AttentiveCutMix(make_mae(norm_pix_loss=True))


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(COUNT), np.arange(COUNT)[:, None], HOT[:4], HOT.astype("int32"),
        HOT[0], HOT[:, :0], HOT.astype(object), HOT.astype("U3"),
    ],
)  # fmt: skip
def test_bad_labels(mae, images, labels):
    with pytest.raises(ValueError, match="`labels` must be one-hot floats"):
        mixed(make(mae), images, labels)


@pytest.mark.parametrize(
    "value, found", [(np.nan, "NaN"), (np.inf, "infinite"), (-0.5, "negative .* -0.5")]
)
def test_labels_without_meaning(mae, images, value, found):
    """The label of the partner became NaN too."""
    labels = HOT.copy()
    labels[3, 1] = value
    layer = make(mae)
    message = f"`labels` must be finite and at least 0. Received: {found}"
    for given in (labels, ops.convert_to_tensor(labels)):
        with pytest.raises(ValueError, match=message):
            mixed(layer, ops.convert_to_tensor(images), given)
    mixed(layer, images, labels, training=False)


def test_later_tensors_of_labels_are_not_looked_at(mae, images, monkeypatch):
    looks = []
    layer, given = make(mae), ops.convert_to_tensor(images)
    mixed(layer, given, ops.convert_to_tensor(HOT))
    monkeypatch.setattr(
        "keras_mra.checks.nonnegative_values", lambda *_: looks.append(1)
    )
    mixed(layer, given, ops.convert_to_tensor(HOT))
    assert not looks
    mixed(layer, given, HOT)
    assert looks


def test_inputs_without_labels(mae, images):
    for inputs in (images, {"images": images}, ops.convert_to_tensor(images)):
        with pytest.raises(ValueError, match="`inputs` must be a dict that holds"):
            make(mae)(inputs)


def test_a_loaded_layer_does_not_warn_of_weights_that_come_later():
    config = AttentiveCutMix(randomize(make_mae())).get_config()
    config["mae"] = keras.saving.serialize_keras_object(config["mae"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        AttentiveCutMix.from_config(config)
    assert not any("initial weights" in str(warning.message) for warning in caught)
