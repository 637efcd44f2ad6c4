"""`pretrain_mae`: a masked autoencoder from unlabelled images, in one call."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_mra import checks
from keras_mra.datasets.picture_file import MAX_MEGAPIXELS
from keras_mra.distribution import scope
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.models import MAE
from keras_mra.pretrain.check_attention_teacher import check_attention_teacher
from keras_mra.pretrain.check_view import check_view
from keras_mra.pretrain.data_request import DataRequest
from keras_mra.pretrain.find_attention_teacher import find_attention_teacher
from keras_mra.pretrain.held_outputs import held_outputs
from keras_mra.pretrain.knn_probe import knn_probe
from keras_mra.pretrain.prepare import prepare
from keras_mra.pretrain.recipe_request import RecipeRequest
from keras_mra.pretrain.trainer import train
from keras_mra.pretrain.viewed_mae import ViewedMAE
from keras_mra.typing import ImageShape
from keras_mra.typing import Path
from keras_mra.typing import Size
from keras_mra.views import weak
from keras_mra.views.check_kind_of_view import check_kind_of_view

# An autoencoder paints best at ratios that it has seen, and is better than a flat
# colour from the first step if it only corrects a smooth fill.
AUGMENTOR = {"mask_ratio": (0.4, 0.75), "smooth_fill": True}


def pretrain_mae(
    ds: Any,
    preset: Path = "mae_mini",
    image_shape: ImageShape | None = None,
    patch_size: Size | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    *,
    effort: str = "good",
    view: Callable[..., Any] | str | None = "auto",
    attention_teacher: keras.Model | Path | None = None,
    attention_weight: float = 0.1,
    attention_share: float = 0.25,
    distribution: Any = None,
    probe: tuple[LabelledData, LabelledData] | str | None = None,
    probe_every: int = 1,
    crop_scale: tuple[float, float] = (0.2, 1.0),
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
) -> MAE:
    """Trains an `MAE` on images. Labels are ignored.

    Unless `verbose` is 0, the plan is printed before the first step: images, patches,
    steps, learning rate, device and an estimate of the time.

    The recipe is MAE's: AdamW with betas 0.9 and 0.95; a learning rate that is scaled
    by the batch size, rises linearly and falls as a cosine; weight decay on kernels
    only; random resized crops and flips. Only the data are required.

    Args:
        ds: Array of images, pair of images and labels, `tf.data.Dataset`,
            `keras.utils.PyDataset`, grain data set or loader, torch `DataLoader`, or a
            data name: `fashion_mnist`, `digits`, `cifar10`, `cifar100`, `folder:PATH`,
            `tfds:NAME`. Streams must give batches. Images are uint8 or floats in
            `value_range`.
        preset: Name of an architecture, or a preset with weights to continue from: its
            name, the path of its folder, or a handle `hf://OWNER/NAME`.
        image_shape: `(height, width, channels)`, or `None` for the data's own. Named
            data are resized to it. Without it, files are resized to at most the
            preset's side, and at most 64 pixels if that is smaller: 64 for `mae_nano`,
            224 for the other architectures.
        patch_size: Int or pair of ints. `None` takes that of a preset with weights,
            and for an architecture the largest of at most 16 pixels that cuts the
            images into at least 7x7 patches.
        epochs: Int, or `None` for as many as `effort` asks for.
        batch_size: Int, the images of all devices together. `None` takes 256 if there
            are at least 25,600 images, else 64, or all images if there are fewer. A
            stream has its own batches and takes `None`.
        effort: `"quick"`, `"good"` or `"best"`, about 500, 4,000 or 20,000 training
            steps, however many images there are. `epochs` replaces it.
        view: `"auto"` for random resized crops and flips, `None` for the images
            themselves, or a Keras layer or function that keeps shape and range.
        attention_teacher: Preset with weights, such as `"mae_nano_photos"`, whose
            attention is taught; built Keras model, or the path of its `.keras` file; or
            `None`. The class token's attention in the last block, to the whole view, is
            drawn towards the teacher's attention to the same view. A model is an
            `attention_model` of `MaskReconstruct`: it takes float32 images at the size
            of the `MAE`, in `value_range`, and returns scores `(batch, patches)`, at
            least 0. A frozen copy is used. The two losses are reported as `pixel_loss`
            and `attention_loss`.
        attention_weight: Float, at least 0, the weight of the attention loss, which is
            the Kullback-Leibler divergence of the two distributions over the patches.
        attention_share: Float in (0, 1], the share of each batch whose attention is
            taught: its first images, so shuffle a stream. They pass through the encoder
            a second time, unmasked, and through the teacher.
        distribution: `keras.distribution.Distribution` on JAX,
            `tf.distribute.Strategy` on TensorFlow, the process group of all processes
            on PyTorch; `"auto"` for all devices; `None` for one device, or for what is
            in force already. A view of your own must be made within the scope of a
            TensorFlow strategy.
        probe: `((images, labels), (images, labels))`, train and test, or the name of a
            data set with labels and a test split. The accuracy of a
            k-nearest-neighbour probe on them is reported as `knn_accuracy`. `None` for
            no probe.
        probe_every: Int, epochs between probes. The last epoch is always probed.
        crop_scale: Pair of floats in (0, 1], the share of the area of a crop of the
            view `"auto"`.
        crops_per_image: Int, crops of each file in one epoch, for `folder:` and
            `tfds:`.
        cache_side: Int, for `folder:`: decoded files stay in memory, with a short side
            of at most so many pixels. `None` for no cache.
        image_library: `"opencv"` or `"pillow"`, which makes the random crops of
            `folder:` and `tfds:`; `None` for OpenCV where it is installed.
        max_megapixels: Float, for `folder:`: the largest pictures that are read, in
            millions of pixels.
        held_out: Int, for `folder:` and `tfds:` data without a test split: so many
            images, at most a tenth, are not trained on. `keras-mra pretrain` measures
            the paint on them.
        steps_per_epoch: Int, or `None` for one pass over `ds`.
        steps_per_execution: Int, the steps that TensorFlow or JAX makes in one call, as
            in `keras.Model.compile`. More than 1 helps where an accelerator finishes a
            step before Python has started the next one.
        learning_rate: Float, the peak rate per 256 images of a batch, or `None` for a
            rate that suits the width of the encoder.
        warmup_epochs: Float, or `None` for a twentieth of the epochs.
        weight_decay: Float.
        checkpoint: Folder, or `None`. The state is saved there after each epoch, and
            the one before it is kept. A run that finds a checkpoint continues from it.
            Only one process at a time may use the folder. With arrays, data names and
            `PyDataset`s of this package, the result equals an uninterrupted run's.
            Other streams start again at the beginning of the unfinished epoch.
        tensorboard: Folder for TensorBoard logs, or `None`.
        callbacks: Keras callbacks, or `None`.
        verbose: As in `keras.Model.fit`.
        seed: Int, for weights, masks, views and the order of arrays. `None` draws
            other weights, masks and views in each run.
        **mae_arguments: Arguments of `MAE` that replace the preset's, such as
            `norm_pix_loss`, `value_range` or `dtype`. An architecture is trained with
            `mask_ratio=(0.4, 0.75)` and `smooth_fill=True`, which suits augmentation.
            The published recipe is `mask_ratio=0.75, smooth_fill=False`, which is also
            the default with `norm_pix_loss=True`.

    Returns:
        The trained `MAE`. Its `history` is the `keras.callbacks.History`.

    Raises:
        ValueError: If an argument, the view or the first batch is bad, before training
            starts.
        OSError: If `checkpoint` or `tensorboard` cannot be written to, or another
            process writes to the checkpoint.
        FloatingPointError: If the loss becomes NaN or infinite.

    Example:

    ```python
    mae = keras_mra.pretrain_mae(images)
    mae = keras_mra.pretrain_mae("fashion_mnist", preset="mae_nano", epochs=20)
    ```
    """
    check_kind_of_view("view", view)
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
        crop="random" if view == "auto" else "center",
        crop_scale=crop_scale,
        crops_per_image=crops_per_image,
        cache_side=cache_side,
        image_library=image_library,
        max_megapixels=max_megapixels,
        held_out=held_out,
        seed=seed,
    )
    norm_pix_loss = mae_arguments.get("norm_pix_loss", False)
    defaults = {} if checks.flag("norm_pix_loss", norm_pix_loss) else AUGMENTOR
    with scope(distribution), held_outputs(checkpoint, tensorboard):
        mae, data, run = prepare(request, preset, patch_size, mae_arguments, defaults)
        recipe = recipe_request.settled(mae, data)
        if probe is not None:
            recipe = recipe.with_callback(knn_probe(probe, probe_every, mae))
        check_view("view", view, data.first_images, mae.value_range)
        run["method"] = "mae"
        run["view"] = view if view in (None, "auto") else type(view).__name__
        if isinstance(view, str):  # "auto"
            scale = None if data.cropped else crop_scale
            view = weak(data.image_shape, mae.value_range, seed, scale)
        model = ViewedMAE(
            mae,
            view,
            find_attention_teacher(attention_teacher, mae),
            attention_weight,
            attention_share,
        )
        run.update(check_attention_teacher(model, attention_teacher, data))
        mae.history = train(model, data, recipe, run, mae)
    return mae
