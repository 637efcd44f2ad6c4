"""`BoundedServer`: a server of few connections, which are not silent for long."""

import contextlib
import json
import threading
from typing import Any

from werkzeug.serving import ThreadedWSGIServer
from werkzeug.serving import WSGIRequestHandler

from keras_mra.app.turns import BUSY

CONNECTIONS = 64  # Each has a thread. A browser opens six.
SECONDS = 20  # to wait for the next bytes of a visitor
REFUSAL = (
    "HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    + json.dumps({"error": BUSY})
).encode()


class QuietHandler(WSGIRequestHandler):
    """Prints errors only, not each request, and drops visitors who are silent."""

    timeout = SECONDS

    def log_request(self, *args: Any) -> None:
        pass


class BoundedServer(ThreadedWSGIServer):
    """Answers each connection in a thread, and refuses those beyond `CONNECTIONS`."""

    def __init__(self, *args: Any) -> None:
        self._free = threading.Semaphore(CONNECTIONS)
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self._refuse(request)
            return
        with contextlib.ExitStack() as stack:
            stack.callback(self._free.release)
            super().process_request(request, client_address)
            stack.pop_all()  # The thread has started, and will release it.

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def _refuse(self, request: Any) -> None:
        request.setblocking(False)
        with contextlib.suppress(OSError):
            # Unread bytes would reset the connection before the answer is read.
            request.recv(2**16)
        with contextlib.suppress(OSError):
            request.send(REFUSAL)
        self.shutdown_request(request)
