"""Training on many devices: all that differs between the engines that do it.

JAX (`keras.distribution`) computes on whole batches and spreads them by itself.
TensorFlow (`tf.distribute`) runs a step per replica and sums their gradients. PyTorch
runs a process per device, and until Keras 3.16 nothing joins them but this package.

A *replica* is what sees a share of each batch: a device, or on PyTorch a process.
"""

from keras_mra.distribution.devices import jit_compile
from keras_mra.distribution.devices import scope
from keras_mra.distribution.processes import check_epochs_done
from keras_mra.distribution.processes import is_main_process
from keras_mra.distribution.processes import replicas
from keras_mra.distribution.sharing import Share
from keras_mra.distribution.sharing import share
from keras_mra.distribution.training import DistributedModel
from keras_mra.distribution.training import gather_keys
from keras_mra.distribution.training import start
from keras_mra.distribution.training import summed_replicas
