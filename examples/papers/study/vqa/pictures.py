"""What is asked, as a picture."""

import numpy as np

from keras_mra.visualization import pictures


def plot_questions(questions, columns=4):
    """Draws the first questions: each over its image, the answer below.

    Args:
        questions: `QuestionSet`, of images from 0 to 255.
        columns: Int.

    Returns:
        A matplotlib figure.
    """
    count = min(columns, len(questions))
    asked = questions.image_of[:count]
    images = questions.images
    found = images[asked] if isinstance(images, np.ndarray) else images.batch(asked)
    figure = pictures.new_figure(2.6 * count, 3.2)
    figure.set_layout_engine("constrained")
    figure.suptitle("Questions and right answers", fontsize=10)
    axes = figure.subplots(1, count, squeeze=False)[0]
    pictures.draw(axes, pictures.drawable(found, (0, 255)))
    answers = questions.labels()
    for axis, question, answer in zip(axes, questions.questions, answers):
        axis.set_title(question, fontsize=8, wrap=True)
        axis.set_xlabel(answer, fontsize=9)
        axis.set(xticks=[], yticks=[])
    return figure
