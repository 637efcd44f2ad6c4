"""MRA makes the views of MSA, and the autoencoder of MSA repaints for MRA.

This combination is not in the papers. *Masked Autoencoders are Robust Data Augmentors*
(MRA, arXiv 2206.04846) makes views by repainting. *Teaching Masked Autoencoder With
Strong Augmentations* (MSA, TNNLS 2025) needs strong views for its teacher, and its
student is a masked autoencoder that can repaint.

    KERAS_BACKEND=tensorflow python examples/msa_and_mra.py   # or jax, or torch

Cost: some minutes per epoch on two CPU cores. `--quick` takes half a minute.
Expected result: the pixel loss and the contrast loss of MSA fall, and the test accuracy
of the classifier is printed.
"""

import argparse

import keras_mra  # isort: skip  # Before Keras, for which it chooses the backend.
import keras

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="fashion_mnist", help="or digits")
parser.add_argument(
    "--epochs", type=int, default=5, help="of MSA and of the classifier"
)
parser.add_argument("--quick", action="store_true", help="few images, one epoch")
args = parser.parse_args()

data = keras_mra.datasets.load(args.data)
(train_images, train_labels), (test_images, test_labels) = data.train, data.test
if args.quick:
    train_images, train_labels = train_images[:1024], train_labels[:1024]
    test_images, test_labels = test_images[:1024], test_labels[:1024]
    args.epochs = 1

patch_size = 4
if args.data == "fashion_mnist":
    mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
else:  # No autoencoder for these images is shipped. Train one.
    patch_size = 2
    mae = keras_mra.pretrain_mae(
        train_images,
        preset="mae_nano",
        patch_size=patch_size,
        epochs=args.epochs,
        learning_rate=2e-3,
    )

# The teacher's view is a random crop, of which MRA repaints the larger part.
repainted = keras.layers.Pipeline(
    [
        keras_mra.views.weak(data.image_shape, seed=1, crop_scale=(0.4, 1.0)),
        keras_mra.layers.MaskReconstruct(mae, mask_ratio=0.6, seed=0),
    ]
)
msa = keras_mra.pretrain_msa(
    train_images,
    preset="mae_nano",
    patch_size=patch_size,
    views=("auto", repainted),
    epochs=args.epochs,
    batch_size=128,
    learning_rate=2e-3,
)

# The student of MSA repaints the training images of a classifier.
model = keras.Sequential(
    [
        keras.Input(data.image_shape),
        keras_mra.layers.MaskReconstruct(msa.mae, mask_ratio=0.4, rate=0.5, seed=0),
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
