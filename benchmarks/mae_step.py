"""Times a training step of a masked autoencoder, and that of Hugging Face.

ViT-Tiny encoder (192 wide, 12 blocks, 3 heads), decoder 128 wide with 4 blocks and 4
heads, 224 px, patches of 16, mask ratio 0.75. A step is the forward pass, the
loss, the backward pass and AdamW, on a batch in memory. The step of keras_mra is
compiled as `fit` compiles it. The step of Hugging Face's `ViTMAEForPreTraining` runs
eagerly and under `torch.compile`.

    python benchmarks/mae_step.py --out benchmarks/results/mae_step.json
"""

import argparse
import json

import interleaved
import numpy as np
from hugging_face_step import BETAS
from hugging_face_step import LEARNING_RATE
from hugging_face_step import MASK_RATIO
from hugging_face_step import WEIGHT_DECAY
from hugging_face_step import hugging_face_step

IMAGE_SIZE, PATCH_SIZE = 224, 16
ENCODER, DECODER = (192, 12, 3), (128, 4, 4)  # width, blocks, heads
PEERS = ("huggingface eager", "huggingface torch.compile")


def main():
    args = parse_arguments()
    if args.worker:
        return work(**json.loads(args.worker))
    names = [f"keras_mra {backend}" for backend in args.backends]
    names += PEERS[:1] if args.skip_compile else PEERS
    results = {**interleaved.provenance(), "batch_size": args.batch}
    results["dtype"] = args.dtype
    workers = {name: start(name, args.batch, args.dtype) for name in names}
    for name, worker in workers.items():
        answer = worker.ask(steps=interleaved.WARM_UP_STEPS)
        print(f"{name}: ready, first step {answer['seconds'][0]:.1f} s", flush=True)
    times = {name: [] for name in names}
    losses = {}
    for round_number in range(args.rounds):
        for name, worker in workers.items():
            answer = worker.ask(steps=args.steps)
            times[name] += answer["seconds"]
            losses[name] = answer["loss"]
        print(f"round {round_number + 1} of {args.rounds}", flush=True)
    for worker in workers.values():
        worker.close()
    results["seconds_per_step"] = times
    results["last_loss"] = losses
    results["summary"] = summarize(times, args.batch)
    report(results["summary"])
    if args.out:
        interleaved.write_json(args.out, results)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=4, help="steps in a round")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--backends", nargs="*", default=["tensorflow", "torch", "jax"])
    parser.add_argument(
        "--skip-compile", action="store_true", help="omit torch.compile"
    )
    parser.add_argument(
        "--dtype", default="float32", choices=["float32", "mixed_bfloat16"]
    )
    parser.add_argument("--out", help="JSON file for all timings")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def start(name, batch_size, dtype):
    library, kind = name.split(" ", 1)
    options = {"library": library, "kind": kind, "batch_size": batch_size}
    options["dtype"] = dtype
    backend = kind if library == "keras_mra" else None
    return interleaved.Worker(__file__, options, backend)


def summarize(times, batch_size):
    medians = {name: interleaved.median(values) for name, values in times.items()}
    fastest_peer = min(medians[name] for name in medians if name in PEERS)
    return {
        name: {
            "median_seconds": seconds,
            "images_per_second": batch_size / seconds,
            "times_as_fast_as_faster_peer": fastest_peer / seconds,
        }
        for name, seconds in medians.items()
    }


def report(summary):
    interleaved.print_table(
        ["contender", "s per step", "images/s", "of the faster peer"],
        [
            [
                name,
                f"{row['median_seconds']:.3f}",
                f"{row['images_per_second']:.1f}",
                f"{row['times_as_fast_as_faster_peer']:.2f}x",
            ]
            for name, row in summary.items()
        ],
    )


# --- in the workers ---------------------------------------------------------------


def work(library, kind, batch_size, dtype):
    images = np.random.default_rng(0).uniform(
        size=(batch_size, IMAGE_SIZE, IMAGE_SIZE, 3)
    )
    images = images.astype("float32")
    if library == "keras_mra":
        step = keras_mra_step(images, dtype)
    else:
        step = hugging_face_step(
            images,
            PATCH_SIZE,
            ENCODER,
            DECODER,
            compiled=kind == "torch.compile",
            bfloat16=dtype == "mixed_bfloat16",
        )

    def answer(steps):
        seconds, losses = interleaved.time_calls(step, steps)
        return {"seconds": seconds, "loss": losses[-1]}

    interleaved.serve(answer)


def keras_mra_step(images, dtype):
    """The step of keras_mra, compiled as the package recommends for the backend."""
    import keras

    import keras_mra

    mae = keras_mra.MAE.from_preset(
        "mae_mini",
        image_shape=images.shape[1:],
        patch_size=PATCH_SIZE,
        mask_ratio=MASK_RATIO,
        value_range=(0, 1),
        dtype=dtype,
    )
    optimizer = keras.optimizers.AdamW(
        LEARNING_RATE, WEIGHT_DECAY, beta_1=BETAS[0], beta_2=BETAS[1]
    )
    jit_compile = keras_mra.backend.fastest_jit_compile()
    mae.compile(optimizer, jit_compile=jit_compile)
    images = keras.ops.convert_to_tensor(images)
    return lambda: float(mae.train_on_batch(images))  # `float` waits


if __name__ == "__main__":
    main()
