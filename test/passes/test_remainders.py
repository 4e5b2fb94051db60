"""Remainders and rounded quotients of integers through those that machines have: as numpy's, to the bit."""

import numpy as np
import pytest
from single_operation import Case

from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.passes.pipeline import parse_pipeline

WHOLE = [np.dtype(f"{sign}{size}") for sign in "iu" for size in (1, 2, 4, 8)]


@pytest.mark.parametrize("dtype", WHOLE, ids=str)
def test_floor_mod_and_floor_div(dtype: np.dtype) -> None:
    """The sum of a remainder and a large divisor may not wrap around: 100 mod 127 of int8 was -29 once."""
    info = np.iinfo(dtype)
    numbers = {info.min, info.min + 1, info.max, info.max - 1, info.max // 2, info.max // 3 * 2, 0, 1, 2, 5, 100, 127}
    x, y = np.meshgrid(np.array(sorted(numbers), dtype), np.array(sorted(numbers - {0}), dtype))
    kept = (x != info.min) | (y.astype(object) != -1)
    x, y = x[kept], y[kept]
    with mlir.context():
        module = Case(
            "mod", lambda x, y: (nn.Mod(x, y, fmod=False).output, nn.FloorDiv(x, y).output), (x, y), 0
        ).module()
        parse_pipeline("builtin.module(nn-decompose)").run(module)
        remainder, quotient = evaluate(module, [x, y])
    np.testing.assert_array_equal(remainder, np.mod(x, y))
    np.testing.assert_array_equal(quotient, np.floor_divide(x, y))
