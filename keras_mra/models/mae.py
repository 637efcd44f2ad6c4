"""The masked autoencoder (MAE)."""

from collections.abc import Callable
from typing import Any
from typing import Self

import keras
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra import patches as patch_ops
from keras_mra import pixels
from keras_mra.models.autoencoder import Autoencoder
from keras_mra.models.autoencoder import images_and_visible
from keras_mra.models.convert import export_transformers
from keras_mra.models.presets import describe_presets
from keras_mra.models.presets import load_preset
from keras_mra.models.presets import save_preset
from keras_mra.typing import Array
from keras_mra.typing import Path
from keras_mra.typing import Size
from keras_mra.vit import encoder as encoder_lib


@keras.saving.register_keras_serializable("keras_mra")
class MAE(Autoencoder):
    """Masked autoencoder (MAE) with a ViT encoder and a light ViT decoder.

    The encoder sees only the visible patches and a class token; the decoder fills in
    the rest. Trained by `fit` on images alone, it reconstructs patches dropped at
    random; the loss is the mean squared error over the dropped patches. It is the
    augmentor of MRA (arXiv 2206.04846), whose "MAE-Mini" is the preset `mae_mini`.

    Images are `(batch, height, width, channels)`, uint8 or float, in `value_range`.
    The model normalises them itself: `((x - low) / (high - low) - mean) / std`.

    Args:
        image_shape: Triple of ints, `(height, width, channels)`.
        patch_size: Int or pair of ints, `(patch_height, patch_width)`; divides the
            image's height and width.
        encoder_dim: Int, width of the encoder; divisible by 4 and by its heads.
        encoder_depth: Int, number of encoder blocks.
        encoder_heads: Int, attention heads of an encoder block.
        decoder_dim: Int, width of the decoder.
        decoder_depth: Int, number of decoder blocks; 0 for an encoder alone, which
            encodes and attends, but cannot paint or be trained.
        decoder_heads: Int, attention heads of a decoder block.
        mlp_ratio: Float, hidden width of the blocks' MLPs relative to their width.
        layer_norm_epsilon: Float in (0, 1].
        mask_ratio: Float in (0, 1), share of the patches dropped in training; or a
            pair of them, `(low, high)`. Each batch of four images or more is then cut
            into four equal parts, one for each of four evenly spaced ratios.
        norm_pix_loss: Bool, whether the targets are standardised patch by patch.
            Such a model learns better features, but it cannot paint: leave it off
            for augmentors.
        value_range: Pair of floats, `(low, high)`, the range of the images.
        mean: Per-channel floats in the 0 to 1 scale of `value_range`, or `None`.
        std: Likewise, from 1e-6 to 1e6.
        seed: Int or `None`, for the initial weights and the masks of training.
        positions: `"sincos"` for fixed positions, as published, or `"learned"`.
        smooth_fill: Bool. The decoder predicts what the smoothest continuation of the
            visible patches into the dropped ones misses, instead of whole patches.
            Paint then joins the visible patches without seams, and is better after
            little training. `False` is the published model.
        **kwargs: Arguments of `keras.Model`: `name`, `dtype`, `trainable`.

    Attributes:
        encoder: Keras Functional model, `{"patches", "indices"}` to tokens.
        decoder: Keras Functional model, `{"tokens", "visible"}` to patches, or `None`.
        grid: Pair of ints, rows and columns of patches.
        num_patches: Int.
        mask_ratios: Pair of floats, the lowest and the highest ratio of the training.
        visible_counts: Ints, the numbers of visible patches in training, the highest
            first. `num_visible` is the first.

    Raises:
        ValueError: If an argument is out of its range, naming it.

    Example:

    ```python
    mae = keras_mra.MAE(image_shape=(28, 28, 1), patch_size=4, encoder_depth=4)
    mae.compile(keras.optimizers.AdamW(1e-3))
    mae.fit(images, epochs=10)
    views = mae.reconstruct(images[:8], visible=np.arange(12)[None].repeat(8, 0))
    ```
    """

    # --- training ---------------------------------------------------------------

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Array]:
        """Drops patches and predicts them.

        Args:
            inputs: Images, of which random patches are dropped; or a dict with
                `images` and `visible`, integers `(batch, kept)`, the patches to show.
            training: Not used: patches are dropped in validation too.

        Returns:
            A dict of named intermediates: `tokens`, `(batch, 1 + kept, encoder_dim)`,
            the encoded visible patches, class token first; `predictions` and
            `targets`, float `(batch, patches, values)` in the model's normalised
            space; `dropped`, float32 `(batch, patches)`, 1 where a patch was dropped;
            `visible`, int32 `(batch, kept)`. If patches are dropped at a range of
            ratios, `kept` is the largest number of visible patches. Images with fewer
            have -1 in the last places of `visible`, and 0 in those of `tokens`.
        """
        images, visible = images_and_visible(inputs)
        checks.image_batch(images, self.image_shape)
        images = backend.with_static_shape(images, self.image_shape)
        patches = self.patchify(images)
        if visible is None:
            return self._predict_at_random(patches)
        return self._predict_dropped(patches, visible)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Array:
        """Mean squared error over the dropped patches, without labels or weights.

        A `loss` given to `compile` replaces it: a function of targets and predictions,
        both `(batch, patches, values)`, weighted by 1 where a patch was dropped.
        """
        checks.no_sample_weight(sample_weight)
        targets, predictions, dropped = (
            y_pred[name] for name in ("targets", "predictions", "dropped")
        )
        if self.loss is not None:
            return super().compute_loss(x, targets, predictions, dropped, training)
        # A Keras loss object: it scales itself under a distribution strategy.
        return self.pixel_loss(targets, predictions, sample_weight=dropped)

    # --- features -------------------------------------------------------------------

    def encode(self, images: Array) -> Array:
        """Encodes whole images, nothing masked.

        Args:
            images: `(batch, height, width, channels)`, in `value_range`.

        Returns:
            Tensor of shape `(batch, 1 + patches, encoder_dim)`, after the final
            norm, class token first.
        """
        patches = self.patchify(self._images(images))
        return encoder_lib.encode_tokens(self.encoder, self._embed(patches))

    def attention(
        self, images: Array, block: int = -1, resolution: Size | None = None
    ) -> Array:
        """Attention of the class token to each patch (MRA's query and keys).

        Args:
            images: `(batch, height, width, channels)`, in `value_range`.
            block: Int, index of the encoder block whose attention is returned. An
                earlier block than the last costs less and gives another map.
            resolution: Int, pair of ints or `None`. The images are resized to this
                size for the attention pass, which then costs less and gives a coarser
                map. It must be divisible by the patch, and be at most 8 times the
                size of the model.

        Returns:
            Float32 tensor of shape `(batch, patches)`: the softmax over all keys,
            averaged over the heads, without the column of the class token, and
            rescaled so that rows sum to 1.
        """
        images = self._images(images)
        if resolution is None:
            block = checks.block_index("block", block, self.encoder_depth)
            return self._attend(self._embed(self.patchify(images)), block)
        return self._attend_coarsely(images, block, resolution)

    # --- painting -------------------------------------------------------------------

    def reconstruct(
        self, images: Array, visible: Array, restore_patch_statistics: bool = False
    ) -> Array:
        """Paints the patches that are not visible.

        Args:
            images: `(batch, height, width, channels)`, in `value_range`.
            visible: Integers of shape `(batch, kept)`, distinct patch indices in
                raster order, in any order.
            restore_patch_statistics: Bool. Gives each painted patch the mean and
                deviation of the dropped one, which leak its low-frequency content.
                Models trained with `norm_pix_loss` cannot paint without them.

        Returns:
            Tensor of the images' shape and dtype. Visible patches are equal bit for
            bit; the others are painted and clipped to `value_range`.
        """
        images, visible = self._images(images), self._visible(visible, images)
        return self.repaint(
            images, lambda *_: visible, restore_patch_statistics, check_values=False
        )[0]

    def repaint(
        self,
        images: Array,
        choose: Callable[[Array, Callable[..., Array]], Array],
        restore_patch_statistics: bool = False,
        check_values: bool = True,
    ) -> tuple[Array, Array]:
        """Paints all patches that a function does not keep, in one pass.

        The attention pass and the painting share the embedded patches. The method
        traces on every backend and takes any image size. Gradients stop at it.

        Args:
            images: `(batch, height, width, channels)`, in `value_range`. Images of
                another size than the model's are resized for it, and the paint is
                resized back.
            choose: Function of `(seen, attend)` that returns the patches to keep,
                distinct indices `(batch, kept)`. `seen` holds the images at the
                model's size; `attend(block=-1, resolution=None)` returns `attention`
                to them. Attention that is not asked for costs nothing.
            restore_patch_statistics: Bool, as in `reconstruct`.
            check_values: Bool. Refuses concrete pixels that are not finite or not in
                `value_range`, which waits for an accelerator.

        Returns:
            `(repainted, visible)`: what `reconstruct` returns, and the chosen indices.

        Example:

        ```python
        def most_attended(seen, attend):
            return keras_mra.masking.visible_patches(attend(), mask_ratio=0.4)

        views, visible = mae.repaint(images, most_attended)
        ```
        """
        checks.restore_patch_statistics(restore_patch_statistics, self.norm_pix_loss)
        checks.function("choose", choose)
        images = checks.as_array("images", images)
        checks.image_batch(images, (None, None, self.image_shape[-1]))
        checks.dtype_holds_range(images, self.value_range)
        if checks.flag("check_values", check_values):
            checks.concrete_pixels(images, self.value_range)
        images = ops.convert_to_tensor(images)
        size, own_size = tuple(images.shape[1:3]), self.image_shape[:2]
        seen = images if size == own_size else pixels.resize(images, own_size)
        seen = ops.stop_gradient(seen)
        patches = self.patchify(seen)  # (B, N, values)
        embedded: list[Array] = []

        def attend(block: int = -1, resolution: Size | None = None) -> Array:
            if resolution is not None:
                return self._attend_coarsely(seen, block, resolution)
            block = checks.block_index("block", block, self.encoder_depth)
            embedded.append(self._embed(patches))  # (B, N, D)
            return self._attend(embedded[0], block)

        visible = self._visible(choose(seen, attend), images, check_values=False)
        if embedded:
            shown = patch_ops.gather_rows(embedded[0], visible)  # (B, K, D)
            tokens = encoder_lib.encode_tokens(self.encoder, shown)
        else:
            tokens = self._encode_visible(patches, visible)
        painted = self._paint(
            self._decode(tokens, patches, visible),
            patches if restore_patch_statistics else None,
        )
        painted = painted if size == own_size else pixels.resize(painted, size)
        painted = pixels.cast_pixels(
            ops.stop_gradient(painted), keras.backend.standardize_dtype(images.dtype)
        )
        is_visible = patch_ops.visible_pixels(visible, self.grid, size)
        return ops.where(is_visible, images, painted), visible

    def predict_patches(self, images: Array, visible: Array) -> Array:
        """Raw output of the decoder, in the model's normalised space.

        Args:
            images: `(batch, height, width, channels)`, in `value_range`.
            visible: Integers of shape `(batch, kept)`, distinct patch indices.

        Returns:
            Float tensor of shape `(batch, patches, patch_height * patch_width *
            channels)`, in the order of `patchify`. With `norm_pix_loss`, standardised
            patch by patch.
        """
        return self._predict(images, visible)["predictions"]

    def reconstruction_loss(self, images: Array, visible: Array) -> Array:
        """Mean squared error over the dropped patches, in the normalised space.

        Args:
            images: `(batch, height, width, channels)`, in `value_range`.
            visible: Integers of shape `(batch, kept)`, distinct patch indices.

        Returns:
            Float32 scalar.
        """
        out = self._predict(images, visible)
        if out["visible"].shape[0] == 0:
            raise ValueError("`images` must not be empty for a loss. Received: none.")
        if out["visible"].shape[1] == self.num_patches:
            raise ValueError(
                "`visible` must drop at least one patch for a loss. Received: all "
                f"{self.num_patches} patches."
            )
        error = ops.cast(out["predictions"], "float32") - out["targets"]
        error = ops.mean(ops.square(error), axis=-1) * out["dropped"]  # (B, N)
        return ops.sum(error) / ops.sum(out["dropped"])

    def _predict(self, images: Array, visible: Array) -> dict[str, Array]:
        """What `call` returns, for checked images and patches."""
        images, visible = self._images(images), self._visible(visible, images)
        return self.call({"images": images, "visible": visible})

    # --- saving ------------------------------------------------------------------

    @classmethod
    def from_preset(
        cls, preset: Path, load_weights: bool | None = None, **kwargs: Any
    ) -> Self:
        """Makes an MAE from the name of a preset, a path, or a handle.

        Args:
            preset: One of
                - the name of a shipped preset, see `MAE.presets()`; `mae_nano`,
                  `mae_mini`, `mae_small`, `mae_base` and `mae_large` are
                  architectures and give random weights;
                - the path of a folder written by `save_to_preset`;
                - the path of a folder in the form of Hugging Face's
                  `ViTMAEForPreTraining` or `ViTMAEModel`;
                - the path of a `.pth` or `.safetensors` file of the original
                  release of MAE, or of timm's `vit_*.mae`;
                - `hf://OWNER/NAME`, a repository on the Hugging Face hub with any of
                  these.
            load_weights: Bool or `None`. `None` loads weights where there are any;
                `True` on an architecture is an error.
            **kwargs: Arguments of `MAE` that replace the preset's. Another
                `image_shape` gets new fixed positions; learned positions are resized.
                `dtype` is Keras' policy if it is not given.

        Returns:
            An `MAE`.

        Raises:
            ValueError: If the preset is missing or damaged, or does not fit `kwargs`.
            OSError: If a handle cannot be fetched.
            ImportError: If a library that reads the file is not installed.

        Example:

        ```python
        mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
        mae = keras_mra.MAE.from_preset("mae_mini", image_shape=(64, 96, 3))
        mae = keras_mra.MAE.from_preset("hf://facebook/vit-mae-base")
        ```
        """
        return load_preset(cls, preset, load_weights, kwargs)

    @classmethod
    def presets(cls) -> dict[str, str]:
        """Names of the shipped presets, with a description of each."""
        return describe_presets()

    def save_to_preset(self, path: Path) -> None:
        """Writes a preset folder: `config.json`, `model.weights.h5`, `metadata.json`.

        Args:
            path: Folder to write; made if missing. Files are replaced only when
                completely written.

        Raises:
            ValueError: If the folder holds a model of another library.
            OSError: If the folder cannot be written.
        """
        save_preset(self, path)

    def export_transformers(self, path: Path) -> None:
        """Writes a folder for Hugging Face's `transformers`.

        `ViTMAEForPreTraining.from_pretrained(path)` gives the same outputs on images
        that were normalised as this model does; `ViTMAEModel` its encoder. An MAE
        without a decoder is written as a `ViTMAEModel`. Needs safetensors:
        `pip install 'keras-mra[hub]'`.

        Args:
            path: Folder to write; made if missing. Files are replaced only when
                completely written. Its `preprocessor_config.json` is for images of
                0 to 255, whatever `value_range` is. Its `mask_ratio` is the highest of
                this model's.

        Raises:
            ValueError: If images or patches are not square, which theirs must be,
                `smooth_fill` is True, or the folder holds a preset of Keras.
            OSError: If the folder cannot be written.
            ImportError: If safetensors is not installed.
        """
        export_transformers(self, path)
