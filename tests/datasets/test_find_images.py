"""Which files of a folder tree are images."""

import pytest

from keras_mra.datasets.find_images import find_images

pytestmark = pytest.mark.once


def test_find_images_sorts_and_leaves_out_the_hidden(tmp_path):
    for name in ("b.PNG", "a.jpeg", "sub/c.WebP", ".hidden.png", ".git/d.png", "e.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert names == ["a.jpeg", "b.PNG", "sub/c.WebP"]


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere' does not exist"):
        find_images(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="holds no image"):
        find_images(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="must be a folder"):
        find_images(tmp_path / "file")
