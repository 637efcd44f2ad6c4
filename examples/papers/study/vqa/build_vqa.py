"""A small model that answers a question about an image."""

import keras
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra.evaluation.classifier import encoder_outputs
from keras_mra.evaluation.features import mae_of
from keras_mra.layers import TransformerBlock
from keras_mra.models.autoencoder import layer_seeds


@keras.saving.register_keras_serializable("keras_mra")
class AddPlaces(keras.layers.Layer):
    """Adds a learned vector to each place of a sequence.

    Args:
        seed: Int or `None`, decides the initial vectors.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        sequence: Tensor of shape `(batch, length, dim)` with a static length.

    Returns:
        Tensor of shape `(batch, length, dim)`.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = checks.seed(seed)

    def build(self, input_shape):
        self.places = self.add_weight(
            shape=input_shape[1:], initializer=_normal(self.seed), name="places"
        )

    def call(self, sequence):
        return sequence + ops.cast(self.places, sequence.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def _normal(seed):
    return keras.initializers.RandomNormal(stddev=0.5, seed=seed)


@keras.saving.register_keras_serializable("keras_mra")
class CrossAttention(keras.layers.Layer):
    """Cross-attention from words to the tokens of an image, with a skip connection.

    Args:
        num_heads: Int, a divisor of the width of the words.
        seed: Int or `None`, decides the initial weights.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        words: Tensor of shape `(batch, words, dim)`.
        image: Tensor of shape `(batch, tokens, image_dim)`.

    Returns:
        Tensor of shape `(batch, words, dim)`.
    """

    def __init__(self, num_heads, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = checks.positive_int("num_heads", num_heads)
        self.seed = checks.seed(seed)

    def build(self, words_shape, image_shape):
        dim = words_shape[-1]
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-6, dtype=self.dtype_policy, name="norm"
        )
        self.norm.build(words_shape)
        shapes = {
            "query": words_shape,
            "key": image_shape,
            "value": image_shape,
            "output_projection": words_shape,
        }
        for nth, (name, shape) in enumerate(shapes.items()):
            seed = None if self.seed is None else self.seed + nth
            dense = keras.layers.Dense(
                dim,
                kernel_initializer=keras.initializers.GlorotUniform(seed),
                dtype=self.dtype_policy,
                name=name,
            )
            dense.build(shape)
            setattr(self, name, dense)

    def call(self, words, image):
        attended = backend.dot_product_attention(
            self._heads(self.query(self.norm(words))),
            self._heads(self.key(image)),
            self._heads(self.value(image)),
        )  # (B, words, heads, dim / heads)
        return words + self.output_projection(ops.reshape(attended, ops.shape(words)))

    def _heads(self, x):
        batch, length = ops.shape(x)[:2]
        width = x.shape[-1] // self.num_heads
        return ops.reshape(x, (batch, length, self.num_heads, width))

    def compute_output_shape(self, words_shape, image_shape):
        return words_shape

    def get_config(self):
        config = super().get_config()
        config.update(num_heads=self.num_heads, seed=self.seed)
        return config


def build_vqa(
    encoder,
    image_shape,
    vocabulary_size,
    length,
    num_answers,
    *,
    dim=128,
    heads=4,
    text_depth=1,
    fusion_depth=2,
    seed=0,
):
    """Builds a model from an image and a question to the probability of each answer.

    The words pass through `text_depth` transformer blocks. Then, `fusion_depth` times,
    they attend to the image's tokens and pass through another block. Padding is treated
    as a word. The words and the image's tokens have learned position vectors. A linear
    layer classifies the mean of the words. The whole model is trainable, including its
    copy of the encoder.

    Args:
        encoder: `MAE`, `MSA` or Keras model that can be saved. It is copied, not
            changed. It must return tokens `(batch, tokens, dim)`, a map
            `(batch, height, width, dim)` or features `(batch, dim)`.
        image_shape: `(height, width, channels)`, which must be that of an `MAE`.
        vocabulary_size: Int, the number of different words, such as
            `WordTokenizer.vocabulary_size`.
        length: Int, the number of words in a question.
        num_answers: Int.
        dim: Int, the width of the words, divisible by `heads`.
        heads: Int, the number of attention heads.
        text_depth: Int, the number of blocks before the words attend to the image.
        fusion_depth: Int, how many times they attend to it.
        seed: Int or `None`, decides the initial weights outside the encoder.

    Returns:
        A Functional `keras.Model` from a dict of `"images"` and `"question"`, integers
        of shape `(batch, length)`, to float32 probabilities of shape
        `(batch, num_answers)`.

    Raises:
        ValueError: If an argument is not as described.

    Example:

    ```python
    model = build_vqa(
        mae, mae.image_shape, tokenizer.vocabulary_size, tokenizer.length, len(classes)
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ```
    """
    sizes = {"length": length, "num_answers": num_answers, "dim": dim, "heads": heads}
    sizes.update(text_depth=text_depth, fusion_depth=fusion_depth)
    for name, value in {**sizes, "vocabulary_size": vocabulary_size}.items():
        checks.positive_int(name, value)
    if dim % heads:
        raise ValueError(
            f"`dim` must be divisible by `heads`. Received: dim={dim}, heads={heads}"
        )
    image_shape = checks.image_shape(image_shape)
    mae = mae_of(encoder)
    if mae is None and not isinstance(encoder, keras.Model):
        raise ValueError(
            "`encoder` must be an MAE, an MSA or a Keras model. "
            f"Received: encoder={encoder!r} (of type {type(encoder).__name__})"
        )
    if mae is not None and image_shape != mae.image_shape:
        raise ValueError(
            f"`image_shape` must be that of the MAE, {mae.image_shape}. "
            f"Received: image_shape={image_shape}"
        )
    seeds = layer_seeds(checks.seed(seed), stream=2)
    images = keras.Input(image_shape, name="images")
    question = keras.Input((length,), dtype="int32", name="question")
    tokens = _image_tokens(encoder, images, dim, seeds)
    words = keras.layers.Embedding(
        vocabulary_size, dim, embeddings_initializer=_normal(next(seeds)), name="words"
    )(question)
    words = AddPlaces(next(seeds), name="word_places")(words)
    for n in range(text_depth):
        words = TransformerBlock(heads, seed=next(seeds), name=f"text_{n}")(words)
    for n in range(fusion_depth):
        words = CrossAttention(heads, next(seeds), name=f"look_{n}")(words, tokens)
        words = TransformerBlock(heads, seed=next(seeds), name=f"fusion_{n}")(words)
    x = keras.layers.GlobalAveragePooling1D(data_format="channels_last")(words)
    x = keras.layers.LayerNormalization(epsilon=1e-6, name="answer_norm")(x)
    answer = keras.layers.Dense(
        num_answers,
        activation="softmax",
        kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
        dtype="float32",
        name="answer",
    )(x)
    return keras.Model({"images": images, "question": question}, answer, name="vqa")


def _image_tokens(encoder, images, dim, seeds):
    """The encoder's tokens plus their position vectors, `(batch, tokens, dim)`."""
    outputs, _ = encoder_outputs(encoder, images)
    rank = len(getattr(outputs, "shape", ()))
    if rank not in (2, 3, 4):
        raise ValueError(
            "`encoder` must return tokens (batch, tokens, dim), a map (batch, height, "
            f"width, dim) or features (batch, dim). Received: {outputs}"
        )
    if rank != 3:
        count = 1 if rank == 2 else outputs.shape[1] * outputs.shape[2]
        outputs = keras.layers.Reshape((count, outputs.shape[-1]))(outputs)
    initializer = keras.initializers.GlorotUniform(next(seeds))
    tokens = keras.layers.Dense(dim, kernel_initializer=initializer, name="image")(
        outputs
    )
    # The tokens of a convolution do not hold their positions.
    tokens = AddPlaces(next(seeds), name="image_places")(tokens)
    return keras.layers.LayerNormalization(epsilon=1e-6, name="image_norm")(tokens)
