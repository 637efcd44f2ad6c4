"""`pretrain_mae`: a masked autoencoder from unlabelled images, in one call."""

from keras_mra.distribution import DistributedModel
from keras_mra.pretrain.prepare import prepare
from keras_mra.pretrain.trainer import Recipe
from keras_mra.pretrain.trainer import train
from keras_mra.views import weak


def pretrain_mae(
    ds,
    preset="mae_mini",
    image_shape=None,
    patch_size=None,
    epochs=100,
    batch_size=None,
    *,
    view="auto",
    crop_scale=(0.2, 1.0),
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
    """Trains an `MAE` on images; labels, where there are any, are ignored.

    MAE's recipe: AdamW (betas 0.9 and 0.95), linear warm-up and cosine decay of a rate
    scaled by the batch size, weight decay not on biases, norms and tokens, random
    resized crops and flips. Only the data are required.

    Args:
        ds: Array of images, pair of images and labels, `tf.data.Dataset`,
            `keras.utils.PyDataset`, grain data set or loader, torch `DataLoader`, or a
            data name: `fashion_mnist`, `digits`, `folder:PATH`, `tfds:NAME`. Streams
            come in batches. Images are uint8 or floats in `value_range`.
        preset: Name of an architecture or of a preset with weights to go on from, or
            the path of a preset folder.
        image_shape: `(height, width, channels)`, or `None` for the data's own. For
            data names it is the size that images are resized to.
        patch_size: Int or pair of ints, or `None` for the preset's if that cuts the
            images into at least 7x7 patches, else the largest that does.
        epochs: Int.
        batch_size: Int, or `None` for 256 (fewer for fewer images). Streams have
            their own.
        view: `"auto"` for random resized crops and flips, `None` for the images as
            they are, or a Keras layer or model that keeps shape and range.
        crop_scale: Pair of floats in (0, 1], the area of `"auto"`'s crops.
        crops_per_image: Int, crops of each file in one epoch, for `folder:` and
            `tfds:`.
        cache_side: Int or `None`, for `folder:`: keeps decoded files in memory, with a
            short side of at most that many pixels.
        steps_per_epoch: Int, or `None` for one pass over `ds`.
        learning_rate: Float, the peak rate per 256 images of a batch.
        warmup_epochs: Float, or `None` for a twentieth of the epochs.
        weight_decay: Float.
        checkpoint: Folder, or `None`. The state is saved there after each epoch, and a
            run that finds one continues from it: with arrays, `PyDataset`s of this
            package and data names the result equals an uninterrupted run's. Other
            streams start again from their beginning at the epoch that was not done.
        tensorboard: Folder for TensorBoard logs, or `None`.
        callbacks: Keras callbacks.
        verbose: As in `keras.Model.fit`.
        seed: Int, for weights, masks, views and the order of arrays.
        **mae_arguments: Arguments of `MAE` that replace the preset's, such as
            `mask_ratio`, `norm_pix_loss`, `value_range` or `dtype`.

    Returns:
        The trained `MAE`; `mae.history` is the `keras.callbacks.History`.

    Raises:
        ValueError: If an argument or the first batch is bad, before training starts.
        FloatingPointError: If the loss becomes NaN or infinite.

    Example:

    ```python
    mae = keras_mra.pretrain_mae(images)
    mae = keras_mra.pretrain_mae("fashion_mnist", preset="mae_nano", epochs=20)
    ```
    """
    if not (view is None or view == "auto" or callable(view)):
        raise ValueError(
            "`view` must be 'auto', None or a Keras layer. "
            f"Received: view={view!r} (of type {type(view).__name__})"
        )
    recipe = Recipe(
        epochs=epochs,
        learning_rate=learning_rate,
        warmup_epochs=warmup_epochs,
        weight_decay=weight_decay,
        checkpoint=checkpoint,
        tensorboard=tensorboard,
        callbacks=callbacks,
        verbose=verbose,
    )
    mae, data, run = prepare(
        ds,
        preset,
        image_shape=image_shape,
        patch_size=patch_size,
        batch_size=batch_size,
        crop="random" if view == "auto" else "center",
        crop_scale=crop_scale,
        crops_per_image=crops_per_image,
        cache_side=cache_side,
        steps_per_epoch=steps_per_epoch,
        seed=seed,
        mae_arguments=mae_arguments,
    )
    run["method"] = "mae"
    run["view"] = view if view in (None, "auto") else type(view).__name__
    if view == "auto":
        scale = None if data.cropped else crop_scale
        view = weak(data.image_shape, mae.value_range, seed, scale)
    trainee = ViewedMAE(mae, view)
    mae.history = train(trainee, data, recipe, run)
    return mae


class ViewedMAE(DistributedModel):
    """An MAE that sees a random view of each image while it trains.

    Args:
        mae: `MAE`.
        view: Keras layer, or `None`.
    """

    def __init__(self, mae, view=None):
        super().__init__(autocast=False, dtype=mae.dtype_policy)
        self.mae = mae
        self.view = view
        self.built = True

    def call(self, images, training=None):
        if training and self.view is not None:
            images = self.view(images, training=True)
        return self.mae(images, training=training)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        return self.mae.compute_loss(x, y, y_pred, sample_weight, training)
