"""Masked autoencoders as data augmentors and as teachers, for Keras 3."""

from keras_mra.choose_backend import choose_backend as _choose_backend

# Keras, which the following lines import, takes its backend when it is imported.
_choose_backend()

from keras_mra import datasets
from keras_mra import distribution
from keras_mra import evaluation
from keras_mra import layers
from keras_mra import losses
from keras_mra import masking
from keras_mra import views
from keras_mra import visualization
from keras_mra.augment import augment_folder
from keras_mra.comparison import compare
from keras_mra.export import TorchTransform
from keras_mra.export import export_augmentor
from keras_mra.export import strip_augmentation
from keras_mra.layers.attention_of import attention_of
from keras_mra.models import MAE
from keras_mra.models import MSA
from keras_mra.models.presets import upload_preset
from keras_mra.pretrain.pretrain_mae import pretrain_mae
from keras_mra.pretrain.pretrain_msa import pretrain_msa
from keras_mra.version import __version__
from keras_mra.visualization import ReconstructionLogger

__all__ = [
    "MAE",
    "MSA",
    "ReconstructionLogger",
    "TorchTransform",
    "__version__",
    "attention_of",
    "augment_folder",
    "compare",
    "datasets",
    "distribution",
    "evaluation",
    "export_augmentor",
    "layers",
    "losses",
    "masking",
    "pretrain_mae",
    "pretrain_msa",
    "strip_augmentation",
    "upload_preset",
    "views",
    "visualization",
]
