"""A folder that Hugging Face's library wrote."""

import pytest
from helpers import hugging_face


@pytest.fixture
def folder(tmp_path):
    """A folder with a small `ViTMAEForPreTraining`."""
    hugging_face.make().save_pretrained(tmp_path)
    return tmp_path
