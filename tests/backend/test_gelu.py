import contextlib
import math

import numpy as np
import pytest
from helpers.models import compute
from keras import ops

from keras_mra import backend


@pytest.mark.parametrize("form", [contextlib.nullcontext, backend.portable])
def test_gelu_is_exact(form):
    x = np.linspace(-7, 7, 1001).astype("float32")
    with form():
        found = compute(lambda x: backend.gelu(ops.convert_to_tensor(x)), x)
    wanted = [v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in x.tolist()]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-6)
