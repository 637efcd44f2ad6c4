"""Whether MRA pays on a data set: classifiers trained with it and without it."""

from keras_mra.comparison.compare import compare
from keras_mra.comparison.comparison_result import Comparison

__all__ = ["Comparison", "compare"]
