"""`serve`: the app on a port of this machine."""

import ipaddress
import socket
import threading
import webbrowser

from waitress.server import TcpWSGIServer
from waitress.server import create_server

from keras_mra.app.create_app import LOOPBACK
from keras_mra.app.create_app import MAX_BYTES
from keras_mra.app.create_app import WAITING
from keras_mra.app.create_app import create_app
from keras_mra.models import MAE

PORT = 8600
LIMITS = {
    # Those that wait for their turn must not keep others from the page.
    "threads": WAITING + 8,
    "connection_limit": 64,  # A browser opens six.
    "channel_timeout": 20,  # seconds without a byte of a visitor
    "cleanup_interval": 5,  # seconds between two searches for such visitors
    # The app explains that a file is too large, and waitress does not.
    "max_request_body_size": 4 * MAX_BYTES,
}


def serve(
    mae: MAE,
    preset: str,
    host: str = LOOPBACK[0],
    port: int = PORT,
    open_browser: bool = False,
) -> None:
    """Serves the app until it is interrupted, and prints its address.

    Args:
        mae: `keras_mra.MAE`.
        preset: String, the name or the path that `mae` was loaded from.
        host: Address or name to listen at. On any other than this machine's own,
            everyone who reaches the machine can use the app.
        port: Int. 0 takes a free port.
        open_browser: Bool. Opens the page in the default browser.

    Raises:
        ValueError: If `mae` cannot paint pictures.
        OSError: If there is no such host.
    """
    server = listen(mae, preset, host, port)
    address = address_of(server)
    print(f"The app of {preset} is at {address} until you press Ctrl+C.", flush=True)
    if not is_loopback(server.socket.getsockname()[0]):
        print("Everyone who reaches this machine can use it.", flush=True)
    if open_browser:
        # A browser in the terminal returns when it is closed.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    server.run()


def listen(mae: MAE, preset: str, host: str, port: int) -> TcpWSGIServer:
    """Makes the server of the app, which listens already."""
    # A name may have several addresses: one is served.
    *_, found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    address = str(found[0])
    own = {*LOOPBACK, host, address} if is_loopback(address) else None
    app = create_app(mae, preset, own)
    return create_server(app, host=address, port=port, ident=None, **LIMITS)


def address_of(server: TcpWSGIServer) -> str:
    """The URL of a server's page, on this machine."""
    host, port = server.socket.getsockname()[:2]
    host = {"0.0.0.0": LOOPBACK[0], "::": LOOPBACK[1]}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an IP address."""
    return ipaddress.ip_address(address).is_loopback
