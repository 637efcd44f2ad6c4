"""Fine-tuning: the whole encoder trained on labels."""

import dataclasses

import keras
import numpy as np

from keras_mra import backend
from keras_mra import checks
from keras_mra.datasets import ArrayDataset
from keras_mra.datasets import EpochDataset
from keras_mra.datasets import Relabelled
from keras_mra.datasets import SetEpoch
from keras_mra.evaluation.classifier import build_classifier
from keras_mra.evaluation.features import mae_of
from keras_mra.evaluation.labelled import check_classes
from keras_mra.evaluation.labelled import check_seed
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.results import Result
from keras_mra.evaluation.results import percent
from keras_mra.optimizers import LayerwiseAdamW
from keras_mra.optimizers import WarmupCosineDecay
from keras_mra.optimizers import rate_scales
from keras_mra.vit.tokens import check_pool


@dataclasses.dataclass(frozen=True)
class FineTuneResult(Result):
    """What `fine_tune` measured.

    Attributes:
        accuracy: Float, on the test images.
        loss: Float, cross-entropy on the test images.
        history: Dict from `"loss"` and `"accuracy"` to their values in each epoch of
            training, and whatever else callbacks logged.
        classes: Tuple of ints, the label of each output of the classifier.
        learning_rate, layer_decay, weight_decay: Floats.
        epochs, batch_size, train_images, test_images, seed: Ints.
    """

    protocol = "fine_tune"

    accuracy: float
    loss: float
    history: dict[str, list[float]]
    classes: tuple[int, ...]
    learning_rate: float
    layer_decay: float
    weight_decay: float
    epochs: int
    batch_size: int
    train_images: int
    test_images: int
    seed: int

    def rows(self):
        return [
            (f"fine-tuned, {self.epochs} epochs", "accuracy %", "loss"),
            (
                f"test, {self.test_images} images",
                percent(self.accuracy),
                f"{self.loss:.4f}",
            ),
        ]


def fine_tune(
    encoder,
    train,
    test,
    pool="cls+mean",
    *,
    epochs=30,
    batch_size=256,
    learning_rate=1e-3,
    layer_decay=None,
    weight_decay=0.05,
    warmup_epochs=None,
    augmentation=None,
    callbacks=None,
    verbose="auto",
    seed=0,
):
    """Trains a copy of the whole encoder, and a linear head on it, on labels.

    MAE's recipe: AdamW, linear warm-up and cosine decay of a rate scaled by the batch
    size, and layer-wise decay of that rate: the lower a block, the slower it learns.
    The test images are looked at once, after the last epoch.

    Args:
        encoder: `MAE`, `MSA` or Keras model that can be saved; not changed.
        train: Pair of images and integer labels, or a `datasets.EpochDataset` of them,
            whose images are read as they are needed.
        test: Likewise.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        epochs: Int.
        batch_size: Int; all training images if they are fewer.
        learning_rate: Float, the peak rate per 256 images of a batch.
        layer_decay: Float in [0, 1], the rate of a level relative to the level above.
            The levels of an `MAE` are its embedding, each block, and the norm with the
            head; those of another model its layers, models inside opened. `None` for
            0.75 with an `MAE`, and 1 with another model, whose layers may be many.
        weight_decay: Float, at least 0; not applied to biases, norms and tokens.
        warmup_epochs: Float, or `None` for a tenth of the epochs.
        augmentation: Keras layer that changes training images, such as
            `keras_mra.layers.MaskReconstruct`, or `None`. It becomes a part of the
            classifier; before `classifier.export`, `keras_mra.strip_augmentation`
            takes this package's own out again.
        callbacks: Keras callbacks.
        verbose: As in `keras.Model.fit`.
        seed: Int, for the order of the images.

    Returns:
        `(result, classifier)`: a `FineTuneResult` and a compiled Functional
        `keras.Model`, which takes images to probabilities of the sorted labels of
        `train`.

    Raises:
        ValueError: If an argument or the data are bad, before training starts.
        FloatingPointError: If training diverges.

    Example:

    ```python
    result, classifier = keras_mra.evaluation.fine_tune(mae, train, test, epochs=10)
    print(result)
    classifier.save("classifier.keras")
    ```
    """
    mae = mae_of(encoder)
    if mae is None and not isinstance(encoder, keras.Model):
        raise ValueError(
            "`encoder` must be an MAE, an MSA or a Keras model to be fine-tuned. "
            f"Received: encoder={encoder!r} (of type {type(encoder).__name__})"
        )
    check_pool(pool)
    check_seed(seed)
    checks.positive_int("epochs", epochs)
    checks.positive_float("learning_rate", learning_rate)
    checks.nonnegative_float("weight_decay", weight_decay)
    if layer_decay is None:
        layer_decay = 0.75 if mae is not None else 1.0
    checks.fraction("layer_decay", layer_decay)
    if warmup_epochs is None:
        warmup_epochs = epochs / 10
    checks.nonnegative_float("warmup_epochs", warmup_epochs)
    train, image_shape = _dataset(mae, "train", train, (None, None, None))
    test, _ = _dataset(mae, "test", test, image_shape)
    classes = check_classes(train.all_labels(), test.all_labels())
    checks.positive_int("batch_size", batch_size)
    batch_size = min(batch_size, train.num_samples)
    batches = Relabelled(train, classes, batch_size, seed=seed)
    classifier, levels = build_classifier(
        encoder, image_shape, len(classes), pool, augmentation
    )
    steps = epochs * len(batches)
    classifier.compile(
        LayerwiseAdamW(
            rate_scales(levels, layer_decay, classifier.trainable_variables),
            learning_rate=WarmupCosineDecay(
                learning_rate * batch_size / 256,
                steps=steps,
                warmup_steps=round(warmup_epochs * len(batches)),
            ),
            weight_decay=weight_decay,
        ),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=backend.fastest_jit_compile(steps),
    )
    # TensorFlow traces a step again if the first trace has made variables.
    classifier.optimizer.build(classifier.trainable_variables)
    history = classifier.fit(
        batches,
        epochs=epochs,
        shuffle=False,  # The batches are, by the seed.
        callbacks=[SetEpoch(batches), *(callbacks or [])],
        verbose=verbose,
    ).history
    measured = classifier.evaluate(
        Relabelled(test, classes, batch_size, shuffle=False, drop_last=False),
        verbose=0,
        return_dict=True,
    )
    if not np.isfinite(measured["loss"]):
        raise FloatingPointError(
            f"The loss on `test` is {measured['loss']} after fine-tuning. A smaller "
            f"`learning_rate` may help. Received: learning_rate={learning_rate}"
        )
    result = FineTuneResult(
        accuracy=float(measured["accuracy"]),
        loss=float(measured["loss"]),
        history={k: [float(v) for v in values] for k, values in history.items()},
        classes=tuple(int(label) for label in classes),
        learning_rate=float(learning_rate),
        layer_decay=float(layer_decay),
        weight_decay=float(weight_decay),
        epochs=epochs,
        batch_size=batch_size,
        train_images=train.num_samples,
        test_images=test.num_samples,
        seed=seed,
    )
    return result, classifier


def _dataset(mae, name, data, image_shape):
    """Checks labelled images, against the `MAE` if there is one; of a stream the first.

    Returns:
        Pair of an `EpochDataset` and the shape of an image.
    """
    if isinstance(data, EpochDataset):
        data.all_labels()  # raises if there are none
        images, _ = labelled(name, data.batch(np.arange(1)))
    else:
        images, labels = labelled(name, data)
        data = ArrayDataset(images, labels, batch_size=1)
    if mae is not None:
        checks.image_batch(images, mae.image_shape, name)
        checks.pixel_values(images, mae.value_range, name)
    checks.image_batch(images, image_shape, name)
    return data, images.shape[1:]
