"""`map_on_ray`: a function of chunks, called by the workers of a Ray cluster.

Chunks and results travel as pickles between this process and its own workers. Ray runs
the code of whoever may use the cluster, so they need no more trust than the cluster.
"""

import logging
import os
import pickle
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from typing import TypeVar

import keras

from keras_mra.engines.ray_worker import Attempts
from keras_mra.engines.ray_worker import RayWorker

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_on_ray(
    make: Callable[[], Callable[[list[Item]], Result]],
    chunks: Iterable[list[Item]],
    workers: int | None,
) -> Generator[Result, None, None]:
    """Calls a function of chunks in actors of Ray Data, inside of `ray_cluster`.

    Each actor makes the function once, and holds one CPU, and one GPU if the cluster
    has any. A chunk whose actor dies is given to another one. The actors end with the
    generator.

    Args:
        make: Function that can be pickled and returns the function of a chunk.
        chunks: Lists of items. The `str` of an item names it in messages.
        workers: Int, the number of actors, or `None` for the number of GPUs of the
            cluster, or of CPUs if it has no GPU.

    Yields:
        What the function returns for each chunk, in their order.

    Raises:
        OSError: If workers die at the same chunk again and again, or the cluster ends.
        Exception: What the function raises.
    """
    import ray

    rows = [
        {"number": number, "chunk": pickle.dumps(chunk)}
        for number, chunk in enumerate(chunks)
    ]
    if not rows:
        return
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0))
    attempts = ray.remote(Attempts)
    attempts = attempts.options(num_cpus=0, max_restarts=-1, max_task_retries=-1)
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
    dataset.context.enable_progress_bars = False
    dataset.context.execution_options.preserve_order = True
    # The plan of each run, and that there is no bar, are nothing for users.
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)
    workers = workers or gpus or int(resources.get("CPU", 1))
    dataset = dataset.map(
        RayWorker,
        fn_constructor_args=(pickle.dumps(make), attempts.remote(), os.getcwd()),
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(rows))),
        num_cpus=1,
        num_gpus=1 if gpus else 0,
        runtime_env={"env_vars": {"KERAS_BACKEND": keras.backend.backend()}},
    )
    try:
        for row in dataset.iter_rows():
            result = pickle.loads(row["result"])
            if isinstance(result, Exception):
                raise result
            yield result
    except ray.exceptions.RayTaskError:
        raise  # An error of the function that nobody foresaw.
    except ray.exceptions.RayError as error:
        raise OSError(
            f"Ray stopped: {error}. All files written so far are complete; the same "
            "command continues from here."
        ) from error
