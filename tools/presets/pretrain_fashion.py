"""Teaches the presets of Fashion-MNIST to attend to clothes.

The presets of version 0.1.0 are trained further, with a teacher that knows where
something is drawn: the share of a patch that is not black.

    python tools/presets/pretrain_fashion.py mae mae_nano_fashion_mnist \
        --preset mae_nano_fashion_mnist_0.1.0 --epochs 6
    python tools/presets/pretrain_fashion.py msa msa_nano_fashion_mnist \
        --preset msa_nano_fashion_mnist_0.1.0 --epochs 4

A killed run continues from the checkpoint beside its output.
"""

import argparse
import pathlib

import keras
from keras import layers

import keras_mra

LEARNING_RATE = 1e-3  # per 256 images; half of the first training's


def drawn(patch_size, side=28):
    """The teacher: `(B, side, side, 1)` in (0, 255) to `(B, N)` shares in [0, 1]."""
    return keras.Sequential(
        [
            keras.Input((side, side, 1)),
            layers.Rescaling(1 / 16),
            layers.ReLU(max_value=1.0),  # 1 where a pixel is clearly not black
            layers.AveragePooling2D(patch_size),
            layers.Flatten(),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("method", choices=["mae", "msa"])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--preset", required=True, help="folder of the first training")
    parser.add_argument("--epochs", type=int, required=True)
    arguments = parser.parse_args()
    patch_size = keras_mra.MAE.from_preset(arguments.preset).patch_size
    recipe = dict(
        preset=arguments.preset,
        epochs=arguments.epochs,
        batch_size=128,
        learning_rate=LEARNING_RATE,
        mask_ratio=(0.4, 0.75),
        attention_teacher=drawn(patch_size),
        checkpoint=f"{arguments.out}_checkpoint",
        verbose=2,
    )
    if arguments.method == "mae":
        mae = keras_mra.pretrain_mae("fashion_mnist", crop_scale=(0.5, 1.0), **recipe)
    else:
        msa = keras_mra.pretrain_msa(
            "fashion_mnist", contrast_weight=0.1, temperature=0.2, **recipe
        )
        mae = msa.mae
    mae.save_to_preset(arguments.out)


if __name__ == "__main__":
    main()
