"""What every figure must satisfy."""


def assert_nothing_clipped(figure):
    """Everything in the figure lies inside its borders, texts included."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()  # inches
    width, height = figure.get_size_inches()
    assert box.x0 > 0 and box.x1 < width
    assert box.y0 > 0 and box.y1 < height


def assert_titles_apart(figure):
    """No title of a picture or of the figure touches another one."""
    figure.draw_without_rendering()
    titles = [axis.title for axis in figure.axes if axis.get_title()]
    boxes = [text.get_window_extent() for text in titles]
    if figure.get_suptitle():
        boxes.append(figure._suptitle.get_window_extent())
    assert len(boxes) > 1
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
