"""The vision transformer of a masked autoencoder."""
