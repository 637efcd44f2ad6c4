"""Images per second from JPEG files to random resized crops, beside other readers.

Each contender reads files of about 500x375 pixels, cuts random boxes (a fifth of the
area to all of it, 3/4 to 4/3 wide) and resizes them to 224 pixels, in shuffled batches:

- `keras_mra`: `datasets.FolderDataset`, with OpenCV;
- `keras_mra with Pillow`: the same with `image_library="pillow"`;
- `tf.data`: `decode_and_crop_jpeg`, then `tf.image.resize`, which does not smooth;
- `grain`: a `MapDataset` of Pillow crops, with threads;
- `torch`: a `DataLoader` of Pillow crops as torchvision makes them, with processes;
- `keras`: `image_dataset_from_directory` at 256 pixels, then `RandomCrop`.

A contender with N workers has N cores to itself, so that images per second and core can
be compared. Images per second of processor time vary less on a machine that is not
idle. The crops of `keras` have one size, and cost it less: it is no peer in the ratios.

    python benchmarks/input_pipeline.py --out benchmarks/results/input_pipeline.json

Without `--data`, the files are made of the package's photographs, enlarged, with noise.
"""

import argparse
import functools
import importlib.util
import json
import multiprocessing
import os
import pathlib
import tempfile
import time

import interleaved
import numpy as np

SIDE, SCALE, RATIO = 224, (0.2, 1.0), (3 / 4, 4 / 3)
# What each contender needs beside the package.
CONTENDERS = {
    "keras_mra": "cv2",
    "keras_mra with Pillow": "torch",
    "tf.data": "tensorflow",
    "grain": "grain",
    "torch": "torch",
    "keras": "tensorflow",
}
OURS = ("keras_mra", "keras_mra with Pillow")


def main():
    args = parse_arguments()
    if args.worker:
        return work(**json.loads(args.worker))
    present = [n for n in args.contenders if importlib.util.find_spec(CONTENDERS[n])]
    skipped = [name for name in args.contenders if name not in present]
    if skipped:
        print(f"skipped, because they are not installed: {', '.join(skipped)}")
    with tempfile.TemporaryDirectory() as folder:
        data = args.data or make_files(pathlib.Path(folder), args.files)
        times = measure(present, str(data), args)
    results = {
        **interleaved.provenance(),
        "batch_size": args.batch,
        "data": args.data or f"{args.files} files made of sample photographs",
        "skipped": skipped,
        "seconds": times,
        "summary": summarize(times, args),
    }
    report(results["summary"], present, args.cores)
    if args.out:
        interleaved.write_json(args.out, results)


def measure(names, data, args):
    """Seconds on the clock and of the processors, of each round, by contender."""
    processes, times = {}, {}
    for name in names:
        for cores in args.cores:
            options = {"name": name, "cores": cores, "data": data, "batch": args.batch}
            backend = "torch" if name in (*OURS, "torch") else "tensorflow"
            key = f"{name}, {cores}"
            processes[key] = interleaved.Worker(__file__, options, backend)
            processes[key].ask(steps=interleaved.WARM_UP_STEPS)
            times[key] = {"clock": [], "processors": []}
            print(f"{key} ready", flush=True)
    for round_number in range(args.rounds):
        for key, process in processes.items():
            clock, processors = process.ask(steps=args.steps)
            times[key]["clock"].append(clock)
            times[key]["processors"].append(processors)
        print(f"round {round_number + 1} of {args.rounds}", flush=True)
    for process in processes.values():
        process.close()
    return times


def summarize(times, args):
    images = args.steps * args.batch
    speed = {
        key: {name: images / interleaved.median(s) for name, s in found.items()}
        for key, found in times.items()
    }
    for key, found in speed.items():
        cores = key.rsplit(", ", 1)[1]
        peers = [
            speed[f"{name}, {cores}"]["clock"]
            for name in ("tf.data", "grain", "torch")
            if f"{name}, {cores}" in speed
        ]
        if peers:
            found["times_as_fast_as_fastest_peer"] = found["clock"] / max(peers)
    return speed


def report(speed, names, cores):
    rows = []
    for name in names:
        alone = speed[f"{name}, {cores[0]}"]["clock"] / cores[0]
        for count in cores:
            found = speed[f"{name}, {count}"]
            rows.append(
                [
                    name,
                    str(count),
                    f"{found['clock']:.0f}",
                    f"{found['clock'] / count:.0f}",
                    f"{found['processors']:.0f}",
                    f"{found.get('times_as_fast_as_fastest_peer', 1):.2f}x",
                    f"{found['clock'] / alone:.2f}x",
                ]
            )
    header = ["contender", "cores", "images/s", "per core", "per s of a processor"]
    header += ["of the fastest peer", f"of {cores[0]} core"]
    interleaved.print_table(header, rows)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with one folder of JPEGs per class")
    parser.add_argument("--files", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=8, help="batches in a round")
    parser.add_argument("--batch", type=int, default=64)
    cores = [n for n in (1, 2, 4, 8, 16) if n <= len(os.sched_getaffinity(0))]
    parser.add_argument("--cores", type=int, nargs="*", default=cores)
    parser.add_argument(
        "--contenders", nargs="*", choices=CONTENDERS, default=list(CONTENDERS)
    )
    parser.add_argument("--out", help="JSON file for all timings")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_files(folder, count):
    """Writes JPEG files of about 500x375 pixels in two classes."""
    from PIL import Image

    from keras_mra.datasets import sample_photographs

    photographs = sample_photographs()
    rng = np.random.default_rng(0)
    for number in range(count):
        place = folder / str(number % 2)
        place.mkdir(exist_ok=True)
        image = Image.fromarray(photographs[number % len(photographs)])
        width, height = image.size
        left, top = rng.uniform(0, 0.2, 2) * image.size
        box = (left, top, left + 0.8 * width, top + 0.8 * height)
        size = (500 + int(rng.integers(-20, 21)), 375 + int(rng.integers(-20, 21)))
        pixels = np.asarray(image.resize(size, Image.Resampling.BICUBIC, box=box))
        pixels = pixels + rng.normal(0, 4, pixels.shape)
        pixels = np.clip(pixels, 0, 255).astype("uint8")
        Image.fromarray(pixels).save(place / f"{number:05}.jpg", quality=90)
    return folder


def work(name, cores, data, batch):
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    os.sched_setaffinity(0, chosen)  # Before any library starts its threads.
    batches = READERS[name](data, batch, cores)

    def answer(steps):
        # What was read ahead while others had their turn is not timed.
        for _ in range(2 + 2 * cores):
            next(batches)
        before = processor_seconds()
        times, shapes = interleaved.time_calls(lambda: next(batches), steps)
        assert set(shapes) == {(batch, SIDE, SIDE, 3)}, shapes
        return sum(times), processor_seconds() - before

    interleaved.serve(answer)


def processor_seconds():
    """The processor time of this process and of its workers."""
    seconds = time.process_time()
    for child in multiprocessing.active_children():
        with open(f"/proc/{child.pid}/stat") as file:
            user, system = file.read().rsplit(")", 1)[1].split()[11:13]
        seconds += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return seconds


def read_keras_mra(data, batch, cores, image_library="opencv"):
    from keras_mra import datasets

    dataset = datasets.FolderDataset(
        data,
        (SIDE, SIDE, 3),
        batch,
        crop_scale=SCALE,
        workers=cores,
        image_library=image_library,
    )
    while True:
        for images in dataset:
            yield images.shape
        dataset.on_epoch_end()


def read_tf_data(data, batch, cores):
    import tensorflow as tf

    def crop(path):
        encoded = tf.io.read_file(path)
        shape = tf.io.extract_jpeg_shape(encoded)
        begin, size, _ = tf.image.sample_distorted_bounding_box(
            shape,
            tf.zeros((1, 0, 4)),
            aspect_ratio_range=RATIO,
            area_range=SCALE,
            use_image_if_no_bounding_boxes=True,
        )
        box = tf.concat([begin[:2], size[:2]], 0)
        image = tf.image.decode_and_crop_jpeg(encoded, box, channels=3)
        image = tf.image.resize(image, (SIDE, SIDE))
        return tf.cast(tf.round(image), tf.uint8)

    files = tf.data.Dataset.from_tensor_slices(list_files(data))
    options = tf.data.Options()
    options.threading.private_threadpool_size = cores
    found = (
        files.shuffle(len(files))
        .repeat()
        .map(crop, num_parallel_calls=cores, deterministic=True)
        .batch(batch)
        .prefetch(2)
        .with_options(options)
    )
    for images in found.as_numpy_iterator():
        yield images.shape


def read_grain(data, batch, cores):
    import grain

    found = (
        grain.MapDataset.source(list_files(data))
        .seed(0)
        .shuffle()
        .repeat()
        .random_map(pillow_crop)
        .to_iter_dataset(
            grain.ReadOptions(num_threads=cores, prefetch_buffer_size=2 * batch)
        )
        .batch(batch)
    )
    for images in found:
        yield images.shape


def read_torch(data, batch, cores):
    import torch

    class Crops(torch.utils.data.Dataset):
        def __init__(self):
            self.files = list_files(data)
            self.rng = np.random.default_rng()

        def __len__(self):
            return len(self.files)

        def __getitem__(self, index):
            return pillow_crop(self.files[index], self.rng)

    loader = torch.utils.data.DataLoader(
        Crops(), batch, shuffle=True, num_workers=cores, drop_last=True,
        persistent_workers=True,
    )  # fmt: skip
    while True:
        for images in loader:
            yield tuple(images.shape)


def read_keras(data, batch, cores):
    import keras
    import tensorflow as tf

    found = keras.utils.image_dataset_from_directory(
        data, labels=None, batch_size=batch, image_size=(256, 256), verbose=False
    )
    crop = keras.layers.RandomCrop(SIDE, SIDE)
    options = tf.data.Options()
    options.threading.private_threadpool_size = cores
    options.autotune.enabled = False  # Autotuned prefetching holds whole epochs.
    found = found.unbatch().batch(batch, drop_remainder=True)
    found = found.map(lambda x: crop(x, training=True), num_parallel_calls=cores)
    for images in found.repeat().with_options(options).as_numpy_iterator():
        yield images.shape


READERS = {
    "keras_mra": read_keras_mra,
    "keras_mra with Pillow": functools.partial(read_keras_mra, image_library="pillow"),
    "tf.data": read_tf_data,
    "grain": read_grain,
    "torch": read_torch,
    "keras": read_keras,
}


def list_files(data):
    return sorted(str(path) for path in pathlib.Path(data).rglob("*.jpg"))


def pillow_crop(path, rng):
    """A random resized crop as torchvision makes it: decode, cut, resize."""
    from PIL import Image

    with Image.open(path) as image:
        image = image.convert("RGB")
    width, height = image.size
    area = rng.uniform(*SCALE) * width * height
    ratio = np.exp(rng.uniform(*np.log(RATIO)))
    wide = min(width, max(1, round(np.sqrt(area * ratio))))
    high = min(height, max(1, round(np.sqrt(area / ratio))))
    left, top = rng.integers(0, width - wide + 1), rng.integers(0, height - high + 1)
    image = image.crop((left, top, left + wide, top + high))
    return np.array(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


if __name__ == "__main__":
    main()
