"""MRA with the attention of one's own Vision Transformer, on any backend.

A small ViT learns the labels; what its class token attends to then chooses the patches
that MRA (arXiv 2206.04846) keeps, in place of the autoencoder's own attention.

    KERAS_BACKEND=jax python examples/own_vit.py   # or tensorflow, or torch

Cost: some minutes on two CPU cores. `--quick` runs in about half a minute.
Expected result: the share of the kept patches that the two attentions choose alike.
"""

import argparse

import keras
import numpy as np
from keras import layers

import keras_mra

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="fashion_mnist", help="or digits")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--quick", action="store_true", help="few images, one epoch")
args = parser.parse_args()


@keras.saving.register_keras_serializable()
class Tokens(layers.Layer):
    """Puts a class token before the patches, and adds learned positions."""

    def build(self, shape):
        self.first = self.add_weight((1, 1, shape[-1]), "zeros", name="first")
        self.positions = self.add_weight((shape[1] + 1, shape[-1]), name="positions")

    def call(self, patches):
        batch = keras.ops.shape(patches)[0]
        first = keras.ops.repeat(self.first, batch, axis=0)
        return keras.ops.concatenate([first, patches], axis=1) + self.positions


(images, labels), n = keras_mra.datasets.load(args.data).train, 1024
images, labels = (images[:n], labels[:n]) if args.quick else (images, labels)
if args.data == "fashion_mnist":
    mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
else:  # no autoencoder is shipped for these images: train one, labels unused
    mae = keras_mra.pretrain_mae(images, "mae_nano", patch_size=2, epochs=1)

pixels = keras.Input(mae.image_shape)  # as the layer gives them: in `mae.value_range`
x = layers.Rescaling(1 / 255)(pixels)
x = layers.Conv2D(64, mae.patch_size, mae.patch_size)(x)  # the patches of the MAE
x = Tokens()(layers.Reshape((mae.num_patches, 64))(x))
for _ in range(2):
    y = layers.LayerNormalization()(x)
    y, scores = layers.MultiHeadAttention(4, 16)(y, y, return_attention_scores=True)
    x = x + y
    x = x + layers.Dense(64)(layers.Dense(256, "gelu")(layers.LayerNormalization()(x)))
classes = layers.Dense(10, "softmax")(layers.LayerNormalization()(x)[:, 0])
vit = keras.Model(pixels, classes)
vit.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
vit.fit(images, labels, batch_size=64, epochs=1 if args.quick else args.epochs)

# Heads' mean of the class token's row, (batch, heads, query, key), its own column off.
attention = keras.Model(pixels, keras.ops.mean(scores[:, :, 0, 1:], axis=1))
layer = keras_mra.layers.MaskReconstruct(mae, seed=0, attention_model=attention)
views, batch = keras.ops.convert_to_numpy(layer(images[:64])), images[:64]
maps = attention.predict(batch, verbose=0), mae.attention(batch)
own, other = (
    keras.ops.convert_to_numpy(keras_mra.masking.visible_patches(m, 0.4)) for m in maps
)
alike = np.mean([len(set(a) & set(b)) / len(a) for a, b in zip(own, other)])
print(f"repainted {np.mean(views != batch):.2f} of the values; {alike:.2f} alike")
