"""Version 5 code of what moves elements: transposing, cutting, joining, repeating, padding, gathering."""

import math
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.kmodel.build5 import Tensor
from ...runtime.stackvm.assembler5 import Paddings
from ...runtime.stackvm.memory5 import dense
from ..unsupported import Unsupported, floats
from .integers5 import BITS
from .loops5 import Elements, Loops
from .writer5 import Ints, Writer, emits, joined, layout, looped, stored

Part = tuple[int, int, int]
"""First index, end and step along one axis."""


@emits(nn.Transpose)
def transpose(w: Writer, op: nn.Transpose) -> None:
    w.apply("transpose", op, rshape_perm=op.permutation or (0,))


@emits(nn.Slice)
def slice_(w: Writer, op: nn.Slice) -> None:
    shape = static_shape(op.input)
    parts = [(0, size, 1) for size in shape]
    for start, end, axis, step in zip(op.starts, op.ends, op.axes, op.steps, strict=True):
        parts[axis] = slice(start, end, step).indices(shape[axis])
    _slice(w, op.input, op.output, parts)


def _slice(w: Writer, value: ir.Value, result: ir.Value, parts: list[Part]) -> None:
    """A strided copy; steps backwards need the function for slices."""
    shape, tensor = static_shape(value), stored(result)
    if math.prod(tensor.shape) == 0:
        return
    steps = dense(shape)
    if all(step > 0 for _, _, step in parts):
        start = sum(begin * step for (begin, _, _), step in zip(parts, steps, strict=True))
        strides = tuple(stride * step for (_, _, step), stride in zip(parts, steps, strict=True))
        source = w.place(value).moved(start * dtype_of(value).itemsize)
        w.strided_copy(source, w.place(result), tensor, strides, dense(tensor.shape))
        return
    begins, ends, strides = zip(*parts, strict=True)
    w.call(
        "slice",
        w.place(value),
        w.place(result),
        datatype=tensor.element,
        rbegins=begins,
        rends=ends,
        rstrides=strides,
        **layout("src", value),
        **layout("dest", result),
    )


@emits(nn.Split)
def split(w: Writer, op: nn.Split) -> None:
    shape, start = static_shape(op.input), 0
    axis = op.axis % len(shape)
    for result, size in zip(op.outputs, op.sizes, strict=True):
        parts = [(0, extent, 1) for extent in shape]
        parts[axis] = (start, start + size, 1)
        _slice(w, op.input, result, parts)
        start += size


@emits(nn.Concat)
def concat(w: Writer, op: nn.Concat) -> None:
    shape, start = static_shape(op.output), 0
    axis, strides = op.axis % len(shape), dense(shape)
    for value in op.inputs:
        target = w.place(op.output).moved(start * strides[axis] * dtype_of(value).itemsize)
        if stored(value).bytes:
            w.copy(w.place(value), target, stored(value), strides)
        start += static_shape(value)[axis]


@emits(nn.Expand)
def expand(w: Writer, op: nn.Expand) -> None:
    w.apply("broadcast", op, **joined(src=static_shape(op.input), dest=static_shape(op.output)))


@emits(nn.Pad)
def pad(w: Writer, op: nn.Pad) -> None:
    if op.mode == "wrap":
        raise Unsupported("padding that wraps around is not supported")
    element, dtype, rank = stored(op.input).element, dtype_of(op.input), len(static_shape(op.input))
    value = op.value if element == "f32" else int(op.value)
    if element in ("f16", "f64"):
        element = BITS[element]
        value = int(np.asarray(op.value, dtype).view(f"u{dtype.itemsize}"))
    if dtype.itemsize == 8:
        _pad_in_loops(w, op, int(value))
        return
    axes = tuple((op.padding[i], op.padding[rank + i], 0) for i in range(rank)) or ((0, 0, 0),)
    w.apply("pad", op, value, datatype=element, rpaddings=Paddings(axes), pad_mode=op.mode)


def _pad_in_loops(w: Writer, op: nn.Pad, value: int) -> None:
    """Elements of 8 bytes, which the function does not take: the value everywhere, then what it surrounds."""
    if op.mode != "constant":
        raise Unsupported(f"padding of {op.input.type} in mode '{op.mode}' is not supported")
    source, target = w.place(op.input), w.place(op.output)
    shape, result = static_shape(op.input), static_shape(op.output)
    walk = Elements(target, "u64", (1,))
    Loops(w, (math.prod(result),), {"result": walk}).each(f"result = {value}")
    before, behind = op.padding[: len(shape)], op.padding[len(shape) :]
    kept = tuple(size + min(i, 0) + min(j, 0) for size, i, j in zip(shape, before, behind, strict=True))
    if 0 in kept:
        return
    for first, stride, step in zip(before, dense(shape), dense(result), strict=True):
        source, target = source.moved(8 * stride * max(-first, 0)), target.moved(8 * step * max(first, 0))
    w.strided_copy(source, target, Tensor(stored(op.input).element, kept), dense(shape), dense(result))


@emits(nn.Gather)
def gather(w: Writer, op: nn.Gather) -> None:
    if op.batch_dims:
        raise Unsupported("gathering with batch dimensions is not supported")
    shape, indices = static_shape(op.input), looped(op.indices)
    axis = op.axis % len(shape)
    _gather(w, op, "gather", indices, (*shape[:axis], *indices, *shape[axis + 1 :]), axis=axis)


@emits(nn.GatherNd)
def gather_nd(w: Writer, op: nn.GatherNd) -> None:
    indices = static_shape(op.indices)
    result = looped(op.output)
    _gather(w, op, "gather_nd", (1, *indices) if len(indices) == 1 else indices, result, batch_dims=op.batch_dims)


def _gather(w: Writer, op: Any, name: str, indices: Ints, result: Ints, **stated: int) -> None:
    """`indices` and `result` are shapes with at least the axes that are looped over."""
    if dtype_of(op.indices) != np.int32:
        raise Unsupported(f"indices of {op.indices.type} are not supported, only i32")
    shapes = {"rshape_indices": indices, "rshape_dest": result, "rstride_dest": dense(result)}
    w.apply(name, op, w.place(op.indices), **shapes, **stated)


@emits(nn.Trilu)
def trilu(w: Writer, op: nn.Trilu) -> None:
    floats(op.input)
    w.apply("trilu", op, upper=op.upper, k=op.k)
