"""The encoders that MSA's experiments compare, of one architecture and one budget."""

import time

import keras
from keras import ops

from keras_mra import views
from keras_mra.distribution import DistributedModel
from keras_mra.evaluation.classifier import build_classifier
from keras_mra.models import MAE
from keras_mra.pretrain import pretrain_mae
from keras_mra.pretrain import pretrain_msa
from keras_mra.pretrain.data_request import DataRequest
from keras_mra.pretrain.recipe import Recipe
from keras_mra.pretrain.trainer import train
from keras_mra.pretrain.training_data import training_data
from keras_mra.visualization import plot_learning_curves
from study.runs import over_seeds
from study.splits import draw
from study.square_patch import square_patch

# "supervised" is trained on the labels, which the others do not see. "random" is not
# trained.
ENCODERS = ("MAE", "MSA", "supervised", "random")
# Learning rates are per 256 images of a batch. A crop keeps at least this share of the
# area. A patch size of 0 stands for `patch_size`. docs/results/msa_recipe.md tells how
# the settings of MSA were chosen. Those of "supervised" were not tuned.
MODEL: dict = dict(preset="mae_nano", patch_size=0, encoder_depth=3, decoder_depth=2)
TRAINING: dict = dict(epochs=12, batch_size=256, crop=0.4)
OWN: dict[str, dict] = {
    "MAE": dict(mae_learning_rate=2e-3, mae_mask_ratio=0.5),
    "MSA": dict(
        msa_learning_rate=2e-3, msa_mask_ratio=0.5, msa_contrast_weight=0.1,
        msa_temperature=0.1, msa_momentum=0.99, msa_pool="cls+mean",
        msa_hidden_dim=512, msa_projection_dim=128,
        strong_crop=0.7, strong_jitter=0.8, strong_blur=0.5, strong_solarize=0.1,
    ),
    "supervised": dict(supervised_learning_rate=1e-3),
    "random": {},
}  # fmt: skip
SETTINGS = {
    "encoders": list(ENCODERS),
    **MODEL,
    **TRAINING,
    **{key: value for own in OWN.values() for key, value in own.items()},
}
QUICK = dict(epochs=2, batch_size=32, encoder_depth=1, decoder_depth=1)


def compare(study, title, judge, **settings):
    """Trains and judges every encoder from every seed.

    Args:
        study: `Study` whose settings include `SETTINGS`.
        title: String, the name under which the judgements are kept.
        judge: Function from an `MAE`, the encoder's name and the seed to a dict that
            JSON can hold.
        **settings: The settings that the judgement depends on, beside those of the
            encoder.

    Returns:
        `(runs, curves)`: dicts from the encoders' names to the judgements and to the
        curves of `trained`, as lists with one entry per seed.
    """

    def judged(name, seed):
        mae, result = trained(study, name, seed)
        decides = {**decides_encoder(study, name, seed), **settings}
        found = study.runs(f"{title} {name}", decides, lambda _: judge(mae, name, seed))
        return found, result["curve"]

    return over_seeds(study.args.encoders, study.args.seeds, judged)


def trained(study, name, seed, data=None, epochs=None):
    """Trains an encoder, or loads the one that an earlier call trained.

    A training that was killed continues from its last epoch. All encoders of a seed
    start from the same weights.

    Args:
        study: `Study` whose settings include `SETTINGS`.
        name: One of `ENCODERS`.
        seed: Int, decides the weights, the order of the images and every random draw.
        data: `Splits` to train on, or `None` for the study's.
        epochs: Int, or `None` for the study's.

    Returns:
        `(mae, result)`: an `MAE`, whose decoder is trained only for "MAE" and "MSA",
        and a dict. The dict has the entry `curve`, a dict of lists with a number per
        epoch: `seconds`, and `pixel_loss` or `cross_entropy`. The curve of "random" is
        empty.

    Raises:
        ValueError: If there is no such encoder, or if no patch fits the images.
    """
    if name not in ENCODERS:
        raise ValueError(
            f"`name` must be one of {', '.join(ENCODERS)}. Received: name={name!r}"
        )
    data = study.data if data is None else data
    decides = decides_encoder(study, name, seed)
    decides["classes"] = data.num_classes
    if epochs is not None and "epochs" in decides:
        decides["epochs"] = epochs

    def run(folder):
        mae, curve = _TRAIN[name](data, decides, folder / "checkpoint")
        mae.save_to_preset(folder / "preset")
        return {"curve": curve}

    result = study.runs(name, decides, run)
    # The saved encoder is judged, whether this call trained it or found it.
    return MAE.from_preset(study.runs.place(name, decides) / "preset"), result


def decides_encoder(study, name, seed):
    """The settings that decide an encoder, beside the data.

    Args:
        study, name, seed: As in `trained`.

    Returns:
        Dict that JSON can hold.
    """
    groups: list[dict] = [MODEL, OWN[name]]
    if name != "random":
        groups.append(TRAINING)
    return {"seed": seed} | {key: study.settings[key] for g in groups for key in g}


def resized(mae, image_shape):
    """An `MAE` with the same weights for images of another size.

    Args:
        mae: `MAE`. Its position embeddings are computed from the grid of patches, so
            no weight depends on the size of the images.
        image_shape: `(height, width, channels)`, divisible by the patch size.

    Returns:
        A new `MAE`.
    """
    config = {**mae.get_config(), "image_shape": image_shape}
    found = MAE.from_config(config)
    found.set_weights(mae.get_weights())
    return found


def patch_size(image_shape):
    """The largest square patch, of at most 16 pixels, that makes 4x4 patches or more.

    Args:
        image_shape: `(height, width, channels)`.

    Raises:
        ValueError: As in `square_patch`.
    """
    return square_patch(image_shape, grid=4, most=16)


def plot_training(curves):
    """Draws the learning curves of `compare`, one figure for each kind of loss.

    Args:
        curves: Dict from names to lists of dicts, as `compare` returns it.

    Returns:
        Dict from `"pixel_loss"` and `"cross_entropy"`, where there are such curves, to
        matplotlib figures.
    """
    figures = {}
    for metric, label in {
        "pixel_loss": "pretraining: mean squared error of hidden patches",
        "cross_entropy": "training with labels: cross-entropy on crops",
    }.items():
        found = {name: runs for name, runs in curves.items() if metric in runs[0]}
        if found:
            figures[metric] = plot_learning_curves(found, metric, label)
    return figures


class SupervisedViT(DistributedModel):
    """A classifier that computes its own loss, as the trainer of `pretrain_mae` asks.

    Args:
        classifier: `keras.Model` from images to probabilities.
    """

    def __init__(self, classifier):
        super().__init__(autocast=False)
        self.classifier = classifier
        self.built = True

    def call(self, images, training=None):
        return self.classifier(images, training=training)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        return ops.mean(keras.losses.sparse_categorical_crossentropy(y, y_pred))


class EpochSeconds(keras.callbacks.Callback):
    """Adds the seconds of each epoch to its logs, which the checkpoint keeps."""

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.perf_counter() - self.started


def _mae(data, decides, checkpoint):
    mae = pretrain_mae(
        draw(data.train, None, decides["seed"], decides["batch_size"]),
        crop_scale=(decides["crop"], 1.0),
        smooth_fill=False,  # As MSA's students.
        **_with_prefix("mae_", decides),
        **_shared(data, decides, checkpoint),
    )
    return mae, _curve(mae.history, "loss", "pixel_loss")


def _msa(data, decides, checkpoint):
    shape, seed = data.image_shape, decides["seed"]
    strong = _with_prefix("strong_", decides)
    strong["crop_scale"] = (strong.pop("crop"), 1.0)
    msa = pretrain_msa(
        draw(data.train, None, seed, decides["batch_size"]),
        views=(
            views.weak(shape, seed=seed, crop_scale=(decides["crop"], 1.0)),
            views.strong(shape, seed=seed, **strong),
        ),
        **_with_prefix("msa_", decides),
        **_shared(data, decides, checkpoint),
    )
    return msa.mae, _curve(msa.history, "pixel_loss", "pixel_loss")


def _supervised(data, decides, checkpoint):
    mae, _ = _random(data, decides)
    shape, seed = data.image_shape, decides["seed"]
    view = views.weak(shape, seed=seed, crop_scale=(decides["crop"], 1.0))
    classifier, _ = build_classifier(mae, shape, data.num_classes, "cls+mean", view)
    batches = draw(data.train, None, seed, decides["batch_size"])
    recipe = Recipe(
        epochs=decides["epochs"],
        learning_rate=decides["supervised_learning_rate"],
        checkpoint=checkpoint,
        callbacks=[EpochSeconds()],
        verbose=0,
    )
    run = {"method": "supervised", **decides}
    request = DataRequest(batches, seed=seed)
    history = train(SupervisedViT(classifier), training_data(request), recipe, run)
    for layer in mae.encoder.layers:
        if layer.weights:
            layer.set_weights(classifier.get_layer(layer.name).get_weights())
    return mae, _curve(history, "loss", "cross_entropy")


def _random(data, decides, checkpoint=None):
    return MAE.from_preset(**_model(data, decides)), {}


_TRAIN = {"MAE": _mae, "MSA": _msa, "supervised": _supervised, "random": _random}


def _model(data, decides):
    model = {key: decides[key] for key in MODEL}
    model["patch_size"] = model["patch_size"] or patch_size(data.image_shape)
    return model | {"image_shape": data.image_shape, "seed": decides["seed"]}


def _shared(data, decides, checkpoint):
    return _model(data, decides) | dict(
        epochs=decides["epochs"],
        checkpoint=checkpoint,
        callbacks=[EpochSeconds()],
        verbose=0,
    )


def _with_prefix(prefix, decides):
    return {
        key.removeprefix(prefix): value
        for key, value in decides.items()
        if key.startswith(prefix)
    }


def _curve(history, metric, name):
    found = history.history
    return {name: found[metric], "seconds": found["seconds"]}
