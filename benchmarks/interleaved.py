"""Times contenders in turns, each in its own process.

The rounds of all contenders are interleaved, so that a change of the machine's clock or
load affects all of them. Compare speeds of the same run only. A process that waits for
its turn is blocked on a pipe and computes nothing.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata

WARM_UP_STEPS = 3  # Frameworks retrace and tune themselves in the first steps.


class Worker:
    """A process that times what it is asked for.

    Args:
        script: Path of the benchmark, which calls `serve` when run with `--worker`.
        options: Dict of JSON values for the worker.
        backend: Name of the Keras backend, or `None` for a worker without Keras.
    """

    def __init__(self, script, options, backend=None):
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        if backend is not None:
            environment["KERAS_BACKEND"] = backend
        self.process = subprocess.Popen(
            [sys.executable, script, "--worker", json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def ask(self, **request):
        """Sends a request and waits for its answer."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"A worker died. Its request was {request}.")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def serve(answer):
    """Answers requests from `Worker.ask` until the pipe closes.

    Args:
        answer: Function of the request's keyword arguments to JSON values.
    """
    # Libraries print to standard output. Only answers may go through the pipe.
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        pipe.write(json.dumps(answer(**json.loads(line))) + "\n")
        pipe.flush()


def time_calls(step, count):
    """Times each of `count` calls of `step`, which must wait for its result.

    Returns:
        A pair of lists: the seconds of each call, and its result.
    """
    seconds, returned = [], []
    for _ in range(count):
        start = time.perf_counter()
        returned.append(step())
        seconds.append(time.perf_counter() - start)
    return seconds, returned


def median(times):
    return statistics.median(times)


def provenance():
    """The command, the machine and the versions of this run, to repeat it."""
    names = ["keras", "tensorflow-cpu", "tensorflow", "jax", "torch", "transformers"]
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "command": "python " + " ".join(sys.argv),
        "date": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "machine": {
            "cpu": _cpu_name(),
            "cores": len(os.sched_getaffinity(0)),
            "system": platform.platform(),
            "load_average_at_start": os.getloadavg(),
        },
        "versions": {"python": platform.python_version(), **versions},
    }


def write_json(path, results):
    with open(path, "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    print(f"\nAll timings: {path}")


def print_table(header, rows):
    """Prints rows of strings in aligned columns, as a Markdown table."""
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    rule = ["-" * width for width in widths]
    for row in (header, rule, *rows):
        print("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |")


def _cpu_name():
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()
