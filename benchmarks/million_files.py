"""Memory and start-up time of a data set of a folder with a million files.

The files are hard links to a few small ones, in folders of a thousand.

    python benchmarks/million_files.py
"""

import argparse
import os
import pathlib
import tempfile
import time

# A file system may allow no more links to a file.
LINKS = 30_000
FILES_IN_A_FOLDER = 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1_000_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        make_tree(pathlib.Path(root), args.files)
        measure(root)


def make_tree(root, count):
    from PIL import Image

    for number in range(count):
        folder = root / f"n{number // FILES_IN_A_FOLDER:08}"
        path = folder / f"{folder.name}_{number}.JPEG"
        folder.mkdir(exist_ok=True)
        if number % LINKS == 0:
            Image.new("RGB", (16, 16)).save(path)
            source = path
        else:
            os.link(source, path)


def measure(root):
    from keras_mra import datasets

    before, start = resident_megabytes(), time.perf_counter()
    dataset = datasets.FolderDataset(root, (8, 8, 3), 256, labels=True)
    print(f"{dataset.num_images:,} files in {len(dataset.class_names):,} folders")
    report("listed", before, start)
    for epoch in range(2):
        start = time.perf_counter()
        dataset[0]
        report(f"first batch of epoch {epoch}", before, start)
        dataset.set_epoch(epoch + 1)


def report(what, before, start):
    seconds = time.perf_counter() - start
    print(f"{what}: {seconds:.2f} s, {resident_megabytes() - before:+.0f} MB")


def resident_megabytes():
    """The memory that the process holds, on Linux."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
