"""The share of a training step in which the device waits for images.

`fit` trains a masked autoencoder on random crops of a folder, and on one batch from
memory, in turns. What a step takes longer with the folder, the device has waited. The
computation gets all cores but one, which is left to the threads that read.

    python benchmarks/waiting_for_images.py --data FOLDER
"""

import argparse
import json
import os
import pathlib
import tempfile
import time

import input_pipeline
import interleaved


def main():
    args = parse_arguments()
    if args.worker:
        return work(**json.loads(args.worker))
    results = {**interleaved.provenance(), "seconds_per_step": {}, "waiting": {}}
    with tempfile.TemporaryDirectory() as folder:
        data = args.data or input_pipeline.make_files(pathlib.Path(folder), 512)
        for backend in args.backends:
            options = {
                "data": str(data),
                "preset": args.preset,
                "batch": args.batch,
                "side": args.side,
                "dtype": args.dtype,
            }
            worker = interleaved.Worker(__file__, options, backend)
            for source in ("memory", "folder"):
                worker.ask(source=source, steps=interleaved.WARM_UP_STEPS)
            times = {"memory": [], "folder": []}
            for _ in range(args.rounds):
                for source, seconds in times.items():
                    seconds.append(worker.ask(source=source, steps=args.steps))
            worker.close()
            results["seconds_per_step"][backend] = times
            memory, folder_fed = map(interleaved.median, times.values())
            results["waiting"][backend] = max(0.0, 1 - memory / folder_fed)
            interleaved.print_table(
                ["backend", "s per step from memory", "from the folder", "waiting"],
                [
                    [
                        backend,
                        f"{memory:.4f}",
                        f"{folder_fed:.4f}",
                        f"{results['waiting'][backend]:.1%}",
                    ]
                ],
            )
    if args.out:
        interleaved.write_json(args.out, results)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with one folder of JPEGs per class")
    parser.add_argument("--backends", nargs="*", default=["tensorflow", "torch", "jax"])
    parser.add_argument("--preset", default="mae_mini")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument(
        "--dtype", default="float32", choices=["float32", "mixed_bfloat16"]
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6, help="steps in a round")
    parser.add_argument("--out", help="JSON file for all timings")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def work(data, preset, batch, side, dtype):
    computing = str(max(1, len(os.sched_getaffinity(0)) - 1))
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(name, computing)

    import keras

    import keras_mra

    shape = (side, side, 3)
    mae = keras_mra.MAE.from_preset(
        preset, image_shape=shape, patch_size=16, value_range=(0, 255), dtype=dtype
    )
    mae.compile("adamw", jit_compile=keras_mra.backend.fastest_jit_compile())
    images = keras_mra.datasets.FolderDataset(data, shape, batch)[0]

    class Memory(keras.utils.PyDataset):
        def __init__(self, length):
            super().__init__()
            self.length = length

        def __len__(self):
            return self.length

        def __getitem__(self, index):
            return images

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            float(logs["loss"])  # waits for the device
            self.ends.append(time.perf_counter())

    def answer(source, steps):
        folder = keras_mra.datasets.FolderDataset(data, shape, batch)
        folder.limit(min(steps + 1, len(folder)))
        clock = Clock()
        clock.ends = []
        dataset = folder if source == "folder" else Memory(len(folder))
        mae.fit(dataset, shuffle=False, verbose=0, callbacks=[clock])
        # The first step begins before any image is read ahead.
        return (clock.ends[-1] - clock.ends[0]) / (len(clock.ends) - 1)

    interleaved.serve(answer)


if __name__ == "__main__":
    main()
