"""Presets on the Hugging Face hub."""

import pytest
from helpers.models import same_weights

import keras_mra
from keras_mra.weights import hub

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "handle",
    [
        "hf://facebook", "hf://", "hf://a/b/c", "hf://a b/c", "hf://a/b@",
        # Parts of paths, which are no names.
        "hf://a/b@../../c", "hf://a/b@..", "hf://a/b@.", "hf://a/b@x/../y",
        "hf://a/b@x..y", "hf://a/b@/etc", "hf://a/b@x//y", "hf://a/b@x/", "hf://a/b@.x",
        "hf://a/b@x/.git", "hf://../b", "hf://a/..", "hf://./b", "hf://a..b/c",
        "hf://a/.b", "hf://a/b.", "hf://-a/b", "hf://a--b/c", "hf://a/b@x\\y",
        # Characters that no name has.
        "hf://a/b@x\n", "hf://a/b\n", "hf://a/b@x\0y", "hf://a/b@x\x1b[2J", "hf://a\t/b",
        "hf://a/b@x y", "hf://a/b@\uff0e\uff0e", "hf://\u0430/b",
        "hf://a/b@" + "x" * 300,
    ],
)  # fmt: skip
def test_bad_handles(handle, monkeypatch, tmp_path):
    import huggingface_hub

    # The hub is not asked, and no path is made of the name.
    monkeypatch.setattr(huggingface_hub, "list_repo_files", None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", None)
    with pytest.raises(ValueError) as error:
        keras_mra.MAE.from_preset(handle)
    assert "`preset` must be 'hf://OWNER/NAME'" in str(error.value)
    assert f"Received: preset={handle!r}" in str(error.value)
    with pytest.raises(ValueError, match="`handle` must be 'hf://OWNER/NAME'"):
        keras_mra.upload_preset(handle, tmp_path)


@pytest.mark.parametrize("handle", [None, 3, "a/b"])
def test_no_handle(handle, tmp_path):
    with pytest.raises(ValueError, match="`handle` must be .*Received: handle="):
        keras_mra.upload_preset(handle, tmp_path)


@pytest.mark.parametrize(
    "revision",
    ["main", "v1.0.2", "refs/pr/1", "feature/new_one", "0123abcd" * 5, "a-b.c_d"],
)
def test_revisions_are_names_of_branches_tags_and_commits(revision):
    assert hub.parse("preset", f"hf://a-b.c/d_e@{revision}") == ("a-b.c/d_e", revision)


def test_a_handle_is_downloaded(folder, monkeypatch):
    import huggingface_hub

    asked = {}

    def snapshot_download(repo, revision, allow_patterns):
        asked.update(repo=repo, revision=revision, files=allow_patterns)
        return str(folder)

    files = [p.name for p in folder.iterdir()] + ["pytorch_model.bin", "tf_model.h5"]
    monkeypatch.setattr(huggingface_hub, "list_repo_files", lambda *a, **k: files)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    mae = keras_mra.MAE.from_preset("hf://facebook/vit-mae-base@main")
    assert same_weights(mae, keras_mra.MAE.from_preset(folder))
    assert asked["repo"] == "facebook/vit-mae-base" and asked["revision"] == "main"
    assert "model.safetensors" in asked["files"]
    assert "pytorch_model.bin" not in asked["files"]
    files = ["config.json", "model.safetensors.index.json", "model-1.safetensors"]
    monkeypatch.setattr(huggingface_hub, "list_repo_files", lambda *a, **k: files)
    keras_mra.MAE.from_preset("hf://a/b")
    assert {"model.safetensors.index.json", "model-*.safetensors"} <= set(
        asked["files"]
    )
    monkeypatch.setattr(huggingface_hub, "list_repo_files", lambda *a, **k: ["x.txt"])
    with pytest.raises(ValueError, match="must be a repository with one of.*x.txt"):
        keras_mra.MAE.from_preset("hf://a/b")


def test_an_earlier_download_is_used_without_a_network(folder, monkeypatch):
    import huggingface_hub

    asked = []

    def offline(*args, **kwargs):
        raise ConnectionError("503")

    def snapshot_download(repo, revision, **options):
        asked.append(options)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "list_repo_files", offline)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    mae = keras_mra.MAE.from_preset("hf://a/b")
    assert same_weights(mae, keras_mra.MAE.from_preset(folder))
    # All of it: nothing tells which of the files the repository has.
    assert asked == [{"local_files_only": True}]


def test_no_network(monkeypatch, tmp_path):
    import huggingface_hub

    def offline(*args, **kwargs):
        raise huggingface_hub.errors.LocalEntryNotFoundError("cannot reach the hub")

    monkeypatch.setattr(huggingface_hub, "list_repo_files", offline)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(OSError, match="could not be downloaded: cannot reach"):
        keras_mra.MAE.from_preset("hf://a/b")


def test_an_upload_that_fails(monkeypatch, tmp_path):
    import huggingface_hub

    def refused(*args, **kwargs):
        raise RuntimeError("401 Unauthorized")

    mae = keras_mra.MAE((8, 8, 1), 4, encoder_dim=8, encoder_depth=1, encoder_heads=2)
    mae.save_to_preset(tmp_path)
    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", refused)
    with pytest.raises(OSError, match="upload to `handle` 'hf://a/b' failed: 401"):
        keras_mra.upload_preset("hf://a/b", tmp_path)


def test_what_killed_processes_left_is_not_uploaded(monkeypatch, tmp_path):
    import huggingface_hub

    asked = {}
    mae = keras_mra.MAE((8, 8, 1), 4, encoder_dim=8, encoder_depth=1, encoder_heads=2)
    mae.save_to_preset(tmp_path)
    api = huggingface_hub.HfApi
    monkeypatch.setattr(api, "create_repo", lambda *args, **kwargs: None)
    monkeypatch.setattr(
        api, "upload_folder", lambda self, **kwargs: asked.update(kwargs)
    )
    keras_mra.upload_preset("hf://a/b@main", tmp_path)
    names = [".mra-lock-config.json", ".mra-part-0/config.json", "config.json"]
    kept = huggingface_hub.utils.filter_repo_objects(
        names, ignore_patterns=asked["ignore_patterns"]
    )
    assert list(kept) == ["config.json"]
    assert (asked["repo_id"], asked["revision"]) == ("a/b", "main")


@pytest.mark.parametrize("preset", ["facebook/vit-mae-base", "hf:/a/b", "none.pth"])
def test_an_unknown_preset_names_the_form_of_handles(preset):
    with pytest.raises(ValueError, match="handle 'hf://OWNER/NAME'.*" + preset):
        keras_mra.MAE.from_preset(preset)
