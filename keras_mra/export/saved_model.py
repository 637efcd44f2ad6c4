"""An augmentor as a TensorFlow SavedModel."""

import keras

BACKENDS = ("tensorflow", "jax")
PACKAGES = {"tensorflow": (), "jax": ("tensorflow",)}


def write(model, path, image_shape):
    """Writes the folder, whose endpoint is `serve`.

    Args:
        model: `keras.Model` from float32 images to images.
        path: `pathlib.Path` of the folder.
        image_shape: `(height, width, channels)`.

    Raises:
        OSError: If TensorFlow cannot write it.
    """
    import tensorflow as tf

    images = keras.InputSpec(shape=(None, *image_shape), dtype="float32", name="images")
    options = {}
    if keras.backend.backend() == "jax":
        # For devices that this machine may not have.
        options["jax2tf_kwargs"] = {
            "native_serialization_platforms": ("cpu", "cuda", "tpu")
        }
    try:
        model.export(
            str(path),
            format="tf_saved_model",
            input_signature=[images],
            verbose=False,
            **options,
        )
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


def run(path, images):
    """What the folder makes of a NumPy batch, in TensorFlow."""
    import tensorflow as tf

    # Held by a name: its function does not keep its variables.
    loaded = tf.saved_model.load(str(path))
    return loaded.serve(images).numpy()
