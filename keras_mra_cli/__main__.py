"""`python -m keras_mra_cli`, for launchers such as `torchrun`."""

from keras_mra_cli import main

if __name__ == "__main__":
    main()
