"""Images per second from JPEG files to random resized crops, beside other readers.

Each contender reads files of about 500x375 pixels, cuts random boxes (a fifth of the
area to all of it, 3/4 to 4/3 wide) and resizes them to 224 pixels, in shuffled batches:

- `keras_mra`: `datasets.FolderDataset`;
- `tf.data`: `decode_and_crop_jpeg`, then `tf.image.resize`;
- `grain`: a `MapDataset` of Pillow crops, with threads;
- `torch`: a `DataLoader` of Pillow crops, with processes;
- `keras`: `image_dataset_from_directory` at 256 pixels, then `RandomCrop`.

A contender with N workers has N cores to itself, so that images per second and core can
be compared. The crops of `keras` have one size, and cost it less.

    python benchmarks/input_pipeline.py --out benchmarks/results/input_pipeline.json

Without `--data`, the files are made of the package's photographs, enlarged, with noise.
"""

import argparse
import json
import os
import pathlib
import tempfile

import interleaved
import numpy as np

SIDE, SCALE, RATIO = 224, (0.2, 1.0), (3 / 4, 4 / 3)
CONTENDERS = ("keras_mra", "tf.data", "grain", "torch", "keras")


def main():
    args = parse_arguments()
    if args.worker:
        return work(**json.loads(args.worker))
    with tempfile.TemporaryDirectory() as folder:
        data = args.data or make_files(pathlib.Path(folder), args.files)
        results = {
            **interleaved.provenance(),
            "batch_size": args.batch,
            "data": args.data or f"{args.files} files made of sample photographs",
            "seconds": {},
        }
        names = [(name, cores) for name in args.contenders for cores in args.cores]
        processes = {}
        for name, cores in names:
            options = {
                "name": name, "cores": cores, "data": str(data), "batch": args.batch,
            }  # fmt: skip
            backend = "torch" if name in ("keras_mra", "torch") else "tensorflow"
            processes[name, cores] = interleaved.Worker(__file__, options, backend)
            processes[name, cores].ask(steps=interleaved.WARM_UP_STEPS)
            print(f"{name} on {cores} ready", flush=True)
        seconds = {key: [] for key in names}
        for round_number in range(args.rounds):
            for key in names:
                seconds[key].append(processes[key].ask(steps=args.steps))
            print(f"round {round_number + 1} of {args.rounds}", flush=True)
        for process in processes.values():
            process.close()
    images = args.steps * args.batch
    results["seconds"] = {f"{name} {n}": times for (name, n), times in seconds.items()}
    results["images_per_second"] = {
        key: images / interleaved.median(values)
        for key, values in results["seconds"].items()
    }
    report(results["images_per_second"], args)
    if args.out:
        interleaved.write_json(args.out, results)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with one folder of JPEGs per class")
    parser.add_argument("--files", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=8, help="batches in a round")
    parser.add_argument("--batch", type=int, default=64)
    cores = [n for n in (1, 2, 4, 8, 16) if n <= len(os.sched_getaffinity(0))]
    parser.add_argument("--cores", type=int, nargs="*", default=cores)
    parser.add_argument("--contenders", nargs="*", default=CONTENDERS)
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


def report(speed, args):
    rows = []
    for name in args.contenders:
        row = [name]
        for cores in args.cores:
            found = speed[f"{name} {cores}"]
            row += [f"{found:.0f}", f"{found / cores:.0f}"]
        row.append(f"{speed[f'{name} {args.cores[-1]}'] / speed[f'{name} 1']:.2f}")
        rows.append(row)
    header = ["images/s"]
    for cores in args.cores:
        header += [f"{cores} cores", "per core"]
    interleaved.print_table([*header, f"{args.cores[-1]} cores beside 1"], rows)


def work(name, cores, data, batch):
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    os.sched_setaffinity(0, chosen)  # Before any library starts its threads.
    batches = READERS[name](data, batch, cores)

    def answer(steps):
        # What was read ahead while others had their turn is not timed.
        for _ in range(2 + 2 * cores):
            next(batches)
        times, shapes = interleaved.time_calls(lambda: next(batches), steps)
        assert set(shapes) == {(batch, SIDE, SIDE, 3)}, shapes
        return sum(times)

    interleaved.serve(answer)


def read_keras_mra(data, batch, cores):
    from keras_mra import datasets

    dataset = datasets.FolderDataset(
        data, (SIDE, SIDE, 3), batch, crop_scale=SCALE, workers=cores
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
    found = found.unbatch().batch(batch, drop_remainder=True)
    found = found.map(lambda x: crop(x, training=True), num_parallel_calls=cores)
    for images in found.repeat().with_options(options).as_numpy_iterator():
        yield images.shape


READERS = {
    "keras_mra": read_keras_mra,
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
