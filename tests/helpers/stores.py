"""Folders of stores: an S3 server on this machine, and fsspec's store in memory."""

import contextlib
import itertools
import json
import os

import pytest

_NUMBERS = itertools.count()


@contextlib.contextmanager
def s3_server():
    """Yields the address of a new S3 server, which anybody may use."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(
        "127.0.0.1", port=0, verbose=False
    )
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def use_s3(patch, address):
    """Lets S3's clients in this process and in those that it starts use a server."""
    patch.setenv("AWS_ENDPOINT_URL", address)
    patch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    patch.setenv("AWS_MAX_ATTEMPTS", "1")


def new_bucket():
    """Makes a bucket of the S3 server, and returns its URL."""
    import fsspec

    name = f"bucket-{os.getpid()}-{next(_NUMBERS)}"
    fsspec.filesystem("s3").mkdir(name)
    return f"s3://{name}"


def upload(folder, url):
    """Puts the files of a folder into a store."""
    for path in folder.rglob("*"):
        if path.is_file():
            put(f"{url}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def put(url, content):
    """Writes one file. A slash at the end of its name stays."""
    import fsspec

    store, key = fsspec.core.url_to_fs(url)
    store.pipe_file(key + "/" * url.endswith("/"), content)


def remove(url):
    """Removes one file."""
    import fsspec

    store, key = fsspec.core.url_to_fs(url)
    store.rm_file(key)
    store.invalidate_cache()


def stored_tree(url):
    """The contents of all files of a folder, by path, as `helpers.augmenting.tree`."""
    import fsspec

    store, key = fsspec.core.url_to_fs(url)
    store.invalidate_cache()
    return {name[len(key) + 1 :]: store.cat_file(name) for name in store.find(key)}


def forbid(url, action):
    """Denies everybody an action, such as `"s3:PutObject"`, in a bucket of S3."""
    import fsspec

    bucket = url.split("/")[2]
    rule = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [rule]})
    fsspec.filesystem("s3").call_s3("put_bucket_policy", Bucket=bucket, Policy=policy)
