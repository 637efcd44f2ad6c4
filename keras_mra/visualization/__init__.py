"""Pictures (matplotlib) of what a model sees, paints and looks at, and of results."""

from keras_mra.visualization.attention import plot_attention
from keras_mra.visualization.cam import grad_cam
from keras_mra.visualization.cam import grad_cam_maps
from keras_mra.visualization.curves import plot_learning_curves
from keras_mra.visualization.curves import plot_occlusion
from keras_mra.visualization.reconstruction_logger import ReconstructionLogger
from keras_mra.visualization.reconstructions import plot_reconstructions
from keras_mra.visualization.strategies import plot_masking_strategies
