"""The structural similarity (SSIM) of two images, pixel by pixel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# The constants of Wang et al. (2004) for values from 0 to 1.
C1, C2 = 0.01**2, 0.03**2
SIGMA = 1.5
RADIUS = 5  # an 11x11 window


def ssim(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Computes the structural similarity of two images (Wang et al., 2004).

    The window is a Gaussian of 11x11 pixels with a deviation of 1.5. Beyond the border,
    the images are mirrored.

    Args:
        first: Array of shape `(height, width, channels)`, values from 0 to 1.
        second: Array of the same shape.

    Returns:
        Float64 array of shape `(height, width)`, averaged over the channels. 1 means
        equal.

    Raises:
        ImportError: If SciPy is not installed.
    """
    try:
        from scipy import ndimage
    except ImportError as error:
        raise ImportError(
            "SSIM needs SciPy: pip install 'keras-mra[evaluation]'"
        ) from error

    def blurred(values: NDArray[Any]) -> NDArray[np.float64]:
        smooth: NDArray[np.float64] = ndimage.gaussian_filter(
            values, (SIGMA, SIGMA, 0), truncate=RADIUS / SIGMA
        )
        return smooth

    x, y = np.asarray(first, "float64"), np.asarray(second, "float64")
    mean_x, mean_y = blurred(x), blurred(y)
    variances = blurred(x * x) - mean_x**2 + blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2 * covariance + C2) / (variances + C2)
    similarity: NDArray[np.float64] = (luminance * structure).mean(axis=-1)
    return similarity
