"""`guard_app`: which requests an app answers, and how it answers bad ones."""

from collections.abc import Collection
from urllib.parse import urlsplit

import flask
from werkzeug.exceptions import Forbidden
from werkzeug.exceptions import HTTPException

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Instead of Werkzeug's own texts.
SENTENCES = {
    404: "There is no such page.",
    405: "This page does not take such requests.",
    500: "The server failed, and printed the reason where it was started.",
}
# Of a form, beside the file.
OTHER_BYTES = 2**16


def guard_app(app: flask.Flask, hosts: Collection[str] | None, max_bytes: int) -> None:
    """Makes an app refuse requests of other sites, and explain itself in one sentence.

    A page of another site can send requests to a server on the visitor's machine, also
    under a host name of its own (DNS rebinding).

    Args:
        app: Flask app.
        hosts: Names that the header `Host` may have, or `None` for any.
        max_bytes: Int, the largest file.
    """
    app.config["MAX_CONTENT_LENGTH"] = max_bytes + OTHER_BYTES

    @app.before_request
    def refuse_other_sites() -> None:
        host = flask.request.host
        if hosts is not None and _name_of(host) not in hosts:
            raise Forbidden(f"The host must be {' or '.join(sorted(hosts))}.")
        origin = flask.request.headers.get("Origin")
        is_foreign = origin is not None and origin.partition("://")[2] != host
        # Browsers send no origin with links and pictures. A link may open the page.
        site = flask.request.headers.get("Sec-Fetch-Site")
        is_foreign |= site == "cross-site" and flask.request.path != "/"
        if is_foreign:
            raise Forbidden("The request must come from a page of this server.")

    @app.after_request
    def add_headers(response: flask.Response) -> flask.Response:
        response.headers.update(HEADERS)
        return response

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> tuple[flask.Response, int]:
        code = error.code or 500
        text = SENTENCES.get(code, error.description or error.name)
        if code == 413 and text == type(error).description:
            text = f"`picture` must be a file of at most {max_bytes // 2**20} MB."
            length = flask.request.content_length
            if length is not None and length <= app.config["MAX_CONTENT_LENGTH"]:
                text = "The form must have fewer or shorter fields beside `picture`."
        return flask.jsonify(error=text), code


def _name_of(host: str) -> str | None:
    """A host without its port, or `None` if it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:  # such as a bracket that is not closed
        return None
