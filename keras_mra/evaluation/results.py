"""What a protocol measured: prints as a table, saves as JSON."""

import dataclasses
import json
import pathlib
import statistics
import typing


@dataclasses.dataclass(frozen=True)
class Result:
    """Base of the protocols' results.

    Subclasses name their `protocol` and give `rows()`, the heading first.
    """

    protocol: typing.ClassVar[str]

    def rows(self):
        """The table that `print` shows: a heading, then rows, as strings."""
        raise NotImplementedError

    def to_dict(self):
        """The result as JSON holds it: strings as keys, lists for tuples."""
        record = {"protocol": self.protocol, **dataclasses.asdict(self)}
        return json.loads(json.dumps(record))

    def save(self, path):
        """Writes a JSON file.

        Args:
            path: Where to.
        """
        text = json.dumps(self.to_dict(), indent=2) + "\n"
        pathlib.Path(path).write_text(text, encoding="utf-8")

    def __str__(self):
        return table(self.rows())


def table(rows):
    """Rows of strings as a Markdown table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def percent(share):
    """A share as a percentage with two digits."""
    return f"{100 * share:.2f}"


def mean_and_deviation(values, signed=False, digits=2):
    """Mean ± standard deviation as text; a single value stands alone."""
    mean = f"{statistics.mean(values):{'+' if signed else ''}.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(values):.{digits}f}"


def accuracy(predicted, labels):
    """The share of right answers, as a float."""
    return float((predicted == labels).mean())
