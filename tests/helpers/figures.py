"""What every figure must satisfy."""


def assert_nothing_clipped(figure):
    """Everything in the figure lies inside its borders, texts included."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()  # inches
    width, height = figure.get_size_inches()
    assert box.x0 > 0 and box.x1 < width
    assert box.y0 > 0 and box.y1 < height
