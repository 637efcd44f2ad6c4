"""Code that differs between TensorFlow, JAX and PyTorch.

Apart from this package, only `distribution/` and `export/` import a backend.
"""

from keras_mra.backend.attention import dot_product_attention
from keras_mra.backend.batches import batches_for_fit
from keras_mra.backend.compilation import compiled
from keras_mra.backend.compilation import fastest_jit_compile
from keras_mra.backend.gelu import gelu
from keras_mra.backend.gradients import value_and_gradient
from keras_mra.backend.host import HOST_LOCK
from keras_mra.backend.host import call_on_host
from keras_mra.backend.jax_cpu import XLA_QUICKLY
from keras_mra.backend.jax_cpu import compile_quickly
from keras_mra.backend.jax_cpu import computed_once
from keras_mra.backend.optimizer_class import optimizer_class
from keras_mra.backend.padded import padded
from keras_mra.backend.portable import portable
from keras_mra.backend.random_states import random_states
from keras_mra.backend.seed_generator import folded_seed
from keras_mra.backend.seed_generator import seed_generator
from keras_mra.backend.streams import is_stream
from keras_mra.backend.streams import with_tuples
from keras_mra.backend.tensors import has_unknown_rank
from keras_mra.backend.tensors import has_unknown_size
from keras_mra.backend.tensors import is_concrete
from keras_mra.backend.tensors import is_foreign_graph
from keras_mra.backend.tensors import is_tensorflow_symbolic
from keras_mra.backend.tensors import with_static_shape
from keras_mra.backend.worker_seed import worker_seed

__all__ = [
    "HOST_LOCK",
    "XLA_QUICKLY",
    "batches_for_fit",
    "call_on_host",
    "compile_quickly",
    "compiled",
    "computed_once",
    "dot_product_attention",
    "fastest_jit_compile",
    "folded_seed",
    "gelu",
    "has_unknown_rank",
    "has_unknown_size",
    "is_concrete",
    "is_foreign_graph",
    "is_stream",
    "is_tensorflow_symbolic",
    "optimizer_class",
    "padded",
    "portable",
    "random_states",
    "seed_generator",
    "value_and_gradient",
    "with_static_shape",
    "with_tuples",
    "worker_seed",
]
