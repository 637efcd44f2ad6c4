"""Mask-Reconstruct Augmentation (MRA) as a Keras preprocessing layer."""

import warnings

import keras
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra import masking
from keras_mra.models import frozen
from keras_mra.pixels import resize


@keras.saving.register_keras_serializable("keras_mra")
class MaskReconstruct(frozen.Untrainable, keras.layers.Layer):
    """Drops patches of each image and lets a masked autoencoder fill them in.

    Mask-Reconstruct Augmentation (arXiv 2206.04846): the encoder sees the whole image;
    the patches that its class token attends to most stay as they are, bit for bit;
    the autoencoder paints the others. The view is a nonlinear one that keeps what the
    image is about.

    It works inside a model under `fit` (and passes images through in `predict` and
    `evaluate`), as a function on a batch or a single image, inside
    `tf.data.Dataset.map` and grain pipelines on every backend, and inside
    `keras.layers.Pipeline`. Place it after cropping and flipping, so that the
    autoencoder sees the crop that the classifier sees; before normalisation, since it
    takes pixels in `mae.value_range`; and before MixUp or CutMix, whose blends are
    no images of the kind that it was trained on.

    Args:
        mae: Trained `keras_mra.MAE`. The layer keeps a frozen copy.
        mask_ratio: Float in (0, 1), the share of the patches to repaint.
        strategy: `"attention"` keeps the most attended patches, `"low_attention"`
            the least attended; `"random"` keeps any and saves the attention pass.
        temperature: Float, at least 0. Gumbel noise of this scale is added to the log
            attention before the top-k: 0 is the paper, large is uniformly random.
        rate: Float in [0, 1], the fraction of samples augmented.
        seed: Int, `keras.random.SeedGenerator` or `None`.
        resize: Bool. Images of another size than the autoencoder's are resized for
            it, and its paint is resized back; visible pixels stay the input's own.
        copy: Bool. `False` shares the caller's `mae` and `attention_model`, and
            freezes them.
        attention_block: Int or `None`, the encoder block whose attention is asked;
            an earlier one than the last is cheaper and gives another mask.
        attention_resolution: Int, pair of ints or `None`, a smaller size of the
            images for the attention pass; cheaper, and gives a coarser mask.
        restore_patch_statistics: Bool. Gives each painted patch the mean and
            deviation of the one it replaces, which a `norm_pix_loss` autoencoder
            needs. This leaks the low-frequency content of the dropped patches.
        attention_model: Built Keras model or `None`. Takes the place of the
            autoencoder's attention: from float32 images `(batch, height, width,
            channels)` of the autoencoder's size, in `mae.value_range`, to scores
            `(batch, patches)`, at least 0, one per patch of the autoencoder in raster
            order, such as the attention of one's own ViT. The layer keeps a frozen
            copy.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Images `(batch, height, width, channels)` or one image
            `(height, width, channels)`, uint8 or float in `mae.value_range`; or a dict
            with them under `"images"`, whose other entries are handed on.
        training: Bool. Augments if `True`, which is the default outside a model;
            `predict`, `evaluate` and `training=False` return the images as they came
            (in a subclassed model, hand the flag on: `self.augment(x,
            training=training)`, as with Keras' own layers).
            `keras_mra.strip_augmentation(model)` removes the layer for `export`.

    Returns:
        What came in, augmented; same shape, dtype and range. The caller's dict is
        not changed.

    Raises:
        ValueError: If an argument or the images are bad, naming what was expected.

    Example:

    ```python
    mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
    model = keras.Sequential([
        keras.Input((28, 28, 1)),
        keras_mra.layers.MaskReconstruct(mae, mask_ratio=0.4, rate=0.5, seed=0),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ])
    ```
    """

    def __init__(
        self,
        mae,
        mask_ratio=0.4,
        strategy="attention",
        temperature=0.0,
        rate=1.0,
        seed=None,
        resize=False,
        copy=True,
        attention_block=None,
        attention_resolution=None,
        restore_patch_statistics=False,
        attention_model=None,
        **kwargs,
    ):
        # A mixed policy must not round pixels on their way in.
        super().__init__(**{**kwargs, "autocast": False})
        _check_mae(mae)
        self.num_visible = masking.num_visible(mae.num_patches, mask_ratio)
        masking.check_strategy(strategy, temperature)
        self.mask_ratio = mask_ratio
        self.strategy = strategy
        self.temperature = temperature
        self.rate = checks.fraction("rate", rate)
        self.seed = seed
        self.resize = resize
        self.copy = copy
        self.attention_block = (
            None
            if attention_block is None
            else checks.block_index(
                "attention_block", attention_block, mae.encoder_depth
            )
        )
        self.attention_resolution = attention_resolution
        if attention_resolution is not None:
            self._attention_size = checks.resolution(
                attention_resolution, mae.patch_size, "attention_resolution"
            )
        checks.restore_patch_statistics(restore_patch_statistics, mae.norm_pix_loss)
        self.restore_patch_statistics = restore_patch_statistics
        if mae.norm_pix_loss and not restore_patch_statistics:
            warnings.warn(
                "`mae` was trained with `norm_pix_loss` and paints gray mush. Set "
                "`restore_patch_statistics=True` (it leaks the dropped patches' mean "
                "and deviation) or train it with `norm_pix_loss=False`.",
                stacklevel=2,
            )
        self.attention_model = None
        if attention_model is not None:
            _check_alone(strategy, attention_block, attention_resolution)
            _check_attention_model(attention_model, mae)
            self.attention_model = (
                _copy_of_attention_model(attention_model) if copy else attention_model
            )
            frozen.freeze(self.attention_model)
        self.mae = _copy_of(mae) if copy else mae
        frozen.freeze(self.mae)
        self.seed_generator = (
            seed
            if isinstance(seed, keras.random.SeedGenerator)
            else keras.random.SeedGenerator(seed)
        )
        self._compiled = None
        self._checked_a_tensor = False
        self.built = True

    def __call__(self, inputs, training=None, **kwargs):
        if training is not None:
            # Passed on only if given: an explicit `None` would keep Keras from taking
            # the flag from the model around this layer.
            kwargs["training"] = training
        if isinstance(inputs, dict):
            if "images" not in inputs:
                raise ValueError(
                    "A dict of `inputs` must hold the images under 'images'. "
                    f"Received: keys {sorted(map(str, inputs))}"
                )
            images = self(inputs["images"], **kwargs)
            return {**inputs, "images": images}
        if backend.is_foreign_graph(inputs) or _has_unknown_rank(inputs):
            # `tf.data` traces; its graph can hold no other backend's computation.
            if training is False:
                return inputs
            return backend.call_on_host(self._augment_array, inputs)
        if not hasattr(inputs, "shape"):
            inputs = np.asarray(inputs)
        if isinstance(inputs, np.ndarray) and training is not False:
            # Arrays come from outside any model: compiled, and safe between threads.
            return ops.convert_to_tensor(self._augment_array(inputs))
        self._check(inputs, check_values=training is not False)
        if len(inputs.shape) == 3:
            batch = ops.expand_dims(inputs, 0)
            return super().__call__(batch, **kwargs)[0]
        return super().__call__(inputs, **kwargs)

    def call(self, images, training=True):
        if not training or self.rate == 0:
            return images
        if backend.has_unknown_size(images):
            return backend.call_on_host(self._augment_array, images)
        augmented = self.augment(images)
        if self.rate == 1:
            return augmented
        drawn = keras.random.uniform(
            (ops.shape(images)[0], 1, 1, 1), dtype="float32", seed=self.seed_generator
        )
        return ops.where(drawn < self.rate, augmented, images)

    def augment(self, images):
        """Augments every image of a batch; `call` decides which are.

        Args:
            images: Tensor of shape `(batch, height, width, channels)`.

        Returns:
            Tensor of the same shape and dtype.
        """
        mae = self.mae
        size = tuple(images.shape[1:3])
        same_size = size == mae.image_shape[:2]
        seen = images if same_size else resize(images, mae.image_shape[:2])
        predictions, visible = self._predict(ops.stop_gradient(seen))
        painted = mae.paint(
            predictions, seen if self.restore_patch_statistics else None
        )
        if not same_size:
            painted = resize(painted, size)
        return mae.compose(images, ops.stop_gradient(painted), visible)

    def _predict(self, images):
        """Predicted patches `(B, N, values)` and visible indices `(B, K)`."""
        mae = self.mae
        if self.strategy == "random":
            visible = masking.random_patches(
                ops.shape(images)[0],
                mae.num_patches,
                self.num_visible,
                self.seed_generator,
            )
            return mae.predict_from_patches(mae.patchify(images), visible), visible
        if self.attention_model is not None:
            seen = ops.cast(images, "float32")
            visible = self._choose(self.attention_model(seen, training=False))
            return mae.predict_from_patches(mae.patchify(images), visible), visible
        # Both passes share the embedded patches.
        tokens = mae.embed(images)
        block = -1 if self.attention_block is None else self.attention_block
        if self.attention_resolution is None:
            attention = mae.attend(tokens, block)
        else:
            attention = mae.attend_at(images, *self._attention_size, block)
        visible = self._choose(attention)
        return mae.predict_from_tokens(tokens, visible), visible

    def _choose(self, attention):
        """Attention `(B, N)` to the indices of the patches that stay `(B, K)`."""
        return masking.visible_patches(
            attention,
            self.mask_ratio,
            self.strategy,
            self.temperature,
            self.seed_generator,
        )

    def random_map(self, inputs, rng):
        """Augments with randomness from outside, for grain's `random_map`.

        grain hands each element a generator that depends on its index alone, so that a
        pipeline gives the same views however many workers it has and wherever it
        resumes; the layer's own random state cannot promise that.

        Args:
            inputs: NumPy images or one image, or a dict with them under `"images"`.
            rng: `numpy.random.Generator`.

        Returns:
            What came in, augmented, as NumPy.

        Example:

        ```python
        dataset = grain.MapDataset.source(images).seed(0).random_map(layer.random_map)
        ```
        """
        if isinstance(inputs, dict):
            return {**inputs, "images": self.random_map(inputs["images"], rng)}
        state = rng.integers(2**31, size=2).astype("uint32")
        with backend.HOST_LOCK:
            self.seed_generator.state.assign(state)
            return self._augment_array(np.asarray(inputs))

    def _augment_array(self, images):
        """Augments a NumPy batch or image; safe to call from several threads."""
        self._check(images, check_values=True)
        batch = images[None] if images.ndim == 3 else images
        if self._compiled is None:
            self._compiled = backend.compiled(self, self.call)
        augmented = ops.convert_to_numpy(self._compiled(batch)).reshape(images.shape)
        if augmented.dtype == images.dtype:
            return augmented
        # JAX computes in float32 where float64 came: visible pixels stay exact.
        same = augmented == images.astype(augmented.dtype)
        return np.where(same, images, augmented.astype(images.dtype))

    def _check(self, images, check_values):
        height, width, channels = self.mae.image_shape
        shape = tuple(images.shape)
        if len(shape) == 3:
            shape = (1, *shape)
        if len(shape) != 4:
            raise ValueError(
                "`inputs` must be images of shape (batch, height, width, channels) or "
                f"(height, width, channels). Received: shape {tuple(images.shape)}"
            )
        if shape[3] not in (channels, None):
            raise ValueError(
                f"`inputs` must have {channels} channels, as the `mae` has. "
                f"Received: shape {tuple(images.shape)}"
            )
        if not self.resize and not _fits(shape[1:3], (height, width)):
            raise ValueError(
                f"`inputs` must be {height}x{width} pixels, the size of the `mae`, "
                "unless `resize=True`. Received: "
                f"{shape[1]}x{shape[2]} pixels (shape {tuple(images.shape)})"
            )
        checks.pixel_dtype(images, "inputs")
        if check_values and self._has_unchecked_values(images):
            checks.pixel_values(images, self.mae.value_range, "inputs")

    def _has_unchecked_values(self, images):
        # PyTorch's `fit` calls with concrete tensors too: the first is checked, and
        # no later step waits for an accelerator.
        if isinstance(images, np.ndarray):
            return True
        if self._checked_a_tensor or not checks.is_concrete(images):
            return False
        self._checked_a_tensor = True
        return True

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, images, training=None):
        return keras.KerasTensor(images.shape, dtype=images.dtype)

    def get_config(self):
        config = super().get_config()
        config.update(
            # The models themselves: Keras serialises them, and keeps sharing intact.
            mae=self.mae,
            attention_model=self.attention_model,
            mask_ratio=self.mask_ratio,
            strategy=self.strategy,
            temperature=self.temperature,
            rate=self.rate,
            seed=self.seed,
            resize=self.resize,
            copy=self.copy,
            attention_block=self.attention_block,
            attention_resolution=self.attention_resolution,
            restore_patch_statistics=self.restore_patch_statistics,
        )
        return config

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in ("mae", "attention_model", "seed"):
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(config[name])
        return super().from_config(config)


def _check_mae(mae):
    # By what is asked of it, so that layers need not know models.
    if not isinstance(mae, keras.Model) or not hasattr(mae, "predict_from_tokens"):
        raise ValueError(
            "`mae` must be a `keras_mra.MAE`. Received: "
            f"mae={mae!r} (of type {type(mae).__name__})"
        )
    mae.check_decoder()


def _copy_of(mae):
    copy = type(mae).from_config(mae.get_config())
    copy.set_weights(mae.get_weights())
    return copy


def _check_alone(strategy, attention_block, attention_resolution):
    """Refuses what an `attention_model` leaves without a meaning."""
    given = {
        "attention_block": attention_block,
        "attention_resolution": attention_resolution,
    }
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"`{name}` must be None with an `attention_model`, which takes the "
                f"place of the `mae`'s attention. Received: {name}={value!r}"
            )
    if strategy == "random":
        raise ValueError(
            "`strategy` must be 'attention' or 'low_attention' with an "
            "`attention_model`. Received: strategy='random', which asks no attention."
        )


def _check_attention_model(model, mae):
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(
            "`attention_model` must be a built Keras model. Received: "
            f"attention_model={model!r} (of type {type(model).__name__})"
        )
    shape = (1, *mae.image_shape)
    expected = (
        f"`attention_model` must turn images of shape {shape} into scores of shape "
        f"{(1, mae.num_patches)}, one for each patch of the `mae`."
    )
    try:
        # Run, not asked for its output's shape: Keras' attention layer gives a wrong
        # one for scores between two sequences.
        scores = model(np.zeros(shape, "float32"), training=False)
    except Exception as error:  # whatever a model of the user's raises
        raise ValueError(f"{expected} Received: an error, {error}") from error
    found = keras.tree.map_structure(lambda x: tuple(x.shape), scores)
    if found != (1, mae.num_patches):
        raise ValueError(f"{expected} Received: {found}")


def _copy_of_attention_model(model):
    try:
        return frozen.copy_of(model)
    except Exception as error:  # whatever a model of the user's raises
        raise ValueError(
            "`attention_model` must be a model that Keras can make again from its "
            f"configuration, or `copy` be False. Received: {model!r}, with {error}"
        ) from error


def _has_unknown_rank(x):
    return hasattr(x, "shape") and getattr(x.shape, "rank", 0) is None


def _fits(size, wanted):
    return all(s in (None, w) for s, w in zip(size, wanted))
