"""CutMix of attended patches, over backgrounds that an autoencoder repaints."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra import masking
from keras_mra import patches as patch_ops
from keras_mra.layers.holds_mae import HoldsMAE
from keras_mra.layers.mask_reconstruct import MaskReconstruct
from keras_mra.models.frozen import Untrainable
from keras_mra.models.mae import MAE
from keras_mra.typing import Array
from keras_mra.typing import Seed
from keras_mra.views.any_input import AnyInput
from keras_mra.views.any_input import Spec


@keras.saving.register_keras_serializable("keras_mra")
class AttentiveCutMix(HoldsMAE, AnyInput, Untrainable, keras.layers.Layer):
    """Pastes the most attended patches of one image over the MRA view of another.

    Each image of a batch gets a partner from the batch at random. The image becomes its
    `MaskReconstruct` view: the most attended patches stay, and the autoencoder paints
    the others. Then the most attended patches of the partner replace the patches at the
    same places. The labels are mixed by attention: the weight of the partner is the
    attention to its pasted patches, divided by the sum of that and of the attention to
    the patches of the image that are still to be seen. The attention to all patches of
    an image sums to 1.

    It takes the same inputs as `keras.layers.CutMix`, and works where `MaskReconstruct`
    works. Place it after cropping and flipping, and before normalisation.

    Args:
        mae: Trained `keras_mra.MAE`, without `norm_pix_loss`. The layer keeps a frozen
            copy.
        paste_ratio: Float in (0, 1), the share of the patches that the partner gives.
        mask_ratio: Float in (0, 1), the share of the patches to repaint before.
        rate: Float in [0, 1], the fraction of samples augmented.
        seed: Int, `keras.random.SeedGenerator` or `None`.
        resize: As in `MaskReconstruct`.
        copy: As in `MaskReconstruct`.
        attention_model: As in `MaskReconstruct`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Dict of `"images"`, `(batch, height, width, channels)`, uint8 or float
            in `mae.value_range`, and `"labels"`, one-hot or mixed floats
            `(batch, classes)`, finite and at least 0. Arrays of labels and the first
            concrete tensor are checked for that. The other entries pass through. A
            single image without the batch axis is its own partner.
        training: Bool. `True`, the default outside of a model, augments. `predict`,
            `evaluate` and `training=False` return the inputs unchanged.

    Returns:
        A dict of the same entries, with images and labels of the same shapes and
        dtypes. The caller's dict is not changed.

    Raises:
        ValueError: If an argument, the images or the labels are invalid.

    Example:

    ```python
    mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
    mix = keras_mra.layers.AttentiveCutMix(mae, seed=0)
    one_hot = np.eye(10, dtype="float32")[labels[:8]]
    batch = mix({"images": images[:8], "labels": one_hot})
    ```
    """

    def __init__(
        self,
        mae: MAE,
        paste_ratio: float = 0.2,
        mask_ratio: float = 0.4,
        rate: float = 1.0,
        seed: Seed = None,
        resize: bool = False,
        copy: bool = True,
        attention_model: keras.Model | None = None,
        **kwargs: Any,
    ) -> None:
        # A mixed policy must round neither pixels nor labels on their way in.
        super().__init__(**{**checks.layer_arguments(kwargs), "autocast": False})
        if getattr(mae, "norm_pix_loss", False):
            raise ValueError(
                "`mae` must be trained with `norm_pix_loss=False`, because it paints. "
                f"Received: mae={mae!r}, with norm_pix_loss=True"
            )
        self.rate = checks.fraction("rate", rate)
        self.seed = checks.seed_or_generator(seed)
        self.view = MaskReconstruct(
            mae,
            mask_ratio,
            seed=0,  # Its choice of patches is not random.
            resize=resize,
            copy=copy,
            attention_model=attention_model,
            name="view",
        )
        self.paste_ratio = checks.fraction("paste_ratio", paste_ratio)
        num_patches = self.view.mae.num_patches
        self.num_pasted = round(self.paste_ratio * num_patches)
        if not 0 < self.num_pasted < num_patches:
            raise ValueError(
                "`paste_ratio` must paste at least one patch, and not all. Received: "
                f"paste_ratio={paste_ratio}, {self.num_pasted} of {num_patches} patches"
            )
        self.seed_generator = backend.seed_generator(self.seed)
        self._checked_labels = False
        self.built = True

    def call(
        self, images: Array, training: bool = True, labels: Array | None = None
    ) -> Any:
        if not training or self.rate == 0:
            return images, labels
        if backend.has_unknown_size(images):
            return self._call_on_host(images, {"labels": labels})
        mae = self.view.mae
        count, size = mae.num_patches, tuple(images.shape[1:3])
        found: list[Array] = []

        def choose(seen: Array, attend: Any) -> Array:
            found.append(self.view.patch_scores(seen, attend))
            return masking.ranked_patches(found[0], self.view.mask_ratio)

        repainted, visible = mae.repaint(images, choose, check_values=False)
        batch = ops.shape(images)[0]
        partner = ops.argsort(self._uniform(batch))  # (B,)
        best = masking.ranked_patches(found[0], 1 - self.num_pasted / count)
        pasted = ops.take(best, partner, axis=0)  # (B, P)
        mixed = ops.where(
            patch_ops.visible_pixels(pasted, mae.grid, size),
            ops.take(images, partner, axis=0),
            repainted,
        )
        share = _share_of_partner(
            _normalised(found[0]),
            partner,
            patch_ops.visible_mask(visible, count),
            patch_ops.visible_mask(pasted, count),
        )
        hot = ops.cast(labels, "float32")
        mixed_labels = (1 - share) * hot + share * ops.take(hot, partner, axis=0)
        mixed_labels = ops.cast(mixed_labels, labels.dtype)  # type: ignore[union-attr]
        if self.rate < 1:
            chosen = self._uniform(batch) < self.rate  # (B,)
            mixed = ops.where(chosen[:, None, None, None], mixed, images)
            mixed_labels = ops.where(chosen[:, None], mixed_labels, labels)
        return mixed, mixed_labels

    def _uniform(self, batch: Any) -> Array:
        return keras.random.uniform((batch,), dtype="float32", seed=self.seed_generator)

    def companions(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"labels": _labels_of(inputs)}

    def output_entries(self) -> tuple[str, ...]:
        return ("images", "labels")

    def output_specs(
        self, shape: tuple[int | None, ...] | None, dtype: str, companions: Any
    ) -> tuple[Spec, ...]:
        labels = _labels_of(companions)
        is_known = not backend.has_unknown_rank(labels)
        spec = (
            tuple(labels.shape) if is_known else None,
            keras.backend.standardize_dtype(labels.dtype),
        )
        return (*super().output_specs(shape, dtype, companions), spec)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def check_images(self, images: Array, check_values: bool) -> None:
        self.view.check_images(images, check_values)

    def check_companions(
        self, images: Array, companions: dict[str, Any], will_augment: bool
    ) -> None:
        labels = _labels_of(companions)
        dtype = checks.dtype_name(labels)
        rows = images.shape[:-3]
        fits = len(labels.shape) == len(rows) + 1 and all(
            None in pair or pair[0] == pair[1] for pair in zip(rows, labels.shape)
        )
        fits = fits and labels.shape[-1] != 0
        if not fits or "float" not in dtype:
            raise ValueError(
                "`labels` must be one-hot floats, (batch, classes) for a batch of "
                f"images. Received: labels of shape {tuple(labels.shape)} and dtype "
                f"{dtype} for images of shape {tuple(images.shape)}"
            )
        # A step of `fit` on PyTorch must not wait for the accelerator.
        is_array = isinstance(labels, np.ndarray)
        if will_augment and (is_array or not self._checked_labels):
            checks.nonnegative_values("labels", labels)
            self._checked_labels |= not is_array and checks.is_concrete(labels)

    def random_states(self) -> list[keras.Variable]:
        return [self.seed_generator.state]  # The view draws nothing.

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            # Keras serialises the models themselves, and keeps shared ones shared.
            mae=self.view.mae,
            attention_model=self.view.attention_model,
            paste_ratio=self.paste_ratio,
            mask_ratio=self.view.mask_ratio,
            rate=self.rate,
            seed=self.seed,
            resize=self.view.resize,
            copy=self.view.copy,
        )
        return config


def _share_of_partner(
    attention: Array, partner: Array, visible: Array, pasted: Array
) -> Array:
    """The weight of the partners' labels, float32 `(batch, 1)`.

    Args:
        attention: Float32 `(batch, patches)`, rows that sum to 1.
        partner: Integers `(batch,)`.
        visible: Booleans `(batch, patches)`, what stays of each image.
        pasted: Booleans `(batch, patches)`, where the partner covers it.
    """
    own = ops.where(visible & ~pasted, attention, 0.0)
    theirs = ops.where(pasted, ops.take(attention, partner, axis=0), 0.0)
    own = ops.sum(own, axis=-1, keepdims=True)  # (B, 1)
    theirs = ops.sum(theirs, axis=-1, keepdims=True)  # (B, 1)
    # The pasted patches are the most attended ones: their attention is above 0.
    return theirs / (own + theirs)


def _normalised(scores: Array) -> Array:
    """Scores of patches as float32 shares that sum to 1; equal ones if all are 0."""
    scores = ops.cast(scores, "float32")
    total = ops.sum(scores, axis=-1, keepdims=True)
    equal = ops.full_like(scores, 1 / scores.shape[-1])
    return ops.where(total > 0, scores / ops.where(total > 0, total, 1.0), equal)


def _labels_of(inputs: dict[str, Any]) -> Any:
    if inputs.get("labels") is None:
        raise ValueError(
            "`inputs` must be a dict that holds one-hot labels under 'labels'. "
            f"Received: keys {sorted(map(str, inputs))}"
        )
    return inputs["labels"]
