"""Fine-tuning of a whole encoder on labels."""

import dataclasses
from collections.abc import Sequence
from typing import Any
from typing import TypeAlias

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
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.evaluation.labelled import check_classes
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import percent
from keras_mra.optimizers import LayerwiseAdamW
from keras_mra.optimizers import WarmupCosineDecay
from keras_mra.optimizers import rate_scales
from keras_mra.vit.tokens import check_pool

# Labelled images in memory, or a data set that reads them when they are needed.
ImageData: TypeAlias = LabelledData | EpochDataset


@dataclasses.dataclass(frozen=True)
class FineTuneResult(Result):
    """The result of `fine_tune`.

    Attributes:
        accuracy: Float, on the test images.
        loss: Float, cross-entropy on the test images.
        history: Dict from names to one value per epoch of training: `"loss"`,
            `"accuracy"`, and everything else that callbacks logged.
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

    def rows(self) -> list[tuple[str, ...]]:
        return [
            (f"fine-tuned, {self.epochs} epochs", "accuracy %", "loss"),
            (
                f"test, {self.test_images} images",
                percent(self.accuracy),
                f"{self.loss:.4f}",
            ),
        ]


def fine_tune(
    encoder: keras.Model,
    train: ImageData,
    test: ImageData,
    pool: str = "cls+mean",
    *,
    epochs: int = 30,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    layer_decay: float | None = None,
    weight_decay: float = 0.05,
    warmup_epochs: float | None = None,
    augmentation: keras.layers.Layer | None = None,
    callbacks: Sequence[keras.callbacks.Callback] | None = None,
    verbose: str | int = "auto",
    seed: int = 0,
) -> tuple[FineTuneResult, keras.Model]:
    """Trains a copy of the whole encoder with a linear head on labels.

    The recipe is MAE's: AdamW, linear warm-up and cosine decay of a learning rate in
    proportion to the batch size, and layer-wise decay of that rate, so that lower
    blocks learn more slowly. The test images are used once, after the last epoch.

    Args:
        encoder: `MAE`, `MSA` or Keras model that can be saved. It is not changed.
        train: Pair of images and integer labels, or a `datasets.EpochDataset` of them,
            which reads images when they are needed.
        test: Pair or data set of the same kind.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        epochs: Int.
        batch_size: Int. Fewer training images than this make one batch.
        learning_rate: Float, the peak rate of a batch of 256 images.
        layer_decay: Float in [0, 1], the rate of a level relative to the level above.
            The levels of an `MAE` are its embedding, each block, and the norm with the
            head. The levels of another model are its layers, and those of models inside
            it. `None` means 0.75 for an `MAE`, and 1 for another model, which may have
            many layers.
        weight_decay: Float, at least 0. Biases, norms and tokens do not decay.
        warmup_epochs: Float, or `None` for a tenth of the epochs.
        augmentation: Keras layer that changes training images, such as
            `keras_mra.layers.MaskReconstruct`, or `None`. It becomes part of the
            classifier. `keras_mra.strip_augmentation` removes this package's
            augmentations before `classifier.export`.
        callbacks: Keras callbacks, or `None`.
        verbose: As in `keras.Model.fit`.
        seed: Int, for the order of the images.

    Returns:
        `(result, classifier)`: a `FineTuneResult` and a compiled Functional
        `keras.Model`, which maps images to probabilities of the sorted labels of
        `train`.

    Raises:
        ValueError: If an argument or the data are bad, before the training starts.
        FloatingPointError: If the training diverges.

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
    checks.required_seed(seed)
    checks.layer("augmentation", augmentation)
    callbacks = checks.callbacks(callbacks)
    checks.verbose(verbose)
    checks.positive_int("epochs", epochs)
    checks.positive_float("learning_rate", learning_rate)
    checks.nonnegative_float("weight_decay", weight_decay)
    if layer_decay is None:
        layer_decay = 0.75 if mae is not None else 1.0
    checks.fraction("layer_decay", layer_decay)
    if warmup_epochs is None:
        warmup_epochs = epochs / 10
    checks.nonnegative_float("warmup_epochs", warmup_epochs)
    train_data, image_shape = _dataset(mae, "train", train, (None, None, None))
    test_data, _ = _dataset(mae, "test", test, image_shape)
    classes = check_classes(train_data.all_labels(), test_data.all_labels())
    checks.positive_int("batch_size", batch_size)
    batch_size = min(batch_size, train_data.num_samples)
    batches = Relabelled(train_data, classes, batch_size, seed=seed)
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
                warmup_steps=min(round(warmup_epochs * len(batches)), steps - 1),
            ),
            weight_decay=weight_decay,
        ),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=backend.fastest_jit_compile(steps),
    )
    # Before the first step, because TensorFlow would trace a step twice that makes
    # variables.
    classifier.optimizer.build(classifier.trainable_variables)
    history = classifier.fit(
        backend.batches_for_fit(batches),
        epochs=epochs,
        shuffle=False,  # The data set shuffles, with the seed.
        callbacks=[SetEpoch(batches), *callbacks],
        verbose=verbose,
    ).history
    measured = classifier.evaluate(
        Relabelled(test_data, classes, batch_size, shuffle=False, drop_last=False),
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
        train_images=train_data.num_samples,
        test_images=test_data.num_samples,
        seed=seed,
    )
    return result, classifier


def _dataset(
    mae: Any, name: str, data: ImageData, image_shape: tuple[int | None, ...]
) -> tuple[EpochDataset, tuple[int, int, int]]:
    """Checks labelled images, and makes a data set of those in memory.

    Of a data set that reads images when they are needed, only the first is checked.

    Args:
        mae: The `MAE` that the images must fit, or `None`.
        name: String, the name of the argument.
        data: Labelled images.
        image_shape: `(height, width, channels)`; a size of `None` is not checked.

    Returns:
        Pair of an `EpochDataset` and the shape of an image.
    """
    if isinstance(data, EpochDataset):
        data.all_labels()  # Raises an error if there are none.
        first: Any = data.batch(np.arange(1))  # A pair, because there are labels.
        images, _ = labelled(name, first)
    else:
        images, labels = labelled(name, data)
        data = ArrayDataset(images, labels, batch_size=1)
    if mae is not None:
        checks.image_batch(images, mae.image_shape, name)
        checks.pixel_values(images, mae.value_range, name)
    checks.image_batch(images, image_shape, name)
    height, width, channels = images.shape[1:]
    return data, (height, width, channels)
