"""The optimizers of the classifiers, by name."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_mra import backend
from keras_mra import checks
from keras_mra.optimizers import WITHOUT_WEIGHT_DECAY
from keras_mra.optimizers import WarmupCosineDecay

OPTIMIZERS = ("adam", "adamw", "sgd")
_BackendSGD: Any = backend.optimizer_class(keras.optimizers.SGD)


def make_optimizer(
    name: str,
    learning_rate: float,
    steps: int,
    warmup_steps: int = 0,
    weight_decay: float = 0.0,
) -> keras.optimizers.Optimizer:
    """Makes an optimizer whose rate rises linearly and falls as a cosine to zero.

    Args:
        name: `"sgd"` for Nesterov's momentum of 0.9 with an L2 penalty, as in the
            papers on residual networks; `"adamw"` for AdamW, whose decay is decoupled
            from the gradient; `"adam"`, which cannot decay weights.
        learning_rate: Float, the peak.
        steps: Int, the number of training steps.
        warmup_steps: Int, how many of them belong to the warm-up.
        weight_decay: Float, at least 0. Biases and the scales and shifts of norms do
            not decay.

    Returns:
        A Keras optimizer.

    Raises:
        ValueError: If there is no such optimizer, or if `"adam"` is to decay weights.
    """
    checks.choice("optimizer", name, OPTIMIZERS)
    rate = WarmupCosineDecay(learning_rate, steps, warmup_steps)
    if name == "sgd":
        return SGDWithL2(weight_decay, rate, momentum=0.9, nesterov=True)
    if name == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=weight_decay)
        optimizer.exclude_from_weight_decay(var_names=WITHOUT_WEIGHT_DECAY)
        return optimizer
    if weight_decay:
        raise ValueError(
            "`weight_decay` must be 0 for the optimizer 'adam'; 'adamw' decays "
            f"weights. Received: weight_decay={weight_decay}"
        )
    return keras.optimizers.Adam(rate)


@keras.saving.register_keras_serializable("keras_mra")
class SGDWithL2(_BackendSGD):
    """SGD on the loss plus half of `l2` times the squared norm of the weights.

    The penalty enters the gradient, and with it the momentum. The `weight_decay` of
    `keras.optimizers.SGD` does not: with a momentum of 0.9 it would have to be ten
    times as large for a similar effect. Vectors, which are biases, scales and shifts,
    have no penalty.

    Args:
        l2: Float, at least 0.
        *args: Arguments of `keras.optimizers.SGD`.
        **kwargs: Arguments of `keras.optimizers.SGD`.
    """

    def __init__(self, l2: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.l2 = float(l2)

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None
    ) -> None:
        variables = trainable_variables
        if variables is None:
            variables = self._trainable_variables
        grads = [
            gradient + self.l2 * variable if len(variable.shape) > 1 else gradient
            for gradient, variable in zip(grads, variables)
        ]
        super().apply(grads, trainable_variables)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "l2": self.l2}
