"""`worker_seed`: what tells a worker process of a data set from the other workers."""

import multiprocessing
import sys


def worker_seed() -> tuple[int, ...]:
    """Returns numbers of this process alone, or none outside of worker processes.

    A worker of PyTorch's `DataLoader` has the seed that PyTorch gave it, which is
    another one for each worker and epoch and follows from PyTorch's random state. The
    worker of a pool, as of a `keras.utils.PyDataset`, has its name.
    """
    process = multiprocessing.current_process()
    # Processes that train are not workers: they must restart from a saved state.
    if not process.daemon:
        return ()
    # If PyTorch was never imported, this is none of its workers.
    data = sys.modules.get("torch.utils.data")
    info = None if data is None else data.get_worker_info()
    return tuple(process.name.encode()) if info is None else (info.seed,)
