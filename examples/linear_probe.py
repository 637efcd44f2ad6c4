"""MSA beside MAE: the same encoder, data, epochs and seeds, judged by every protocol.

*Teaching Masked Autoencoder With Strong Augmentations* (MSA, TNNLS 2025), linear
probing, where ImageNet-1k gains 6.1 points over MAE; here a small encoder on
Fashion-MNIST.

    KERAS_BACKEND=tensorflow python examples/linear_probe.py   # or jax, or torch

`--work` keeps each run under its settings: a killed command continues where it was, and
a new recipe for MSA runs MSA alone again. Each encoder is there as a preset. Choose
recipes under `--validation`.

Cost: hours on a few CPU cores; the results name their machine and minutes. `--quick`
takes about half a minute on two cores.
Expected result: MSA ahead of MAE by about half a point in the linear probe, one in kNN
and seven under shifts and crops, behind by six in few-shot episodes;
`docs/results/msa_vs_mae.md` has what came out.
"""

import argparse
import hashlib
import json
import pathlib
import shlex
import sys
import time

import keras
import numpy as np

import keras_mra
from keras_mra import evaluation
from keras_mra.evaluation.results import mean_and_deviation
from keras_mra.evaluation.results import table
from keras_mra.machine import describe_machine

# Each is an option: `--epochs 50 --msa-temperature 0.1 --strong-crop 0.7`. Learning
# rates are per 256 images; a crop is the least share of the area.
MODEL = dict(patch_size=7, encoder_depth=3, decoder_depth=2)
TRAINING = dict(epochs=12, five_epochs=4, batch_size=256, crop=0.4)
MAE = dict(learning_rate=2e-3, mask_ratio=0.5)
MSA = dict(
    learning_rate=2e-3, mask_ratio=0.5, contrast_weight=0.1, temperature=0.1,
    momentum=0.99, pool="cls+mean", hidden_dim=512, projection_dim=128,
)  # fmt: skip
STRONG = dict(crop=0.7, jitter=0.8, blur=0.5, solarize=0.1)
# The encoders, and the options that decide each.
ENCODERS = {
    "raw pixels": {},
    "random encoder": {"": MODEL},
    "MAE": {"": MODEL | TRAINING, "mae_": MAE},
    "MSA": {"": MODEL | TRAINING, "msa_": MSA, "strong_": STRONG},
}
QUICK = dict(
    seeds=[0], epochs=1, five_epochs=1, batch_size=128, encoder_depth=1, decoder_depth=1
)
# Classes of the few-shot episodes, whose encoders are pretrained on the other five.
HELD_OUT = (1, 3, 5, 7, 9)


def main():
    args = arguments()
    data = keras_mra.datasets.load(args.data)
    train, test = splits(data, args)
    runs = {name: [] for name in ENCODERS}
    for seed in args.seeds:
        for name in list(ENCODERS)[seed > 0 :]:  # pixels have no seed
            runs[name].append(run(name, seed, train, test, args))
    results = {
        "command": f"KERAS_BACKEND={keras.backend.backend()} python "
        f"examples/{shlex.join([pathlib.Path(__file__).name, *sys.argv[1:]])}",
        "machine": describe_machine(),
        "data": args.data,
        "judged_on": f"the last {len(test[0]):,} training images, left out of training"
        if args.validation
        else f"{len(test[0]):,} test images",
        "train_images": len(train[0]),
        "held_out": [data.class_names[label] for label in HELD_OUT],
        "seeds": args.seeds,
        "runs": runs,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    text = markdown(results)
    (args.out / "msa_vs_mae.md").write_text(text, encoding="utf-8")
    (args.out / "msa_vs_mae.json").write_text(json.dumps(results, indent=2) + "\n")
    print(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="fashion_mnist", help="or digits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=pathlib.Path, default="docs/results")
    parser.add_argument("--work", type=pathlib.Path, default="runs/msa_vs_mae")
    parser.add_argument(
        "--validation", action="store_true", help="judge on the last training images"
    )
    parser.add_argument("--quick", action="store_true", help="few images, one epoch")
    for prefix, group in (ENCODERS["MAE"] | ENCODERS["MSA"]).items():
        for key, value in group.items():
            option = f"--{prefix}{key}".replace("_", "-")
            parser.add_argument(option, type=type(value), default=value)
    if parser.parse_args().quick:
        parser.set_defaults(**QUICK)
    return parser.parse_args()


def splits(data, args):
    """Images and labels to train on, and those to judge on."""
    train, test = data.train, data.test
    if args.validation:
        cut = -(len(train[0]) // 12)  # 5,000 of Fashion-MNIST's 60,000
        train, test = ([part[s] for part in train] for s in np.s_[:cut, cut:])
    if args.quick:
        train, test = [part[:1536] for part in train], [part[:512] for part in test]
    return train, test


def run(name, seed, train, test, args):
    """Pretrains one encoder and judges it, unless that has been done."""
    settings = {
        prefix + key: getattr(args, prefix + key)
        for prefix, group in ENCODERS[name].items()
        for key in group
    }
    options = [args.data, args.validation, args.quick, keras.backend.backend()]
    digest = hashlib.sha256(json.dumps([settings, options]).encode()).hexdigest()[:8]
    folder = args.work / f"{name.replace(' ', '_')}-{seed}-{digest}"
    path = folder / "result.json"
    if path.exists():
        return json.loads(path.read_text())
    print(f"{name}, seed {seed}, in {folder}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = train
    five, seconds = images[~np.isin(labels, HELD_OUT)], {}
    encoder, seconds["pretraining"] = pretrain(
        name, images, args.epochs, folder / "ten_classes", seed, args
    )
    few_shot_encoder, seconds["pretraining on five classes"] = pretrain(
        name, five, args.five_epochs, folder / "five_classes", seed, args
    )
    if isinstance(encoder, keras_mra.MAE):
        encoder.save_to_preset(folder / "preset")
    started = time.perf_counter()
    judged = judge(encoder, few_shot_encoder, train, test)
    seconds["judging"] = time.perf_counter() - started
    result = {"seed": seed, "settings": settings, "seconds": seconds, **judged}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result, indent=2) + "\n")
    part.replace(path)  # whole, or not there
    return result


def pretrain(name, images, epochs, checkpoint, seed, args):
    """An encoder, and the seconds of its training, those before a kill included."""
    if name == "raw pixels":
        return lambda batch: batch.reshape(len(batch), -1) / 255, 0.0
    model = dict(preset="mae_nano", image_shape=images.shape[1:], seed=seed)
    model |= {key: getattr(args, key) for key in MODEL}
    if name == "random encoder":
        return keras_mra.MAE.from_preset(**model), 0.0
    shared = dict(**model, epochs=epochs, batch_size=args.batch_size, verbose=2)
    shared |= dict(checkpoint=checkpoint, callbacks=[EpochSeconds()])
    crop = (args.crop, 1.0)
    if name == "MAE":
        own = {key: getattr(args, f"mae_{key}") for key in MAE}
        mae = keras_mra.pretrain_mae(images, crop_scale=crop, **own, **shared)
    else:
        own = {key: getattr(args, f"msa_{key}") for key in MSA}
        strong = {key: getattr(args, f"strong_{key}") for key in STRONG}
        strong["crop_scale"] = (strong.pop("crop"), 1.0)
        views = (
            keras_mra.views.weak(images.shape[1:], seed=seed, crop_scale=crop),
            keras_mra.views.strong(images.shape[1:], seed=seed, **strong),
        )
        mae = keras_mra.pretrain_msa(images, views=views, **own, **shared).mae
    return mae, sum(mae.history.history["seconds"])


class EpochSeconds(keras.callbacks.Callback):
    """Logs each epoch's seconds, which a checkpoint keeps."""

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.perf_counter() - self.started


def judge(encoder, few_shot_encoder, train, test):
    """Accuracies on clean and on changed images, and the protocols' full results.

    The protocols' own seed, of labels, episodes and changes, is the same for all.
    """
    extract = evaluation.FeatureExtractor(encoder)
    train = extract(train[0]), train[1]
    features = extract(test[0]), test[1]
    halves = {}
    if extract.mae is not None:
        dim = extract.mae.encoder_dim
        halves = {"class": np.s_[:, :dim], "mean": np.s_[:, dim:]}
    probes = {
        f"linear probe, {name}": evaluation.linear_probe(
            None, *((values[half], labels) for values, labels in (train, features))
        )
        for name, half in halves.items()
    }
    clean = {name: probe.accuracy for name, probe in probes.items()}
    invariance = evaluation.invariance(extract, train, test)
    changed = dict(invariance.accuracy)
    clean["linear probe, both"] = changed.pop("clean")  # the very same probe
    knn = evaluation.knn(None, train, features)
    clean |= {f"kNN, k = {k}": share for k, share in knn.accuracy.items()}
    low = evaluation.low_shot(None, train, features)
    clean |= {f"{n} labels per class": share for n, share in low.accuracy.items()}
    novel = np.isin(test[1], HELD_OUT)
    few = evaluation.few_shot(few_shot_encoder, [part[novel] for part in test])
    clean |= {f"{few.ways}-way {n}-shot": share for n, share in few.accuracy.items()}
    full = [*probes.values(), invariance, knn, low, few]
    return {
        "clean": clean,
        "changed": changed,
        "protocols": [result.to_dict() for result in full],
    }


def markdown(results):
    runs, machine = results["runs"], results["machine"]
    minutes = {
        name: mean_and_deviation([sum(r["seconds"].values()) / 60 for r in runs[name]])
        for name in ("MAE", "MSA")
    }
    settings = runs["MAE"][0]["settings"] | runs["MSA"][0]["settings"]
    return f"""# MSA and MAE on {results["data"]}

    {results["command"]}

Accuracy in %, mean ± standard deviation over {len(results["seeds"])} seed(s) of
pretraining; "MSA − MAE" is that of the differences, seed by seed.
{results["train_images"]:,} images to pretrain and to probe on; judged on
{results["judged_on"]}.
"Class", "mean" and "both" are the class token, the mean of the patches' tokens, and one
beside the other, by which everything else is judged.

{table(list(rows(runs, "clean")))}

Few-shot episodes are of classes held out
({", ".join(results["held_out"])}):
for them MAE and MSA are pretrained a second time, on the other five and for
`five_epochs`.

The probe of both, trained on clean images and tested on changed ones:

{table(list(rows(runs, "changed")))}

Both pretrainings and the judging took, in minutes a seed, {minutes["MAE"]} for MAE and
{minutes["MSA"]} for MSA: {machine["processor"]}, {machine["cores"]} cores,
{", ".join(map(" ".join, machine["packages"].items()))}, Python {machine["python"]}.

{table([("option", "value"), *((key, str(value)) for key, value in settings.items())])}
"""


def rows(runs, group):
    """The table of one group of accuracies, its heading first."""
    yield ("", *ENCODERS, "MSA − MAE")
    for name in runs["MSA"][0][group]:
        found = {
            encoder: [100 * r[group][name] for r in runs[encoder] if name in r[group]]
            for encoder in ENCODERS
        }
        cells = [mean_and_deviation(v) if v else "–" for v in found.values()]
        differences = [msa - mae for mae, msa in zip(found["MAE"], found["MSA"])]
        yield (name, *cells, mean_and_deviation(differences, signed=True))


if __name__ == "__main__":
    main()
