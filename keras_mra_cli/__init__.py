"""The command line: `keras-mra demo`, `compare`, `pretrain`, `augment` and others.

The modules of this package import `keras_mra`, and with it Keras and a backend, only
when a command runs. This one imports nothing: `main` answers signals first.
"""


def main() -> None:
    """Runs the command that the process was started with."""
    from keras_mra_cli import interruption

    interruption.listen()

    import sys

    try:
        from keras_mra_cli.commands import run
    except ImportError as error:
        if error.name != "typer":
            raise
        sys.exit("The command line needs typer: pip install 'keras-mra[cli]'")
    run()


__all__ = ["main"]
