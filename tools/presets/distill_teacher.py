"""Distils attention over 8x8 patches into a small convolutional network.

Its targets are the maps of `teacher_maps.py` for photographs, and for composites the
share of each patch that the pasted object covers, with a fifth of the background's map.
The result is the `attention_teacher` of `pretrain_photos.py`: hundreds of times faster
than the model that drew the maps.

    python tools/presets/distill_teacher.py photographs/train_64.npy maps.npy \
        --composites composites_train.npz --out teacher.keras --epochs 8
"""

import argparse
import pathlib

import keras
import numpy as np
from keras import layers

BACKGROUND = 0.2  # The weight of the background's map beside the pasted object's.


def build_teacher(side=64, widths=(24, 48, 64), blocks=3):
    """A Keras model from images in (0, 255) to a distribution over patches of 8x8."""
    images = keras.Input((side, side, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    for width in widths:  # halves the side: (B, side / 8, side / 8, 64) at the end
        x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
    for _ in range(blocks):
        y = layers.Conv2D(widths[-1], 3, padding="same", use_bias=False)(x)
        y = layers.BatchNormalization()(y)
        y = layers.Activation("relu")(y)
        # What is salient depends on the rest of the image.
        context = layers.GlobalAveragePooling2D(keepdims=True)(y)
        y = layers.Add()([y, layers.Conv2D(widths[-1], 1)(context)])
        y = layers.Conv2D(widths[-1], 3, padding="same")(y)
        x = layers.Add()([x, y])
    x = layers.Conv2D(1, 1)(layers.Activation("relu")(x))
    return keras.Model(images, layers.Softmax()(layers.Flatten()(x)))


def composite_maps(opacity, backgrounds):
    """Targets of composites: `(B, side, side)` and `(B, N)` to `(B, N)`."""
    count, side = opacity.shape[:2]
    patches = opacity.reshape(count, side // 8, 8, side // 8, 8).astype("float32")
    covered = patches.mean((2, 4)).reshape(count, -1)  # (B, N)
    objects = covered / covered.sum(1, keepdims=True)
    rest = BACKGROUND * backgrounds * (1 - covered)
    maps = (1 - BACKGROUND) * objects + rest
    return maps / maps.sum(1, keepdims=True)


class Flipped(keras.utils.PyDataset):
    """Batches of images and maps; a random half of each batch is mirrored."""

    def __init__(self, images, maps, batch_size=128):
        super().__init__()
        self.images, self.maps, self.batch_size = images, maps, batch_size
        self.rng = np.random.default_rng(0)
        self.on_epoch_end()

    def __len__(self):
        return len(self.images) // self.batch_size

    def __getitem__(self, step):
        rows = self.order[step * self.batch_size :][: self.batch_size]
        images = self.images[rows].astype("float32")
        grid = int(self.maps.shape[1] ** 0.5)
        maps = self.maps[rows].reshape(-1, grid, grid)
        half = len(rows) // 2
        images[:half] = images[:half, :, ::-1]
        maps[:half] = maps[:half, :, ::-1]
        light = self.rng.uniform(0.7, 1.3, (len(rows), 1, 1, 3))
        return np.clip(images * light, 0, 255), maps.reshape(len(rows), -1)

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(self.images))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("maps", type=pathlib.Path)
    parser.add_argument("--composites", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--start", help="a teacher to train further")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    maps = np.load(arguments.maps)
    photographs = np.load(arguments.images, mmap_mode="r")[: len(maps)]
    pasted = np.load(arguments.composites)
    known = pasted["backgrounds"] < len(maps)
    targets = composite_maps(pasted["masks"][known], maps[pasted["backgrounds"][known]])
    images = np.concatenate([photographs, pasted["images"][known]])
    targets = np.concatenate([maps, targets])
    order = np.random.default_rng(0).permutation(len(images))
    held_out, train = order[:1000], order[1000:]
    data = Flipped(images[train], targets[train])
    if arguments.start:
        teacher = keras.models.load_model(arguments.start, compile=False)
    else:
        teacher = build_teacher()
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-4,
        decay_steps=arguments.epochs * len(data),
        warmup_steps=len(data) // 4,
        warmup_target=3e-3,
    )
    teacher.compile(
        keras.optimizers.AdamW(schedule, weight_decay=1e-4), keras.losses.KLDivergence()
    )
    teacher.fit(
        data,
        validation_data=(images[held_out].astype("float32"), targets[held_out]),
        epochs=arguments.epochs,
        verbose=2,
    )
    teacher.save(arguments.out)


if __name__ == "__main__":
    main()
