"""The result of a protocol, which prints as a table and saves as JSON."""

import dataclasses
import json
import statistics
import typing
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mra import files
from keras_mra.typing import Array
from keras_mra.typing import Path


@dataclasses.dataclass(frozen=True)
class Result:
    """Base class of the results of the protocols.

    A subclass names its `protocol` and implements `rows()`.
    """

    protocol: typing.ClassVar[str]

    def rows(self) -> list[tuple[str, ...]]:
        """The table that `print` shows: rows of strings, the heading first."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The result in the types of JSON: keys are strings, tuples are lists."""
        record = {"protocol": self.protocol, **dataclasses.asdict(self)}
        # NumPy's numbers become Python's.
        text = json.dumps(record, default=lambda number: number.item())
        return dict(json.loads(text))

    def save(self, path: Path) -> None:
        """Writes the result to a JSON file.

        Args:
            path: Path of the file, which is replaced if it exists.
        """
        files.write_json(path, self.to_dict())

    def __str__(self) -> str:
        return table(self.rows())


def table(rows: Sequence[Sequence[str]]) -> str:
    """Formats rows of strings, the heading first, as an aligned Markdown table."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def percent(share: float) -> str:
    """Formats a share as a percentage with two digits."""
    return f"{100 * share:.2f}"


def mean_and_deviation(
    values: Sequence[float], signed: bool = False, digits: int = 2
) -> str:
    """Formats values as mean ± standard deviation, and a single value as itself."""
    mean = f"{statistics.mean(values):{'+' if signed else ''}.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(values):.{digits}f}"


def accuracy(predicted: Array, labels: Array) -> float:
    """The share of predicted labels that are right."""
    return float(np.mean(predicted == labels))
