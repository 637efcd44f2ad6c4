"""Checks of arguments and images, made before work starts.

Every message names the argument, what was expected, and what was received.
"""

from keras_mra.checks.check_arguments import any_number
from keras_mra.checks.check_arguments import ascending_pair
from keras_mra.checks.check_arguments import batch_size
from keras_mra.checks.check_arguments import choice
from keras_mra.checks.check_arguments import flag
from keras_mra.checks.check_arguments import fraction
from keras_mra.checks.check_arguments import function
from keras_mra.checks.check_arguments import instance
from keras_mra.checks.check_arguments import integer
from keras_mra.checks.check_arguments import is_integer
from keras_mra.checks.check_arguments import is_number
from keras_mra.checks.check_arguments import names
from keras_mra.checks.check_arguments import nonnegative_float
from keras_mra.checks.check_arguments import nonnegative_int
from keras_mra.checks.check_arguments import number
from keras_mra.checks.check_arguments import pair_of_ints
from keras_mra.checks.check_arguments import positive_float
from keras_mra.checks.check_arguments import positive_int
from keras_mra.checks.check_arguments import positive_ints
from keras_mra.checks.check_arguments import quoted
from keras_mra.checks.check_arguments import required_seed
from keras_mra.checks.check_arguments import seed
from keras_mra.checks.check_arguments import seed_or_generator
from keras_mra.checks.check_arguments import share
from keras_mra.checks.check_images import as_array
from keras_mra.checks.check_images import channel_statistics
from keras_mra.checks.check_images import concrete_pixels
from keras_mra.checks.check_images import dtype_holds_range
from keras_mra.checks.check_images import dtype_name
from keras_mra.checks.check_images import image_batch
from keras_mra.checks.check_images import is_concrete
from keras_mra.checks.check_images import largest_float
from keras_mra.checks.check_images import normalized_range
from keras_mra.checks.check_images import numpy_array
from keras_mra.checks.check_images import order_of_axes
from keras_mra.checks.check_images import pixel_dtype
from keras_mra.checks.check_images import pixel_values
from keras_mra.checks.check_images import value_range
from keras_mra.checks.check_keras import callbacks
from keras_mra.checks.check_keras import layer
from keras_mra.checks.check_keras import layer_arguments
from keras_mra.checks.check_keras import no_sample_weight
from keras_mra.checks.check_keras import verbose
from keras_mra.checks.check_paths import folder
from keras_mra.checks.check_paths import path
from keras_mra.checks.check_scores import nonnegative_values
from keras_mra.checks.check_scores import what_is_wrong
from keras_mra.checks.check_sizes import block_index
from keras_mra.checks.check_sizes import hidden_width
from keras_mra.checks.check_sizes import image_shape
from keras_mra.checks.check_sizes import layer_norm_epsilon
from keras_mra.checks.check_sizes import mlp_ratio
from keras_mra.checks.check_sizes import patch_grid
from keras_mra.checks.check_sizes import resolution
from keras_mra.checks.check_sizes import restore_patch_statistics
from keras_mra.checks.check_sizes import token_width
from keras_mra.checks.check_sizes import weights_fit
from keras_mra.checks.check_sizes import width_and_heads
from keras_mra.checks.check_visible import visible_indices
from keras_mra.checks.check_visible import visible_rows

__all__ = [
    "dtype_holds_range",
    "any_number",
    "callbacks",
    "layer",
    "layer_arguments",
    "normalized_range",
    "numpy_array",
    "verbose",
    "path",
    "no_sample_weight",
    "nonnegative_values",
    "what_is_wrong",
    "visible_rows",
    "folder",
    "function",
    "order_of_axes",
    "dtype_name",
    "as_array",
    "seed_or_generator",
    "share",
    "required_seed",
    "choice",
    "flag",
    "ascending_pair",
    "batch_size",
    "block_index",
    "channel_statistics",
    "concrete_pixels",
    "fraction",
    "hidden_width",
    "image_batch",
    "image_shape",
    "instance",
    "integer",
    "is_concrete",
    "is_integer",
    "is_number",
    "largest_float",
    "layer_norm_epsilon",
    "mlp_ratio",
    "names",
    "nonnegative_float",
    "nonnegative_int",
    "number",
    "pair_of_ints",
    "patch_grid",
    "pixel_dtype",
    "pixel_values",
    "positive_float",
    "positive_int",
    "positive_ints",
    "quoted",
    "resolution",
    "restore_patch_statistics",
    "seed",
    "token_width",
    "value_range",
    "visible_indices",
    "weights_fit",
    "width_and_heads",
]
