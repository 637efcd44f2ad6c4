"""The encoders that MSA's experiments compare: one architecture, one budget."""

import time

import keras
from keras import ops

from keras_mra import views
from keras_mra.distribution import DistributedModel
from keras_mra.evaluation.classifier import build_classifier
from keras_mra.models import MAE
from keras_mra.pretrain import pretrain_mae
from keras_mra.pretrain import pretrain_msa
from keras_mra.pretrain.trainer import Recipe
from keras_mra.pretrain.trainer import train
from keras_mra.pretrain.training_data import training_data
from keras_mra.visualization import plot_learning_curves
from study.comparison import over_seeds
from study.splits import draw

# "supervised" learns the labels that the others do not see; "random" learns nothing.
ENCODERS = ("MAE", "MSA", "supervised", "random")
# Learning rates are per 256 images; a crop is the least share of the area; a patch of 0
# is `fitting_patch`. How MSA's were chosen is in docs/results/msa_recipe.md; those of
# "supervised" were not.
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
    """Judges every encoder from every seed.

    Args:
        study: `Study` with `SETTINGS` among its settings.
        title: String, names what is kept of the judgement.
        judge: Function of an `MAE`, the encoder's name and the seed, to a dict that
            JSON can hold.
        **settings: What decides the judgement, beside the encoder.

    Returns:
        `(runs, curves)`: dicts from the encoders' names to what was judged and to the
        curves of `trained`, lists with one entry for each seed.
    """

    def judged(name, seed):
        mae, result = trained(study, name, seed)
        decides = {**decides_encoder(study, name, seed), **settings}
        found = study.runs(f"{title} {name}", decides, lambda _: judge(mae, name, seed))
        return found, result["curve"]

    return over_seeds(study.args.encoders, study.args.seeds, judged)


def trained(study, name, seed, data=None, epochs=None):
    """Trains an encoder, or finds the one that was trained before.

    A killed training goes on from its last epoch. All encoders of a seed begin with
    the same weights.

    Args:
        study: `Study` with `SETTINGS` among its settings.
        name: One of `ENCODERS`.
        seed: Int, of the weights, the order of the images and of every draw.
        data: `Splits` to train on, or `None` for the study's.
        epochs: Int, or `None` for the study's.

    Returns:
        `(mae, result)`: the `MAE`, of which only "MAE" and "MSA" can paint; and a dict
        of its `curve`, lists with a number for each epoch: `seconds`, and `pixel_loss`
        or `cross_entropy`; empty for "random".

    Raises:
        ValueError: If there is no such encoder, or no patch fits the images.
    """
    if name not in ENCODERS:
        raise ValueError(
            f"An encoder must be one of {', '.join(ENCODERS)}. Received: {name!r}"
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
    # The one that was kept is the one that is judged, on every run.
    return MAE.from_preset(study.runs.place(name, decides) / "preset"), result


def decides_encoder(study, name, seed):
    """What decides an encoder, beside the data.

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
        mae: `MAE` whose positions are sines and cosines of a patch's row and column,
            which no weight holds.
        image_shape: `(height, width, channels)`, which the patches divide.
    """
    config = {**mae.get_config(), "image_shape": image_shape}
    found = MAE.from_config(config)
    found.set_weights(mae.get_weights())
    return found


def fitting_patch(image_shape):
    """The largest square patch, of 16 pixels at most, that makes at least 4x4.

    Args:
        image_shape: `(height, width, channels)`.

    Raises:
        ValueError: If none makes less than 32x32 patches.
    """
    height, width, _ = image_shape
    for side in range(max(min(16, height // 4, width // 4), 1), 0, -1):
        if height % side == width % side == 0 and height * width <= 1024 * side**2:
            return side
    raise ValueError(
        f"`--patch-size` must be given for images of {height}x{width} pixels, or an "
        "`--image-size` that small squares divide, such as 64. Received: 0"
    )


def plot_training(curves):
    """Draws the learning curves of `compare`, a figure for each unit of loss.

    Args:
        curves: Dict from names to lists of dicts.

    Returns:
        Dict from suffixes of file names to matplotlib figures.
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
    """A classifier as the trainer of `pretrain_mae` wants it: with its own loss.

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
    """Logs each epoch's seconds, which a checkpoint keeps."""

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.perf_counter() - self.started


def _mae(data, decides, checkpoint):
    mae = pretrain_mae(
        draw(data.train, None, decides["seed"], decides["batch_size"]),
        crop_scale=(decides["crop"], 1.0),
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
    batches = training_data(
        draw(data.train, None, seed, decides["batch_size"]), None, None, None, seed
    )
    recipe = Recipe(
        epochs=decides["epochs"],
        learning_rate=decides["supervised_learning_rate"],
        checkpoint=checkpoint,
        callbacks=[EpochSeconds()],
        verbose=0,
    )
    run = {"method": "supervised", **decides}
    history = train(SupervisedViT(classifier), batches, recipe, run)
    for layer in mae.encoder.layers:
        if layer.weights:
            layer.set_weights(classifier.get_layer(layer.name).get_weights())
    return mae, _curve(history, "loss", "cross_entropy")


def _random(data, decides, checkpoint=None):
    return MAE.from_preset(**_model(data, decides)), {}


_TRAIN = {"MAE": _mae, "MSA": _msa, "supervised": _supervised, "random": _random}


def _model(data, decides):
    model = {key: decides[key] for key in MODEL}
    model["patch_size"] = model["patch_size"] or fitting_patch(data.image_shape)
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
