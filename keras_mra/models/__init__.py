from keras_mra.models.mae import MAE
