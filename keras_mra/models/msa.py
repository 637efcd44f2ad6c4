"""The masked Siamese autoencoder (MSA)."""

import math
from collections.abc import Callable
from typing import Any
from typing import Self
from typing import TypeAlias

import keras
from keras import ops

from keras_mra import checks
from keras_mra import distribution
from keras_mra import losses
from keras_mra import views
from keras_mra.models.attention_teacher import AttentionTeacher
from keras_mra.models.attention_teacher import attention_divergence
from keras_mra.models.attention_teacher import class_attention_of
from keras_mra.models.attention_teacher import taught_part
from keras_mra.models.autoencoder import layer_seeds
from keras_mra.models.check_mae import check_mae
from keras_mra.models.checked_images import CheckedImages
from keras_mra.models.mae import MAE
from keras_mra.models.teacher import build_head
from keras_mra.models.teacher import build_teacher
from keras_mra.typing import Array
from keras_mra.views.check_kind_of_view import check_kind_of_view
from keras_mra.views.drawn_view import drawn_view
from keras_mra.vit.mae_sizes import at_most_wide
from keras_mra.vit.tokens import check_pool
from keras_mra.vit.tokens import pool_tokens

CONTRASTS = ("info_nce", "cosine")
# A Keras layer or a function of images.
View: TypeAlias = Callable[..., Array]


@keras.saving.register_keras_serializable("keras_mra")
class MSA(CheckedImages, distribution.DistributedModel):
    """Masked Siamese autoencoder (MSA): an MAE with a teacher.

    *Teaching Masked Autoencoder With Strong Augmentations* (TNNLS 2025). The student
    is an MAE on a masked weak view, with an unchanged pixel loss. The teacher is a
    moving average of the student and sees a strongly augmented view that is not
    masked. The contrastive loss pulls the student's predicted global feature towards
    the teacher's feature of the same image, and away from the features of the other
    images in the batch.

    The paper leaves some choices open. This class uses InfoNCE against the teacher's
    features of the global batch, over all devices, and heads with layer normalisation
    instead of batch normalisation.

    Args:
        mae: `keras_mra.MAE`, the student. It is trained in place.
        weak: Keras layer or callable, the student's view; `"auto"` for
            `keras_mra.views.weak`; `None` for the unchanged images.
        strong: Keras layer or callable, the teacher's view; `"auto"` for
            `keras_mra.views.strong`; `None` for the unchanged images. Pass a
            `MaskReconstruct` layer to use MRA as the teacher's view.
        contrast: `"info_nce"`, or `"cosine"` for BYOL's loss, which has no negatives.
        contrast_weight: Float, at least 0, the weight of the contrastive loss. The
            pixel loss, whose values are much smaller, has the weight 1.
        temperature: Float, the temperature of InfoNCE.
        momentum: Float in [0, 1], the momentum of the teacher's average at the start.
        momentum_steps: Int, the number of batches over which a half cosine raises the
            momentum to 1; or `None` for a constant momentum.
        pool: `"cls"`, `"mean"` or `"cls+mean"`. The global feature is the class token,
            the mean of the patch tokens, or both.
        hidden_dim: Int, hidden width of projector and predictor.
        projection_dim: Int, width of the features that are compared.
        seed: Int or `None`, for the weights of the heads and for the default views.
        attention_teacher: Built Keras model or `None`. Its attention to the student's
            whole view is taught to the class token of the student's last block. The
            model is an `attention_model` of `MaskReconstruct`: float32 images to scores
            `(batch, patches)`, at least 0. The `MSA` keeps a frozen copy.
        attention_weight: Float, at least 0, the weight of the attention loss.
        attention_share: Float in (0, 1], the share of a training batch whose attention
            is taught.
        **kwargs: Arguments of `keras.Model`.

    Attributes:
        mae: The student.
        projector, predictor: Keras Functional models that follow the student's encoder.
        teacher: Frozen Keras Functional model: encoder and projector.

    Call arguments:
        inputs: Images `(batch, height, width, channels)`, or a dict with
            given views and masks: `weak` and `strong`, images, and `visible`, integers
            `(batch, kept)`.
        training: Bool. `False` uses the unchanged images as both views.

    Returns:
        A dict of named intermediates: those of `MAE` for the student, and `queries` and
        `keys`, both float32 `(batch, projection_dim)`. With an `attention_teacher` also
        `attention` and `taught_attention`, both float32 `(taught, patches)`, of the
        first images of the batch.

    Example:

    ```python
    msa = keras_mra.MSA(keras_mra.MAE((28, 28, 1), 4))
    msa.compile(keras.optimizers.AdamW(1e-3))
    msa.fit(images, epochs=10)
    features = msa.mae.encode(images[:8])
    ```
    """

    def __init__(
        self,
        mae: MAE,
        weak: View | str | None = "auto",
        strong: View | str | None = "auto",
        contrast: str = "info_nce",
        contrast_weight: float = 0.01,
        temperature: float = 0.1,
        momentum: float = 0.99,
        momentum_steps: int | None = None,
        pool: str = "cls+mean",
        hidden_dim: int = 512,
        projection_dim: int = 128,
        seed: int | None = 0,
        attention_teacher: keras.Model | None = None,
        attention_weight: float = 0.1,
        attention_share: float = 0.25,
        **kwargs: Any,
    ) -> None:
        check_mae(mae)
        # Pixels must arrive as they are: a float16 policy would round them.
        arguments = {"dtype": mae.dtype_policy, **checks.layer_arguments(kwargs)}
        super().__init__(**{**arguments, "autocast": False})
        checks.choice("contrast", contrast, CONTRASTS)
        check_pool(pool)
        self.mae = mae
        self.contrast = contrast
        self.contrast_weight = checks.nonnegative_float(
            "contrast_weight", contrast_weight
        )
        self.temperature = checks.positive_float("temperature", temperature)
        self.momentum = checks.fraction("momentum", momentum)
        if momentum_steps is not None:
            momentum_steps = checks.positive_int("momentum_steps", momentum_steps)
        self.momentum_steps = momentum_steps
        self.pool = pool
        self.hidden_dim = at_most_wide("hidden_dim", hidden_dim)
        self.projection_dim = at_most_wide("projection_dim", projection_dim)
        self.seed = checks.seed(seed)
        self.weak = self._view("weak", weak, views.weak)
        self.strong = self._view("strong", strong, views.strong)

        seeds = layer_seeds(self.seed, stream=1)
        feature_dim = mae.encoder_dim * (2 if pool == "cls+mean" else 1)
        # The hidden layers of the projector, the predictor and the teacher.
        ends = 2 * feature_dim + 4 * self.projection_dim
        checks.weights_fit(
            ends * self.hidden_dim,
            hidden_dim=self.hidden_dim,
            projection_dim=self.projection_dim,
        )
        self.projector, self.predictor = (
            build_head(
                name,
                input_dim,
                self.hidden_dim,
                self.projection_dim,
                mae.layer_norm_epsilon,
                seeds,
                self.dtype_policy,
            )
            for name, input_dim in (
                ("projector", feature_dim),
                ("predictor", projection_dim),
            )
        )
        self.teacher = build_teacher(mae.encoder, self.projector, pool)
        self.batches_seen = self.add_weight(
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            name="batches_seen",
        )
        self.pixel_tracker = keras.metrics.Mean(name="pixel_loss")
        self.contrast_tracker = keras.metrics.Mean(name="contrast_loss")
        self.momentum_tracker = keras.metrics.Mean(name="teacher_momentum")
        self.attention_weight = checks.nonnegative_float(
            "attention_weight", attention_weight
        )
        self.attention_share = checks.share("attention_share", attention_share)
        self.attention_teacher: AttentionTeacher | None = None
        if attention_teacher is not None:
            self.attention_teacher = AttentionTeacher(attention_teacher, mae)
            self.attention_tracker = keras.metrics.Mean(name="attention_loss")
        self.built = True

    def autoencoder(self) -> MAE:
        return self.mae

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Array]:
        if isinstance(inputs, dict):
            weak, strong, visible = _given(inputs)
            student = self.mae.call({"images": weak, "visible": visible})
        else:
            weak, strong = self.two_views(inputs, training)
            student = self.mae(weak, training=training)
        outputs = {
            **student,
            "queries": self.query(student["tokens"], student["visible"]),
            "keys": self.key(strong),
        }
        if self.attention_teacher is not None:
            taught = taught_part(weak, self.attention_share) if training else weak
            outputs["attention"] = class_attention_of(self.mae, taught)
            outputs["taught_attention"] = self.attention_teacher(taught)
        return outputs

    def two_views(self, images: Array, training: bool | None) -> tuple[Array, Array]:
        """The student's and the teacher's view of the images."""
        if not training:
            return images, images
        return drawn_view(self.weak, images), drawn_view(self.strong, images)

    def query(self, tokens: Array, visible: Array | None = None) -> Array:
        """The student's predicted feature, float32, from its encoded tokens.

        Args:
            tokens: `tokens` of `MAE`.
            visible: `visible` of `MAE`, which marks padded tokens, or `None`.
        """
        if len(self.mae.visible_counts) == 1:
            visible = None  # no tokens are padded
        projected = self.projector(pool_tokens(tokens, self.pool, visible))
        return ops.cast(self.predictor(projected), "float32")

    def key(self, images: Array) -> Array:
        """The teacher's feature of whole images, float32, without a gradient."""
        patches = self.mae.patchify(images)  # (B, N, values)
        indices = ops.broadcast_to(
            ops.arange(self.mae.num_patches, dtype="int32"), ops.shape(patches)[:2]
        )
        key = self.teacher({"patches": patches, "indices": indices})
        return ops.stop_gradient(ops.cast(key, "float32"))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Array:
        """Pixel loss plus the weighted losses; training updates the teacher.

        The weighted losses are the contrastive loss and, with an `attention_teacher`,
        the attention loss.

        Raises:
            ValueError: If there are sample weights or class weights.
        """
        checks.no_sample_weight(sample_weight)
        replicas = distribution.summed_replicas()
        # Keras has divided the pixel loss by the number of replicas.
        pixel = self.mae.compute_loss(y_pred=y_pred) * replicas
        contrast = self.contrast_loss(y_pred["queries"], y_pred["keys"])
        momentum = self.momentum_at(self.batches_seen)
        self.pixel_tracker.update_state(pixel)
        self.contrast_tracker.update_state(contrast)
        self.momentum_tracker.update_state(momentum)
        if training:
            self._move_teacher(momentum)
        total = pixel + self.contrast_weight * contrast
        if self.attention_teacher is not None:
            attention = ops.mean(
                attention_divergence(y_pred["attention"], y_pred["taught_attention"])
            )
            self.attention_tracker.update_state(attention)
            total = total + self.attention_weight * attention
        return total / replicas

    def contrast_loss(self, queries: Array, keys: Array) -> Array:
        """Contrastive loss between queries and keys, averaged over the batch."""
        if self.contrast == "cosine":
            return ops.mean(losses.cosine_distance(queries, keys))
        keys, offset = distribution.gather_keys(keys)
        positives = offset + ops.arange(ops.shape(queries)[0])
        return ops.mean(losses.info_nce(queries, keys, self.temperature, positives))

    def momentum_at(self, batch: Array | int) -> Array:
        """The teacher's momentum at a batch: a half cosine from `momentum` to 1."""
        if self.momentum_steps is None:
            return ops.convert_to_tensor(self.momentum, "float32")
        progress = ops.cast(batch, "float32") / self.momentum_steps
        progress = ops.minimum(progress, 1.0)
        return 1.0 - (1.0 - self.momentum) * (ops.cos(math.pi * progress) + 1.0) / 2.0

    def _move_teacher(self, momentum: Array) -> None:
        """Averages the student, before this batch's step, into the teacher.

        With gradient accumulation the student moves once per window of batches, and
        the teacher too.
        """
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        window = getattr(optimizer, "gradient_accumulation_steps", None) or 1
        starts_window = self.batches_seen % window == 0
        momentum = ops.where(starts_window, momentum, 1.0)
        student = [*self.mae.encoder.weights, *self.projector.weights]
        for mine, average in zip(student, self.teacher.weights, strict=True):
            # At least float32: a momentum of 0.99 is inexact in half precision.
            dtype = keras.backend.result_type(average.dtype, "float32")
            mine, before, m = (ops.cast(x, dtype) for x in (mine, average, momentum))
            average.assign(ops.cast(m * before + (1.0 - m) * mine, average.dtype))
        self.batches_seen.assign(self.batches_seen + 1)

    def _view(
        self, name: str, view: View | str | None, default: Callable[..., View]
    ) -> View | None:
        check_kind_of_view(name, view)
        if isinstance(view, str):
            return default(self.mae.image_shape, self.mae.value_range, self.seed)
        return view

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        teacher = self.attention_teacher
        config.update(
            mae=self.mae,
            weak=self.weak,
            strong=self.strong,
            contrast=self.contrast,
            contrast_weight=self.contrast_weight,
            temperature=self.temperature,
            momentum=self.momentum,
            momentum_steps=self.momentum_steps,
            pool=self.pool,
            hidden_dim=self.hidden_dim,
            projection_dim=self.projection_dim,
            seed=self.seed,
            attention_teacher=None if teacher is None else teacher.model,
            attention_weight=self.attention_weight,
            attention_share=self.attention_share,
        )
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        config = dict(config)
        for name in ("mae", "weak", "strong", "attention_teacher"):
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)


def _given(inputs: dict[str, Any]) -> tuple[Array, Array, Array]:
    """The views and masks that a dict of inputs holds, as tensors."""
    names = ("weak", "strong", "visible")
    if set(inputs) != set(names):
        raise ValueError(
            f"A dict of `inputs` must hold {names}. Received: keys "
            f"{sorted(map(str, inputs))}"
        )
    return tuple(ops.convert_to_tensor(inputs[name]) for name in names)
