"""Mask-Reconstruct Augmentation (MRA) as a Keras preprocessing layer."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra import masking
from keras_mra import pixels
from keras_mra.layers import check_annotations
from keras_mra.layers import protected_patches
from keras_mra.layers.adopt_attention_model import adopt_attention_model
from keras_mra.layers.check_first_paint import check_first_paint
from keras_mra.layers.holds_mae import HoldsMAE
from keras_mra.layers.warn_of_gray_paint import warn_of_gray_paint
from keras_mra.layers.warn_of_untrained_ratio import warn_of_untrained_ratio
from keras_mra.layers.warn_of_untrained_weights import warn_of_untrained_weights
from keras_mra.models.attention_teacher import check_attention_scores
from keras_mra.models.autoencoder import check_decoder
from keras_mra.models.check_mae import check_mae
from keras_mra.models.check_weights import check_weights
from keras_mra.models.frozen import Untrainable
from keras_mra.models.frozen import adopt
from keras_mra.models.mae import MAE
from keras_mra.typing import Array
from keras_mra.typing import Seed
from keras_mra.typing import Size
from keras_mra.views.any_input import AnyInput
from keras_mra.views.any_input import Spec


@keras.saving.register_keras_serializable("keras_mra")
class MaskReconstruct(HoldsMAE, AnyInput, Untrainable, keras.layers.Layer):
    """Drops patches of each image and lets a masked autoencoder fill them in.

    Mask-Reconstruct Augmentation (arXiv 2206.04846). The encoder sees the whole image.
    The patches that its class token attends to most stay unchanged, bit for bit. The
    autoencoder paints the other patches. Kept patches are the object only if the
    attention was taught: AUROC 0.75 to 0.996 for the shipped presets.

    It works inside a model under `fit` (and passes images through in `predict` and
    `evaluate`), as a function on a batch or a single image, inside
    `tf.data.Dataset.map` and grain pipelines on every backend, and inside
    `keras.layers.Pipeline`. Place the layer after cropping and flipping, so that the
    autoencoder sees the crop that the classifier sees. Place it before normalisation,
    because it takes pixels in `mae.value_range`, and before MixUp or CutMix, because
    the autoencoder was not trained on blended images.

    Args:
        mae: Trained `keras_mra.MAE`. The layer keeps a frozen copy.
        mask_ratio: Float in (0, 1), the share of the patches to repaint.
        strategy: `"attention"` keeps the most attended patches, `"low_attention"`
            the least attended. `"random"` keeps random patches and does not compute
            attention.
        temperature: Float, at least 0. Gumbel noise of this scale is added to the log
            attention before the top-k: 0 gives the paper's choice, a large value a
            uniformly random one.
        rate: Float in [0, 1], the fraction of samples augmented.
        seed: Int, `keras.random.SeedGenerator` or `None`.
        resize: Bool. Images of another size than the autoencoder's are resized for
            the autoencoder, and the paint is resized back. Visible pixels are those
            of the input.
        copy: Bool. `False` shares the caller's `mae` and `attention_model`, and
            freezes them.
        attention_block: Int or `None`, the encoder block whose attention is used. An
            earlier block than the last costs less and gives another mask. The shipped
            presets find the object in their last block only.
        attention_resolution: Int, pair of ints or `None`, a smaller size of the
            images for the attention pass, which then costs less and gives a coarser
            mask.
        restore_patch_statistics: Bool. Gives each painted patch the mean and
            deviation of the patch that it replaces. An autoencoder trained with
            `norm_pix_loss` needs these statistics, which leak the low-frequency content
            of the dropped patches.
        attention_model: Built Keras model or `None`. The model replaces the
            autoencoder's attention, for instance by the attention of your own ViT. It
            takes float32 images `(batch, height, width, channels)` of the
            autoencoder's size, in `mae.value_range`, and returns scores `(batch,
            patches)`, at least 0, one for each patch of the autoencoder in raster
            order. The layer keeps a frozen copy.
        protect: `"segmentation_masks"`, `"bounding_boxes"` or `None`, the annotation
            whose objects are never repainted. The inputs are then dicts that hold it,
            in Keras' format. All patches that an object touches stay; the strategy
            chooses among the others. Where an object touches more patches than stay by
            `mask_ratio`, fewer are repainted. In masks, 0 is the background.
        bounding_box_format: Format of the boxes, as in
            `keras.utils.bounding_boxes`, such as `"xyxy"` or `"rel_xywh"`. Needed
            with `protect="bounding_boxes"`.
        return_visible: Bool. Returns the visible patches too, from which the same
            view can be made again.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Images `(batch, height, width, channels)` or one image
            `(height, width, channels)`, uint8 or float in `mae.value_range`; or a dict
            that holds them under `"images"`; its other entries pass through. A dict
            that holds `"visible"`, as returned with `return_visible=True`, gives the
            view with these visible patches again: nothing is drawn at random.
        training: Bool. `True`, the default outside of a model, augments. `predict`,
            `evaluate` and `training=False` return the images unchanged. A subclassed
            model must pass the flag on, `self.augment(x, training=training)`, as with
            Keras' own layers. `keras_mra.strip_augmentation(model)` removes the layer
            for `export`.

    Returns:
        The inputs, augmented, of the same shape, dtype and range; as an array where
        the backend has no tensors of an array's dtype. The caller's dict is not
        changed. With `return_visible=True`, a dict gets the entry `"visible"`, int32
        `(batch, kept)`, and images become the pair `(images, visible)`. A row of -1
        belongs to an image that was returned unchanged. Protected patches stay even
        where they are not in `visible`.

    Raises:
        ValueError: If an argument or the images are invalid.

    Example:

    ```python
    mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
    model = keras.Sequential([
        keras.Input((28, 28, 1)),
        keras_mra.layers.MaskReconstruct(mae, mask_ratio=0.4, rate=0.5, seed=0),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ])
    ```
    """

    def __init__(
        self,
        mae: MAE,
        mask_ratio: float = 0.4,
        strategy: str = "attention",
        temperature: float = 0.0,
        rate: float = 1.0,
        seed: Seed = None,
        resize: bool = False,
        copy: bool = True,
        attention_block: int | None = None,
        attention_resolution: Size | None = None,
        restore_patch_statistics: bool = False,
        attention_model: keras.Model | None = None,
        protect: str | None = None,
        bounding_box_format: str | None = None,
        return_visible: bool = False,
        **kwargs: Any,
    ) -> None:
        # A mixed policy must not round pixels on their way in.
        super().__init__(**{**checks.layer_arguments(kwargs), "autocast": False})
        check_decoder(check_mae(mae))
        check_weights(mae)
        warn_of_untrained_weights(mae)
        self.num_visible = masking.num_visible(mae.num_patches, mask_ratio)
        masking.check_strategy(strategy, temperature)
        warn_of_untrained_ratio(mae.mask_ratios, mask_ratio)
        self.mask_ratio = float(mask_ratio)
        self.strategy = strategy
        self.temperature = float(temperature)
        self.rate = checks.fraction("rate", rate)
        self.seed = checks.seed_or_generator(seed)
        self.resize = checks.flag("resize", resize)
        self.copy = checks.flag("copy", copy)
        if attention_block is not None:
            attention_block = checks.block_index(
                "attention_block", attention_block, mae.encoder_depth
            )
        self.attention_block = attention_block
        if attention_resolution is not None:
            attention_resolution, _ = checks.resolution(
                attention_resolution,
                mae.patch_size,
                "attention_resolution",
                mae.image_shape[:2],
            )
        self.attention_resolution = attention_resolution
        self.restore_patch_statistics = checks.restore_patch_statistics(
            restore_patch_statistics, mae.norm_pix_loss
        )
        warn_of_gray_paint(mae, self.restore_patch_statistics)
        self.attention_model = None
        if attention_model is not None:
            self.attention_model = adopt_attention_model(
                attention_model,
                mae,
                strategy,
                attention_block,
                attention_resolution,
                copy,
            )
        check_annotations.check_protection(protect, bounding_box_format)
        self.protect = protect
        self.bounding_box_format = bounding_box_format
        self.return_visible = checks.flag("return_visible", return_visible)
        self.mae = adopt("mae", mae, copy)
        self.seed_generator = backend.seed_generator(self.seed)
        self._checked: frozenset[str] = frozenset()
        self.built = True

    def call(
        self,
        images: Array,
        training: bool = True,
        segmentation_masks: Array | None = None,
        boxes: Array | None = None,
        box_labels: Array | None = None,
        visible: Array | None = None,
    ) -> Any:
        if not training or (self.rate == 0 and visible is None):
            return self._unchanged(images, visible)
        companions = {
            "segmentation_masks": segmentation_masks,
            "boxes": boxes,
            "box_labels": box_labels,
            "visible": visible,
        }
        companions = {k: v for k, v in companions.items() if v is not None}
        check_annotations.check_annotated(companions, self.protect)
        if backend.has_unknown_size(images):
            return self._call_on_host(images, companions)
        grid, size = self.mae.grid, tuple(images.shape[1:3])
        protected = None
        if segmentation_masks is not None:
            protected = protected_patches.touched_by_masks(
                segmentation_masks, grid, size
            )
        elif boxes is not None:
            protected = protected_patches.touched_by_boxes(
                boxes, box_labels, str(self.bounding_box_format), grid, size
            )
        is_augmented = None
        choose: Callable[..., Array]
        if visible is None:
            choose = functools.partial(self._choose, protected)
        else:
            is_augmented = visible[:, :1] >= 0  # (B, 1)
            some = ops.arange(ops.shape(visible)[1], dtype="int32")
            replayed = ops.where(is_augmented, ops.cast(visible, "int32"), some)
            choose = lambda *_: replayed  # noqa: E731
        repainted, visible = self.mae.repaint(
            images, choose, self.restore_patch_statistics, check_values=False
        )
        if protected is not None:
            # Where more patches are protected than stay, the others were painted.
            stays = protected_patches.protected_pixels(protected, grid, size)
            repainted = ops.where(stays, images, repainted)
        if is_augmented is None and self.rate < 1:
            drawn = keras.random.uniform(
                (ops.shape(images)[0], 1, 1, 1),
                dtype="float32",
                seed=self.seed_generator,
            )
            is_augmented = drawn[:, :, 0, 0] < self.rate  # (B, 1)
        if is_augmented is not None:
            chosen = ops.reshape(is_augmented, (-1, 1, 1, 1))
            repainted = ops.where(chosen, repainted, images)
            visible = ops.where(is_augmented, visible, -1)
        return (repainted, visible) if self.return_visible else repainted

    def _unchanged(self, images: Array, visible: Array | None) -> Any:
        if not self.return_visible:
            return images
        kept = self.num_visible if visible is None else ops.shape(visible)[1]
        return images, ops.full((ops.shape(images)[0], kept), -1, dtype="int32")

    def _choose(
        self, protected: Array | None, images: Array, attend: Callable[..., Array]
    ) -> Array:
        """The indices of the patches that stay, `(batch, kept)`, best first."""
        visible = masking.ranked_patches(
            self.patch_scores(images, attend),
            self.mask_ratio,
            self.strategy,
            self.temperature,
            self.seed_generator,
        )
        if protected is None:
            return visible
        return protected_patches.protected_first(visible, protected)

    def patch_scores(self, images: Array, attend: Callable[..., Array]) -> Array:
        """The scores that the strategy ranks, `(batch, patches)`, for `MAE.repaint`."""
        if self.attention_model is not None:
            return self.attention_model(ops.cast(images, "float32"), training=False)
        if self.strategy == "random":  # Only the shape of the scores is used.
            return ops.ones((ops.shape(images)[0], self.mae.num_patches))
        block = -1 if self.attention_block is None else self.attention_block
        return attend(block, self.attention_resolution)

    def companions(self, inputs: dict[str, Any]) -> dict[str, Any]:
        found = check_annotations.annotation_arrays(inputs, self.protect)
        return {**found, **{k: inputs[k] for k in ("visible",) if k in inputs}}

    def output_entries(self) -> tuple[str, ...]:
        return ("images", "visible") if self.return_visible else ("images",)

    def output_specs(
        self, shape: tuple[int | None, ...] | None, dtype: str, companions: Any
    ) -> tuple[Spec, ...]:
        specs = super().output_specs(shape, dtype, companions)
        if not self.return_visible:
            return specs
        visible = companions.get("visible")
        if shape is None or backend.has_unknown_rank(visible):
            return (*specs, (None, "int32"))
        kept = self.num_visible if visible is None else visible.shape[-1]
        return (*specs, ((*shape[:-3], kept), "int32"))

    def check_companions(
        self, images: Array, companions: dict[str, Any], will_augment: bool
    ) -> None:
        is_first = will_augment and self._is_first_tensor("annotations", images)
        check_annotations.check_companions(
            companions,
            self.mae.num_patches,
            images,
            is_first,
            self.bounding_box_format,
        )
        if will_augment:
            check_annotations.check_annotated(companions, self.protect)
        if is_first:
            self._checked = self._checked | {"annotations"}

    def check_images(self, images: Array, check_values: bool) -> None:
        super().check_images(images, check_values)
        height, width, channels = self.mae.image_shape
        *size, found = images.shape[-3:]
        if found not in (channels, None):
            raise ValueError(
                f"`inputs` must have {channels} channels, as the `mae` has. "
                f"Received: shape {tuple(images.shape)}"
                f"{checks.order_of_axes(images.shape, channels)}"
            )
        fits = all(s in (None, w) for s, w in zip(size, (height, width)))
        if not self.resize and not fits:
            raise ValueError(
                f"`inputs` must be {height}x{width} pixels, the size of the `mae`, "
                "unless `resize=True`. Received: "
                f"{size[0]}x{size[1]} pixels (shape {tuple(images.shape)})"
            )
        checks.dtype_holds_range(images, self.mae.value_range, "inputs")
        is_array = isinstance(images, np.ndarray)
        if check_values and (is_array or self._is_first_tensor("images", images)):
            checks.pixel_values(images, self.mae.value_range, "inputs")
            self._check_first(images)
            if not is_array:
                self._checked = self._checked | {"images"}

    def _check_first(self, images: Array) -> None:
        """Checks what is made of the first images, with pixels that are in range."""
        if "first" in self._checked:
            return
        first = images[None] if len(images.shape) == 3 else images[:8]
        first = ops.cast(ops.convert_to_tensor(first), "float32")
        if self.attention_model is not None:
            seen = pixels.resize(first, self.mae.image_shape[:2])
            check_attention_scores(
                "attention_model", self.attention_model, seen, self.mae.num_patches
            )
        scores = None if self.attention_model is not None else self.patch_scores
        check_first_paint(self.mae, first, scores, self.restore_patch_statistics)
        self._checked = self._checked | {"first"}

    def _is_first_tensor(self, kind: str, x: Array) -> bool:
        # PyTorch's `fit` calls with concrete tensors too. Only the first good one of
        # them is checked, so that no later step waits for an accelerator.
        return kind not in self._checked and checks.is_concrete(x)

    def random_states(self) -> list[keras.Variable]:
        return [self.seed_generator.state]  # The autoencoder's own is not drawn from.

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            # Keras serialises the models themselves, and keeps shared ones shared.
            mae=self.mae,
            attention_model=self.attention_model,
            mask_ratio=self.mask_ratio,
            strategy=self.strategy,
            temperature=self.temperature,
            rate=self.rate,
            seed=self.seed,
            resize=self.resize,
            copy=self.copy,
            attention_block=self.attention_block,
            attention_resolution=self.attention_resolution,
            restore_patch_statistics=self.restore_patch_statistics,
            protect=self.protect,
            bounding_box_format=self.bounding_box_format,
            return_visible=self.return_visible,
        )
        return config
