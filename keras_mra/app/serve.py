"""`serve`: the app on a port of this machine."""

import ipaddress
import threading
import webbrowser

from keras_mra.app.bounded_server import BoundedServer
from keras_mra.app.bounded_server import QuietHandler
from keras_mra.app.create_app import LOOPBACK
from keras_mra.app.create_app import create_app
from keras_mra.models import MAE

PORT = 8600


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
        host: Address to listen at. On any other than this machine's own, everyone who
            reaches the machine can use the app.
        port: Int. 0 takes a free port.
        open_browser: Bool. Opens the page in the default browser.

    Raises:
        ValueError: If `mae` cannot paint pictures.
        OSError: If there is no such host.
    """
    server = listen(mae, preset, host, port)
    address = address_of(server)
    print(f"The app of {preset} is at {address} until you press Ctrl+C.", flush=True)
    if not is_loopback(host):
        print("Everyone who reaches this machine can use it.", flush=True)
    if open_browser:
        # A browser in the terminal returns when it is closed.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    server.serve_forever()


def listen(mae: MAE, preset: str, host: str, port: int) -> BoundedServer:
    """Makes the server of the app, which listens already."""
    hosts = {*LOOPBACK, host} if is_loopback(host) else None
    app = create_app(mae, preset, hosts)
    return BoundedServer(host, port, app, QuietHandler)


def address_of(server: BoundedServer) -> str:
    """The URL of a server's page, on this machine."""
    host = {"0.0.0.0": LOOPBACK[0], "::": LOOPBACK[1]}.get(server.host, server.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{server.port}/"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
