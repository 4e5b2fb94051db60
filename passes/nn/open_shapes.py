"""Write out what depends on dimensions that are known at run time only, as arithmetic on shapes.

On exit no operation relies on how a machine counts from the end of a dimension that is not known, on a computed shape
that keeps dimensions, or on ends that lie before starts; indices of non-zero elements are looked for in vectors, and
ranges count from 0 by 1. Networks of known shapes stay as they are; results stay bit for bit the same.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.function import update_types
from ...dialects.mlir import ir
from ...dialects.nn.extents import as_int64, dims_of, ints, product
from ...dialects.tensors import dtype_of, element_type, shape_of
from ..pipeline import register_pass


def from_front(positions: ir.Value, sizes: ir.Value) -> ir.Value:
    """Positions that count from the end when negative, as those that count from the front."""
    below = nn.Less(positions, ints(0)).output
    return nn.Where(below, nn.Add(positions, sizes).output, positions).output


def between(value: ir.Value, low: ir.Value, high: ir.Value) -> ir.Value:
    """max(low, min(value, high))"""
    return nn.Maximum(nn.Minimum(value, high).output, low).output


def kept_dimensions(op: nn.DynamicReshape) -> Sequence[ir.Value] | None:
    """A reshape whose zeros, which keep dimensions, are replaced by these."""
    target, rank = nn.constant_ints(op.shape), len(shape_of(op.input))
    if op.allow_zero or (target is not None and 0 not in target):
        return None
    shape, length = as_int64(op.shape), shape_of(op.shape)[0] or 0
    whole = nn.ShapeOf(op.input, start=0).output
    places = [min(i, rank) for i in range(length)]
    own = nn.Gather(nn.concat([whole, ints([1])], 0), ints(places), axis=0, batch_dims=0).output
    zero = nn.Equal(shape, ints(0)).output
    resolved = nn.Where(zero, own, shape).output
    return [nn.DynamicReshape(op.input, resolved, allow_zero=True, results=[op.output.type]).output]


def ordered_slice(op: nn.DynamicSlice) -> Sequence[ir.Value] | None:
    """A slice by bounds from the front, the end never before the start."""
    length = shape_of(op.starts)[0]
    axes = tuple(range(length or 0)) if op.axes is None else nn.constant_ints(op.axes)
    steps = (1,) * len(axes or ()) if op.steps is None else nn.constant_ints(op.steps)
    if not axes or not steps or 0 in steps:
        return None
    return [_slice_in_order(op.input, as_int64(op.starts), as_int64(op.ends), axes, steps, op.output.type)]


def slice_of_open(op: nn.Slice) -> Sequence[ir.Value] | None:
    """A slice along a dimension that is not known, of which one bound counts from the front and one from the end."""
    rows = zip(op.axes, op.starts, op.ends, op.steps, strict=True)
    shape = shape_of(op.input)
    if not any(shape[axis] is None and (step < 0 or (start < 0) != (end < 0)) for axis, start, end, step in rows):
        return None
    return [_slice_in_order(op.input, ints(op.starts), ints(op.ends), op.axes, op.steps, op.output.type)]


def _slice_in_order(
    value: ir.Value, starts: ir.Value, ends: ir.Value, axes: Sequence[int], steps: Sequence[int], type_: ir.Type
) -> ir.Value:
    """Bounds are clamped to the dimension, of walks back to -1 to size - 1; then -1 is written -size - 1."""
    sizes = dims_of(value, [axis % len(shape_of(value)) for axis in axes])
    last = nn.Sub(sizes, ints([step < 0 for step in steps])).output
    first = between(from_front(starts, sizes), ints(0), last)
    low = ints([0 if step > 0 else -1 for step in steps])
    end = between(from_front(ends, sizes), low, last)
    onward = nn.Maximum(end, first).output
    if min(steps) > 0:
        end = onward
    else:
        forward = nn.Constant(value=np.asarray(steps) > 0).output
        end = nn.Where(forward, onward, nn.Minimum(end, first).output).output
        before = nn.Sub(nn.Neg(sizes).output, ints(1)).output
        end = nn.Where(nn.Less(end, ints(0)).output, before, end).output
    return nn.DynamicSlice(value, first, end, ints(axes), ints(steps), results=[type_]).output


def pad_of_all(op: nn.DynamicPad) -> Sequence[ir.Value] | None:
    """A pad by amounts for all dimensions, not for some axes."""
    axes = None if op.axes is None else nn.constant_ints(op.axes)
    if axes is None:
        return None
    rank, count = len(shape_of(op.input)), len(axes)
    places = [2 * count] * (2 * rank)
    for i, axis in enumerate(axes):
        places[axis % rank], places[rank + axis % rank] = i, count + i
    padded = nn.concat([as_int64(op.pads), ints([0])], 0)
    pads = nn.Gather(padded, ints(places), axis=0, batch_dims=0).output
    return [nn.DynamicPad(op.input, pads, op.value, None, mode=op.mode, results=[op.output.type]).output]


def non_zero_of_vector(op: nn.NonZero) -> Sequence[ir.Value] | None:
    """The places in the flat tensor, taken apart into one index a dimension."""
    shape = shape_of(op.input)
    if not shape:
        return None
    mask = op.input
    if dtype_of(mask) != np.bool_:
        mask = nn.NotEqual(mask, nn.Constant(value=np.zeros((), dtype_of(mask))).output).output
    if len(shape) == 1:
        return [nn.NonZero(mask).output]
    rest = nn.NonZero(nn.Reshape(mask, shape=(-1,)).output).output
    rows = []
    for axis in range(1, len(shape)):
        inner = product(dims_of(op.input, range(axis, len(shape))))
        rows.append(nn.Div(rest, inner).output)
        rest = nn.Sub(rest, nn.Mul(rows[-1], inner).output).output
    return [nn.concat([*rows, rest], 0)]


def range_from_zero(op: nn.Range) -> Sequence[ir.Value] | None:
    """start + delta * (0, 1, 2, ...), as many as there are steps before the limit.

    Of floats where the division by the step is exact only: for a constant power of two.
    """
    step, dtype = nn.constant_value(op.delta), dtype_of(op.start)
    distance = nn.Sub(op.limit, op.start).output
    if dtype.kind == "f":
        if step is None or dtype != np.float32 or abs(math.frexp(float(step))[0]) != 0.5:
            return None
        whole = nn.Ceil(nn.Div(distance, op.delta).output).output
    elif dtype.kind == "i":
        distance, by = as_int64(distance), as_int64(op.delta)
        sign = nn.Sign(by).output
        size = nn.Mul(by, sign).output
        whole = nn.Div(nn.Sub(nn.Add(nn.Mul(distance, sign).output, size).output, ints(1)).output, size).output
    else:
        return None
    count = nn.Maximum(as_int64(whole), ints(0)).output
    numbers = nn.Range(ints(0), count, ints(1)).output
    if dtype != np.int64:
        numbers = nn.Cast(numbers, to=element_type(dtype), saturate=True).output
    return [nn.Add(nn.Mul(numbers, op.delta).output, op.start).output]


def indices_from_front(op: nn.GatherElements) -> Sequence[ir.Value] | None:
    """Indices along a dimension that is not known, counted from the front."""
    axis = op.axis % len(shape_of(op.input))
    if shape_of(op.input)[axis] is not None:
        return None
    size = nn.Reshape(dims_of(op.input, [axis]), shape=()).output
    indices = from_front(as_int64(op.indices), size)
    return [nn.GatherElements(op.input, indices, axis=op.axis).output]


def sizes_of_scales(op: nn.DynamicResize) -> Sequence[ir.Value] | None:
    """Sizes that are whole multiples."""
    if op.scales is None or any(scale != int(scale) for scale in op.scales):
        return None
    dims = dims_of(op.input, range(len(op.scales)))
    sizes = nn.Mul(dims, ints([int(scale) for scale in op.scales])).output
    return [op.rebuild(op.input, sizes, scales=None, results=[op.output.type]).output]


REWRITES: dict[type[Any], Callable[[Any], Sequence[ir.Value] | None]] = {
    nn.DynamicPad: pad_of_all,
    nn.DynamicReshape: kept_dimensions,
    nn.DynamicResize: sizes_of_scales,
    nn.DynamicSlice: ordered_slice,
    nn.GatherElements: indices_from_front,
    nn.NonZero: non_zero_of_vector,
    nn.Range: range_from_zero,
    nn.Slice: slice_of_open,
}


@register_pass
@dataclass(frozen=True)
class OpenShapes:
    """Write out what depends on dimensions that are known at run time only, as arithmetic on shapes."""

    name: ClassVar[str] = "nn-open-shapes"

    def apply(self, module: ir.Module) -> None:
        for function in module.body.operations:
            for block in function.regions[0].blocks:
                for op in list(block.operations):
                    _rewrite(op)
        update_types(module)


def _rewrite(op: Any) -> None:
    """Once an operation: what takes its place is of the same kind."""
    rewrite = REWRITES.get(type(op))
    if rewrite is None:
        return
    with op.location, ir.InsertionPoint(op):
        values = rewrite(op)
    if values is not None:
        for old, new in zip(op.operation.results, values, strict=True):
            old.replace_all_uses_with(new)
        op.operation.erase()
