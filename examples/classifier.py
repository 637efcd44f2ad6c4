"""A Keras classifier that is trained with MRA inside `model.fit`, on any backend.

MRA (arXiv 2206.04846) repaints a part of each training image. The classifier is trained
on the 60,000 labels of Fashion-MNIST.

    KERAS_BACKEND=tensorflow python examples/classifier.py   # or jax, or torch

Cost: one to two minutes per epoch on two CPU cores. `--quick` takes half a minute.
Expected result: the training loss falls, and the test accuracy is printed. The script
saves the classifier, without its augmentation, to `classifier.keras`.
"""

import argparse

import keras_mra  # isort: skip  # Before Keras, for which it chooses the backend.
import keras

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="fashion_mnist", help="or digits")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--quick", action="store_true", help="few images, one epoch")
args = parser.parse_args()

data = keras_mra.datasets.load(args.data)
(train_images, train_labels), (test_images, test_labels) = data.train, data.test
if args.quick:
    train_images, train_labels = train_images[:1024], train_labels[:1024]
    test_images, test_labels = test_images[:1024], test_labels[:1024]
    args.epochs = 1

if args.data == "fashion_mnist":
    mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
else:  # No autoencoder for these images is shipped. Train one without the labels.
    mae = keras_mra.pretrain_mae(
        train_images, preset="mae_nano", patch_size=2, epochs=5, learning_rate=2e-3
    )

model = keras.Sequential(
    [
        keras.Input(data.image_shape),
        # Repaints training images, between crop and flip and normalization.
        keras_mra.layers.MaskReconstruct(mae, mask_ratio=0.4, rate=0.5, seed=0),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(32, 3, activation="relu", padding="same"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, activation="relu", padding="same"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(len(data.class_names), activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train_images, train_labels, batch_size=128, epochs=args.epochs)
_, accuracy = model.evaluate(test_images, test_labels, verbose=0)
print(f"test accuracy {accuracy:.4f} on {keras.backend.backend()}")

# `evaluate` and `predict` never augment. An exported model would, without this call.
keras_mra.strip_augmentation(model).save("classifier.keras")
