"""`attention_of`: the attention of a KerasHub backbone as an `attention_model`."""

from collections.abc import Sequence
from typing import Any
from typing import Self

import keras
import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra import pixels
from keras_mra.layers.attention_of_mae import AttentionOfMAE
from keras_mra.layers.read_backbone import BackboneParts
from keras_mra.layers.read_backbone import read_backbone
from keras_mra.models.frozen import Untrainable
from keras_mra.models.frozen import copy_of
from keras_mra.models.frozen import freeze
from keras_mra.models.mae import MAE
from keras_mra.typing import Array
from keras_mra.typing import Size


def attention_of(
    backbone: keras.Model,
    grid: MAE | Size | None = None,
    block: int = -1,
    heads: int | Sequence[int] | None = None,
    image_size: Size | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    value_range: tuple[float, float] | None = None,
    copy: bool = True,
) -> "AttentionOf | AttentionOfMAE":
    """Makes an `attention_model` of an autoencoder or a vision transformer of KerasHub.

    The result is a frozen Keras model from images to scores of patches, for
    `layers.MaskReconstruct(mae, attention_model=...)`, for
    `pretrain_mae(..., attention_teacher=...)` and for the functions of `evaluation`
    that take attention. A score is the attention of the class token to a patch: the
    softmax over all tokens, averaged over the heads. The columns of the class token
    itself, of registers and of a distillation token are dropped.

    KerasHub is optional: `pip install 'keras-mra[kerashub]'`.

    Args:
        backbone: `MAE`, for which only `grid`, `value_range` and `copy` apply; or
            `keras_hub.models.ViTBackbone` with a class token, `DeiTBackbone`,
            `DINOV2Backbone` or `DINOV3Backbone`.
        grid: `MAE` whose patches get the scores; or an int or pair of ints, the rows
            and columns of patches; or `None` for the patches of the backbone. Scores
            are resized bilinearly where the backbone has another grid.
        block: Int, the block whose attention is used. Negative numbers count from the
            last block. The blocks above are not computed.
        heads: Int or sequence of ints, the attention heads that are averaged, or `None`
            for all.
        image_size: Int, pair of ints or `None`, the size that images are resized to
            for the backbone. `None` is the size that the backbone was made for. For
            other sizes, learned positions are interpolated bicubically, as PyTorch
            does it.
        mean: Float, or one float per channel, subtracted from the images in the 0 to 1
            scale of `value_range`. `None` is 0.5 for a `ViTBackbone`, and the mean of
            ImageNet for the others, as their published weights need it.
        std: As `mean`, the divisor after the subtraction. `None` is 0.5 for a
            `ViTBackbone`, and the deviation of ImageNet for the others. A backbone that
            takes pixels from 0 to 255 needs `mean=0` and `std=1 / 255`.
        value_range: Pair of floats, the lowest and the highest value of the images.
            `None` is the `value_range` of the `MAE`, or `(0, 255)` without one.
        copy: Bool. `False` shares the caller's backbone, and freezes it. Its learned
            positions are read when the model is made.

    Returns:
        Built Keras model. It takes images `(batch, height, width, channels)` of any
        size, in `value_range`, and returns float32 scores `(batch, patches)`, at least
        0, in raster order. Images with one channel are repeated for a backbone with
        three. It is saved with the layer or model that holds it, in one `.keras` file.

    Raises:
        ValueError: If `backbone` has no class token or cannot be copied, or another
            argument is invalid.

    Example:

    ```python
    import keras_hub

    dino = keras_hub.models.DINOV2Backbone(  # or DINOV2Backbone.from_preset(...)
        patch_size=14,
        num_layers=2,
        hidden_dim=32,
        num_heads=2,
        intermediate_dim=64,
        image_shape=(56, 56, 3),
        position_embedding_shape=(56, 56),
    )
    attention = keras_mra.attention_of(dino, mae)
    layer = keras_mra.layers.MaskReconstruct(mae, attention_model=attention)
    ```
    """
    copy = checks.flag("copy", copy)
    if isinstance(backbone, MAE):
        given = (heads, image_size, mean, std)
        is_last = checks.is_integer(block) and block == -1
        if not is_last or any(argument is not None for argument in given):
            raise ValueError(
                "`block`, `heads`, `image_size`, `mean` and `std` must not be given "
                "for an MAE. Received: "
                f"block={block}, heads={heads}, image_size={image_size}, mean={mean}, "
                f"std={std}"
            )
        if isinstance(grid, MAE):
            if grid.image_shape[2] not in (1, backbone.image_shape[2]):
                raise ValueError(
                    "`backbone` must be an MAE of images with as many channels as "
                    f"those of `grid`, {grid.image_shape[2]}. Received: an MAE with "
                    f"image_shape={backbone.image_shape}"
                )
            if value_range is None:
                value_range = grid.value_range
            grid = grid.grid
        return AttentionOfMAE(
            copy_of(backbone) if copy else backbone, grid, value_range
        )
    parts = read_backbone(backbone)
    if isinstance(grid, MAE):
        if grid.image_shape[2] not in (1, parts.channels):
            raise ValueError(
                f"`grid` must be an MAE of images with {parts.channels} channels, as "
                f"the `backbone` has, or with 1. Received: an MAE with "
                f"image_shape={grid.image_shape}"
            )
        if value_range is None:
            value_range = grid.value_range
        grid = grid.grid
    arguments: dict[str, Any] = {
        "grid": grid,
        "block": block,
        "heads": heads,
        "image_size": image_size,
        "mean": mean,
        "std": std,
        "value_range": (0.0, 255.0) if value_range is None else value_range,
    }
    checked_arguments(parts, **arguments)
    if copy:
        try:
            backbone = copy_of(backbone)
        except Exception as error:  # whatever a model of the user's raises
            raise ValueError(
                "`backbone` must be a model that Keras can copy from its "
                "configuration, or `copy` must be False. "
                f"Received: backbone={backbone!r}, with the error {error}"
            ) from error
    return AttentionOf(backbone, **arguments)


@keras.saving.register_keras_serializable("keras_mra")
class AttentionOf(Untrainable, keras.Model):
    """The attention of a backbone's class token: what `attention_of` returns.

    The model shares the backbone and freezes it. It keeps the learned positions of its
    image size as a weight of its own, and saves them: a KerasHub backbone saves those
    of its trained size alone.

    Args:
        backbone: As in `attention_of`.
        grid, block, heads, image_size, mean, std: As in `attention_of`; `grid` is no
            `MAE`.
        value_range: Pair of floats.
        **kwargs: Arguments of `keras.Model`.

    Call arguments:
        images: `(batch, height, width, channels)`, in `value_range`. The height and the
            width are static.

    Returns:
        Float32 tensor of shape `(batch, patches)`.

    Raises:
        ValueError: If an argument or the images are invalid.
    """

    def __init__(
        self,
        backbone: keras.Model,
        grid: Size | None = None,
        block: int = -1,
        heads: int | Sequence[int] | None = None,
        image_size: Size | None = None,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        value_range: tuple[float, float] = (0.0, 255.0),
        **kwargs: Any,
    ) -> None:
        # A mixed policy must round neither pixels nor the weights that are read here.
        # The layers of the backbone keep their own policy.
        super().__init__(**{**kwargs, "dtype": "float32", "autocast": False})
        parts = read_backbone(backbone)
        checked = checked_arguments(
            parts, grid, block, heads, image_size, mean, std, value_range
        )
        self.backbone = backbone
        self.grid: tuple[int, int] = checked["grid"]
        self.block: int = checked["block"]
        self.heads: tuple[int, ...] | None = checked["heads"]
        self.image_size: tuple[int, int] = checked["image_size"]
        self.mean: tuple[float, ...] = checked["mean"]
        self.std: tuple[float, ...] = checked["std"]
        self.value_range: tuple[float, float] = checked["value_range"]
        freeze(backbone)
        self.parts = parts
        positions = parts.positions(parts.grid_of(self.image_size))
        self.position_weight = None
        if positions is not None:
            self.position_weight = self.add_weight(
                shape=positions.shape,
                initializer="zeros",
                dtype="float32",
                trainable=False,
                name="positions",
            )
            self.position_weight.assign(positions)
        self.built = True

    @property
    def channels(self) -> int:
        """The channels of the images. Grey images are taken too."""
        return self.parts.channels

    def call(self, images: Array) -> Array:
        parts = self.parts
        seen = self._normalized(images)  # (B, *image_size, channels)
        context = parts.context(seen)
        tokens = parts.embed(seen, self.position_weight)  # (B, T, dim)
        blocks = parts.blocks
        for block in blocks[: self.block % len(blocks)]:
            tokens = parts.run(block, tokens, context)
        query, key = parts.query_and_key(blocks[self.block], tokens, context)
        logits = ops.einsum("bqhd,bkhd->bhk", query, key) * query.shape[-1] ** -0.5
        scores = ops.softmax(logits, axis=-1)[..., parts.num_before :]  # (B, heads, N)
        if self.heads is not None:
            scores = ops.take(scores, np.array(self.heads), axis=1)
        scores = ops.mean(scores, axis=1)  # (B, N)
        maps = ops.reshape(scores, (-1, *parts.grid_of(self.image_size), 1))
        maps = pixels.resize(maps, self.grid)  # (B, rows, columns, 1)
        return ops.reshape(maps, (-1, self.grid[0] * self.grid[1]))

    def _normalized(self, images: Array) -> Array:
        """Images of the backbone's size, channels and normalisation."""
        channels = self.parts.channels
        checks.image_batch(images, (None, None, None))
        if images.shape[3] not in (1, channels) or None in images.shape[1:3]:
            raise ValueError(
                f"`images` must have {channels} channels, as the backbone has, or 1, "
                f"and a static size. Received: shape {tuple(images.shape)}"
            )
        seen = pixels.resize(images, self.image_size)
        if seen.shape[3] != channels:
            seen = ops.repeat(seen, channels, axis=3)  # (B, height, width, channels)
        return pixels.normalize(seen, self.value_range, self.mean, self.std)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            # Serialised here, so that a clone gets a backbone of its own.
            backbone=keras.saving.serialize_keras_object(self.backbone),
            grid=self.grid,
            block=self.block,
            heads=self.heads,
            image_size=self.image_size,
            mean=self.mean,
            std=self.std,
            value_range=self.value_range,
        )
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        try:
            import keras_hub  # noqa: F401  # registers the backbone's class
        except ImportError as error:
            raise ImportError(
                "The attention of a backbone needs KerasHub: "
                "pip install 'keras-mra[kerashub]'"
            ) from error
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})


def checked_arguments(
    parts: BackboneParts,
    grid: Size | None,
    block: int,
    heads: int | Sequence[int] | None,
    image_size: Size | None,
    mean: float | Sequence[float] | None,
    std: float | Sequence[float] | None,
    value_range: tuple[float, float],
) -> dict[str, Any]:
    """The arguments of `AttentionOf`, with defaults in place of `None`.

    Raises:
        ValueError: If one is invalid.
    """
    size = parts.image_size
    if image_size is not None:
        size = checks.pair_of_ints("image_size", image_size)
        if size != parts.image_size:
            checks.resolution(size, parts.patch_size, "image_size", parts.image_size)
    checked_grid = parts.grid_of(size)
    if grid is not None:
        checked_grid = checks.pair_of_ints("grid", grid)
    return {
        "grid": checked_grid,
        "block": checks.block_index("block", block, len(parts.blocks)),
        "heads": checked_heads(heads, parts.num_heads),
        "image_size": size,
        "mean": checks.channel_statistics(
            "mean", parts.mean if mean is None else mean, parts.channels
        ),
        "std": checks.channel_statistics(
            "std", parts.std if std is None else std, parts.channels, positive=True
        ),
        "value_range": checks.value_range(value_range),
    }


def checked_heads(heads: Any, num_heads: int) -> tuple[int, ...] | None:
    """The chosen heads as a tuple, or `None` for all.

    Raises:
        ValueError: If they are not some of `num_heads` heads.
    """
    if heads is None:
        return None
    chosen = (heads,) if checks.is_integer(heads) else heads
    if (
        not isinstance(chosen, (tuple, list, range))
        or not len(chosen)
        or not all(checks.is_integer(h) and 0 <= h < num_heads for h in chosen)
        or len(set(chosen)) < len(chosen)
    ):
        raise ValueError(
            f"`heads` must be distinct integers from 0 to {num_heads - 1}, one or a "
            f"sequence of them, or None. Received: heads={heads!r}"
        )
    return tuple(int(head) for head in chosen)
