from keras_mra.models.mae import MAE
from keras_mra.models.msa import MSA

__all__ = [
    "MAE",
    "MSA",
]
