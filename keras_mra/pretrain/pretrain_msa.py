"""`pretrain_msa`: a masked Siamese autoencoder from unlabelled images, in one call."""

import reprlib
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import TypeAlias

import keras

from keras_mra import checks
from keras_mra.datasets.picture_file import MAX_MEGAPIXELS
from keras_mra.distribution import scope
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.models.msa import MSA
from keras_mra.pretrain.check_attention_teacher import check_attention_teacher
from keras_mra.pretrain.check_view import check_view
from keras_mra.pretrain.data_request import DataRequest
from keras_mra.pretrain.find_attention_teacher import find_attention_teacher
from keras_mra.pretrain.held_outputs import held_outputs
from keras_mra.pretrain.knn_probe import knn_probe
from keras_mra.pretrain.prepare import prepare
from keras_mra.pretrain.recipe_request import RecipeRequest
from keras_mra.pretrain.trainer import train
from keras_mra.typing import ImageShape
from keras_mra.typing import Path
from keras_mra.typing import Size
from keras_mra.views.check_kind_of_view import check_kind_of_view

AnyView: TypeAlias = Callable[..., Any] | str | None


def pretrain_msa(
    ds: Any,
    preset: Path = "mae_mini",
    image_shape: ImageShape | None = None,
    patch_size: Size | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    *,
    effort: str = "good",
    views: tuple[AnyView, AnyView] = ("auto", "auto"),
    contrast: str = "info_nce",
    contrast_weight: float = 0.01,
    temperature: float = 0.1,
    momentum: float = 0.99,
    pool: str = "cls+mean",
    hidden_dim: int = 512,
    projection_dim: int = 128,
    attention_teacher: keras.Model | Path | None = None,
    attention_weight: float = 0.1,
    attention_share: float = 0.25,
    distribution: Any = None,
    probe: tuple[LabelledData, LabelledData] | str | None = None,
    probe_every: int = 1,
    crops_per_image: int = 1,
    cache_side: int | None = None,
    image_library: str | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    held_out: int = 0,
    steps_per_epoch: int | None = None,
    steps_per_execution: int = 1,
    learning_rate: float | None = None,
    warmup_epochs: float | None = None,
    weight_decay: float = 0.05,
    checkpoint: Path | None = None,
    tensorboard: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] | None = None,
    verbose: str | int = "auto",
    seed: int | None = 0,
    **mae_arguments: Any,
) -> MSA:
    """Trains an `MSA` on images. Labels are ignored.

    The recipe, the kinds of `ds` and the checkpoints are those of `pretrain_mae`.
    Only the data are required.

    Args:
        ds: As in `pretrain_mae`.
        preset: As in `pretrain_mae`, for the student.
        image_shape: As in `pretrain_mae`.
        patch_size: As in `pretrain_mae`.
        epochs: As in `pretrain_mae`.
        batch_size: As in `pretrain_mae`. The images of a batch are the negatives of
            each other.
        effort: As in `pretrain_mae`.
        views: Pair of views, the student's and the teacher's, each as in `MSA`:
            `"auto"`, a Keras layer or callable that keeps shape and range, or `None`.
        contrast: As in `MSA`.
        contrast_weight: As in `MSA`.
        temperature: As in `MSA`.
        momentum: Float in [0, 1], the teacher's momentum at the start. It rises to 1
            over the run, as a half cosine.
        pool: As in `MSA`. The probe pools in the same way.
        hidden_dim: As in `MSA`.
        projection_dim: As in `MSA`.
        attention_teacher: As in `pretrain_mae`. It sees the student's view, and it is
            not the `teacher` of the `MSA`. The `MSA` keeps it.
        attention_weight: As in `pretrain_mae`.
        attention_share: As in `pretrain_mae`.
        distribution: As in `pretrain_mae`.
        probe: As in `pretrain_mae`. The student is probed.
        probe_every: As in `pretrain_mae`.
        crops_per_image: As in `pretrain_mae`.
        cache_side: As in `pretrain_mae`.
        image_library: As in `pretrain_mae`.
        max_megapixels: As in `pretrain_mae`.
        held_out: As in `pretrain_mae`.
        steps_per_epoch: As in `pretrain_mae`.
        steps_per_execution: As in `pretrain_mae`.
        learning_rate: As in `pretrain_mae`.
        warmup_epochs: As in `pretrain_mae`.
        weight_decay: Float.
        checkpoint: As in `pretrain_mae`.
        tensorboard: As in `pretrain_mae`.
        callbacks: As in `pretrain_mae`.
        verbose: As in `keras.Model.fit`.
        seed: As in `pretrain_mae`.
        **mae_arguments: Arguments of the student's `MAE` that replace the preset's.

    Returns:
        The trained `MSA`. Its `mae` is the student. Its `history` is the
        `keras.callbacks.History`.

    Raises:
        ValueError: If an argument, a view or the first batch is bad, before training
            starts.
        OSError: If `checkpoint` or `tensorboard` cannot be written to, or another
            process writes to the checkpoint.
        FloatingPointError: If the loss becomes NaN or infinite.

    Example:

    ```python
    msa = keras_mra.pretrain_msa(images)
    augment = keras_mra.layers.MaskReconstruct(msa.mae)
    ```
    """
    if not isinstance(views, (tuple, list)) or len(views) != 2:
        raise ValueError(
            "`views` must be a pair, the student's and the teacher's. Received: "
            f"views={reprlib.repr(views)} (of type {type(views).__name__})"
        )
    named_views = {"views[0]": views[0], "views[1]": views[1]}
    for name, view in named_views.items():
        check_kind_of_view(name, view)
    checks.positive_int("probe_every", probe_every)
    recipe_request = RecipeRequest(
        effort=effort,
        epochs=epochs,
        learning_rate=learning_rate,
        warmup_epochs=warmup_epochs,
        weight_decay=weight_decay,
        steps_per_execution=steps_per_execution,
        checkpoint=checkpoint,
        tensorboard=tensorboard,
        callbacks=callbacks,
        verbose=verbose,
    )
    request = DataRequest(
        ds,
        image_shape=image_shape,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        # The views crop.
        crop="center",
        crop_scale=(1.0, 1.0),
        crops_per_image=crops_per_image,
        cache_side=cache_side,
        image_library=image_library,
        max_megapixels=max_megapixels,
        held_out=held_out,
        seed=seed,
    )
    with scope(distribution), held_outputs(checkpoint, tensorboard):
        mae, data, run = prepare(request, preset, patch_size, mae_arguments)
        recipe = recipe_request.settled(mae, data)
        if probe is not None:
            recipe = recipe.with_callback(knn_probe(probe, probe_every, mae, pool))
        settings: dict[str, Any] = {
            "contrast": contrast,
            "contrast_weight": contrast_weight,
            "temperature": temperature,
            "momentum": momentum,
            "momentum_steps": recipe.epochs * data.steps_per_epoch,
            "pool": pool,
            "hidden_dim": hidden_dim,
            "projection_dim": projection_dim,
        }
        run["method"] = "msa"
        run["msa"] = settings
        run["views"] = [v if v in (None, "auto") else type(v).__name__ for v in views]
        student_view, teacher_view = views
        msa = MSA(
            mae,
            student_view,
            teacher_view,
            **settings,
            seed=seed,
            attention_teacher=find_attention_teacher(attention_teacher, mae),
            attention_weight=attention_weight,
            attention_share=attention_share,
        )
        for name, view in named_views.items():
            check_view(name, view, data.first_images, mae.value_range)
        run.update(check_attention_teacher(msa, attention_teacher, data))
        msa.history = msa.mae.history = train(msa, data, recipe, run, mae)
    return msa
