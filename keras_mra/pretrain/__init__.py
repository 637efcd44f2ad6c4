from keras_mra.pretrain.mae import pretrain_mae
