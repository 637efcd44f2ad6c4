from keras_mra.pretrain.mae import pretrain_mae
from keras_mra.pretrain.msa import pretrain_msa
