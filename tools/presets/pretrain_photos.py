"""Trains a preset of photographs: first without, then with a teacher of attention.

    python tools/presets/pretrain_photos.py photographs/train_64.npy first --epochs 5
    python tools/presets/pretrain_photos.py photographs/train_64.npy mae_nano_photos \
        --epochs 5 --preset first --learning-rate 2e-3 --attention-weight 0.05 \
        --teacher teacher.keras --composites composites_train.npz

A killed run continues from the checkpoint beside its output. Cost of an epoch on one
core of an AMD EPYC, TensorFlow: 8 minutes without a teacher.
"""

import argparse
import pathlib

import keras
import numpy as np

import keras_mra

RECIPE = {"mask_ratio": (0.4, 0.75), "smooth_fill": True}
GRID = 8  # patches along a side, as the teacher's maps have them


def teacher_for(path, side):
    """The distilled teacher as a model of images of another size than its own."""
    teacher = keras.models.load_model(path, compile=False)
    own = teacher.input_shape[1:3]
    if own == (side, side):
        return teacher
    images = keras.Input((side, side, 3))
    # XLA knows no bicubic resizing.
    resized = keras.layers.Resizing(*own, interpolation="bilinear")(images)
    return keras.Model(images, teacher(resized))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", type=pathlib.Path, help="made by photographs.py")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="per 256")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--preset", help="a preset to continue from")
    parser.add_argument("--composites", help="made by composites.py, added to images")
    parser.add_argument("--teacher", help="a `.keras` file made by distill_teacher.py")
    parser.add_argument("--attention-weight", type=float, default=0.1)
    parser.add_argument("--decoder", type=int, nargs=3, help="width, depth, heads")
    arguments = parser.parse_args()

    images = np.load(arguments.images)
    if arguments.composites:
        images = np.concatenate([images, np.load(arguments.composites)["images"]])
    side = images.shape[1]
    teacher = teacher_for(arguments.teacher, side) if arguments.teacher else None
    recipe = {} if arguments.preset else {**RECIPE, "patch_size": side // GRID}
    if arguments.decoder:
        names = ("decoder_dim", "decoder_depth", "decoder_heads")
        recipe.update(zip(names, arguments.decoder))
    # Photographs keep their resolution. Crops that are enlarged would be smooth, and
    # what is smooth is easy to continue.
    view = keras.layers.RandomFlip("horizontal", seed=0)
    mae = keras_mra.pretrain_mae(
        images,
        preset=arguments.preset or "mae_nano",
        view=view,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        attention_teacher=teacher,
        attention_weight=arguments.attention_weight,
        checkpoint=f"{arguments.out}_checkpoint",
        verbose=2,
        **recipe,
    )
    mae.save_to_preset(arguments.out)


if __name__ == "__main__":
    main()
