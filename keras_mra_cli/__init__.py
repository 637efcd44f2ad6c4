"""The command line: `keras-mra demo`, `compare`, `pretrain`, `augment` and others.

The modules of this package import `keras_mra`, and with it Keras and a backend, only
when a command runs. This one imports only what is in memory already, so that `main`
answers signals from its first line on.
"""

import _signal  # `signal` would import `enum`.
import os


def main() -> None:
    """Runs the command that the process was started with."""
    for number in (_signal.SIGINT, _signal.SIGTERM):
        _signal.signal(number, _end_at_once)

    import sys

    try:
        from keras_mra_cli.commands import run
    except ImportError as error:
        if error.name != "typer":
            raise
        sys.exit("The command line needs typer: pip install 'keras-mra[cli]'")
    run()


def print_end(number: int, sentence: str) -> None:
    """Prints the line with which a signal ends the command.

    It goes to the descriptor, because a stream of Python refuses a second call, where
    the signal came while another line was printed.

    Args:
        number: Int, the signal.
        sentence: String: what is saved.
    """
    word = "Terminated" if number == _signal.SIGTERM else "Interrupted"
    try:
        os.write(2, os.fsencode(f"{word}. {sentence}".rstrip() + "\n"))
    except OSError:  # There is no standard error.
        pass


def _end_at_once(number: int, _: object) -> None:
    print_end(number, "Nothing has begun.")
    os._exit(128 + number)


__all__ = ["main", "print_end"]
