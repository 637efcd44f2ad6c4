"""The training of a model that answers questions."""

import dataclasses

import keras
import numpy as np

from keras_mra import backend
from keras_mra import datasets
from keras_mra.optimizers import WarmupCosineDecay
from study.vqa.build_vqa import build_vqa
from study.vqa.evaluate_vqa import evaluate_vqa
from study.vqa.question_batches import QuestionBatches
from study.vqa.question_set import answer_classes
from study.vqa.word_tokenizer import WordTokenizer


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
    """Trains the model of `build_vqa` from an encoder, and judges its answers.

    The optimizer is AdamW, with a warm-up over a twentieth of the steps and a cosine
    decay. The encoder has the same learning rate as the rest of the model. The test
    questions are used once, after the training.

    Args:
        encoder, image_shape: As in `build_vqa`.
        train, test: `QuestionSet`s.
        answers: Int, the number of answers to choose from, the most frequent ones.
        epochs, batch_size: Ints.
        learning_rate: Float, the peak.
        weight_decay: Float.
        dim, fusion_depth: As in `build_vqa`.
        seed: Int, decides the initial weights outside the encoder, and the order of
            the questions.

    Returns:
        `(result, curve)`: a `VqaResult`, and a dict from `"loss"` to a list with the
        loss of each epoch.
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
    # TensorFlow traces a step twice if the first trace creates variables.
    model.optimizer.build(model.trainable_variables)
    history = model.fit(
        batches,
        epochs=epochs,
        shuffle=False,  # `batches` has its own order
        callbacks=[datasets.SetEpoch(batches)],
        verbose=0,
    ).history
    result = evaluate_vqa(model, train, test, tokenizer, classes)
    return result, {"loss": [float(loss) for loss in history["loss"]]}


def without_images(questions, image_shape):
    """The same questions about a black image, to be answered from the text alone.

    Args:
        questions: `QuestionSet`.
        image_shape: `(height, width, channels)`.

    Returns:
        A `QuestionSet`.
    """
    return dataclasses.replace(
        questions,
        images=np.zeros((1, *image_shape), "uint8"),
        image_of=np.zeros(len(questions), int),
    )
