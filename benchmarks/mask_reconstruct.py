"""Speed of `MaskReconstruct`, compared with Keras' augmentations and a ResNet-50 step.

The autoencoder is `mae_mini` (192x12, decoder 128x4) at 224 px, patches of 16, with
random weights. On each backend, compiled as `fit` compiles:

- images per second of the layer's variants, of `AttentiveCutout` ("grey"), which does
  not paint, and of RandAugment, AugMix and CutMix;
- the time that the variants add to a training step of ResNet-50;
- FLOP/s of the default, compared with those of a large matrix product;
- the masks of the variants: the default must choose those of the full pass.

    python benchmarks/mask_reconstruct.py --out benchmarks/results/mask_reconstruct.json
"""

import argparse
import json

import interleaved
import masks
import numpy as np

IMAGE_SIZE, PATCH_SIZE = 224, 16
RATIOS = (0.75, 0.4)
VARIANTS = {
    # Two full encoder passes that share nothing.
    "naive": None,
    "default": {},
    "block": {"attention_block": 6},
    "resolution": {"attention_resolution": IMAGE_SIZE // 2},
    "block and resolution": {
        "attention_block": 6,
        "attention_resolution": IMAGE_SIZE // 2,
    },
    "random": {"strategy": "random"},
    # `AttentiveCutout`: the attention pass, and no paint.
    "grey": {},
}
KERAS_LAYERS = ("RandAugment", "AugMix", "CutMix")
# These are timed inside one model with a ResNet-50, too.
IN_MODEL = ("default", "block and resolution", "grey")
MATRIX_SIZE = 2048


def main():
    args = parse_arguments()
    if args.worker:
        return work(**json.loads(args.worker))
    results = {
        **interleaved.provenance(),
        "batch_size": args.batch,
        "resnet_batch_size": args.resnet_batch,
        "dtype": args.dtype,
        "masks": {},
        "seconds": {},
        "summary": {},
    }
    for backend in args.backends:
        chosen, seconds = measure(backend, args)
        results["masks"][backend] = chosen
        results["seconds"][backend] = seconds
        results["summary"][backend] = summarize(seconds, args)
        report(backend, chosen, results["summary"][backend])
        if args.out:
            interleaved.write_json(args.out, results)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=1, help="steps in a round")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--resnet-batch", type=int, default=16)
    parser.add_argument("--skip-resnet", action="store_true")
    parser.add_argument("--skip-keras", action="store_true")
    parser.add_argument("--backends", nargs="*", default=["tensorflow", "torch", "jax"])
    parser.add_argument(
        "--dtype", default="float32", choices=["float32", "mixed_bfloat16"]
    )
    parser.add_argument("--out", help="JSON file for all timings")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(backend, args):
    """Interleaves rounds of everything on one backend.

    Returns:
        The report on masks, and the seconds of each step by contender.
    """
    options = {"batch_size": args.batch, "resnet_batch_size": args.resnet_batch}
    options["dtype"] = args.dtype
    names = ["matrix product"]
    names += [f"{variant} {ratio}" for ratio in RATIOS for variant in VARIANTS]
    if not args.skip_keras:
        names += KERAS_LAYERS
    if not args.skip_resnet:
        names += ["resnet50"] + [f"resnet50 + {v} {RATIOS[0]}" for v in IN_MODEL]
    # The ResNets need much memory, so they run in their own process.
    small = interleaved.Worker(__file__, options, backend)
    large = interleaved.Worker(__file__, options, backend)
    workers = {name: large if "resnet" in name else small for name in names}
    chosen = small.ask(name="masks")
    for name in names:
        workers[name].ask(name=name, steps=interleaved.WARM_UP_STEPS)
        print(f"{backend}: {name} ready", flush=True)
    seconds = {name: [] for name in names}
    for round_number in range(args.rounds):
        for name in names:
            seconds[name] += workers[name].ask(name=name, steps=args.steps)
        print(f"{backend}: round {round_number + 1} of {args.rounds}", flush=True)
    small.close()
    large.close()
    return chosen, seconds


def summarize(seconds, args):
    medians = {name: interleaved.median(values) for name, values in seconds.items()}
    peak = 2 * MATRIX_SIZE**3 / medians["matrix product"]
    resnet = medians.get("resnet50")
    rows = {}
    for name, median in medians.items():
        if name == "matrix product" or "resnet50" in name:
            continue
        row = {
            "median_seconds": median,
            "images_per_second": args.batch / median,
        }
        variant, _, ratio = name.rpartition(" ")
        if variant in VARIANTS:
            row["times_as_fast_as_naive"] = medians[f"naive {ratio}"] / median
        if variant == "default":
            flops = args.batch * flops_per_image(float(ratio))
            row["flops_per_second"] = flops / median
            row["share_of_matrix_product_flops"] = flops / median / peak
        if resnet is not None:
            added = median * args.resnet_batch / args.batch
            row["percent_of_resnet50_step"] = 100 * added / resnet
            inside = medians.get(f"resnet50 + {name}")
            if inside is not None:
                row["percent_added_inside_the_model"] = 100 * (inside / resnet - 1)
        rows[name] = row
    summary = {"matrix_product_flops_per_second": peak, "layers": rows}
    if resnet is not None:
        summary["resnet50_images_per_second"] = args.resnet_batch / resnet
    return summary


def report(backend, chosen, summary):
    def cell(row, key, form):
        return form.format(row[key]) if key in row else ""

    print(f"\n{backend}: large matrix product ", end="")
    print(f"{summary['matrix_product_flops_per_second'] / 1e9:.0f} GFLOP/s", end="")
    if "resnet50_images_per_second" in summary:
        print(f", ResNet-50 step {summary['resnet50_images_per_second']:.2f} images/s")
    print("\n")
    interleaved.print_table(
        [
            "layer, ratio",
            "images/s",
            "of naive",
            "% of a ResNet-50 step",
            "% added inside the model",
            "of the matrix product's FLOP/s",
        ],
        [
            [
                name,
                cell(row, "images_per_second", "{:.1f}"),
                cell(row, "times_as_fast_as_naive", "{:.2f}x"),
                cell(row, "percent_of_resnet50_step", "{:.1f}"),
                cell(row, "percent_added_inside_the_model", "{:.1f}"),
                cell(row, "share_of_matrix_product_flops", "{:.2f}"),
            ]
            for name, row in summary["layers"].items()
        ],
    )
    print("\nshare of kept patches in common with the full pass", end=" ")
    print(f"({chosen['autoencoder']}):\n")
    interleaved.print_table(
        ["variant, ratio", "in common", "by chance"],
        [
            [name, f"{share:.4f}", f"{1 - float(name.rpartition(' ')[2]):.2f}"]
            for name, share in chosen["share_in_common"].items()
        ],
    )
    print(f"default differs from the full pass in more than ties: {chosen['differs']}")
    print(flush=True)


def flops_per_image(ratio):
    """Floating-point operations of the matrix products of the default variant."""
    grid, values = (IMAGE_SIZE // PATCH_SIZE) ** 2, 3 * PATCH_SIZE**2
    kept = grid - round(grid * ratio)
    attention_pass = 11 * block_flops(1 + grid, 192) + 2 * (1 + grid) * 192**2
    encoder_pass = 12 * block_flops(1 + kept, 192)
    decoder = 2 * (1 + kept) * 192 * 128 + 4 * block_flops(1 + grid, 128)
    ends = 2 * grid * values * (192 + 128)
    return ends + attention_pass + encoder_pass + decoder


def block_flops(tokens, width):
    return 24 * tokens * width**2 + 4 * tokens**2 * width


# --- in the workers ---------------------------------------------------------------


def work(batch_size, resnet_batch_size, dtype):
    import keras

    keras.config.set_dtype_policy(dtype)
    ready = {}

    def answer(name, steps=0):
        if name == "masks":
            mae, images, described = trained_autoencoder()
            found = masks.compare(mae, images, RATIOS)
            return {"autoencoder": f"{described}, {len(images)} images", **found}
        if name not in ready:
            ready[name] = prepare(name, batch_size, resnet_batch_size)
        return interleaved.time_calls(ready[name], steps)[0]

    interleaved.serve(answer)


def prepare(name, batch_size, resnet_batch_size):
    """A function that runs one step of a contender and waits for it."""
    import keras

    rng = np.random.default_rng(0)
    if name == "matrix product":
        matrix = rng.normal(size=(MATRIX_SIZE, MATRIX_SIZE)).astype("float32")
        policy = keras.config.dtype_policy()
        matrix = keras.ops.cast(matrix, policy.compute_dtype)
        # `compiled` needs a model; this layer has no variables.
        return compiled(keras.layers.Layer(), keras.ops.matmul, matrix, matrix)
    if name.startswith("resnet50"):
        return resnet_step(name, random_images(rng, resnet_batch_size))
    images = random_images(rng, batch_size)
    if name == "CutMix":
        labels = np.eye(1000, dtype="float32")[rng.integers(1000, size=batch_size)]
        layer = keras.layers.CutMix()

        def mix(images, labels):
            return layer({"images": images, "labels": labels}, training=True)

        return compiled(layer, mix, images, labels)
    if name in KERAS_LAYERS:
        layer = getattr(keras.layers, name)(value_range=(0, 255))
        return compiled(layer, lambda x: layer(x, training=True), images)
    variant, _, ratio = name.rpartition(" ")
    if variant == "naive":
        layer = layer_of("default", float(ratio))
        return compiled(layer, lambda x: naive(layer, x), images)
    layer = layer_of(variant, float(ratio))
    return compiled(layer, lambda x: layer(x, training=True), images)


def compiled(layer, function, *arrays):
    """Compiles a function of a layer as `fit` would, with its data in memory."""
    import keras

    import keras_mra

    arrays = [keras.ops.convert_to_tensor(x) for x in arrays]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        try:
            call = tf.function(function, jit_compile=True, autograph=False)
            call(*arrays)
        except (tf.errors.OpError, ValueError):
            # XLA cannot compile some of Keras' own augmentations.
            call = tf.function(function, autograph=False)
    else:
        call = keras_mra.backend.compiled(layer, function)

    def step():
        outputs = keras.tree.flatten(call(*arrays))
        if keras.backend.backend() == "jax":
            for output in outputs:
                output.block_until_ready()

    return step


def layer_of(variant, ratio):
    from keras_mra import MAE
    from keras_mra import layers

    mae = MAE.from_preset(
        "mae_mini", image_shape=(IMAGE_SIZE, IMAGE_SIZE, 3), patch_size=PATCH_SIZE
    )
    layer = layers.AttentiveCutout if variant == "grey" else layers.MaskReconstruct
    return layer(mae, mask_ratio=ratio, seed=0, **VARIANTS[variant])


def random_images(rng, batch_size):
    shape = (batch_size, IMAGE_SIZE, IMAGE_SIZE, 3)
    return rng.uniform(0, 255, shape).astype("float32")


def naive(layer, images):
    """MRA in two separate passes: one for the attention, one for the painting."""
    from keras_mra import masking

    encoded, attention = masks.full_pass(layer.mae, images)
    visible = masking.visible_patches(attention, layer.mask_ratio)
    # The encoded tokens are returned, so that no compiler removes them.
    return layer.mae.reconstruct(images, visible), encoded


def resnet_step(name, images):
    """A training step of ResNet-50, behind the layer if the name has one."""
    import keras

    inputs = keras.Input(images.shape[1:])
    x = inputs
    if " + " in name:
        variant, _, ratio = name.partition(" + ")[2].rpartition(" ")
        x = layer_of(variant, float(ratio))(x)
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(x)
    outputs = keras.applications.ResNet50(weights=None)(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy"
    )
    images = keras.ops.convert_to_tensor(images)
    labels = keras.ops.zeros((images.shape[0],), "int32")
    return lambda: float(model.train_on_batch(images, labels))


def trained_autoencoder():
    """The shipped autoencoder and its test images, or random ones without the data."""
    import keras_mra

    try:
        images = keras_mra.datasets.load("fashion_mnist").test[0]
    except keras_mra.datasets.DatasetUnavailable:
        mae = layer_of("default", RATIOS[0]).mae
        images = random_images(np.random.default_rng(0), 32)
        return mae, images, "random weights on random images"
    mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
    return mae, images[:1024], "mae_nano_fashion_mnist on its test images"


if __name__ == "__main__":
    main()
