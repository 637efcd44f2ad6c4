"""The public API is typed, as a type checker sees it from a user's code."""

import pathlib
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.once

USER_CODE = """
import numpy as np
import keras_mra
from keras_mra import evaluation
from keras_mra.layers import MaskReconstruct

images = np.zeros((8, 28, 28, 1), "uint8")
mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
reveal_type(mae)
reveal_type(keras_mra.MAE((28, 28, 1), 4))
reveal_type(mae.encode(images))
reveal_type(mae.num_patches)
reveal_type(mae.grid)
reveal_type(keras_mra.MAE.presets())
reveal_type(MaskReconstruct(mae, mask_ratio=0.4))
reveal_type(keras_mra.pretrain_mae(images))
reveal_type(keras_mra.pretrain_msa(images))
reveal_type(keras_mra.pretrain_msa(images).mae)
reveal_type(evaluation.features(mae, images))
reveal_type(evaluation.knn(None, (images, images), (images, images)))
reveal_type(keras_mra.attention_of(mae.encoder, mae))
reveal_type(keras_mra.augment_folder(mae, "photos", "copies").written)
reveal_type(keras_mra.masking.visible_patches(images, 0.5))
reveal_type(keras_mra.__version__)
"""
MAE, MSA = "keras_mra.models.mae.MAE", "keras_mra.models.msa.MSA"
# A tensor of Keras has no type of its own: Keras ships none.
ARRAY = "Any | numpy.ndarray[Any, numpy.dtype[Any]]"
FLOATS = (
    "numpy.ndarray[tuple[Any, ...], "
    "numpy.dtype[numpy.floating[numpy._typing._nbit_base._32Bit]]]"
)
EXPECTED = [
    MAE,
    MAE,
    ARRAY,
    "int",
    "tuple[int, int]",
    "dict[str, str]",
    "keras_mra.layers.mask_reconstruct.MaskReconstruct",
    MAE,
    MSA,
    MAE,
    FLOATS,
    "keras_mra.evaluation.knn.KnnResult",
    "keras_mra.layers.attention_of.AttentionOf | "
    "keras_mra.layers.attention_of_mae.AttentionOfMAE",
    "int",
    ARRAY,
    "str",
]


def check(folder, code):
    (folder / "user.py").write_text(code)
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "user.py"],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_a_users_code_has_types(tmp_path):
    done = check(tmp_path, USER_CODE)
    assert done.returncode == 0, done.stdout
    found = re.findall(r'Revealed type is "(.*)"', done.stdout)
    assert [t.replace("builtins.", "") for t in found] == EXPECTED


MISTAKES = """
import keras_mra
keras_mra.MAE((28, 28), 4)
keras_mra.MAE.from_preset(3)
keras_mra.layers.MaskReconstruct("mae_nano")
keras_mra.pretrain_mae("digits", epochs="many")
keras_mra.augment_folder("mae_nano", "a", "b")
"""


def test_a_type_checker_finds_mistakes(tmp_path):
    done = check(tmp_path, MISTAKES)
    lines = {int(n) for n in re.findall(r"user.py:(\d+): error", done.stdout)}
    assert lines == {3, 4, 5, 6, 7}, done.stdout


def test_everything_public_is_listed():
    """A type checker takes what `__all__` lists for public, and nothing else."""
    import ast

    package = pathlib.Path(__file__).parents[2] / "keras_mra"
    for path in package.rglob("__init__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported, listed = set(), set()
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                names = {alias.asname or alias.name for alias in node.names}
                imported |= {name for name in names if name[0] != "_" or name[1] == "_"}
            elif isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
                listed = set(ast.literal_eval(node.value))
        assert imported == listed, path
