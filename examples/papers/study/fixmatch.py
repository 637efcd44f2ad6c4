"""FixMatch, semi-supervised training on few labelled and many unlabelled images."""

import keras
import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra import distribution

PAIR = ("labelled", "unlabelled")


@keras.saving.register_keras_serializable("keras_mra")
class FixMatch(keras.Model):
    """Semi-supervised training of a classifier (Sohn et al., 2020).

    The weak views of labelled images are learned by cross-entropy. The weak view of
    each unlabelled image is classified. If the largest probability reaches
    `threshold`, the predicted class becomes the label of the strong view. All views
    pass through the network in one batch, as in the published code, so that batch
    normalisation uses the statistics of all of them.

    `compile` takes only an optimizer: the model computes its losses and its accuracy.

    Args:
        network: Built `keras.Model` from images to probabilities of the classes,
            `(batch, classes)`. It is trained in place. A network that returns logits
            needs a `keras.layers.Softmax(dtype="float32")` on top.
        weak: Keras layer that makes the weak view, such as a flip and a shift.
        strong: Keras layer that makes the strong view, such as
            `keras.layers.RandAugment`, `keras_mra.layers.MaskReconstruct` or a
            `keras.layers.Pipeline` of both. Views keep the shape and the range of the
            images.
        threshold: Float in [0, 1], the smallest probability that makes a label.
        unlabelled_weight: Float, at least 0, the weight of the unlabelled loss. The
            supervised loss has the weight 1.
        **kwargs: Arguments of `keras.Model`.

    Call arguments:
        inputs: Images `(batch, height, width, channels)`, or a dict of two batches of
            images, `labelled` and `unlabelled`, which may differ in size. `fit` needs
            dicts, with the integer labels of the first batch: `PairedBatches` makes
            them.
        training: Bool. `False` uses the images themselves instead of their views.

    Returns:
        Float32 probabilities `(batch, classes)`. For a dict of inputs, a dict of three
        such tensors: `labelled` and `weak` are those of the weak views, and `strong`
        are those of the strong views.

    Logs:
        `supervised_loss`; `unlabelled_loss`, the mean over all unlabelled images, in
        which those below the threshold count as 0; `mask_rate`, the share of
        unlabelled images that reach the threshold; and `accuracy` on the labelled
        images. `evaluate` on images and labels logs `loss` and `accuracy`.

    Raises:
        ValueError: If an argument is not as described, or if `network` does not return
            probabilities.

    Example:

    ```python
    from study.paired_batches import PairedBatches

    model = FixMatch(network, weak, keras.layers.RandAugment(), threshold=0.95)
    model.compile(keras.optimizers.SGD(0.03, momentum=0.9, nesterov=True))
    batches = PairedBatches((images, labels), unlabelled, batch_size=64, mu=7)
    model.fit(batches, epochs=10, shuffle=False, validation_data=test)
    ```
    """

    def __init__(
        self, network, weak, strong, threshold=0.95, unlabelled_weight=1.0, **kwargs
    ):
        # Autocasting to float16 would round the pixels.
        super().__init__(**{**kwargs, "autocast": False})
        _check_network(network)
        for name, view in (("weak", weak), ("strong", strong)):
            if not isinstance(view, keras.layers.Layer):
                raise ValueError(
                    f"`{name}` must be a Keras layer. Received: {name}={view!r} "
                    f"(of type {type(view).__name__})"
                )
        self.network = network
        self.weak = weak
        self.strong = strong
        self.threshold = checks.fraction("threshold", threshold)
        self.unlabelled_weight = checks.nonnegative_float(
            "unlabelled_weight", unlabelled_weight
        )
        self.cross_entropy = keras.losses.SparseCategoricalCrossentropy(reduction=None)
        self.supervised_tracker = keras.metrics.Mean(name="supervised_loss")
        self.unlabelled_tracker = keras.metrics.Mean(name="unlabelled_loss")
        self.mask_tracker = keras.metrics.Mean(name="mask_rate")
        self.accuracy_tracker = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        self.built = True

    def call(self, inputs, training=None):
        if not isinstance(inputs, dict):
            return self._classify(inputs, training)
        labelled, unlabelled = _pair(inputs)
        weak, strong = self._two_views(labelled, unlabelled, training)
        probabilities = self._classify(ops.concatenate([weak, strong]), training)
        count, half = ops.shape(labelled)[0], ops.shape(weak)[0]
        return {
            "labelled": probabilities[:count],
            "weak": probabilities[count:half],
            "strong": probabilities[half:],
        }

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """The supervised, the weighted unlabelled and the network's own losses."""
        paired = isinstance(y_pred, dict)
        if training and not paired:
            raise ValueError(
                "The training data of `FixMatch` must be pairs, ({'labelled': images, "
                "'unlabelled': images}, labels). Received: images without a dict"
            )
        _check_labels(y)
        labelled = y_pred["labelled"] if paired else y_pred
        total = ops.mean(self.cross_entropy(y, labelled, sample_weight))
        if paired:
            self.supervised_tracker.update_state(total)
            unlabelled = self.unlabelled_loss(y_pred["weak"], y_pred["strong"])
            total = total + self.unlabelled_weight * unlabelled
        for loss in self.losses:  # the network's regularisation
            total = total + ops.sum(ops.cast(loss, total.dtype))
        return total / distribution.summed_replicas()

    def unlabelled_loss(self, weak, strong):
        """The mean loss of the strong views. Images below the threshold count as 0.

        Args:
            weak: Probabilities of the weak views, `(batch, classes)`. They decide the
                labels, and no gradient passes through them.
            strong: Probabilities of the strong views, `(batch, classes)`.
        """
        weak = ops.stop_gradient(weak)
        sure = ops.cast(ops.max(weak, axis=-1) >= self.threshold, "float32")  # (B,)
        loss = ops.mean(self.cross_entropy(ops.argmax(weak, axis=-1), strong, sure))
        self.unlabelled_tracker.update_state(loss)
        self.mask_tracker.update_state(sure)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        paired = isinstance(y_pred, dict)
        labelled = y_pred["labelled"] if paired else y_pred
        self.accuracy_tracker.update_state(y, labelled, sample_weight)
        results = super().compute_metrics(x, y, labelled, sample_weight)
        if not paired:  # the trackers of pairs are empty
            for metric in self._pair_trackers():
                results.pop(metric.name)
        return results

    def _pair_trackers(self):
        return self.supervised_tracker, self.unlabelled_tracker, self.mask_tracker

    def _two_views(self, labelled, unlabelled, training):
        """Weak views of all images and strong views of the unlabelled, as float32."""
        both = [ops.cast(x, "float32") for x in (labelled, unlabelled)]
        images = ops.concatenate(both)  # (labelled + unlabelled, H, W, C)
        if not training:
            return images, both[1]
        # Some of Keras' layers write into their input on PyTorch: they get a copy.
        weak, strong = self.weak(images), self.strong(ops.copy(unlabelled))
        return ops.cast(weak, "float32"), ops.cast(strong, "float32")

    def _classify(self, images, training):
        return ops.cast(self.network(images, training=training), "float32")

    def get_config(self):
        config = super().get_config()
        config.update(
            network=self.network,
            weak=self.weak,
            strong=self.strong,
            threshold=self.threshold,
            unlabelled_weight=self.unlabelled_weight,
        )
        return config

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in ("network", "weak", "strong"):
            if isinstance(config[name], dict):
                config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)


def _check_network(network):
    """Checks that a network is built and returns probabilities of classes."""
    if not isinstance(network, keras.Model) or not network.built:
        raise ValueError(
            "`network` must be a Keras model that is built, such as one with a "
            f"`keras.Input`. Received: network={network!r} "
            f"(of type {type(network).__name__})"
        )
    shape = getattr(network, "output_shape", None)
    if shape is not None and (not isinstance(shape, tuple) or len(shape) != 2):
        raise ValueError(
            "`network` must return probabilities of shape (batch, classes). "
            f"Received: output shape {shape}"
        )
    blank = getattr(network, "input_shape", None)
    if not isinstance(blank, tuple) or None in blank[1:]:
        return
    image = np.zeros((1, *blank[1:]), "float32")
    found = ops.cast(network(image, training=False), "float32")
    found = ops.convert_to_numpy(found)
    if found.min() < 0 or abs(found.sum() - 1) > 0.01:
        raise ValueError(
            "`network` must return probabilities, which are at least 0 and sum to 1: "
            "end it in a softmax. Received: outputs of a blank image from "
            f"{found.min():.3g} to {found.max():.3g}, with the sum {found.sum():.3g}"
        )


def _pair(inputs):
    if set(inputs) != set(PAIR):
        raise ValueError(
            f"A dict of `inputs` must have the keys {PAIR}. "
            f"Received: {sorted(map(str, inputs))}"
        )
    return tuple(ops.convert_to_tensor(inputs[name]) for name in PAIR)


def _check_labels(labels):
    if labels is None or len(labels.shape) > 1 and labels.shape[-1] != 1:
        received = "no labels" if labels is None else f"shape {tuple(labels.shape)}"
        raise ValueError(
            "The labels of `FixMatch` must be integers of shape (batch,), not one-hot. "
            f"Received: {received}"
        )
