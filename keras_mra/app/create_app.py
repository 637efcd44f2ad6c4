"""`create_app`: the Flask app of `keras-mra app`."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Collection
from typing import Any

import flask
from werkzeug.exceptions import NotFound
from werkzeug.exceptions import UnsupportedMediaType

from keras_mra.app.guard_app import guard_app
from keras_mra.app.read_picture import read_picture
from keras_mra.app.repaints import COUNT
from keras_mra.app.repaints import Repaints
from keras_mra.app.requested import Requested
from keras_mra.app.turns import Turns
from keras_mra.datasets import crops
from keras_mra.datasets.picture_file import FORMATS
from keras_mra.datasets.sample_photographs import FOLDER as PHOTOGRAPHS
from keras_mra.masking import STRATEGIES
from keras_mra.models import MAE
from keras_mra.models.check_mae import check_mae
from keras_mra.typing import Path
from keras_mra.version import __version__

GARMENTS = pathlib.Path(__file__).parent / "garments"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
MAX_BYTES = 16 * 2**20
# Pictures that wait while one is read, which can take a gigabyte, and painted.
WAITING = 16


def create_app(
    mae: MAE, preset: Path, hosts: Collection[str] | None = LOOPBACK
) -> flask.Flask:
    """Makes a web app that shows what `MaskReconstruct` makes of a picture.

    Args:
        mae: `keras_mra.MAE` of 1, 3 or 4 channels. The app freezes it.
        preset: Name, path or handle that `mae` was loaded from. The line of Python that
            the page shows loads it from there.
        hosts: Host names under which the app answers, without ports and in any case,
            or `None` for any. The default is for a server on the visitor's own machine.

    Returns:
        A `flask.Flask`, for any WSGI server.

    Raises:
        ValueError: If `mae` cannot paint pictures, or `hosts` are not host names.
        ImportError: If Flask is not installed.

    Example:

    ```python
    app = create_app(mae, "mae_nano_fashion_mnist")
    page = app.test_client().get("/", base_url="http://localhost")
    ```
    """
    check_mae(mae)
    hosts = checked_hosts(hosts)
    repaints = Repaints(mae, os.fsdecode(preset))
    crops.check_channels(mae.image_shape)
    samples = sample_files(mae.image_shape[2])
    facts = describe_page(repaints, samples)
    app = flask.Flask(__name__)
    guard_app(app, hosts, MAX_BYTES)
    turns = Turns(WAITING)

    @app.get("/")
    def page() -> flask.Response:
        return app.send_static_file("index.html")

    @app.get("/model")
    def model() -> flask.Response:
        return flask.jsonify(facts)

    @app.get("/samples/<int:number>")
    def sample(number: int) -> flask.Response:
        if number >= len(samples):
            raise NotFound()
        return flask.send_file(samples[number])

    @app.post("/repaint")
    def repaint() -> flask.Response:
        requested = Requested.from_form(flask.request.form)
        file = flask.request.files.get("picture")
        if file is None:
            raise UnsupportedMediaType(
                f"`picture` must be an image file ({', '.join(FORMATS)}). "
                "Received: no file"
            )

        def answer() -> dict[str, Any]:
            return repaints(read_picture(file.stream, mae.image_shape), requested)

        return flask.jsonify(turns.take(answer))

    return app


def checked_hosts(hosts: Any) -> frozenset[str] | None:
    """Host names in lower case, as requests are compared with them, or `None`."""
    if hosts is None:
        return None
    # A string is a collection of its parts: every part of a name would be a host.
    is_collection = isinstance(hosts, Collection) and not isinstance(hosts, str)
    if not is_collection or not all(isinstance(host, str) for host in hosts):
        raise ValueError(
            f"`hosts` must be a list of host names or None. Received: hosts={hosts!r}"
        )
    return frozenset(host.lower() for host in hosts)


def sample_files(channels: int) -> list[pathlib.Path]:
    """Pictures that the page offers; for models of one channel, garments first."""
    garments = sorted(GARMENTS.glob("*.png")) if channels == 1 else []
    return garments + sorted(PHOTOGRAPHS.glob("*.jpg"))


def describe_page(repaints: Repaints, samples: list[pathlib.Path]) -> dict[str, Any]:
    """What the page needs to know of the model, as a dict for JSON."""
    mae = repaints.mae
    # At least one patch is kept, and one is painted.
    lowest = max(0.05, math.ceil(100 / mae.num_patches) / 100)
    return {
        "version": __version__,
        "preset": repaints.preset,
        "image_shape": mae.image_shape,
        "patches": mae.num_patches,
        "grid": mae.grid,
        "blocks": mae.encoder_depth,
        "trained": mae.mask_ratios,
        "mask_ratio": {"lowest": lowest, "highest": round(1 - lowest, 2)},
        "strategies": STRATEGIES,
        "defaults": dataclasses.asdict(Requested()),
        "repaints": COUNT,
        "samples": [path.stem for path in samples],
        "max_bytes": MAX_BYTES,
    }
