"""Sizes that the network itself computes: arithmetic on shapes as operations, for dimensions that are not known.

An `Extent` is an integer, or a vector of one i64.
"""

import itertools
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from ..mlir import ir
from ..tensors import dtype_of, element_type, shape_of
from .binary import Add, Div, Maximum, Mul, Sub
from .constant import Cast, Constant, ShapeOf
from .dynamic import DynamicReshape, DynamicSlice
from .indexing import Gather
from .reduction import Reduce
from .shape import Reshape, concat

Extent: TypeAlias = int | ir.Value


def ints(numbers: Any) -> ir.Value:
    """A constant of integers, as shapes are."""
    return Constant(value=np.asarray(numbers, np.int64)).output


def as_int64(value: ir.Value) -> ir.Value:
    """The integers of a shape, amount or index as i64."""
    return value if dtype_of(value) == np.int64 else Cast(value, to=element_type(np.int64), saturate=True).output


def dims_of(value: ir.Value, axes: Sequence[int]) -> ir.Value:
    """The dimensions of a tensor along some axes, as a vector."""
    shape = shape_of(value)
    known = [shape[axis] for axis in axes]
    if None not in known:
        return ints(known)
    return Gather(
        ShapeOf(value, start=0).output, ints([axis % len(shape) for axis in axes]), axis=0, batch_dims=0
    ).output


def extent_of(value: ir.Value, axis: int) -> Extent:
    """One dimension of a tensor."""
    dim = shape_of(value)[axis]
    return dims_of(value, [axis]) if dim is None else dim


def scaled(extent: Extent, factor: int) -> Extent:
    """extent * factor"""
    return extent * factor if isinstance(extent, int) else Mul(extent, ints([factor])).output


def divided(extent: Extent, divisor: int) -> Extent:
    """extent / divisor, which is a whole number"""
    return extent // divisor if isinstance(extent, int) else Div(extent, ints([divisor])).output


def product(dims: ir.Value) -> ir.Value:
    """The product of a vector, as a vector of one."""
    return Reduce(dims, kind="prod", axes=(0,), keepdims=True).output


def vector(extents: Sequence[Extent]) -> ir.Value:
    """The extents as a shape."""
    parts = [ints([extent]) if isinstance(extent, int) else extent for extent in extents]
    return concat(parts, 0) if len(parts) != 1 else parts[0]


def reshape(value: ir.Value, extents: Sequence[Extent]) -> ir.Value:
    """A reshape: a static one if all extents but one are known."""
    known = [extent if isinstance(extent, int) else -1 for extent in extents]
    if known.count(-1) <= 1:
        return Reshape(value, shape=known).output
    return DynamicReshape(value, vector(extents), allow_zero=True).output


def same_padding(
    sizes: ir.Value, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[ir.Value, ir.Value]:
    """The total padding of spatial `sizes` that gives ceil(size / stride) windows: its smaller half, and the rest."""
    steps, spans = ints(strides), ints([d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)])
    windows = Div(Add(sizes, ints([stride - 1 for stride in strides])).output, steps).output
    reach = Add(Mul(Sub(windows, ints([1])).output, steps).output, spans).output
    total = Maximum(Sub(reach, sizes).output, ints([0])).output
    small = Div(total, ints([2])).output
    return small, Sub(total, small).output


def equal_parts(value: ir.Value, axis: int, count: int) -> list[ir.Value]:
    """The parts of a dimension that is not known, of which the last may be smaller."""
    size = dims_of(value, [axis])
    part = Div(Add(size, ints([count - 1])).output, ints([count])).output
    bounds = [Mul(part, ints([number])).output for number in range(count + 1)]
    axes = ints([axis])
    return [DynamicSlice(value, start, end, axes, None).output for start, end in itertools.pairwise(bounds)]
