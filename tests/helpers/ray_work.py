"""Functions of chunks for the tests of Ray. Its workers import this module."""

import functools
import os
import pathlib
import signal
import time

from keras_mra import engines


def run(function, items, size=2, workers=2, **arguments):
    """What a function below returns for each chunk of the items, on Ray."""
    make = functools.partial(_make, function, arguments)
    return list(engines.map_on_ray(make, engines.chunked(items, size), workers))


def _make(function, arguments):
    return functools.partial(function, **arguments)


def doubled(chunk):
    return [2 * item for item in chunk]


def process(chunk):
    """The worker, its folder and its backend."""
    return os.getpid(), os.getcwd(), os.environ["KERAS_BACKEND"]


def gpus(chunk):
    import ray

    return ray.get_gpu_ids()


def dying_at(chunk, item, folder, times):
    """Kills its process at an item, up to a number of times."""
    for number in range(times if item in chunk else 0):
        try:
            pathlib.Path(folder, str(number)).open("x").close()
        except FileExistsError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)
    return doubled(chunk)


def slowly(chunk, folder):
    time.sleep(0.1)
    pathlib.Path(folder, str(chunk[0])).touch()


def failing_at(chunk, item, error):
    if item in chunk:
        raise error
    return doubled(chunk)
