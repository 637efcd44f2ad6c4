"""Questions about grids of labelled images, balanced so that guesses are poor."""

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.labelled import labelled
from study.vqa.question_set import QuestionSet

KINDS = ("what", "where", "count", "same")
_ROWS = {1: ("",), 2: ("top", "bottom"), 3: ("top", "middle", "bottom")}
_COLUMNS = {1: ("",), 2: ("left", "right"), 3: ("left", "centre", "right")}


def grid_questions(data, class_names, count, grid=(2, 2), seed=0):
    """Makes questions about grids of images, with a new grid for each question.

    - what: "what is at the top left?" The answer is a class.
    - where: "where is the coat?" The answer is the place of the only coat.
    - count: "how many times is there a coat?" The answer is from 0 to the number of
      places.
    - same: "are top left and bottom right the same?" The answer is yes if both images
      have the same class, and no otherwise.

    The kinds take turns. All answers to a kind are equally likely, whatever the words
    of the question: with `n` answers, a guess is right once in `n` times. A test set
    needs images that the training set does not have.

    Args:
        data: Pair of images `(images, height, width, channels)` and integer labels.
            The labels are indices into `class_names`.
        class_names: Sequence of strings, at least two.
        count: Int, the number of questions.
        grid: Pair of ints from 1 to 3, the rows and columns. There must be at least
            two places.
        seed: Int, decides the grids and the questions.

    Returns:
        A `QuestionSet` with images of shape
        `(count, rows * height, columns * width, channels)`.

    Raises:
        ValueError: If an argument is not as described, or if a class has no image.

    Example:

    >>> train = grid_questions(data.train, data.class_names, 10_000)
    >>> test = grid_questions(data.test, data.class_names, 2_000)
    """
    checks.positive_int("count", count)
    checks.required_seed(seed)
    images, labels = labelled("data", data)
    checks.image_batch(images, (None, None, None), "data")
    members = [np.flatnonzero(labels == c) for c in range(len(class_names))]
    if len(members) < 2 or not all(map(len, members)):
        raise ValueError(
            "`data` must have images of each of `class_names`, at least two. Received: "
            f"{[len(found) for found in members]} images of {list(class_names)}"
        )
    places = place_names(grid)
    rng = np.random.default_rng(seed)
    asked = [
        _ask(KINDS[i % len(KINDS)], class_names, places, rng) for i in range(count)
    ]
    shown = np.array([classes for classes, _, _ in asked])  # (count, places)
    sizes = np.array([len(found) for found in members])
    draws = rng.integers(sizes[shown])
    chosen = np.empty_like(shown)
    for c, found in enumerate(members):
        chosen[shown == c] = found[draws[shown == c]]
    return QuestionSet(
        images=_tile(images[chosen], grid),
        image_of=np.arange(count),
        questions=tuple(question for _, question, _ in asked),
        answers=tuple((answer,) for _, _, answer in asked),
        kinds=tuple(KINDS[i % len(KINDS)] for i in range(count)),
    )


def place_names(grid):
    """The names of the places of a grid, row by row.

    Args:
        grid: Pair of ints from 1 to 3, the rows and columns.

    Returns:
        List of strings.

    Raises:
        ValueError: If `grid` is not as described, or has only one place.
    """
    rows, columns = checks.pair_of_ints("grid", grid)
    if max(rows, columns) > 3 or rows * columns < 2:
        raise ValueError(
            "`grid` must be a pair of integers from 1 to 3 with at least two places. "
            f"Received: grid={grid!r}"
        )
    return [
        f"{row} {column}".strip() for row in _ROWS[rows] for column in _COLUMNS[columns]
    ]


def _ask(kind, names, places, rng):
    """Draws the classes of a grid's places, and a question about them.

    Returns:
        `(classes, question, answer)`: an int array of shape `(places,)` and two
        strings.
    """
    asked = int(rng.integers(len(names)))
    others = rng.integers(len(names) - 1, size=len(places))
    others += others >= asked  # skips the class that is asked for
    if kind == "count":
        number = int(rng.integers(len(places) + 1))
        others[rng.permutation(len(places))[:number]] = asked
        return others, f"how many times is there a {names[asked]}?", str(number)
    first, second = rng.permutation(len(places))[:2]
    if kind == "where":
        others[first] = asked
        return others, f"where is the {names[asked]}?", places[first]
    classes = rng.integers(len(names), size=len(places))
    classes[first] = asked
    if kind == "what":
        return classes, f"what is at the {places[first]}?", names[asked]
    same = rng.random() < 0.5
    classes[second] = asked if same else others[second]
    question = f"are {places[first]} and {places[second]} the same?"
    return classes, question, "yes" if same else "no"


def _tile(images, grid):
    """Joins images `(count, places, height, width, channels)` into `count` grids."""
    rows, columns = grid
    count, _, height, width, channels = images.shape
    # (count, rows, columns, height, width, channels)
    tiles = images.reshape(count, rows, columns, height, width, channels)
    tiles = tiles.swapaxes(2, 3)  # (count, rows, height, columns, width, channels)
    return tiles.reshape(count, rows * height, columns * width, channels)
