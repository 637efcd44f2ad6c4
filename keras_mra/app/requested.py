"""`Requested`: what a visitor of the app asks for."""

import dataclasses
from collections.abc import Mapping
from typing import Any
from typing import Self

from werkzeug.exceptions import BadRequest

# The seeds of one request follow each other, and Keras takes them from 31 bits.
MOST = 2**31 - 1024
SHOWN = 40  # characters of a bad value


@dataclasses.dataclass(frozen=True)
class Requested:
    """Arguments of a `MaskReconstruct`, as the form of the page names them.

    The layer checks the ranges.

    Attributes:
        mask_ratio: Float.
        strategy: String.
        temperature: Float.
        rate: Float.
        attention_block: Int, or `None` for the last block.
        seed: Int from 0 to `MOST`.
    """

    mask_ratio: float = 0.4
    strategy: str = "attention"
    temperature: float = 0.2
    rate: float = 1.0
    attention_block: int | None = None
    seed: int = 0

    @classmethod
    def from_form(cls, form: Mapping[str, str]) -> Self:
        """Reads the fields of a form. Fields that are missing get the defaults.

        Args:
            form: Mapping from names to texts. An empty `attention_block` means the
                last block.

        Raises:
            BadRequest: If a field is not a number. The message names the field.
        """
        found: dict[str, Any] = {}
        for name in ("mask_ratio", "temperature", "rate"):
            if name in form:
                found[name] = _number(name, form[name], float, "a number")
        for name in ("attention_block", "seed"):
            if form.get(name, "") != "":
                found[name] = _number(name, form[name], int, "an integer")
        if not 0 <= found.get("seed", 0) <= MOST:
            raise _refusal("seed", f"from 0 to {MOST}", form["seed"])
        if "strategy" in form:
            found["strategy"] = form["strategy"][:SHOWN]
        return cls(**found)


def _number(name: str, text: str, kind: type, expected: str) -> Any:
    try:
        return kind(text if len(text) <= SHOWN else "")
    except ValueError as error:
        raise _refusal(name, expected, text) from error


def _refusal(name: str, expected: str, text: str) -> BadRequest:
    return BadRequest(f"`{name}` must be {expected}. Received: {name}={text[:SHOWN]!r}")
