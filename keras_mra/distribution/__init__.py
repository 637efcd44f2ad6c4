"""Training on several devices.

JAX (`keras.distribution`) computes on global batches and places them on the devices
itself. TensorFlow (`tf.distribute`) runs a step for each replica and sums their
gradients. PyTorch runs one process per device; before Keras 3.16 this package averages
their gradients.

A *replica* computes on a share of each batch. It is a device, or on PyTorch a process.
"""

from keras_mra.distribution.distributed_model import DistributedModel
from keras_mra.distribution.distributed_model import start
from keras_mra.distribution.replicas import check_epochs_done
from keras_mra.distribution.replicas import gather_keys
from keras_mra.distribution.replicas import is_main_process
from keras_mra.distribution.replicas import replicas
from keras_mra.distribution.replicas import summed_replicas
from keras_mra.distribution.scope import jit_compile
from keras_mra.distribution.scope import scope
from keras_mra.distribution.share import Share
from keras_mra.distribution.share import share

__all__ = [
    "DistributedModel",
    "Share",
    "check_epochs_done",
    "gather_keys",
    "is_main_process",
    "jit_compile",
    "replicas",
    "scope",
    "share",
    "start",
    "summed_replicas",
]
