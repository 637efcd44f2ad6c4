"""Cutout of the patches that the attention of a model leaves out."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra import masking
from keras_mra import patches as patch_ops
from keras_mra.layers.attention_of import AttentionOf
from keras_mra.layers.attention_of import attention_of
from keras_mra.layers.attention_of_mae import AttentionOfMAE
from keras_mra.layers.holds_mae import HoldsMAE
from keras_mra.layers.warn_of_untrained_weights import warn_of_untrained_weights
from keras_mra.models.attention_teacher import check_attention_scores
from keras_mra.models.check_weights import check_weights
from keras_mra.models.frozen import Untrainable
from keras_mra.models.frozen import adopt
from keras_mra.models.mae import MAE
from keras_mra.typing import Array
from keras_mra.typing import Seed
from keras_mra.views.any_input import AnyInput


@keras.saving.register_keras_serializable("keras_mra")
class AttentiveCutout(HoldsMAE, AnyInput, Untrainable, keras.layers.Layer):
    """Keeps the most attended patches of each image, and makes the others grey.

    The layer chooses patches as `MaskReconstruct` does, but makes the others grey (the
    middle of the value range) instead of repainting them. It runs no decoder, so any
    vision transformer that `attention_of` takes can choose the patches. On CIFAR-10
    and Imagenette (32 pixels, ResNet-20, 40 labels per class), before RandAugment, grey
    patches lowered the error with backgrounds of other classes by more than repainted
    ones did.

    It works where `MaskReconstruct` works. Place it after cropping and flipping, and
    before colour operations and normalisation.

    Args:
        attention_model: Trained `keras_mra.MAE`, or what `keras_mra.attention_of`
            returns for another vision transformer. The layer keeps a frozen copy.
        mask_ratio: Float in (0, 1), the share of the patches to make grey.
        strategy: As in `MaskReconstruct`.
        temperature: As in `MaskReconstruct`.
        rate: Float in [0, 1], the fraction of samples augmented.
        seed: Int, `keras.random.SeedGenerator` or `None`.
        copy: Bool. `False` shares the caller's model, and freezes it.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Images `(batch, height, width, channels)` or one image
            `(height, width, channels)` of any size, uint8 or float in the
            `value_range` of the model; or a dict that holds them under `"images"`. The
            model sees the images at its own size.
        training: Bool. `True`, the default outside of a model, augments. `predict`,
            `evaluate` and `training=False` return the images unchanged.

    Returns:
        The inputs, augmented, of the same shape, dtype and range. The caller's dict is
        not changed.

    Raises:
        ValueError: If an argument or the images are invalid.

    Example:

    ```python
    mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
    cutout = keras_mra.layers.AttentiveCutout(mae, mask_ratio=0.4, rate=0.5, seed=0)
    views = cutout(images[:8])
    ```
    """

    def __init__(
        self,
        attention_model: "MAE | AttentionOf | AttentionOfMAE",
        mask_ratio: float = 0.4,
        strategy: str = "attention",
        temperature: float = 0.0,
        rate: float = 1.0,
        seed: Seed = None,
        copy: bool = True,
        **kwargs: Any,
    ) -> None:
        # A mixed policy must not round pixels on their way in.
        super().__init__(**{**checks.layer_arguments(kwargs), "autocast": False})
        self.copy = checks.flag("copy", copy)
        mae = _mae_in(attention_model)
        if mae is not None:
            check_weights(mae, "attention_model")
            warn_of_untrained_weights(mae, "attention_model", paints=False)
        self.attention_model: Any = (
            attention_of(attention_model, copy=self.copy)
            if mae is attention_model
            else adopt("attention_model", attention_model, self.copy)
        )
        rows, columns = self.attention_model.grid
        self.num_visible = masking.num_visible(rows * columns, mask_ratio)
        masking.check_strategy(strategy, temperature)
        self.mask_ratio = float(mask_ratio)
        self.strategy = strategy
        self.temperature = float(temperature)
        self.rate = checks.fraction("rate", rate)
        self.seed = checks.seed_or_generator(seed)
        self.seed_generator = backend.seed_generator(self.seed)
        self._checked_tensor = self._checked_scores = False
        self.built = True

    def call(self, images: Array, training: bool = True) -> Array:
        if not training or self.rate == 0:
            return images
        if backend.has_unknown_size(images):
            return self._call_on_host(images, {})
        visible = masking.ranked_patches(
            self._scores(images),
            self.mask_ratio,
            self.strategy,
            self.temperature,
            self.seed_generator,
        )  # (B, K)
        grid, size = self.attention_model.grid, tuple(images.shape[1:3])
        stays = patch_ops.visible_pixels(visible, grid, size)  # (B, height, width, 1)
        if self.rate < 1:
            drawn = keras.random.uniform(
                (ops.shape(images)[0], 1, 1, 1),
                dtype="float32",
                seed=self.seed_generator,
            )
            stays = stays | (drawn >= self.rate)
        grey = ops.cast(sum(self.attention_model.value_range) / 2, images.dtype)
        return ops.where(stays, images, grey)

    def _scores(self, images: Array) -> Array:
        """The scores that the strategy ranks, `(batch, patches)`."""
        if self.strategy == "random":  # Only the shape of the scores is used.
            rows, columns = self.attention_model.grid
            return ops.ones((ops.shape(images)[0], rows * columns))
        return self.attention_model(ops.stop_gradient(images), training=False)

    def check_images(self, images: Array, check_values: bool) -> None:
        super().check_images(images, check_values)
        channels = self.attention_model.channels
        if images.shape[-1] not in (1, channels, None):
            raise ValueError(
                f"`inputs` must have {channels} channels, as the `attention_model` "
                f"has, or 1. Received: shape {tuple(images.shape)}"
                f"{checks.order_of_axes(images.shape, channels)}"
            )
        value_range = self.attention_model.value_range
        checks.dtype_holds_range(images, value_range, "inputs")
        if not check_values:
            return
        is_array = isinstance(images, np.ndarray)
        # A step of `fit` on PyTorch must not wait for the accelerator.
        if is_array or (not self._checked_tensor and checks.is_concrete(images)):
            checks.pixel_values(images, value_range, "inputs")
            self._check_scores(images)
            self._checked_tensor = self._checked_tensor or not is_array

    def _check_scores(self, images: Array) -> None:
        """Refuses a model whose scores of the first images are not numbers."""
        if self._checked_scores or self.strategy == "random":
            return
        first = images[None] if len(images.shape) == 3 else images[:8]
        rows, columns = self.attention_model.grid
        check_attention_scores(
            "attention_model", self.attention_model, first, rows * columns
        )
        self._checked_scores = True

    def random_states(self) -> list[keras.Variable]:
        return [self.seed_generator.state]  # The model's own are not drawn from.

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            # Keras serialises the model itself, and keeps a shared one shared.
            attention_model=self.attention_model,
            mask_ratio=self.mask_ratio,
            strategy=self.strategy,
            temperature=self.temperature,
            rate=self.rate,
            seed=self.seed,
            copy=self.copy,
        )
        return config


def _mae_in(model: Any) -> MAE | None:
    """The `MAE` that a model is or holds; what gives no attention is refused."""
    if isinstance(model, MAE):
        return model
    if isinstance(model, AttentionOfMAE):
        return model.mae
    if isinstance(model, AttentionOf):
        return None
    raise ValueError(
        "`attention_model` must be a `keras_mra.MAE`, or what `keras_mra.attention_of` "
        f"returns. Received: {model!r} (of type {type(model).__name__})"
    )
