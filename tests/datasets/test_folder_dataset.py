"""Images in folders: how they are cropped, batched, labelled and loaded by name."""

import pickle
import warnings

import numpy as np
import pytest
from helpers.reading import RNG
from helpers.reading import all_batches
from helpers.reading import save
from PIL import Image

from keras_mra import datasets
from keras_mra.datasets import crops
from keras_mra.datasets import image_reader

pytestmark = pytest.mark.once


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_and_size_becomes_one_shape(tmp_path, channels):
    for mode, name in [
        ("1", "bits.png"),
        ("L", "gray.png"),
        ("LA", "gray_alpha.png"),
        ("P", "palette.gif"),
        ("RGB", "color.jpg"),
        ("RGBA", "alpha.webp"),
        ("CMYK", "print.jpg"),
        ("I;16", "deep.png"),
        ("F", "float.tif"),
    ]:
        if mode in ("I;16", "F"):
            pixels = RNG.random((7, 9)) * (65535 if mode == "I;16" else 255)
            dtype = "uint16" if mode == "I;16" else "float32"
            Image.fromarray(pixels.astype(dtype)).save(tmp_path / name)
        else:
            save(tmp_path / name, (9, 7), mode)
    data = datasets.FolderDataset(tmp_path, (8, 6, channels), 9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batch = data[0]
    assert batch.shape == (9, 8, 6, channels) and batch.dtype == np.uint8
    assert not data.unreadable


def one_image(tmp_path, image, shape, **kwargs):
    image.save(tmp_path / "x.png", **kwargs)
    data = datasets.FolderDataset(tmp_path, shape, 1, crop="center")
    return data[0][0]


def test_sixteen_bits_are_scaled_and_alpha_dropped(tmp_path):
    deep = (np.arange(16).reshape(4, 4) * 257 * 16).astype("uint16")
    seen = one_image(tmp_path, Image.fromarray(deep), (4, 4, 1))
    np.testing.assert_array_equal(seen[..., 0], np.arange(16).reshape(4, 4) * 16)
    pixels = RNG.integers(0, 256, (4, 4, 4), dtype="uint8")
    seen = one_image(tmp_path, Image.fromarray(pixels), (4, 4, 3))
    np.testing.assert_array_equal(seen, pixels[..., :3])


def test_exif_orientation_is_applied(tmp_path):
    pixels = RNG.integers(0, 256, (4, 6, 3), dtype="uint8")
    exif = Image.Exif()
    exif[0x0112] = 6  # To be shown after a quarter turn clockwise.
    seen = one_image(tmp_path, Image.fromarray(pixels), (6, 4, 3), exif=exif)
    np.testing.assert_array_equal(seen, np.rot90(pixels, -1))


def test_center_crop_is_the_centre(tmp_path):
    pixels = RNG.integers(0, 256, (8, 20, 3), dtype="uint8")
    seen = one_image(tmp_path, Image.fromarray(pixels), (8, 8, 3))
    np.testing.assert_array_equal(seen, pixels[:, 6:14])


@pytest.mark.parametrize("size", [(40, 30), (1, 1), (300, 5), (5, 300)])
def test_random_boxes_lie_inside_and_keep_scale_and_ratio(size):
    for _ in range(200):
        left, upper, right, lower = crops.random_box(size, (0.2, 0.9), RNG)
        assert 0 <= left < right <= size[0] and 0 <= upper < lower <= size[1]
        if size == (40, 30):
            area = (right - left) * (lower - upper) / 1200
            assert 0.19 < area < 0.91
            assert 0.74 < (right - left) / (lower - upper) < 1.34


def test_crops_are_functions_of_seed_epoch_and_index(tmp_path):
    for i in range(4):
        save(tmp_path / f"{i}.jpg")

    def make(seed=0, **kwargs):
        kwargs = {"crops_per_image": 2, "seed": seed, **kwargs}
        return datasets.FolderDataset(tmp_path, (8, 8, 3), 2, **kwargs)

    run = make()
    epochs = [np.stack(all_batches(run)) for _ in range(3)]
    assert epochs[0].shape == (4, 2, 8, 8, 3)
    assert len({image.tobytes() for e in epochs for b in e for image in b}) == 24
    resumed = make()
    resumed.set_epoch(1)
    assert (resumed[3] == epochs[1][3]).all()  # In any order of access.
    assert (resumed[0] == epochs[1][0]).all()
    resumed = pickle.loads(pickle.dumps(resumed))
    assert (resumed[1] == epochs[1][1]).all()
    assert (make(seed=1)[0] != epochs[0][0]).any()
    cached = make(cache_side=16)
    twice = [np.stack([cached[i] for i in range(4)]) for _ in range(2)]
    np.testing.assert_array_equal(*twice)


def test_cache_reads_each_file_once_and_shrinks_it(tmp_path, monkeypatch):
    for i in range(2):
        save(tmp_path / f"{i}.png", (200, 100))
    # Two threads may both read a file that neither of them finds in the cache.
    data = datasets.FolderDataset(
        tmp_path, (8, 8, 3), 10, crops_per_image=50, cache_side=32, workers=1
    )
    opened, original = [], image_reader.read_upright

    def counted(path, *arguments):
        opened.append(path)
        return original(path, *arguments)

    monkeypatch.setattr(image_reader, "read_upright", counted)
    all_batches(data), all_batches(data)
    assert sorted(opened) == list(data.paths)
    assert [len(image) for image, _ in data._cache.values()] == [32] * 2


def test_broken_files_are_replaced_and_named_once(tmp_path):
    good = [save(tmp_path / f"{i}.png") for i in range(3)]
    (tmp_path / "1b.jpg").write_bytes(b"no image")
    truncated = save(tmp_path / "2b.png", (64, 64))
    truncated.write_bytes(truncated.read_bytes()[:3000])
    data = datasets.FolderDataset(tmp_path, (8, 8, 3), 5)
    with pytest.warns(UserWarning, match=r"2 of 5 images could not be read") as caught:
        first = all_batches(data)
    assert "1b.jpg" in str(caught[0].message) and "2b.png" in str(caught[0].message)
    assert len(caught) == 1 and len(data.unreadable) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        all_batches(data)
    again = datasets.FolderDataset(tmp_path, (8, 8, 3), 5)
    np.testing.assert_array_equal(again[0], first[0])
    for path in good:
        path.write_bytes(b"")
    hopeless = datasets.FolderDataset(tmp_path, (8, 8, 3), 5)
    with pytest.raises(ValueError, match="None of the 5 images can be read"):
        hopeless[0]


def test_replacement_brings_its_own_label(tmp_path):
    save(tmp_path / "cat" / "a.png")
    (tmp_path / "ape").mkdir()
    (tmp_path / "ape" / "b.png").write_bytes(b"broken")
    data = datasets.FolderDataset(tmp_path, (8, 8, 3), 2, labels=True)
    images, labels = data[0]
    assert data.class_names == ["ape", "cat"] and list(labels) == [1, 1]


def test_labels_need_sub_folders(tmp_path):
    paths = [save(tmp_path / "cat" / "deep" / "a.png"), save(tmp_path / "b.png")]
    with pytest.raises(ValueError, match="sub-folder of its class"):
        datasets.FolderDataset(tmp_path, (8, 8, 3), 1, labels=True)
    assert datasets.FolderDataset(paths, (8, 8, 3), 2)[0].shape == (2, 8, 8, 3)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"crop": "corner"}, "crop='corner'"),
        ({"crop_scale": (0.5, 0.2)}, "crop_scale="),
        ({"crop_scale": 1.0}, "crop_scale="),
        ({"batch_size": 64}, "batch_size=64, but the data set has 2 samples"),
        ({"crops_per_image": 0}, "crops_per_image"),
        ({"crops_per_image": 10**18}, "at most 1,000,000,000 samples.*crops_per_image"),
        ({"crop": np.zeros(2)}, "`crop` must be one of"),
        ({"labels": np.zeros(2)}, "`labels` must be True or False"),
        ({"drop_last": np.zeros(2)}, "`drop_last` must be True or False"),
        ({"class_names": True}, "`class_names` must be a list of names.*=True"),
        ({"class_names": float("nan")}, "`class_names` must be a list.*=nan"),
        ({"class_names": [["a"]]}, r"`class_names` must be a list of strings.*\['a'\]"),
        ({"class_names": np.zeros(2)}, "`class_names` must be a list of strings"),
        ({"class_names": print}, "`class_names` must be a list.*built-in"),
        ({"cache_side": 0.5}, "cache_side"),
        ({"image_shape": (8, 8, 2)}, "1, 3 or 4 channels"),
        ({"image_shape": (8, 8)}, "image_shape"),
    ],
)
def test_folder_refuses_bad_arguments(tmp_path, kwargs, message):
    for name in ("a.png", "b.png"):
        save(tmp_path / name)
    kwargs = {"image_shape": (8, 8, 3), "batch_size": 1, **kwargs}
    with pytest.raises(ValueError, match=message):
        datasets.FolderDataset(tmp_path, **kwargs)


def test_no_path_and_no_number_of_files(tmp_path):
    with pytest.raises(ValueError, match=r"`root` must hold at least one path.*=\[\]"):
        datasets.FolderDataset([], (4, 4, 3), 1)
    save(tmp_path / "a.png")
    folder = datasets.FolderDataset(tmp_path, (8, 8, 3), 1)
    with pytest.raises(ValueError, match="`most` must be a positive integer.*'x'"):
        folder.find_unreadable("x")


@pytest.mark.parametrize("root", [None, 3, [None], [b"a"], np.zeros(2)])
def test_what_is_no_list_of_paths(root):
    with pytest.raises(ValueError, match="`root` must be the path of a folder, or a"):
        datasets.FolderDataset(root, (4, 4, 3), 1)


def test_load_refuses_missing_and_empty_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        datasets.load(f"folder:{tmp_path / 'nowhere'}")
    with pytest.raises(ValueError, match="holds no image"):
        datasets.load(f"folder:{tmp_path}")


@pytest.mark.parametrize("folders", [["test"], ["val"], ["test", "val"]])
def test_load_folder_splits_classes_and_shape(tmp_path, folders):
    for split, count in (("train", 3), *((folder, 1) for folder in folders)):
        for name in ("cat", "dog"):
            for i in range(count):
                save(tmp_path / split / name / f"{i}.png", (20, 12), "L")
    data = datasets.load(f"folder:{tmp_path}")
    assert data.image_shape == (12, 20, 1) and data.class_names == ("cat", "dog")
    images, labels = data.train[0]
    assert images.shape == (6, 12, 20, 1) and sorted(labels) == [0, 0, 0, 1, 1, 1]
    pixels = np.asarray(Image.open(tmp_path / folders[0] / "dog" / "0.png"))
    np.testing.assert_array_equal(data.test[0][0][1, ..., 0], pixels)


def test_load_folder_of_many_sizes(tmp_path):
    save(tmp_path / "a.png", (20, 12)), save(tmp_path / "b.png", (30, 12))
    (tmp_path / "c.png").write_bytes(b"broken")
    data = datasets.load(f"folder:{tmp_path}")
    assert data.image_shape == (224, 224, 3) and data.class_names is None
    assert data.test is None and not data.in_memory
    small = datasets.load(f"folder:{tmp_path}", image_shape=(8, 8, 1), batch_size=2)
    assert small.train[0].shape == (2, 8, 8, 1)
