"""A visitor of the app, without a browser."""

import base64
import contextlib
import io
import threading

import numpy as np
from PIL import Image


def encoded(pixels, kind="PNG", **options):
    """Pixels `(height, width, channels)` as the bytes of an image file."""
    pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def decoded(url):
    """The pixels of a picture that a response holds as a URL."""
    head, _, content = url.partition(",")
    assert head == "data:image/png;base64"
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    return pixels[..., None] if pixels.ndim == 2 else pixels


@contextlib.contextmanager
def running(server):
    """A server of waitress that answers in a thread."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield
    server.trigger.pull_trigger(server.close)  # in its own thread
    thread.join(20)
    assert not thread.is_alive()
    server.task_dispatcher.shutdown()


class Visitor:
    """Sends requests to an app as a browser on the same machine does."""

    def __init__(self, app, host="localhost"):
        self.client = app.test_client()
        self.base = f"http://{host}"

    def get(self, path, **headers):
        return self.client.get(path, base_url=self.base, headers=headers)

    def post(self, data, **headers):
        return self.client.post(
            "/repaint", data=data, base_url=self.base, headers=headers
        )

    def repaint(self, content, **fields):
        """Uploads the bytes of a file with the fields of the form."""
        file = io.BytesIO(content), "picture"
        return self.post({"picture": file, **fields})
