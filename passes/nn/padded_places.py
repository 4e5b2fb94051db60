"""Where elements of a network's values are when its inputs are padded.

An input is padded at the end of dimensions, so that element i stays element i; and so do the elements of values, as
long as operations keep dimensions apart. Where several become one, or tensors are put one behind the other, the padding
comes to lie between elements: the value is not the beginning of what it is without padding. A reshape that takes
dimensions apart again brings the elements back.

On entry: one function of `nn` operations some of whose dimensions are not known, and their shapes. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.sizes import Extent, Size, divide, integers
from .reify_shapes import ReifiedShapes


@dataclass(frozen=True)
class Axis:
    """A dimension: what it was made of, from the outside in, and the operations that made it so, or moved elements."""

    factors: tuple[Extent, ...]
    joined: Any = None
    moved: Any = None

    @property
    def culprit(self) -> Any:
        """The operation after which padding lies between elements, or None."""
        inner = any(isinstance(factor, Size) for factor in self.factors[1:])
        return self.moved or (self.joined if inner else None)


Axes = tuple[Axis, ...]
Rule = Callable[[Any, Sequence[Axes], Sequence[Extent]], Sequence[Axis | None]]
"""For each dimension of the result, the one of an operand that it goes on from, or None for a new one."""


def padding_between(module: ir.Module, shapes: ReifiedShapes) -> dict[ir.Value, Any]:
    """For each value of a known shape, the operation after which padding lies between its elements, or None."""
    block = entry_function(module).regions[0].blocks[0]
    axes: dict[ir.Value, Axes] = {}
    for argument in block.arguments:
        axes[argument] = _fresh(shapes.shape(argument))
    for op in list(block.operations)[:-1]:
        for value in op.operation.results:
            if shapes.is_known(value):
                axes[value] = _result(op, axes, shapes, shapes.shape(value))
    return {value: next((axis.culprit for axis in found if axis.culprit), None) for value, found in axes.items()}


def _fresh(shape: Sequence[Extent]) -> Axes:
    return tuple(Axis((extent,)) for extent in shape)


def _result(op: Any, axes: Mapping[ir.Value, Axes], shapes: ReifiedShapes, shape: Sequence[Extent]) -> Axes:
    fresh = _fresh(shape)
    operands = [axes.get(value, ()) for value in op.operation.operands]
    if isinstance(op, nn.Reshape | nn.DynamicReshape):
        return _reshaped(op, operands[0], shape)
    kept = fresh
    if any(axis.culprit for one in operands for axis in one):  # all else is as it was
        rule = next((RULES[kind] for kind in type(op).__mro__ if kind in RULES), None)
        sources = (replace(one, moved=op) for one in fresh) if rule is None else rule(op, operands, shape)
        kept = tuple(new if old is None else old for new, old in zip(fresh, sources, strict=True))
    moves = MOVES.get(type(op))
    moved = set() if moves is None else moves(op, operands, shapes)
    return tuple(
        replace(axis, moved=op) if place in moved and isinstance(shape[place], Size) else axis
        for place, axis in enumerate(kept)
    )


def _aligned(operands: Sequence[Axes], fresh: Axes) -> Axes:
    """Dimensions of operands that lie over each other, counted from the last one: the one that moved, if there is."""
    result = list(fresh)
    for one in operands:
        for place, axis in enumerate(one, len(fresh) - len(one)):
            if place >= 0 and axis.culprit:
                result[place] = axis
    return tuple(result)


def _reshaped(op: Any, source: Axes, shape: Sequence[Extent]) -> Axes:
    """Take the factors of the source apart and join them anew; what does not come out even is moved."""
    moved = next((axis.moved for axis in source if axis.moved), None)
    factors = [factor for axis in source for factor in axis.factors if factor != 1]
    result = []
    for place in range(len(shape)):
        taken = _taken(factors, shape[place:])
        if taken is None:
            return tuple(Axis((one,), moved=op if isinstance(one, Size) else None) for one in shape)
        result.append(Axis(tuple(taken) or (1,), joined=op if len(taken) > 1 else None, moved=moved))
    return tuple(result)


def _taken(factors: list[Extent], shape: Sequence[Extent]) -> list[Extent] | None:
    """The first of the factors, which are taken off, that make the first extent; None if they do not.

    A factor may be taken in parts: its outer one first, the inner ones with the extents behind.
    """
    extent, taken = shape[0], list[Extent]()
    while not _same(taken, extent):
        if not factors:
            return None
        outer, inner = _product([extent])[0], _product(taken)[0]
        if isinstance(extent, int) and isinstance(factors[0], int) and inner * factors[0] > outer:
            factors[0] = inner * factors[0] // outer
            return [extent]
        parts = [inner for inner in _inner_parts(shape[1:]) if not taken and divide(factors[0], inner) == extent]
        if parts and isinstance(extent, Size) and factors[0] != extent:
            factors[0] = parts[0]
            return [extent]
        if isinstance(extent, int) and isinstance(factors[0], Size):
            return None
        taken.append(factors.pop(0))
    return taken


def _inner_parts(shape: Sequence[Extent]) -> list[int]:
    """What the known extents in front of others amount to: of the first one, the first two, ..."""
    parts, whole = list[int](), 1
    for extent in shape:
        if isinstance(extent, Size):
            break
        whole *= extent
        parts.append(whole)
    return [part for part in parts if part > 1]


def _same(factors: Sequence[Extent], extent: Extent) -> bool:
    return _product(factors) == _product([extent])


def _product(factors: Sequence[Extent]) -> tuple[int, tuple[Size, ...]]:
    """A product in a form of its own: the integer in it, and what else is multiplied."""
    number, sizes, pending = 1, list[Size](), list(factors)
    while pending:
        one = pending.pop()
        if isinstance(one, int):
            number *= one
        elif one.kind == "mul":
            pending += one.operands
        else:
            sizes.append(one)
    return number, tuple(sorted(sizes, key=str))


def _same_places(op: Any, operands: Sequence[Axes], shape: Sequence[Extent]) -> Sequence[Axis | None]:
    return operands[0]


def _over_each_other(op: Any, operands: Sequence[Axes], shape: Sequence[Extent]) -> Sequence[Axis | None]:
    return _aligned(operands, _fresh(shape))


def _transpose(op: nn.Transpose, operands: Sequence[Axes], shape: Sequence[Extent]) -> Sequence[Axis | None]:
    return [operands[0][axis] for axis in op.permutation]


def _matmul(op: nn.Matmul, operands: Sequence[Axes], shape: Sequence[Extent]) -> Sequence[Axis | None]:
    left, right = operands
    rows = left[-2:-1] if len(left) > 1 else ()
    columns = right[-1:] if len(right) > 1 else ()
    batch = len(shape) - len(rows) - len(columns)
    return [*_aligned([left[:-2], right[:-2]], _fresh(shape[:batch])), *rows, *columns]


def _reduce(op: Any, operands: Sequence[Axes], shape: Sequence[Extent]) -> Sequence[Axis | None]:
    rank = len(operands[0])
    axes = {axis % rank for axis in (op.axes if isinstance(op, nn.Reduce) else (op.axis,))}
    kept: list[Axis | None] = []
    for place, axis in enumerate(operands[0]):
        if op.keepdims or place not in axes:
            kept.append(None if place in axes else axis)
    return kept


def _squeeze(op: nn.Squeeze, operands: Sequence[Axes], shape: Sequence[Extent]) -> Sequence[Axis | None]:
    dropped = {axis % len(operands[0]) for axis in op.axes}
    return [axis for place, axis in enumerate(operands[0]) if place not in dropped]


def _unsqueeze(op: nn.Unsqueeze, operands: Sequence[Axes], shape: Sequence[Extent]) -> Sequence[Axis | None]:
    added, kept = {axis % len(shape) for axis in op.axes}, iter(operands[0])
    return [None if place in added else next(kept) for place in range(len(shape))]


def _joined(op: nn.Concat, operands: Sequence[Axes], shapes: ReifiedShapes) -> set[int]:
    """What comes behind an operand whose size is not known."""
    axis = op.axis % len(operands[0])
    before = [extent for value in list(op.inputs)[:-1] for extent in shapes.shape(value)[axis : axis + 1]]
    return {axis} if any(isinstance(extent, Size) for extent in before) else set()


def _sliced(op: nn.Slice, operands: Sequence[Axes], shapes: ReifiedShapes) -> set[int]:
    """What is counted from the end, or goes back from there."""
    rows = zip(op.axes, op.starts, op.steps, strict=True)
    return {axis % len(operands[0]) for axis, start, step in rows if start < 0 or step < 0}


def _dynamically_sliced(op: nn.DynamicSlice, operands: Sequence[Axes], shapes: ReifiedShapes) -> set[int]:
    starts, rank = shapes.ints(op.starts), len(operands[0])
    axes = tuple(range(len(starts))) if op.axes is None else integers(shapes.ints(op.axes)) or ()
    steps = (1,) * len(starts) if op.steps is None else integers(shapes.ints(op.steps)) or ()
    rows = zip(axes, starts, steps, strict=True)
    return {axis % rank for axis, start, step in rows if not isinstance(start, int) or start < 0 or step < 0}


def _tiled(op: nn.Tile, operands: Sequence[Axes], shapes: ReifiedShapes) -> set[int]:
    return {axis for axis, repeat in enumerate(op.repeats) if repeat != 1}


def _everywhere(op: Any, operands: Sequence[Axes], shapes: ReifiedShapes) -> set[int]:
    return set(range(len(operands[0])))


MOVES: Mapping[type, Callable[[Any, Sequence[Axes], ReifiedShapes], set[int]]] = {
    nn.BatchToSpace: _everywhere,
    nn.Concat: _joined,
    nn.DynamicSlice: _dynamically_sliced,
    nn.DynamicTile: _everywhere,
    nn.ReverseSequence: _everywhere,
    nn.Slice: _sliced,
    nn.SpaceToBatch: _everywhere,
    nn.Tile: _tiled,
}
"""Operations that move elements themselves: along which dimensions of the result, if these are not known."""

RULES: Mapping[type, Rule] = {
    **dict.fromkeys(
        (
            nn.BatchNorm, nn.Bitcast, nn.Cast, nn.Dequantize, nn.ElementwiseOp, nn.GroupNorm, nn.InstanceNorm,
            nn.LayerNorm, nn.PredicateOp, nn.Prelu, nn.Quantize, nn.RmsNorm, nn.Slice, nn.DynamicSlice, nn.Split,
            nn.StorageCast, nn.Conv, nn.DynamicTile, nn.Pad, nn.PoolOp, nn.Tile,
        ),
        _same_places,
    ),
    nn.ArgReduce: _reduce,
    nn.BinaryOp: _over_each_other,
    nn.Concat: _over_each_other,
    nn.Matmul: _matmul,
    nn.Reduce: _reduce,
    nn.Squeeze: _squeeze,
    nn.Transpose: _transpose,
    nn.Unsqueeze: _unsqueeze,
    nn.Where: _over_each_other,
}  # fmt: skip
"""After other operations, dimensions that are not known are taken for moved where any was before."""
