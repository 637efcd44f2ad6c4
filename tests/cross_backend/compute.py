"""What one backend computes with the models that each backend saved.

Run as `compute.py INPUTS FOLDER [FOLDER ...]`.
"""

import pathlib
import sys

import keras
import numpy as np

import keras_mra


def main(inputs, *folders):
    with np.load(inputs) as file:
        images, visible = file["images"], file["visible"]
    for folder in map(pathlib.Path, folders):
        compute(folder, images, visible)


def compute(folder, images, visible):
    mae = keras_mra.MAE.from_preset(folder / "preset")
    loaded = keras.models.load_model(folder / "mae.keras")
    # A file of PyTorch's names that backend's optimizer: others load the rest of it.
    classifier = keras.models.load_model(folder / "classifier.keras", compile=False)
    assert len(classifier.trainable_variables) == 2  # the autoencoder is still frozen
    attention = mae.attention(images)
    found = {
        "encode": mae.encode(images),
        "attention": attention,
        "attention_early": mae.attention(images, block=0),
        "attention_small": mae.attention(images, resolution=(8, 12)),
        "predict_patches": mae.predict_patches(images, visible),
        "reconstruction_loss": mae.reconstruction_loss(images, visible),
        "reconstruct_bytes": mae.reconstruct(images, visible),
        "reconstruct_floats": mae.reconstruct(images.astype("float32"), visible),
        "encode_from_keras_file": loaded.encode(images),
        "classify": classifier.predict(images.astype("float32"), verbose=0),
        "augmentor_encode": classifier.layers[0].mae.encode(images),
    }
    for strategy in ("attention", "low_attention"):
        for ratio in (0.25, 0.75):
            found[f"masks_{strategy}_{ratio}"] = keras_mra.masking.visible_patches(
                attention, ratio, strategy
            )
    np.savez(
        folder / f"{keras.backend.backend()}.npz",
        **{name: keras.ops.convert_to_numpy(value) for name, value in found.items()},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
