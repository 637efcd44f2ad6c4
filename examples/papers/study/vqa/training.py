"""From an encoder and questions to the accuracy of answers."""

import dataclasses

import keras
import numpy as np

from keras_mra import backend
from keras_mra import datasets
from keras_mra.optimizers import WarmupCosineDecay
from study.vqa.model import build_vqa
from study.vqa.questions import QuestionBatches
from study.vqa.questions import answer_classes
from study.vqa.questions import evaluate_vqa
from study.vqa.tokenizer import WordTokenizer


def train_vqa(
    encoder,
    train,
    test,
    image_shape,
    *,
    answers=3000,
    epochs=15,
    batch_size=64,
    learning_rate=5e-4,
    weight_decay=0.05,
    dim=128,
    fusion_depth=2,
    seed=0,
):
    """Trains the model of `build_vqa` from an encoder, and judges it.

    AdamW, warm-up over a twentieth of the steps and cosine decay; the encoder is
    trained at the rate of all the rest. Test questions are looked at once, at the end.

    Args:
        encoder, image_shape: As in `build_vqa`.
        train, test: `QuestionSet`s.
        answers: Int, the most frequent ones that there are to choose from.
        epochs, batch_size: Ints.
        learning_rate: Float, the peak.
        weight_decay: Float.
        dim, fusion_depth: As in `build_vqa`.
        seed: Int, of the weights that are not the encoder's and of the order.

    Returns:
        `(result, curve)`: a `VqaResult`, and a dict from `"loss"` to its values in
        each epoch.
    """
    tokenizer = WordTokenizer.fit(train.questions)
    classes = answer_classes(train, answers)
    batches = QuestionBatches(train, tokenizer, classes, batch_size, seed)
    model = build_vqa(
        encoder,
        image_shape,
        tokenizer.vocabulary_size,
        tokenizer.length,
        len(classes),
        dim=dim,
        fusion_depth=fusion_depth,
        seed=seed,
    )
    steps = epochs * len(batches)
    rate = WarmupCosineDecay(learning_rate, steps, warmup_steps=steps // 20)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=weight_decay),
        "sparse_categorical_crossentropy",
        jit_compile=backend.fastest_jit_compile(steps),
    )
    # TensorFlow traces a step again if the first trace has made variables.
    model.optimizer.build(model.trainable_variables)
    history = model.fit(
        batches,
        epochs=epochs,
        shuffle=False,  # the batches are, by the seed
        callbacks=[datasets.SetEpoch(batches)],
        verbose=0,
    ).history
    result = evaluate_vqa(model, train, test, tokenizer, classes)
    return result, {"loss": [float(loss) for loss in history["loss"]]}


def without_images(questions, image_shape):
    """The same questions, all about one black image: what the text alone tells.

    Args:
        questions: `QuestionSet`.
        image_shape: `(height, width, channels)`.
    """
    return dataclasses.replace(
        questions,
        images=np.zeros((1, *image_shape), "uint8"),
        image_of=np.zeros(len(questions), int),
    )
