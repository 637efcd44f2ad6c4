"""A picture of questions, images and answers."""

import textwrap

import numpy as np

from keras_mra.visualization.drawable import drawable
from keras_mra.visualization.new_figure import new_figure
from keras_mra.visualization.picture_grid import draw_picture

LETTERS = 32  # What fits above a picture.


def plot_questions(questions, columns=4):
    """Draws the first questions, each above its image, with the answer below.

    Args:
        questions: `QuestionSet` with images from 0 to 255.
        columns: Int, the largest number of questions to draw.

    Returns:
        A matplotlib figure.
    """
    count = min(columns, len(questions))
    asked = questions.image_of[:count]
    images = questions.images
    found = images[asked] if isinstance(images, np.ndarray) else images.batch(asked)
    figure = new_figure(2.6 * count, 3.2)
    figure.set_layout_engine("constrained")
    figure.suptitle("Questions and right answers", fontsize=10)
    axes = figure.subplots(1, count, squeeze=False)[0]
    for axis, picture in zip(axes, drawable(found, (0, 255))):
        draw_picture(axis, picture)
    answers = questions.labels()
    for axis, question, answer in zip(axes, questions.questions, answers):
        axis.set_title(textwrap.fill(question, LETTERS), fontsize=8)
        axis.set_xlabel(textwrap.fill(answer, LETTERS), fontsize=9)
        axis.set(xticks=[], yticks=[])
    return figure
