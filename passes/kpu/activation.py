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
FEW = 8
"""Points up to which a function is taken as it is, every piece a line; of more it is known where it was sampled."""
FAR = 1e30
"""Bounds from here on are none: float32's largest number stands for infinity in many files."""
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
    """min(max(x, low), high); bounds may be infinite, or as far away as exporters write for that."""
    bounds = [bound if abs(bound) < FAR else math.copysign(math.inf, bound) for bound in (min(low, high), high)]
    corners = sorted({bound for bound in bounds if math.isfinite(bound)}) or [0.0]
    reach = max(1.0, *(abs(corner) / 1024 for corner in corners))
    x = np.array([corners[0] - reach, *corners, corners[-1] + reach])
    return np.stack([x, np.clip(x, bounds[0], bounds[1])]).astype(np.float32)


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


def composed(inner: Array, outer: Array) -> Array:
    """The points of outer(inner(x)): those of `inner`, and where it passes those of `outer`.

    Of sampled functions nothing is known beyond their samples, so the result ends where one of them does.
    """
    xs, ys = inner.astype(np.float64)
    is_exact = [knots.shape[1] <= FEW for knots in (inner, outer)]
    with np.errstate(divide="ignore", invalid="ignore"):
        passing = xs[:-1, None] + (outer[0].astype(np.float64) - ys[:-1, None]) * (np.diff(xs) / np.diff(ys))[:, None]
    ends = np.array([-np.inf, *xs[1:-1], np.inf] if is_exact[0] else xs)[:, None]
    passing = passing[(ends[:-1] < passing) & (passing < ends[1:])]
    x = np.unique(np.concatenate([xs, passing]).astype(np.float32)).astype(np.float64)
    if is_exact[0] and is_exact[1]:
        reach = 1 + np.abs(x[[0, -1]])
        return _corners(np.concatenate([[x[0] - reach[0]], x, [x[-1] + reach[1]]]), inner, outer)
    between = interpolated(x, inner)
    if not is_exact[1]:
        kept = (outer[0, 0] <= between) & (between <= outer[0, -1])
        x, between = x[kept], between[kept]
    return np.stack([x, interpolated(between, outer)]).astype(np.float32)


def _corners(x: Array, inner: Array, outer: Array) -> Array:
    """outer(inner(x)), without the points inside at which it goes straight on."""
    y = interpolated(interpolated(x, inner), outer)
    slopes = np.diff(y) / np.diff(x)
    turns = np.abs(np.diff(slopes)) > 1e-5 * np.abs(slopes).max()
    return np.stack([x, y])[:, [True, *turns, True]].astype(np.float32)


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
