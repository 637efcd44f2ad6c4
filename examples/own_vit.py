"""MRA with the attention of one's own Vision Transformer, on any backend.

A small ViT is trained on the labels. MRA (arXiv 2206.04846) then keeps the patches that
the ViT's class token attends to most, instead of those that the autoencoder's own class
token attends to.

    KERAS_BACKEND=jax python examples/own_vit.py   # or tensorflow, or torch

Cost: some minutes on two CPU cores. `--quick` takes half a minute.
Expected result: the share of the kept patches that both attentions choose is printed.
"""

import argparse

import keras_mra  # isort: skip  # Before Keras, for which it chooses the backend.
import keras
import numpy as np
from keras import layers

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="fashion_mnist", help="or digits")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--quick", action="store_true", help="few images, one epoch")
args = parser.parse_args()


@keras.saving.register_keras_serializable()
class Tokens(layers.Layer):
    """Prepends a class token to the patches, and adds learned position embeddings."""

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
else:  # No autoencoder for these images is shipped. Train one without the labels.
    mae = keras_mra.pretrain_mae(images, "mae_nano", patch_size=2, epochs=1)

pixels = keras.Input(mae.image_shape)  # in `mae.value_range`, as from the layer
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

# Scores are (batch, heads, query, key). The class token's row, without its own column,
# is averaged over the heads: (batch, patches).
attention = keras.Model(pixels, keras.ops.mean(scores[:, :, 0, 1:], axis=1))
layer = keras_mra.layers.MaskReconstruct(mae, seed=0, attention_model=attention)
views, batch = keras.ops.convert_to_numpy(layer(images[:64])), images[:64]
maps = attention.predict(batch, verbose=0), mae.attention(batch)
own, other = (
    keras.ops.convert_to_numpy(keras_mra.masking.visible_patches(m, 0.4)) for m in maps
)
alike = np.mean([len(set(a) & set(b)) / len(a) for a, b in zip(own, other)])
print(f"repainted {np.mean(views != batch):.2f} of the values; {alike:.2f} alike")
