"""The forward pass of the published masked autoencoder, in plain NumPy and float64.

Written from the papers and the published code, with loops where the package has
tensor operations, and none of the package's own numerics.
"""

import math

import numpy as np

erf = np.vectorize(math.erf, otypes=["float64"])


class ReferenceMAE:
    """An independent MAE with the weights and the settings of a `keras_mra.MAE`."""

    def __init__(self, mae):
        self.height, self.width, self.channels = mae.image_shape
        self.patch_height, self.patch_width = mae.patch_size
        self.rows = self.height // self.patch_height
        self.columns = self.width // self.patch_width
        self.value_range = mae.value_range
        self.mean = 0.0 if mae.mean is None else np.array(mae.mean)
        self.std = 1.0 if mae.std is None else np.array(mae.std)
        self.norm_pix_loss = mae.norm_pix_loss
        self.epsilon = mae.layer_norm_epsilon
        self.encoder_heads = mae.encoder_heads
        self.decoder_heads = mae.decoder_heads

        encoder, decoder = mae.encoder.get_layer, mae.decoder.get_layer
        self.projection = _dense(encoder("patch_embedding").projection)
        self.class_token = _array(encoder("class_token").token).reshape(-1)
        self.encoder_blocks = [
            block_weights(encoder(f"block_{i}")) for i in range(mae.encoder_depth)
        ]
        self.encoder_norm = _norm(encoder("norm"))
        self.embedding = _dense(decoder("embedding"))
        self.mask_token = _array(decoder("restore_tokens").token).reshape(-1)
        self.decoder_blocks = [
            block_weights(decoder(f"block_{i}")) for i in range(mae.decoder_depth)
        ]
        self.decoder_norm = _norm(decoder("norm"))
        self.pixels = _dense(decoder("pixels"))

    # One image at a time; the public methods loop over the batch.

    def encode(self, images):
        """All tokens of whole images after the final norm, class token first."""
        everything = range(self.rows * self.columns)
        return np.stack([self._encode(self._patches(x), everything) for x in images])

    def encode_visible(self, images, visible):
        """The same for the visible patches alone."""
        return np.stack(
            [self._encode(self._patches(x), v) for x, v in zip(images, visible)]
        )

    def attention(self, images, block=-1):
        """The class token's attention to the patches, heads averaged, sum 1."""
        return np.stack([self._attention(x, block) for x in images])

    def predict_patches(self, images, visible):
        """What the decoder says of every patch."""
        return np.stack([self._predict(x, v) for x, v in zip(images, visible)])

    def loss(self, images, visible):
        """Mean squared error over the dropped patches of all images."""
        errors = []
        for image, shown, predicted in zip(
            images, visible, self.predict_patches(images, visible)
        ):
            for place, target in enumerate(self._patches(image)):
                if place in shown:
                    continue
                if self.norm_pix_loss:
                    variance = target.var(ddof=1) + 1e-6
                    target = (target - target.mean()) / math.sqrt(variance)
                errors.append(np.mean((predicted[place] - target) ** 2))
        return np.mean(errors)

    def _patches(self, image):
        low, high = self.value_range
        image = (np.asarray(image, "float64") - low) / (high - low)
        image = (image - self.mean) / self.std
        patches = []
        for row in range(self.rows):
            for column in range(self.columns):
                top, left = row * self.patch_height, column * self.patch_width
                patch = image[
                    top : top + self.patch_height, left : left + self.patch_width
                ]
                patches.append(patch.reshape(-1))  # (row, column, channel) order
        return np.array(patches)

    def _positions(self, dim):
        """Column, then row, each as sines, then cosines."""
        codes = []
        quarter = dim // 4
        for row in range(self.rows):
            for column in range(self.columns):
                code = []
                for place in (column, row):
                    angles = [place / 10000 ** (i / quarter) for i in range(quarter)]
                    code += [math.sin(a) for a in angles]
                    code += [math.cos(a) for a in angles]
                codes.append(code)
        return np.array(codes)

    def _tokens(self, patches, places):
        """The input of the first encoder block."""
        embedded = _affine(patches, self.projection)
        embedded = embedded + self._positions(embedded.shape[-1])
        shown = [embedded[place] for place in places]
        return np.array([self.class_token, *shown])

    def _encode(self, patches, places):
        x = self._tokens(patches, places)
        for block in self.encoder_blocks:
            x = self.transform(x, block, self.encoder_heads)
        return self._normalize(x, self.encoder_norm)

    def _attention(self, image, block):
        patches = self._patches(image)
        x = self._tokens(patches, range(len(patches)))
        block %= len(self.encoder_blocks)
        for earlier in self.encoder_blocks[:block]:
            x = self.transform(x, earlier, self.encoder_heads)
        weights = self.attention_weights(
            x, self.encoder_blocks[block], self.encoder_heads
        )
        to_patches = np.mean([head[0] for head in weights], axis=0)[1:]
        return to_patches / to_patches.sum()

    def _predict(self, image, visible):
        encoded = self._encode(self._patches(image), visible)
        embedded = _affine(encoded, self.embedding)
        dim = embedded.shape[-1]
        tokens = np.tile(self.mask_token, (self.rows * self.columns, 1))
        for place, token in zip(visible, embedded[1:]):
            tokens[place] = token
        tokens = tokens + self._positions(dim)
        x = np.concatenate([embedded[:1], tokens])
        for block in self.decoder_blocks:
            x = self.transform(x, block, self.decoder_heads)
        x = self._normalize(x, self.decoder_norm)
        return _affine(x[1:], self.pixels)

    def transform(self, x, block, heads):
        """One transformer block on the tokens of one image."""
        weights = self.attention_weights(x, block, heads)
        values = _affine(self._normalize(x, block["norm1"]), block["value"])
        mixed = [w @ v for w, v in zip(weights, _heads(values, heads))]
        x = x + _affine(np.concatenate(mixed, axis=-1), block["output_projection"])
        hidden = _affine(self._normalize(x, block["norm2"]), block["mlp_in"])
        hidden = hidden * 0.5 * (1 + erf(hidden / math.sqrt(2)))
        return x + _affine(hidden, block["mlp_out"])

    def attention_weights(self, x, block, heads):
        """One matrix of softmax rows for each head."""
        x = self._normalize(x, block["norm1"])
        queries = _heads(_affine(x, block["query"]), heads)
        keys = _heads(_affine(x, block["key"]), heads)
        weights = []
        for query, key in zip(queries, keys):
            logits = query @ key.T / math.sqrt(query.shape[-1])
            exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
            weights.append(exponents / exponents.sum(axis=-1, keepdims=True))
        return weights

    def _normalize(self, x, norm):
        gamma, beta = norm
        mean = x.mean(axis=-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + self.epsilon) * gamma + beta


def block_weights(layer):
    """The weights of a `TransformerBlock`, by name."""
    weights = {name: _norm(getattr(layer, name)) for name in ("norm1", "norm2")}
    for name in ("query", "key", "value", "output_projection", "mlp_in", "mlp_out"):
        weights[name] = _dense(getattr(layer, name))
    return weights


def _dense(layer):
    return _array(layer.kernel), _array(layer.bias)


def _norm(layer):
    return _array(layer.gamma), _array(layer.beta)


def _array(variable):
    value = variable.value
    if hasattr(value, "detach"):  # PyTorch
        value = value.detach().cpu()
    return np.asarray(value, "float64")


def _affine(x, weights):
    kernel, bias = weights
    return x @ kernel + bias


def _heads(x, heads):
    return np.split(x, heads, axis=-1)
