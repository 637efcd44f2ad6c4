"""AdamW with a learning rate for each variable."""

import keras
from keras import ops

# The class that Keras makes of it. PyTorch's updates all variables at once; direct
# subclasses of `keras.optimizers.AdamW` are denied that and step half as fast.
AdamW = type(keras.optimizers.AdamW.__new__(keras.optimizers.AdamW))


@keras.saving.register_keras_serializable("keras_mra")
class LayerwiseAdamW(AdamW):  # type: ignore[valid-type, misc]
    """AdamW that scales the learning rate of each variable.

    Weights decay in proportion to their variable's own rate; vectors, which are biases,
    norms and tokens, do not decay at all.

    Args:
        rate_scales: Floats, one for each trainable variable, in the order of
            `model.trainable_variables`.
        **kwargs: Arguments of `keras.optimizers.AdamW`, but for `use_ema`.

    Raises:
        ValueError: If there is not one scale for each variable.

    Example:

    ```python
    scales = [0.1] * len(backbone.trainable_variables) + [1.0, 1.0]
    model.compile(LayerwiseAdamW(scales, learning_rate=1e-3), "mse")
    ```
    """

    def __init__(self, rate_scales, **kwargs):
        if kwargs.get("use_ema"):
            raise ValueError(
                "`use_ema` must be False: the average would be one of steps that are "
                "not scaled yet. Received: use_ema=True"
            )
        super().__init__(**kwargs)
        self.rate_scales = tuple(float(scale) for scale in rate_scales)

    def build(self, variables):
        if self.built:
            return
        if len(variables) != len(self.rate_scales):
            raise ValueError(
                "`rate_scales` must have one number for each trainable variable. "
                f"Received: {len(self.rate_scales)} for {len(variables)} variables"
            )
        self.exclude_from_weight_decay([v for v in variables if _is_vector(v)])
        super().build(variables)
        # Behind a function: Keras takes variables in an attribute for the optimizer's.
        self.scaled_variables = lambda: variables

    def apply(self, grads, trainable_variables=None):
        # A step of AdamW, decay included, is proportional to the rate: scaling it is
        # scaling the rate. Scaling the gradient would change nothing, Adam divides by
        # its size.
        if trainable_variables is not None:
            self.build(trainable_variables)
        scaled = [
            (variable, scale, ops.copy(variable))
            for variable, scale in zip(self.scaled_variables(), self.rate_scales)
            if scale != 1
        ]
        super().apply(grads, trainable_variables)
        for variable, scale, before in scaled:
            variable.assign(before + scale * (variable - before))

    def get_config(self):
        return {**super().get_config(), "rate_scales": self.rate_scales}


def rate_scales(levels, decay, variables):
    """Layer-wise learning-rate decay: the factor of each variable's rate.

    Args:
        levels: Lists of layers, from the pixels upwards.
        decay: Float, the rate of a level relative to the one above; the highest level
            has the full rate.
        variables: Variables; those of no level have the full rate too.

    Returns:
        A list of floats.
    """
    scales = {
        id(variable): decay ** (len(levels) - 1 - i)
        for i, level in enumerate(levels)
        for layer in level
        for variable in layer.trainable_variables
    }
    return [scales.get(id(variable), 1.0) for variable in variables]


def _is_vector(variable):
    return sum(size > 1 for size in variable.shape) < 2
