"""Attention against masks of objects, beside scikit-learn and closed forms."""

import numpy as np
import pytest
from helpers.models import TINY
from helpers.models import randomize
from sklearn import metrics

import keras_mra
from keras_mra import evaluation
from keras_mra.evaluation.foreground import auroc
from keras_mra.evaluation.foreground import center_prior
from keras_mra.evaluation.foreground import chance_of_a_place
from keras_mra.evaluation.foreground import cut_patches
from keras_mra.evaluation.foreground import patch_variance
from keras_mra.layers import MaskReconstruct


@pytest.mark.once
@pytest.mark.parametrize("levels", [3, 1000])
def test_auroc_is_scikit_learns(rng, levels):
    scores = rng.integers(0, levels, (40, 25)) / levels
    positive = rng.random((40, 25)) < rng.uniform(0.2, 0.8, (40, 1))
    positive[:, :2] = True, False
    expected = [metrics.roc_auc_score(p, s) for p, s in zip(positive, scores)]
    np.testing.assert_allclose(auroc(scores, positive), expected, rtol=1e-12)


@pytest.mark.once
def test_equal_scores_share_the_last_places():
    scores = np.array([[3, 1, 2, 2, 2, 0], [1, 1, 1, 1, 1, 1], [1, 2, 3, 4, 5, 6]])
    np.testing.assert_allclose(
        chance_of_a_place(scores, 2),
        [[1, 0, 1 / 3, 1 / 3, 1 / 3, 0], [1 / 3] * 6, [0, 0, 0, 0, 1, 1]],
    )


@pytest.mark.once
def test_patches_are_cut_in_raster_order(rng):
    images = rng.random((3, 4, 9, 2))
    patches = cut_patches(images, (2, 3))
    assert patches.shape == (3, 6, 6, 2)
    for patch in range(6):
        r, c = 2 * (patch // 3), 3 * (patch % 3)
        inside = images[:, r : r + 2, c : c + 3]
        np.testing.assert_array_equal(patches[:, patch], inside.reshape(3, 6, 2))
        variance = inside.var(axis=(1, 2)).mean(axis=-1)
        np.testing.assert_allclose(
            patch_variance(images, (2, 3))[:, patch], variance, rtol=1e-12
        )


@pytest.mark.once
def test_center_prior_is_a_distance_in_pixels():
    far, near = np.hypot(1, 4), np.hypot(1, 0)
    np.testing.assert_allclose(
        center_prior((4, 12), (2, 4)), [-far, -near, -far, -far, -near, -far]
    )


def patch_means(images):
    return images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)


@pytest.fixture
def squares():
    """Images of 4 x 4 patches; the object is the bright 2 x 2 patches of a corner."""
    images = np.zeros((3, 8, 8, 1))
    images[0, :4, :4] = images[1, 4:, 4:] = images[2, :4, 4:] = 1
    return images


@pytest.mark.once
def test_scores_that_are_the_object(squares):
    masks = squares[..., 0]
    result = evaluation.foreground(patch_means, squares, masks, mask_ratio=0.75)
    assert (result.auroc, result.deviation) == (1, 0)
    assert (result.foreground_kept, result.background_repainted) == (1, 1)
    assert (result.images, result.left_out) == (3, 0)
    # Of 16 patches 4 are kept, by chance of either kind.
    assert result.references["chance"] == {
        "auroc": 0.5,
        "deviation": 0.0,
        "foreground_kept": pytest.approx(0.25),
        "background_repainted": pytest.approx(0.75),
    }
    # Flat patches have no variance: the same as chance.
    assert result.references["variance"] == result.references["chance"]
    # A corner has 1 of the 4 patches nearest to the centre, 2 of the 8 next ones, and 1
    # of the 4 farthest ones: 1/4 of each group, which is chance.
    assert result.references["center"]["auroc"] == pytest.approx(0.5)
    assert result.references["center"]["foreground_kept"] == pytest.approx(0.25)

    def inverse(images):
        return 1 - patch_means(images)

    result = evaluation.foreground(inverse, squares, masks > 0, mask_ratio=0.25)
    assert result.auroc == 0 and result.foreground_kept == 0
    assert result.background_repainted == 0 and result.mask_ratio == 0.25


@pytest.mark.once
def test_numbers_are_means_over_images(rng):
    images, scores = rng.random((20, 8, 8, 3)), rng.random((20, 16))
    masks = rng.random((20, 8, 8)) ** 0.9
    result = evaluation.foreground(lambda images: scores, images, masks)
    areas, kept, repainted = [], [], []
    for mask, row in zip(masks, scores):
        shares = [
            mask[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].mean()
            for r in range(4)
            for c in range(4)
        ]
        is_object = np.array(shares) > 0.5
        areas.append(metrics.roc_auc_score(is_object, row))
        stays = row >= np.sort(row)[-10]  # 16 - round(0.4 * 16)
        kept.append(stays[is_object].mean())
        repainted.append(1 - stays[~is_object].mean())
    assert result.auroc == pytest.approx(np.mean(areas))
    assert result.deviation == pytest.approx(np.std(areas, ddof=1))
    assert result.foreground_kept == pytest.approx(np.mean(kept))
    assert result.background_repainted == pytest.approx(np.mean(repainted))
    assert result.mask_ratio == 0.4 and result.images == 20


@pytest.mark.once
def test_a_patch_is_foreground_above_one_half(squares):
    masks = 0.5 * squares[..., 0]
    with pytest.raises(ValueError, match="none among 3 masks, 0 of which cover all"):
        evaluation.foreground(patch_means, squares, masks)
    result = evaluation.foreground(patch_means, squares, masks * 1.01)
    assert result.auroc == 1


@pytest.mark.once
def test_images_of_one_kind_are_left_out_and_counted(squares):
    masks = squares[..., 0] > 0
    masks[0], masks[1] = False, True
    result = evaluation.foreground(patch_means, squares, masks)
    assert (result.images, result.left_out, result.auroc) == (1, 2, 1)
    assert result.deviation == 0
    masks[2] = True
    with pytest.raises(ValueError, match="none among 3 masks, 2 of which cover all"):
        evaluation.foreground(patch_means, squares, masks)


@pytest.mark.once
def test_it_prints_and_saves(squares, tmp_path):
    result = evaluation.foreground(patch_means, squares, squares[..., 0])
    rows = [[c.strip() for c in line.split("|")] for line in str(result).splitlines()]
    assert rows[2][1:3] == ["source", "1.000 ± 0.000"]
    assert [row[1] for row in rows[3:]] == ["centre prior", "patch variance", "chance"]
    assert rows[5][2:5] == ["0.500 ± 0.000", "62.50", "37.50"]
    result.save(tmp_path / "result.json")
    assert '"protocol": "foreground"' in (tmp_path / "result.json").read_text()


@pytest.mark.once
@pytest.mark.parametrize(
    "masks, message",
    [
        (np.ones((3, 4, 8)), "size of `images`, 8x8 pixels. Received: 4x8 pixels"),
        (np.ones((2, 8, 8)), "as many as `images`. Received: 2 masks, 3 images"),
        (np.ones((3, 8, 8, 1)), r"rank 3.* Received: shape \(3, 8, 8, 1\)"),
        (np.ones((8, 8)), r"rank 3.* Received: shape \(8, 8\)"),
        (None, "an array, a tensor, or nested lists.*NoneType"),
        (np.full((3, 8, 8), 255, "uint8"), r"\[0, 1\].*255 to 255"),
        (np.full((3, 8, 8), np.inf), r"\[0, 1\].*inf"),
        (
            np.where(np.eye(8), np.nan, np.ones((3, 8, 8))),
            "finite.*NaN in 3 of 3 masks",
        ),
        (-np.ones((3, 8, 8)), r"\[0, 1\].*-1"),
        (np.full((3, 8, 8), "a"), "booleans or numbers"),
        (np.ones((3, 8, 8), "complex64"), "booleans or numbers"),
    ],
)
def test_bad_masks_are_named(squares, masks, message):
    with pytest.raises(ValueError, match=f"`masks` must .*{message}"):
        evaluation.foreground(patch_means, squares, masks)


@pytest.mark.once
def test_bad_scores_are_named(squares):
    masks = squares[..., 0]
    with pytest.raises(ValueError, match="8x8 pixels. Received: 15 scores per image"):
        evaluation.foreground(lambda x: np.ones((len(x), 15)), squares, masks)
    with pytest.raises(ValueError, match="at least 0"):
        evaluation.foreground(lambda x: -patch_means(x), squares, masks)
    with pytest.raises(ValueError, match="`mask_ratio` must be in"):
        evaluation.foreground(patch_means, squares, masks, mask_ratio=1.0)


@pytest.mark.usefixtures("quick_compilation")
def test_a_layer_gives_its_attention_and_its_ratio(rng):
    mae = randomize(keras_mra.MAE((8, 8, 1), 2, value_range=(0, 1), **TINY))
    images = rng.random((6, 8, 8, 1)).astype("float32")
    masks = rng.random((6, 8, 8))
    layer = MaskReconstruct(mae, 0.75, attention_block=0)
    result = evaluation.foreground(layer, images, masks, batch_size=4)
    assert result.mask_ratio == 0.75

    def attention(images):
        return mae.attention(images, block=0)

    by_hand = evaluation.foreground(attention, images, masks, 0.75)
    assert result.auroc == pytest.approx(by_hand.auroc)
    assert result.foreground_kept == pytest.approx(by_hand.foreground_kept)
    assert evaluation.foreground(layer, images, masks, 0.5).mask_ratio == 0.5
    # The last block of the MAE gives other maps.
    plain = evaluation.foreground(mae, images, masks)
    assert plain.mask_ratio == 0.4 and plain.auroc != pytest.approx(result.auroc)
    with pytest.raises(ValueError, match="`mask_ratio`"):
        evaluation.foreground(mae, images, masks, mask_ratio=0.01)
