"""Protocols that evaluate features, classifiers, attention maps and paint."""

from keras_mra.evaluation.alignment import alignment
from keras_mra.evaluation.attention_distance import attention_distance
from keras_mra.evaluation.attention_statistics import attention_statistics
from keras_mra.evaluation.background_reliance import attended_masks
from keras_mra.evaluation.background_reliance import background_reliance
from keras_mra.evaluation.embed_folder import EmbedReport
from keras_mra.evaluation.embed_folder import embed_folder
from keras_mra.evaluation.features import FeatureExtractor
from keras_mra.evaluation.features import features
from keras_mra.evaluation.few_shot import few_shot
from keras_mra.evaluation.fine_tune import fine_tune
from keras_mra.evaluation.foreground import foreground
from keras_mra.evaluation.inspect import inspect
from keras_mra.evaluation.invariance import invariance
from keras_mra.evaluation.knn import knn
from keras_mra.evaluation.linear_probe import linear_probe
from keras_mra.evaluation.low_shot import low_shot
from keras_mra.evaluation.occlusion_curve import occlusion_curve
from keras_mra.evaluation.paint import paint
from keras_mra.evaluation.purity import purity
from keras_mra.evaluation.read_features import read_features
from keras_mra.evaluation.verdict import attention_verdict
from keras_mra.evaluation.verdict import paint_verdict

__all__ = [
    "EmbedReport",
    "FeatureExtractor",
    "alignment",
    "attended_masks",
    "attention_distance",
    "attention_statistics",
    "attention_verdict",
    "background_reliance",
    "embed_folder",
    "features",
    "few_shot",
    "fine_tune",
    "foreground",
    "inspect",
    "invariance",
    "knn",
    "linear_probe",
    "low_shot",
    "occlusion_curve",
    "paint",
    "paint_verdict",
    "purity",
    "read_features",
]
