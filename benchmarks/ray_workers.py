"""Images per second of `augment_folder` and `embed_folder` by workers of Ray.

JPEG files of about 500x375 pixels are augmented (one JPEG copy each) or embedded, by
the local engine, with one thread that reads, and by Ray with each number of workers.
Workers take some time to start, which is listed by itself: the speed is that after a
third of the files. From it follow the hours of workers for a million images, and their
price.

    python benchmarks/ray_workers.py --price 0.04 --out benchmarks/results/ray.json
"""

import argparse
import contextlib
import os
import pathlib
import tempfile
import time

import input_pipeline
import interleaved
import numpy as np

TASKS = ("augment", "embed")


def main():
    args = parse_arguments()
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import ray

    results = {
        **interleaved.provenance(),
        "preset": args.preset,
        "files": args.files,
        "batch_size": args.batch,
        "price_of_an_hour": args.price,
        "runs": [],
    }
    results["versions"]["ray"] = ray.__version__
    with tempfile.TemporaryDirectory() as folder:
        data = input_pipeline.make_files(pathlib.Path(folder), args.files)
        contenders = [None, *args.workers]
        for round_number in range(args.rounds):
            for task in TASKS:
                for workers in contenders:
                    start, speed = measure(task, workers, data, args)
                    run = {"task": task, "workers": workers, "start": start}
                    results["runs"].append({**run, "images_per_second": speed})
            print(f"round {round_number + 1} of {args.rounds}", flush=True)
    results["summary"] = report(results["runs"], contenders, args)
    if args.out:
        interleaved.write_json(args.out, results)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=512)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    cores = len(os.sched_getaffinity(0))
    counts = [n for n in (1, 2, 4, 8, 16) if n <= cores]
    parser.add_argument("--workers", type=int, nargs="*", default=counts)
    parser.add_argument("--preset", default="mae_nano_photos")
    parser.add_argument(
        "--price", type=float, default=0.04, help="of an hour of a worker's core or GPU"
    )
    parser.add_argument("--out", help="JSON file for all timings")
    return parser.parse_args()


def measure(task, workers, data, args):
    """The seconds until the first images are done, and the images per second."""
    import keras_mra
    from keras_mra import engines

    done = []  # Pairs of a time and a number of images.

    @contextlib.contextmanager
    def progress_bar(show, text, total):
        yield lambda count: done.append((time.perf_counter(), count))

    engines.progress_bar = progress_bar
    mae = keras_mra.MAE.from_preset(args.preset)
    options = {"batch_size": args.batch}
    with contextlib.ExitStack() as stack:
        if workers is not None:
            options.update(engine="ray", workers=workers)
            stack.enter_context(cluster(workers))
        target = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        start = time.perf_counter()
        if task == "augment":
            keras_mra.augment_folder(
                mae, data, target / "out", format="jpeg", **options
            )
        else:
            options.setdefault("workers", 1)
            keras_mra.evaluation.embed_folder(
                mae, data, target / "out.parquet", **options
            )
    times, counts = zip(*[event for event in done if event[1]])
    total = np.cumsum(counts)
    third = int(np.searchsorted(total, args.files / 3))
    speed = (total[-1] - total[third]) / (times[-1] - times[third])
    return times[0] - start, float(speed)


@contextlib.contextmanager
def cluster(cpus):
    import ray

    ray.init(
        num_cpus=cpus,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=2**28,
    )
    try:
        yield
    finally:
        ray.shutdown()


def report(runs, contenders, args):
    """Prints a table, and returns its rows as dicts."""
    summary = []
    for task in TASKS:
        for workers in contenders:
            chosen = [
                run for run in runs if (run["task"], run["workers"]) == (task, workers)
            ]
            start, speed = (
                interleaved.median([run[name] for run in chosen])
                for name in ("start", "images_per_second")
            )
            hours = 1e6 / speed / 3600 * (workers or 1)
            summary.append(
                {
                    "task": task,
                    "workers": workers,
                    "start": start,
                    "images_per_second": speed,
                    "worker_hours_per_million": hours,
                    "cost_per_million": hours * args.price,
                }
            )
    interleaved.print_table(
        ["task", "workers", "start, s", "images/s", "hours per million", "cost"],
        [
            [
                row["task"],
                "local" if row["workers"] is None else str(row["workers"]),
                f"{row['start']:.1f}",
                f"{row['images_per_second']:.1f}",
                f"{row['worker_hours_per_million']:.1f}",
                f"{row['cost_per_million']:.2f}",
            ]
            for row in summary
        ],
    )
    return summary


if __name__ == "__main__":
    main()
