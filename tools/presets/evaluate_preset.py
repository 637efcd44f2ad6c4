"""Measures the attention and the paint of a preset of photographs.

    python tools/presets/evaluate_preset.py mae_nano_photos --composites test.npz \
        --photographs photographs/held_out_64.npy --count 400

`docs/results/attention.md` shows the tables. `keras-mra inspect` prints the same for
images of your own.
"""

import argparse
import pathlib

import numpy as np

import keras_mra
from keras_mra import evaluation

RATIOS = (0.4, 0.75)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("preset")
    parser.add_argument("--composites", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("--photographs", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("--count", type=int, default=400, help="of photographs")
    arguments = parser.parse_args()
    mae = keras_mra.MAE.from_preset(arguments.preset)
    for path in arguments.composites:
        composites = np.load(path)
        images, masks = composites["images"], composites["masks"].astype("float32")
        print(f"\n## Attention, {len(images)} composites of {path.name}\n")
        print(evaluation.foreground(mae, images, masks))
        print(evaluation.attention_statistics(mae, images))
    for path in arguments.photographs:
        images = np.load(path, mmap_mode="r")
        images = np.array(images[:: max(1, len(images) // arguments.count)])
        for ratio in RATIOS:
            print(f"\n## Paint at {ratio}, {len(images)} images of {path.name}\n")
            print(evaluation.paint(mae, images, mask_ratio=ratio, strategy="random"))


if __name__ == "__main__":
    main()
