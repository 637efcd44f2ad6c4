"""Times MAE, MSA and `MaskReconstruct` on one accelerator, beside Hugging Face.

For each size, dtype and batch size, the training steps of the three backends and of
`ViTMAEForPreTraining` take turns in one run. MFU (model FLOP/s utilization) is the
share of the FLOP/s of the device's own large matrix product, in the same dtype and run.
A training step of ResNet-50 is timed with `MaskReconstruct` in front of it and without.

    python benchmarks/accelerator.py --out benchmarks/results/accelerator.json
    python benchmarks/accelerator.py --tiny  # on a CPU, to see that it runs

Results are written after each comparison. No comparison starts after `--minutes`.
"""

import argparse
import json
import time
import warnings

import interleaved
import numpy as np
from hugging_face_step import MASK_RATIO
from hugging_face_step import hugging_face_step

# Widths, blocks and heads of encoder and decoder.
SIZES = {
    "mini": {"preset": "mae_mini", "encoder": (192, 12, 3), "decoder": (128, 4, 4)},
    "base": {"preset": "mae_base", "encoder": (768, 12, 12), "decoder": (512, 8, 16)},
    "nano": {"preset": "mae_nano", "encoder": (96, 4, 3), "decoder": (64, 2, 2)},
}
BATCHES = {"mini": (256, 1024, 64), "base": (128, 512, 32), "nano": (4,)}
DTYPES = ("mixed_bfloat16", "float32")
METHODS = ("MAE", "MSA")
PEERS = ("huggingface eager", "huggingface torch.compile")
CLASSIFIER_BATCH, TINY_CLASSIFIER_BATCH = 128, 4
IMAGE_SIZE, PATCH_SIZE = 224, 16
TINY_IMAGE_SIZE, TINY_PATCH_SIZE = 32, 8
MATRIX_SIZE, TINY_MATRIX_SIZE = 8192, 256


def main():
    args = parse_arguments()
    if args.worker:
        return interleaved.serve(Contenders(**json.loads(args.worker)))
    started = time.monotonic()
    results = {
        **interleaved.provenance(),
        "steps": [],
        "classifier": [],
        "left_out": [],
    }
    workers = {
        library: interleaved.Worker(
            __file__, {"library": library, "tiny": args.tiny}, backend_of(library)
        )
        for library in [*args.backends, "huggingface"]
    }
    devices = {name: worker.ask(name="device") for name, worker in workers.items()}
    results["devices"] = devices
    print("\n".join(f"{name}: {device}" for name, device in devices.items()))
    for kind, comparison in comparisons(args):
        if time.monotonic() - started > 60 * args.minutes:
            results["left_out"].append(comparison)
            print(f"left out, since {args.minutes:g} minutes are over: {comparison}")
            continue
        rows = compare(workers, args, kind, comparison)
        results[kind].append({**comparison, "contenders": rows})
        report(kind, comparison, rows)
        if args.out:
            interleaved.write_json(args.out, results)
    for worker in workers.values():
        worker.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5, help="steps in a round")
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--backends", nargs="*", default=["tensorflow", "torch", "jax"])
    parser.add_argument("--tiny", action="store_true", help="sizes for a CPU")
    parser.add_argument(
        "--skip-compile", action="store_true", help="omit torch.compile"
    )
    parser.add_argument("--out", help="JSON file for all timings")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def backend_of(library):
    return None if library == "huggingface" else library


def comparisons(args):
    """Pairs of a kind and what its contenders share, the most telling ones first."""
    if args.tiny:
        sizes = ["nano"]
    else:
        sizes = ["mini", "base"]
    for place in range(max(len(BATCHES[size]) for size in sizes)):
        for size in sizes:
            # Other batch sizes than the first show what fills the device.
            for dtype in DTYPES if place == 0 else DTYPES[:1]:
                yield "steps", {
                    "size": size, "dtype": dtype, "batch": BATCHES[size][place]
                }  # fmt: skip
        if place == 0:
            batch = TINY_CLASSIFIER_BATCH if args.tiny else CLASSIFIER_BATCH
            yield "classifier", {
                "size": sizes[0], "dtype": DTYPES[0], "batch": batch
            }  # fmt: skip


def contenders(args, kind):
    """Pairs of a worker and what it runs."""
    if kind == "classifier":
        network = "resnet20" if args.tiny else "ResNet50"
        names = (network, f"{network} + MaskReconstruct")
        return [(backend, name) for backend in args.backends for name in names]
    found = [(backend, name) for backend in args.backends for name in METHODS]
    peers = PEERS[:1] if args.skip_compile else PEERS
    return found + [tuple(peer.split(" ")) for peer in peers]


def compare(workers, args, kind, comparison):
    """Interleaves the contenders of one comparison.

    Returns:
        A dict of the results of each contender, or of its error.
    """
    rows, running = {}, []
    for library, name in contenders(args, kind):
        answer = workers[library].ask(
            name=name, steps=interleaved.WARM_UP_STEPS, **comparison
        )
        row = rows[f"{library} {name}"] = {"first_step_seconds": None, "seconds": []}
        if "error" in answer:
            row.update(answer)
        else:
            row["first_step_seconds"] = answer["seconds"][0]
            # Shows progress: compiling a contender can take minutes.
            print(
                f"{library} {name}: first step {answer['seconds'][0]:.0f} s", flush=True
            )
            running.append((library, name, row))
    for _ in range(args.rounds):
        for library, name, row in running:
            answer = workers[library].ask(name=name, steps=args.steps, **comparison)
            row["seconds"] += answer["seconds"]
    for library, name, row in running:
        median = interleaved.median(row["seconds"])
        row["images_per_second"] = comparison["batch"] / median
        if kind == "steps":
            peak = workers[library].ask(name="matrix product", **comparison)
            flops = comparison["batch"] * step_flops(
                comparison["size"], name, args.tiny
            )
            row["matrix_product_flops_per_second"] = peak
            row["mfu"] = flops / median / peak
    for library, *_ in running:
        workers[library].ask(name="forget")
    return rows


def report(kind, comparison, rows):
    print(f"\n{kind}: {', '.join(f'{k} {v}' for k, v in comparison.items())}\n")
    peers = [row for name, row in rows.items() if name in PEERS]
    fastest = max((row.get("images_per_second", 0) for row in peers), default=0)
    table = []
    for name, row in rows.items():
        if "error" in row:
            table.append([name, row["error"], "", "", ""])
            continue
        speed = row["images_per_second"]
        plain = rows.get(name.partition(" + ")[0], {}).get("images_per_second")
        table.append(
            [
                name,
                f"{speed:,.0f}",
                f"{row['mfu']:.2f}" if "mfu" in row else "",
                f"{speed / fastest:.2f}x" if fastest and "MSA" not in name else "",
                f"{100 * (plain / speed - 1):.1f}" if " + " in name and plain else "",
            ]
        )
    interleaved.print_table(
        ["contender", "images/s", "MFU", "of the faster peer", "% added"], table
    )
    print(flush=True)


def step_flops(size, method, tiny):
    """Floating-point operations of the matrix products of a step, for one image.

    A backward pass counts as two forward passes. The projections of MSA are left out.
    """
    image, patch = geometry(tiny)
    grid = (image // patch) ** 2
    kept = grid - round(grid * MASK_RATIO)
    (width, depth, _), (narrow, shallow, _) = (
        SIZES[size]["encoder"],
        SIZES[size]["decoder"],
    )
    values = 3 * patch**2
    student = 2 * kept * values * width + depth * block_flops(1 + kept, width)
    student += 2 * (1 + kept) * width * narrow
    student += shallow * block_flops(1 + grid, narrow) + 2 * grid * narrow * values
    teacher = 2 * grid * values * width + depth * block_flops(1 + grid, width)
    return 3 * student + (teacher if method == "MSA" else 0)


def block_flops(tokens, width):
    return 24 * tokens * width**2 + 4 * tokens**2 * width


def geometry(tiny):
    """The sides of images and patches."""
    return (TINY_IMAGE_SIZE, TINY_PATCH_SIZE) if tiny else (IMAGE_SIZE, PATCH_SIZE)


# --- in the workers -------------------------------------------------------------------


class Contenders:
    """What a worker runs. Models stay in memory until it is told to forget them."""

    def __init__(self, library, tiny):
        self.library, self.tiny = library, tiny
        self.ready = {}

    def __call__(self, name, steps=0, size=None, dtype=None, batch=None):
        if name == "device":
            return device_name()
        if name == "forget":
            return self.forget()
        if name == "matrix product":
            return matrix_product(dtype, TINY_MATRIX_SIZE if self.tiny else MATRIX_SIZE)
        try:
            if name not in self.ready:
                self.ready[name] = self.prepare(name, size, dtype, batch)
            return {"seconds": interleaved.time_calls(self.ready[name], steps)[0]}
        except Exception as error:  # Each library has its own for exhausted memory.
            self.ready.pop(name, None)
            return {"error": f"{type(error).__name__}: {str(error)[:80]}"}

    def forget(self):
        import gc

        self.ready.clear()
        if self.library != "huggingface":
            import keras

            keras.utils.clear_session()
        gc.collect()
        return None

    def prepare(self, name, size, dtype, batch):
        """A function that runs one training step and waits for it."""
        side, patch = geometry(self.tiny)
        shape = (batch, side, side, 3)
        images = np.random.default_rng(0).uniform(size=shape).astype("float32")
        if self.library == "huggingface":
            return hugging_face_step(
                images,
                patch,
                SIZES[size]["encoder"],
                SIZES[size]["decoder"],
                compiled=name == "torch.compile",
                bfloat16="bfloat16" in dtype,
            )
        if "resnet" in name.lower():
            return classifier_step(SIZES[size]["preset"], images, patch, dtype, name)
        return our_step(SIZES[size]["preset"], images, patch, dtype, name)


def device_name():
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return interleaved.provenance()["machine"]["cpu"]


def matrix_product(dtype, size):
    """The FLOP/s of a large product of two square matrices, by PyTorch."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind = torch.bfloat16 if "bfloat16" in dtype else torch.float32
    matrix = torch.randn(size, size, device=device, dtype=kind)

    def step():
        result = matrix @ matrix
        return float(result[0, 0])  # Waits.

    interleaved.time_calls(step, interleaved.WARM_UP_STEPS)
    seconds, _ = interleaved.time_calls(step, 10)
    return 2 * size**3 / interleaved.median(seconds)


def autoencoder(preset, images, patch, dtype):
    import keras_mra

    return keras_mra.MAE.from_preset(
        preset,
        image_shape=images.shape[1:],
        patch_size=patch,
        mask_ratio=MASK_RATIO,
        value_range=(0, 1),
        dtype=dtype,
    )


def our_step(preset, images, patch, dtype, method):
    import keras

    import keras_mra

    model = autoencoder(preset, images, patch, dtype)
    if method == "MSA":
        model = keras_mra.MSA(model)
    optimizer = keras.optimizers.AdamW(1e-4, weight_decay=0.05, beta_2=0.95)
    model.compile(optimizer, jit_compile=keras_mra.backend.fastest_jit_compile())
    images = keras.ops.convert_to_tensor(images)
    return lambda: float(keras.tree.flatten(model.train_on_batch(images))[0])


def classifier_step(preset, images, patch, dtype, name):
    import keras

    from keras_mra import layers
    from keras_mra.classifiers.networks.build_network import build_network

    keras.config.set_dtype_policy(dtype)
    inputs = x = keras.Input(images.shape[1:])
    if " + " in name:
        mae = autoencoder(preset, images, patch, dtype)
        with warnings.catch_warnings():  # Its weights are random, as are the images.
            warnings.simplefilter("ignore")
            x = layers.MaskReconstruct(mae, seed=0)(x)
    network = build_network(
        name.partition(" + ")[0], images.shape[1:], 10, value_range=(0, 1), seed=0
    )
    model = keras.Model(inputs, network(x))
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy"
    )
    images = keras.ops.convert_to_tensor(images)
    labels = keras.ops.zeros((images.shape[0],), "int32")
    return lambda: float(keras.tree.flatten(model.train_on_batch(images, labels))[0])


if __name__ == "__main__":
    main()
