"""`python -m keras_mra.cli`, for launchers such as `torchrun`."""

from keras_mra.cli import main

if __name__ == "__main__":
    main()
