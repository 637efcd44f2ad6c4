"""`HoldsMAE`: layers that are restored with an autoencoder inside."""

from typing import Any
from typing import Self

import keras

from keras_mra.layers.warn_of_untrained_weights import weights_come_later


class HoldsMAE:
    """Base of layers whose configuration holds an `MAE` and an `attention_model`."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        config = dict(config)
        for name in ("mae", "attention_model", "seed"):
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(config[name])
        with weights_come_later():
            return super().from_config(config)  # type: ignore[misc]
