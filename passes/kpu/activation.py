"""Functions of one real number as points joined by straight lines, which is what a layer's activation is.

Piecewise linear functions are exact; others are sampled over the range that their argument takes.
"""

import math

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ranges import Range
from ...dialects.tensors import Array, shape_of
from ...runtime.kernels.kpu import interpolated

SAMPLES = 2049
POINTWISE: tuple[type[nn.ElementwiseOp], ...] = (
    nn.Abs,
    nn.Atan,
    nn.Celu,
    nn.Clamp,
    nn.Elu,
    nn.Erf,
    nn.Exp,
    nn.Gelu,
    nn.HardSigmoid,
    nn.HardSwish,
    nn.LeakyRelu,
    nn.Mish,
    nn.Neg,
    nn.Relu,
    nn.Selu,
    nn.Sigmoid,
    nn.Silu,
    nn.Softplus,
    nn.Softsign,
    nn.Square,
    nn.Tanh,
    nn.ThresholdedRelu,
)
"""Functions of an element that are defined for every real number."""


def clamp_knots(low: float, high: float) -> Array:
    """min(max(x, low), high); bounds may be infinite."""
    points = [(low - 1, low), (low, low)] if math.isfinite(low) else [(high - 1, high - 1)]
    if math.isfinite(high):
        points += [(high, high), (high + 1, high)]
    else:
        points.append((low + 1, low + 1))
    return np.array(points, np.float32).T


def exact_knots(op: nn.ElementwiseOp) -> Array | None:
    """The points of a piecewise linear operation, else None."""
    if isinstance(op, nn.Relu):
        return clamp_knots(0.0, math.inf)
    if isinstance(op, nn.Clamp) and (math.isfinite(op.min) or math.isfinite(op.max)):
        return clamp_knots(op.min, op.max)
    if isinstance(op, nn.LeakyRelu):
        return np.array([(-1, -op.alpha), (0, 0), (1, 1)], np.float32).T
    if isinstance(op, nn.Neg):
        return np.array([(-1, 1), (1, -1)], np.float32).T
    return None


def sampled(op: nn.ElementwiseOp, span: Range) -> Array:
    """Points of any element-wise operation over a range of its argument."""
    x = np.linspace(min(span.low, 0.0), max(span.high, span.low + 1e-6, 0.0), SAMPLES, dtype=np.float32)
    return np.stack([x, np.asarray(op.evaluate(x), np.float32)])


def composed(inner: Array, outer: Array, span: Range) -> Array:
    """The points of outer(inner(x)) for x in a range."""
    x = np.union1d(np.linspace(span.low, span.high, SAMPLES, dtype=np.float32), inner[0])
    return np.stack([x, interpolated(interpolated(x, inner), outer)])


def knots_of(op: ir.OpView, span: Range | None) -> Array | None:
    """The points of an operation that is a function of one element, whose argument takes values in `span`.

    Additions and products with one constant number count; None for other operations, or where the range is needed and
    not known.
    """
    if isinstance(op, nn.Add | nn.Mul | nn.Sub) and shape_of(op.lhs) == shape_of(op.output):
        number = nn.constant_value(op.rhs)
        if number is None or number.size != 1:
            return None
        value = float(number.reshape(-1)[0])
        x = np.array([-1.0, 1.0])
        y = x * value if isinstance(op, nn.Mul) else x + value if isinstance(op, nn.Add) else x - value
        return np.array([x, y], np.float32)
    if not isinstance(op, POINTWISE):
        return None
    exact = exact_knots(op)
    return exact if exact is not None or span is None else sampled(op, span)
