"""Training of a classifier on two views of each image, which are to agree."""

import keras
from keras import ops

from keras_mra import checks
from keras_mra import distribution


class Consistency(keras.Model):
    """Cross-entropy of two views, and the divergence of their predictions.

    The loss is the mean cross-entropy of both views, plus `weight` times the
    Jensen-Shannon divergence of their predictions in nats, as in AugMix (Hendrycks et
    al., 2020), but with two views instead of three. All views pass through the network
    in one batch.

    Args:
        network: Built `keras.Model` from images to probabilities. It is trained in
            place.
        weight: Float, at least 0.
        label_smoothing: Float in [0, 1).
        **kwargs: Arguments of `keras.Model`.

    Call arguments:
        inputs: The views on the axis of the channels, `(batch, height, width,
            2 * channels)`, as `TwoViews` makes them.

    Returns:
        Probabilities of both views, `(batch, 2, classes)`.
    """

    def __init__(self, network, weight=1.0, label_smoothing=0.0, **kwargs):
        super().__init__(**kwargs)
        self.network = network
        self.weight = checks.nonnegative_float("weight", weight)
        self.cross_entropy = keras.losses.CategoricalCrossentropy(
            label_smoothing=label_smoothing
        )
        self.built = True

    def call(self, inputs, training=None):
        views = ops.concatenate(ops.split(inputs, 2, axis=-1))  # (2B, H, W, C)
        probabilities = self.network(views, training=training)  # (2B, classes)
        return ops.stack(ops.split(probabilities, 2), axis=1)  # (B, 2, classes)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        first, second = y_pred[:, 0], y_pred[:, 1]
        total = (self.cross_entropy(y, first) + self.cross_entropy(y, second)) / 2
        total = total + self.weight * ops.mean(jensen_shannon(first, second))
        for loss in self.losses:  # the network's regularisation
            total = total + ops.sum(ops.cast(loss, total.dtype))
        return total / distribution.summed_replicas()


def jensen_shannon(first, second):
    """The Jensen-Shannon divergence of probabilities `(batch, classes)`, in nats."""
    first, second = ops.convert_to_tensor(first), ops.convert_to_tensor(second)
    mean = (first + second) / 2
    return (_kl(first, mean) + _kl(second, mean)) / 2  # (B,)


def _kl(p, q):
    # The logarithm of 0 has no finite gradient.
    log = [ops.log(ops.maximum(x, keras.config.epsilon())) for x in (p, q)]
    return ops.sum(p * (log[0] - log[1]), axis=-1)
