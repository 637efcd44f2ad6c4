"""`RecipeRequest`: the training arguments that a caller of `pretrain_*` gave."""

import dataclasses
from collections.abc import Sequence

import keras

from keras_mra import checks
from keras_mra.models import MAE
from keras_mra.pretrain.default_recipe import STEPS
from keras_mra.pretrain.default_recipe import default_epochs
from keras_mra.pretrain.default_recipe import default_learning_rate
from keras_mra.pretrain.recipe import Recipe
from keras_mra.pretrain.training_data import TrainingData
from keras_mra.typing import Path


@dataclasses.dataclass(frozen=True)
class RecipeRequest:
    """The arguments of a `Recipe`; what is `None` follows from the model and the data.

    Attributes:
        effort: `"quick"`, `"good"` or `"best"`, which decides `epochs` if it is `None`.
        epochs: Int, or `None`.
        learning_rate: Float, or `None` for a rate that suits the encoder's width.
        warmup_epochs, weight_decay, steps_per_execution, checkpoint, tensorboard,
            callbacks, verbose: As in `Recipe`.

    Raises:
        ValueError: If an argument is bad.
    """

    effort: str
    epochs: int | None
    learning_rate: float | None
    warmup_epochs: float | None
    weight_decay: float
    steps_per_execution: int
    checkpoint: Path | None
    tensorboard: Path | None
    callbacks: Sequence[keras.callbacks.Callback] | None
    verbose: str | int

    def __post_init__(self) -> None:
        checks.choice("effort", self.effort, STEPS)
        # `Recipe` checks the numbers that were given, before any work.
        self._recipe(
            1 if self.epochs is None else self.epochs,
            1.0 if self.learning_rate is None else self.learning_rate,
        )

    def settled(self, mae: MAE, data: TrainingData) -> Recipe:
        """Returns the recipe for a model and its data."""
        epochs, rate = self.epochs, self.learning_rate
        if epochs is None:
            epochs = default_epochs(self.effort, data.steps_per_epoch)
        if rate is None:
            rate = default_learning_rate(mae.encoder_dim)
        return self._recipe(epochs, rate)

    def _recipe(self, epochs: int, learning_rate: float) -> Recipe:
        return Recipe(
            epochs=epochs,
            learning_rate=learning_rate,
            warmup_epochs=self.warmup_epochs,
            weight_decay=self.weight_decay,
            steps_per_execution=self.steps_per_execution,
            checkpoint=self.checkpoint,
            tensorboard=self.tensorboard,
            callbacks=self.callbacks,
            verbose=self.verbose,
        )
