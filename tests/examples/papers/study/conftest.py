"""What the scripts share is tested on one backend in turn, as the scripts are.

Each module that touches tensors runs on the backend below. The others are marked
`once`.
"""

import keras
import pytest

TURNS = {
    "test_arms": "torch",
    "test_augmentations": "tensorflow",
    "test_classifiers": "torch",
    "test_encoders": "torch",
    "test_fixmatch": "jax",
    "test_protocols": "tensorflow",
    "test_build_vqa": "torch",
}


def pytest_collection_modifyitems(items):
    for item in items:
        turn = TURNS.get(item.path.stem)
        if turn not in (None, keras.backend.backend()):
            item.add_marker(pytest.mark.skip(reason=f"Runs on {turn}."))
