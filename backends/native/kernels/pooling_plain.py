"""Kernels of pooling over any number of dimensions, and of where maxima are: every window by itself, tap by tap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from .. import elementary
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Evaluation, NotSideBySide, Point, Scalars
from ..foldings import INDICES
from ..group import Group
from ..indexing import places
from ..kernel import Kernel
from ..lowerings import lowers
from ..rowwise import numbers_of
from ..target import TargetSpec
from ..text import Index, Text
from .pointwise import Region, lower_regions

Tap = Callable[[Sequence[Index], Sequence[str]], Sequence[str]]
"""What a tap of a window, at an index along each dimension, makes of the values so far."""


@lowers(nn.MaxPoolWithIndices)
def lower_windows(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Results element by element, in vectors where samples or channels lie side by side."""
    op = group.anchor
    computed = {op.output: _extreme} if isinstance(op, nn.MaxPool | nn.MaxPoolWithIndices) else {op.output: _total}
    if isinstance(op, nn.MaxPoolWithIndices):
        computed[op.indices] = partial(_extreme, place=True)
    whole = [Region.whole([value], buffers) for value in group.results]
    apart = frozenset(range(len(static_shape(op.output))))
    return lower_regions(group, buffers, spec, [replace(region, computed=computed, apart=apart) for region in whole])


def _walk(text: Text, op: nn.PoolOp, values: Sequence[str], types: Sequence[str], tap: Tap) -> list[str]:
    """Loops over the taps of a window that hand values on."""

    def nest(found: tuple[Index, ...], inside: Sequence[str]) -> Sequence[str]:
        if len(found) == len(op.kernel):
            return tap(found, inside)
        return text.carry(0, op.kernel[len(found)], inside, types, lambda i, more: nest((*found, i), more))

    return list(nest((), values))


def _positions(text: Text, op: nn.PoolOp, point: Point, tap: Sequence[Index], padding: Sequence[int]) -> list[Index]:
    """Where a tap lies, counted from `padding` before the image; numbers below zero have wrapped around."""
    if point.lanes > 1 and point.axis % len(point.indices) >= 2:
        raise NotSideBySide
    return [
        text.sub(text.add(text.mul(place, op.strides[i]), text.mul(tap[i], op.dilations[i])), padding[i])
        for i, place in enumerate(point.indices[2:])
    ]


def _inside(text: Text, positions: Sequence[Index], sizes: Sequence[int]) -> str:
    """Whether all positions are below sizes."""
    result = text.constant("true", "i1")
    for position, size in zip(positions, sizes, strict=True):
        here = text.let(f"arith.cmpi ult, {text.index(position)}, {text.index(size)} : index")
        result = text.let(f"arith.andi {result}, {here} : i1")
    return result


def _element(evaluation: Evaluation, op: nn.PoolOp, point: Point, positions: Sequence[Index]) -> str:
    """The element at positions, or the nearest one."""
    limited = [
        evaluation.text.minimum(at, size - 1) for at, size in zip(positions, static_shape(op.input)[2:], strict=True)
    ]
    own = Arithmetic.of(Scalars(evaluation.text, point.lanes), dtype_of(op.input))
    value = evaluation.nested().at(op.input, point.moved((*point.indices[:2], *limited)))
    return own.convert(value, numbers_of(op.input).arithmetic(evaluation.text, point.lanes))


def _extreme(evaluation: Evaluation, value: ir.Value, point: Point, place: bool = False) -> str:
    """The largest element of a window, or with `place` where the first one of these is in the flattened operand."""
    op, text, lanes = value.owner.opview, evaluation.text, point.lanes
    if place and lanes > 1:
        raise NotSideBySide
    a, sizes = numbers_of(op.input).arithmetic(text, lanes), static_shape(op.input)[2:]
    wide = Arithmetic(Scalars(text, lanes), "i64")
    padding = op.padding[: len(sizes)]

    def tap(found: Sequence[Index], values: Sequence[str]) -> list[str]:
        positions = _positions(text, op, point, found, padding)
        inside = _inside(text, positions, sizes)
        x = _element(evaluation, op, point, positions)
        best = values[0]
        if not place:
            return [text.let(f"arith.select {inside}, {a.maximum(best, x)}, {best} : {a.type}")]
        better = text.let(f"arith.andi {inside}, {a.compare('gt', x, best)} : i1")
        here = places(text, _flattened(text, op, (*point.indices[:2], *positions)), 1, False)
        return [a.select(better, x, best), wide.select(better, here, values[1])]

    start = [a.number(numbers_of(op.input).limits[0])]
    types = [a.type]
    if place:
        start, types = [*start, wide.number(-1)], [*types, wide.type]
    result = _walk(text, op, start, types, tap)
    own = Arithmetic.of(Scalars(text, lanes), dtype_of(op.input))
    return result[1] if place else a.convert(result[0], own)


def _flattened(text: Text, op: nn.MaxPoolWithIndices, indices: Sequence[Index]) -> Index:
    """The number of an element; with `storage_order` 1 the last two dimensions are counted the other way round."""
    shape = list(static_shape(op.input))
    order = list(range(len(shape)))
    if op.storage_order == 1:
        order[-2:] = reversed(order[-2:])
    number: Index = 0
    for axis in order:
        number = text.add(text.mul(number, shape[axis]), indices[axis])
    return number


def _total(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """The mean of a window, or the root of the sum of its powers."""
    op, text, lanes = value.owner.opview, evaluation.text, point.lanes
    a, sizes = numbers_of(op.input).arithmetic(text, lanes), static_shape(op.input)[2:]
    begins, ends = op.padding[: len(sizes)], op.padding[len(sizes) :]
    counts = INDICES.arithmetic(text, 1)

    def tap(found: Sequence[Index], values: Sequence[str]) -> list[str]:
        positions = _positions(text, op, point, found, begins)
        inside = counted = _inside(text, positions, sizes)
        if isinstance(op, nn.AvgPool) and op.count_include_pad:
            around = [begin + size + end for begin, size, end in zip(begins, sizes, ends, strict=True)]
            counted = _inside(text, _positions(text, op, point, found, (0,) * len(sizes)), around)
        x = _element(evaluation, op, point, positions)
        if isinstance(op, nn.LpPool):
            x = a.abs(x) if op.p == 1 else a.mul(x, x) if op.p == 2 else elementary.pow(a, a.abs(x), a.number(op.p))
        total, count = values
        more = counts.select(counted, counts.add(count, counts.number(1)), count)
        return [text.let(f"arith.select {inside}, {a.add(total, x)}, {total} : {a.type}"), more]

    total, count = _walk(text, op, [a.number(0), counts.number(0)], [a.type, counts.type], tap)
    own = Arithmetic.of(Scalars(text, lanes), dtype_of(op.input))
    if isinstance(op, nn.LpPool):
        root = total if op.p == 1 else a.apply("math.sqrt", total) if op.p == 2 else None
        return a.convert(elementary.pow(a, total, a.number(1 / op.p)) if root is None else root, own)
    number = Arithmetic(Scalars(text, 1), a.element)
    divisor = counts.convert(counts.maximum(count, counts.number(1)), number)
    if lanes > 1:
        divisor = text.let(f"vector.broadcast {divisor} : {a.element} to {a.type}")
    return a.convert(a.div(total, divisor), own)
