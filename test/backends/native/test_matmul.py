"""Matrix products as machine code compute what numpy does, whatever the shapes of their operands."""

import numpy as np
import pytest
from images import constant, run
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.dialects import nn

SPECS = pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
SHAPES = [
    ((30, 64), (64, 48)),
    ((1, 100), (100, 1000)),
    ((2, 37), (37, 90)),
    ((1, 70), (70, 10)),
    ((5, 8), (8, 3)),
    ((7, 1), (1, 33)),
    ((3, 29, 17), (17, 40)),
    ((50, 1, 20), (20, 36)),
    ((2, 3, 19, 24), (2, 3, 24, 31)),
    ((2, 3, 19, 24), (3, 24, 31)),
    ((19, 24), (2, 3, 24, 32)),
    ((4, 1, 6, 5), (1, 3, 5, 34)),
    ((24,), (24, 31)),
    ((24,), (2, 24, 31)),
    ((6, 40), (40,)),
    ((2, 6, 40), (40,)),
    ((40,), (40,)),
    ((2, 6, 40), (2, 40, 1)),
    ((300, 600), (600, 320)),
]


def f32(random, *shape):
    return random.standard_normal(shape, np.float32)


def assert_close(results, depth):
    """Sums of `depth` products of normal numbers in another order: they may differ by an ulp of 1 a product."""
    for _, _, actual, expected in results:
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1.2e-7 * (depth + 4))


@SPECS
@pytest.mark.parametrize("left, right", SHAPES, ids=str)
def test_shapes(left, right, spec):
    random = np.random.default_rng(1)
    a, b = f32(random, *left), f32(random, *right)
    assert_close(run(nn.Matmul, [a, b], ["plain"] * 3, spec), left[-1])
    assert_close(run(lambda x: nn.Matmul(x, constant(b)), [a], ["plain"] * 2, spec), left[-1])


@SPECS
def test_what_lies_behind(spec):
    """A bias, a residual, an activation."""
    random = np.random.default_rng(2)
    b, bias = f32(random, 40, 75), f32(random, 75)

    def write(x, residual):
        y = nn.Add(nn.Matmul(x, constant(b)).output, constant(bias)).output
        return nn.Tanh(nn.Add(residual, y).output)

    for rows in (1, 19):
        assert_close(run(write, [f32(random, 2, rows, 40), f32(random, 2, rows, 75)], ["plain"] * 3, spec), 40)


def test_what_lies_before():
    """A function of one of the operands."""
    random = np.random.default_rng(3)

    def write(x, y):
        return nn.Matmul(x, nn.Relu(y).output)

    arrays = [f32(random, 2, 19, 24), f32(random, 2, 24, 35)]
    assert_close(run(write, arrays, ["plain"] * 3, anchor=1), 24)
    results = run(lambda x, y: nn.Matmul(nn.Relu(x).output, y), arrays, ["plain"] * 3, anchor=1, family="matmul")
    assert_close(results, 24)


@pytest.mark.parametrize("dtype", [np.int32, np.float64, np.float16, np.uint8])
def test_other_elements(dtype):
    random = np.random.default_rng(4)
    a, b = (random.integers(0, 9, shape).astype(dtype) for shape in ((2, 5, 20), (20, 18)))
    for _, _, actual, expected in run(nn.Matmul, [a, b], ["plain"] * 3):
        np.testing.assert_allclose(actual, expected, rtol=1e-15)
