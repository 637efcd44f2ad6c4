"""Matplotlib figures of attention, reconstructions, Grad-CAM and learning curves."""

from keras_mra.visualization.grad_cam import grad_cam
from keras_mra.visualization.grad_cam_maps import grad_cam_maps
from keras_mra.visualization.plot_attention import plot_attention
from keras_mra.visualization.plot_inspection import plot_inspection
from keras_mra.visualization.plot_learning_curves import plot_learning_curves
from keras_mra.visualization.plot_masking_strategies import plot_masking_strategies
from keras_mra.visualization.plot_occlusion import plot_occlusion
from keras_mra.visualization.plot_reconstructions import plot_reconstructions
from keras_mra.visualization.reconstruction_logger import ReconstructionLogger

__all__ = [
    "ReconstructionLogger",
    "grad_cam",
    "grad_cam_maps",
    "plot_attention",
    "plot_inspection",
    "plot_learning_curves",
    "plot_masking_strategies",
    "plot_occlusion",
    "plot_reconstructions",
]
