"""Every example in a docstring runs, which the reference shows to its readers.

Each runs by itself, with the names of its module and those that `surroundings` gives
it. Training stops after one step: these tests ask whether what is written is accepted.
"""

import ast
import collections
import doctest
import importlib
import pathlib
import re
import textwrap

import keras
import numpy as np
import pytest
from helpers.pages import FENCE

import keras_mra

ROOT = pathlib.Path(__file__).parents[2]
# What no test can run, and why.
NOT_RUN = {
    "models.mae.MAE.from_preset": "a handle needs a network",
    "study.vqa.read_vqav2.read_vqav2": "needs VQAv2's files",
}
# PyTorch does not compile: all of them run there, but what it cannot write.
TURNS = {
    "export.augmentor.export_augmentor": "tensorflow",
    "export.strip.strip_augmentation": "tensorflow",
}

Example = collections.namedtuple("Example", "module name code expected")


def examples(path, root):
    """The examples of a module's docstrings, named by its place below `root`."""
    place = path.relative_to(root).with_suffix("").parts
    module = ".".join(place)

    def visit(node, names):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = ast.get_docstring(node) or ""
            name = ".".join([module, *names])
            for match in FENCE.finditer(text):
                assert match["language"] == "python", name
                yield Example(module, name, textwrap.dedent(match["code"]), None)
            lines = doctest.DocTestParser().get_examples(text)
            if lines:
                code = "".join(line.source for line in lines[:-1])
                # The last one may show its value.
                yield Example(
                    module, name, code, (lines[-1].source, lines[-1].want.strip())
                )
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, (ast.ClassDef, ast.FunctionDef))
            yield from visit(child, [*names, child.name] if named else names)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), [])


EXAMPLES = [
    example
    for root, folder in (("keras_mra", ""), ("examples/papers", "study"))
    for path in sorted((ROOT / root / folder).rglob("*.py"))
    for example in examples(path, ROOT / root)
]


class Given(dict):
    """What examples take as given, made when it is asked for."""

    def __init__(self, factories):
        super().__init__()
        self.factories = factories

    def __missing__(self, name):
        self[name] = self.factories[name]()
        return self[name]


@pytest.fixture
def surroundings(few_images, tmp_path, monkeypatch):
    """What examples take as given."""
    monkeypatch.chdir(tmp_path)
    one_step(monkeypatch)
    photos(np.random.default_rng(0), tmp_path / "photos")

    def autoencoder():
        mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
        mae.compile("adam")
        return mae

    def siamese():
        return keras_mra.MAE.from_preset("msa_nano_fashion_mnist")

    given = Given(
        dict(
            keras=lambda: keras,
            keras_mra=lambda: keras_mra,
            np=lambda: np,
            ops=lambda: keras.ops,
            data=lambda: keras_mra.datasets.load("fashion_mnist"),
            train=lambda: given["data"].train,
            test=lambda: given["data"].test,
            images=lambda: given["train"][0],
            labels=lambda: given["train"][1],
            train_images=lambda: given["train"][0],
            train_labels=lambda: given["train"][1],
            test_images=lambda: given["test"][0],
            test_labels=lambda: given["test"][1],
            x=lambda: given["test"][0],
            y=lambda: given["test"][1],
            unlabelled=lambda: np.concatenate([given["train"][0]] * 2),
            dataset=lambda: keras_mra.datasets.ArrayDataset(
                *given["train"], batch_size=64
            ),
            mae=autoencoder,
            msa=siamese,
            model=classifier,
            network=lambda: given["model"],
            backbone=lambda: keras.Sequential(
                [keras.Input((4,)), keras.layers.Dense(2)]
            ),
            weak=lambda: keras.layers.RandomFlip("horizontal", seed=0),
            layer=lambda: keras_mra.layers.MaskReconstruct(
                given["mae"], mask_ratio=0.4
            ),
            student=lambda: keras.random.normal((8, 16), seed=0),
            teacher=lambda: keras.random.normal((8, 16), seed=1),
            predictor=lambda: keras.layers.Dense(16),
        )
    )
    return given


def one_step(monkeypatch):
    """Lets every `fit` end after its first step."""
    fit = keras.Model.fit

    def short(self, *args, **kwargs):
        return fit(self, *args, **{**kwargs, "epochs": 1, "steps_per_epoch": 1})

    monkeypatch.setattr(keras.Model, "fit", short)


def photos(rng, folder):
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        pixels = rng.integers(0, 256, (70, 90, 3), dtype="uint8")
        keras.utils.save_img(folder / name, pixels, scale=False)


def classifier():
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(4, 3, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def special(name, given):
    """What single examples need in place of what the others are given."""
    if name == "datasets.folder_dataset.FolderDataset":
        given["mae"] = keras_mra.MAE.from_preset("mae_nano_photos")
        given["mae"].compile("adam")
    elif name == "views.any_input.AnyInput.random_map":
        given["grain"] = pytest.importorskip("grain")
    elif name.startswith("views."):
        given["images"] = np.zeros((2, 64, 64, 3), "float32")
    elif name == "optimizers.LayerwiseAdamW":
        head = keras.layers.Dense(1)
        given["model"] = keras.Sequential([given["backbone"], head])
        given["model"].build((None, 4))
    elif name.endswith("plot_learning_curves"):
        for model in (given["mae"], given["msa"]):
            model.history = {"loss": [0.2, 0.1]}
    elif name == "study.paired_batches.PairedBatches":
        from study.fixmatch import FixMatch

        given["model"] = FixMatch(given["network"], given["weak"], given["weak"])
        given["model"].compile("adam")
    elif name == "study.imbalance.long_tail":
        given["labels"] = np.arange(10).repeat(200)
        given["images"] = np.zeros((2000, 2, 2, 1), "uint8")
    elif name.startswith(("export.augmentor", "export.strip")):
        given["tf"] = pytest.importorskip("tensorflow")
        given["images"] = given["images"][:4].astype("float32")
    elif name.startswith("study.vqa."):
        from study import encoders
        from study import vqa

        train = vqa.grid_questions(given["data"].train, given["data"].class_names, 40)
        tokenizer = vqa.WordTokenizer.fit(train.questions)
        classes = vqa.answer_classes(train)
        mae = encoders.resized(given["mae"], (56, 56, 1))
        model = vqa.build_vqa(
            mae, mae.image_shape, tokenizer.vocabulary_size, tokenizer.length,
            len(classes),
        )  # fmt: skip
        model.compile("adam", "sparse_categorical_crossentropy")
        given |= dict(
            train=train, tokenizer=tokenizer, classes=classes, mae=mae, model=model
        )
    return given


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples_run(example, request):
    if example.name in NOT_RUN:
        pytest.skip(NOT_RUN[example.name])
    turn = TURNS.get(example.name, "torch")
    if turn != keras.backend.backend():
        pytest.skip(f"Runs on {turn}.")
    given = special(example.name, request.getfixturevalue("surroundings"))
    package = "" if example.module.startswith("study.") else "keras_mra."
    module = importlib.import_module(package + example.module)
    source = example.code + (example.expected or [""])[0]
    for name in given.factories:
        if re.search(rf"\b{name}\b", source):
            given[name]  # makes it
    namespace = {**vars(module), **given}
    exec(example.code, namespace)
    if example.expected is None:
        return
    source, expected = example.expected
    if not expected:
        exec(source, namespace)
        return
    found = eval(source, namespace)
    expected = ast.literal_eval(expected)
    if not isinstance(expected, (list, tuple)):
        found, expected = [found], [expected]
    for value, number in zip(found, expected, strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(value), number)


def test_what_is_excepted_exists():
    names = {example.name for example in EXAMPLES}
    assert NOT_RUN.keys() | TURNS.keys() <= names
    assert len(EXAMPLES) > 50
