"""The report of an experiment: Markdown, JSON and pictures."""

from keras_mra import files
from keras_mra.evaluation.result import table

QUICK_NOTE = "quick run, not a result"
NOTE_ROOM = 0.4  # Inches.


def write_report(folder, name, record, tables, figures):
    """Writes a report.

    Args:
        folder: `pathlib.Path`, created if it is missing.
        name: String, the beginning of the files' names.
        record: Dict that JSON can hold, with the entries of `Study.record`. It is
            written to `NAME.json`.
        tables: Dict from headings to Markdown tables. They are written to `NAME.md`,
            after the facts that `record` states.
        figures: Dict from suffixes to matplotlib figures. They are written to
            `NAME_SUFFIX.png`, or to `NAME.png` for the suffix `""`. Those of a quick
            run say so.

    Returns:
        The text of `NAME.md`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for suffix, figure in figures.items():
        picture = "_".join(filter(None, [name, suffix])) + ".png"
        with files.replacing(folder / picture) as part:
            save(figure, part, record["quick"])
        pictures.append(f"![{suffix or record['title']}]({picture})")
    settings = [(key, str(value)) for key, value in record["settings"].items()]
    text = "\n\n".join(
        [
            f"# {record['title']}",
            f"    {record['command']}",
            _facts(record),
            *(f"{heading}\n\n{body}" for heading, body in tables.items()),
            *pictures,
            table([("setting", "value"), *settings]),
        ]
    )
    with files.replacing(folder / f"{name}.md") as part:
        part.write_text(text + "\n", encoding="utf-8")
    files.write_json(folder / f"{name}.json", record)
    return text


def save(figure, path, quick):
    """Writes a figure; that of a quick run has a note above its upper edge.

    Args:
        figure: A matplotlib figure.
        path: Path of the PNG file.
        quick: Bool, whether the figure is of a run with `--quick`.
    """
    if not quick:
        figure.savefig(path, dpi=120)
        return
    from matplotlib.transforms import Bbox

    width, height = figure.get_size_inches()
    figure.text(
        0.5, 1 + 0.1 / height, QUICK_NOTE, ha="center", va="bottom", color="#D55E00"
    )
    box = Bbox.from_bounds(0, 0, width, height + NOTE_ROOM)
    figure.savefig(path, dpi=120, bbox_inches=box)


def _facts(record):
    """The data, the seeds and the machine, in words."""
    machine = record["machine"]
    packages = ", ".join(map(" ".join, machine["packages"].items()))
    count = len(record["seeds"])
    return (
        f"{record['data']}, images of {'x'.join(map(str, record['image_shape']))}; "
        f"{record['train_images']:,} to train on; judged on {record['judged_on']}. "
        f"{count} seed{'s' if count > 1 else ''}: mean ± standard deviation; "
        "differences are taken seed by seed, with the 95 % t-interval of their mean. "
        f"{machine['processor']}, {machine['cores']} cores, {packages}, "
        f"Python {machine['python']}."
    )
