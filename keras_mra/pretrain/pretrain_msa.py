"""`pretrain_msa`: a masked Siamese autoencoder from unlabelled images, in one call."""

import reprlib

import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra.distribution import scope
from keras_mra.models.msa import MSA
from keras_mra.pretrain.prepare import prepare
from keras_mra.pretrain.probe import KNNProbe
from keras_mra.pretrain.trainer import Recipe
from keras_mra.pretrain.trainer import train

PAIRS = {
    "views": "the student's and the teacher's",
    "probe": "((images, labels), (images, labels)), train and test",
}


def pretrain_msa(
    ds,
    preset="mae_mini",
    image_shape=None,
    patch_size=None,
    epochs=100,
    batch_size=None,
    *,
    views=("auto", "auto"),
    contrast="info_nce",
    contrast_weight=1.0,
    temperature=0.2,
    momentum=0.99,
    pool="cls+mean",
    hidden_dim=512,
    projection_dim=128,
    distribution=None,
    probe=None,
    probe_every=1,
    crops_per_image=1,
    cache_side=None,
    steps_per_epoch=None,
    learning_rate=1.5e-4,
    warmup_epochs=None,
    weight_decay=0.05,
    checkpoint=None,
    tensorboard=None,
    callbacks=None,
    verbose="auto",
    seed=0,
    **mae_arguments,
):
    """Trains an `MSA` on images; labels, where there are any, are ignored.

    The recipe, the kinds of `ds` and the checkpoints are those of `pretrain_mae`.
    Only the data are required.

    Args:
        ds: As in `pretrain_mae`.
        preset: As in `pretrain_mae`.
        image_shape: As in `pretrain_mae`.
        patch_size: As in `pretrain_mae`.
        epochs: Int.
        batch_size: Int, or `None` for 256 (fewer for fewer images). The images of all
            devices together; they are each other's negatives.
        views: Pair of views, the student's and the teacher's, each as in `MSA`:
            `"auto"`, a Keras layer or callable that keeps shape and range, or `None`.
        contrast: As in `MSA`.
        contrast_weight: As in `MSA`.
        temperature: As in `MSA`.
        momentum: Float in [0, 1], of the teacher at the start; a cosine takes it to 1
            over the run.
        pool: As in `MSA`.
        hidden_dim: As in `MSA`.
        projection_dim: As in `MSA`.
        distribution: `keras.distribution.Distribution` on JAX,
            `tf.distribute.Strategy` on TensorFlow; `None` for one device, or, on
            PyTorch, for the process group that `torchrun` started.
        probe: Pair of pairs `((images, labels), (images, labels))`, train and test, or
            `None`. A k-nearest-neighbour probe of the student runs on them in training
            and is reported as `knn_accuracy`.
        probe_every: Int, epochs between probes.
        crops_per_image: As in `pretrain_mae`.
        cache_side: As in `pretrain_mae`.
        steps_per_epoch: As in `pretrain_mae`.
        learning_rate: Float, the peak rate per 256 images of a batch.
        warmup_epochs: As in `pretrain_mae`.
        weight_decay: Float.
        checkpoint: As in `pretrain_mae`.
        tensorboard: As in `pretrain_mae`.
        callbacks: Keras callbacks.
        verbose: As in `keras.Model.fit`.
        seed: Int, for weights, masks, views and the order of arrays.
        **mae_arguments: Arguments of `MAE` that replace the preset's.

    Returns:
        The trained `MSA`; `msa.mae` is the student, `msa.history` the
        `keras.callbacks.History`.

    Raises:
        ValueError: If an argument, a view or the first batch is bad, before training
            starts.
        FloatingPointError: If the loss becomes NaN or infinite.

    Example:

    ```python
    msa = keras_mra.pretrain_msa(images)
    augment = keras_mra.layers.MaskReconstruct(msa.mae)
    ```
    """
    weak, strong = _pair("views", views)
    recipe = Recipe(
        epochs=epochs,
        learning_rate=learning_rate,
        warmup_epochs=warmup_epochs,
        weight_decay=weight_decay,
        checkpoint=checkpoint,
        tensorboard=tensorboard,
        callbacks=list(callbacks or []),
        verbose=verbose,
    )
    if probe is not None:
        train_part, test_part = _pair("probe", probe)
        probe = KNNProbe(train_part, test_part, probe_every, pool)
        recipe.callbacks.insert(0, probe)
    with scope(distribution):
        mae, data, run = prepare(
            ds,
            preset,
            image_shape=image_shape,
            patch_size=patch_size,
            batch_size=batch_size,
            crop="center",  # The views crop.
            crop_scale=(1.0, 1.0),
            crops_per_image=crops_per_image,
            cache_side=cache_side,
            steps_per_epoch=steps_per_epoch,
            seed=seed,
            mae_arguments=mae_arguments,
        )
        if probe is not None:
            probe.check_images(mae)
        settings = dict(
            contrast=contrast,
            contrast_weight=contrast_weight,
            temperature=temperature,
            momentum=momentum,
            momentum_steps=epochs * data.steps_per_epoch,
            pool=pool,
            hidden_dim=hidden_dim,
            projection_dim=projection_dim,
        )
        msa = MSA(mae, weak, strong, **settings, seed=seed)
        _check_views(msa, data.first_images)
        run["method"] = "msa"
        run["msa"] = settings
        run["views"] = [
            v if v in (None, "auto") else type(v).__name__ for v in (weak, strong)
        ]
        msa.history = msa.mae.history = train(msa, data, recipe, run)
        return msa


def _pair(name, value):
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(
            f"`{name}` must be a pair, {PAIRS[name]}. Received: "
            f"{name}={reprlib.repr(value)} (of type {type(value).__name__})"
        )
    return value


def _check_views(msa, images):
    """Runs each view once; an error names the one that changes shape or range."""
    images = images[:8]
    for name, view in (("student's", msa.weak), ("teacher's", msa.strong)):
        if view is None:
            continue
        random_states = [(v, np.array(v)) for v in getattr(view, "variables", [])]
        seen = ops.convert_to_numpy(view(ops.convert_to_tensor(images)))
        for variable, value in random_states:
            variable.assign(value)
        if seen.shape != images.shape:
            raise ValueError(
                f"The {name} view in `views` must keep the shape of the images. "
                f"Received: {seen.shape} from {images.shape}"
            )
        checks.pixel_values(seen, msa.mae.value_range, f"the {name} view in `views`")
