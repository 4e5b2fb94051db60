"""How operations whose shapes are known at run time only are called on the version 7 stack machine.

Its functions compute shapes as they go, and most take what ONNX gives them. On entry: after `nn-open-shapes`.
"""

import numpy as np

from ...dialects import nn
from ...dialects.tensors import dtype_of, shape_of
from ...runtime.stackvm.assembler7 import Code, Operand
from ..unsupported import Unsupported
from .resize7 import EMITTERS, emits, ints

__all__ = ["EMITTERS", "emits", "ints"]


@emits(nn.ShapeOf)
def shape(code: Code, op: nn.ShapeOf, value: Operand) -> None:
    rank = len(shape_of(op.input))
    places = range(rank)[op.start : op.end]
    code.tensor("shape_of", value)
    if len(places) < rank:
        whole = code.store()
        code.tensor("gather", whole, ints(places), axis=0)
        code.release(whole)


@emits(nn.Size)
def size(code: Code, op: nn.Size, value: Operand) -> None:
    code.tensor("size_of", value)


@emits(nn.Squeeze)
def squeeze(code: Code, op: nn.Squeeze, value: Operand) -> None:
    shape = shape_of(op.input)
    axes = sorted(axis % len(shape) for axis in op.axes)
    unknown = [axis for axis in axes if shape[axis] is None]
    if not unknown:
        _as_shape(code, op, value, "squeeze", axes)
        return
    code.tensor("shape_of", value)
    dims = code.store()
    code.tensor("gather", dims, ints(unknown), axis=0)
    dims = code.store(dims)
    code.tensor("reduce", dims, ints((0,)), np.int64(1), np.bool_(False), kind="max")
    dims = code.store(dims)
    code.tensor("compare", dims, np.int64(1), kind="equal")
    dims = code.store(dims)
    code.tensor("require", dims, value, message="a dimension that is squeezed is 1", can_fold=False)
    dims = code.store(dims)
    code.tensor("squeeze", dims, ints(axes))
    code.release(dims)


@emits(nn.Unsqueeze)
def unsqueeze(code: Code, op: nn.Unsqueeze, value: Operand) -> None:
    """The runtime inserts dimensions one by one, in the order in which they are named."""
    rank = len(shape_of(op.output))
    _as_shape(code, op, value, "unsqueeze", sorted(axis % rank for axis in op.axes))


def _as_shape(code: Code, op: nn.Squeeze | nn.Unsqueeze, value: Operand, name: str, axes: list[int]) -> None:
    """A reshape, unless several dimensions of the result are not known."""
    shape = shape_of(op.output)
    if shape.count(None) > 1:
        code.tensor(name, value, ints(axes))
    else:
        code.tensor("reshape", value, ints([-1 if dim is None else dim for dim in shape]))


@emits(nn.DynamicReshape)
def dynamic_reshape(code: Code, op: nn.DynamicReshape, value: Operand, target: Operand) -> None:
    code.tensor("reshape", value, target)


@emits(nn.DynamicExpand)
def dynamic_expand(code: Code, op: nn.DynamicExpand, value: Operand, target: Operand) -> None:
    code.tensor("expand", value, target)


@emits(nn.DynamicTile)
def dynamic_tile(code: Code, op: nn.DynamicTile, value: Operand, repeats: Operand) -> None:
    code.tensor("tile", value, repeats)


@emits(nn.DynamicSlice)
def dynamic_slice(code: Code, op: nn.DynamicSlice, *operands: Operand) -> None:
    if op.axes is None:
        raise Unsupported("how many dimensions it slices is not known")
    if nn.constant_ints(op.axes) is None or nn.constant_ints(op.steps) is None:
        raise Unsupported("its axes or steps are computed by the network; only starts and ends may be")
    code.tensor("slice", *operands)


@emits(nn.DynamicPad)
def dynamic_pad(code: Code, op: nn.DynamicPad, value: Operand, pads: Operand, fill: Operand, axes: Operand) -> None:
    """The runtime takes [[before, after], ...]."""
    if op.mode == "wrap":
        raise Unsupported("padding that wraps around is not supported")
    if axes is not None:
        raise Unsupported("its axes are computed by the network; only amounts may be")
    code.tensor("reshape", pads, ints((2, -1)))
    rows = code.store()
    code.tensor("transpose", rows, ints((1, 0)))
    rows = code.store(rows)
    code.tensor("pad", value, rows, dtype_of(op.input).type(0) if fill is None else fill, mode=op.mode)
    code.release(rows)


@emits(nn.Fill)
def fill(code: Code, op: nn.Fill, target: Operand) -> None:
    code.tensor("constant_of_shape", target, dtype_of(op.output).type(op.value))


@emits(nn.Range)
def range_(code: Code, op: nn.Range, start: Operand, limit: Operand, delta: Operand) -> None:
    """The runtime leaves out what is less than a whole step before the limit."""
    if nn.constant_ints(op.start) != (0,) or nn.constant_ints(op.delta) != (1,):
        raise Unsupported("a range of computed length is supported for integers, and floats by steps of a power of two")
    code.tensor("range", start, limit, delta)


@emits(nn.NonZero)
def non_zero(code: Code, op: nn.NonZero, value: Operand) -> None:
    """The runtime finds what is true in a vector, and gives one row an element."""
    if len(shape_of(op.input)) != 1:
        raise Unsupported("non-zero elements of a scalar are not supported")
    none = np.zeros(0, np.float32)
    code.tensor("where", value, none, none, is_tf=True)
    column = code.store()
    code.tensor("reshape", column, ints((1, -1)))
    code.release(column)


@emits(nn.DynamicTopk)
def dynamic_topk(code: Code, op: nn.DynamicTopk, value: Operand, k: Operand) -> None:
    """The runtime ends when none are wanted."""
    code.tensor("compare", k, ints(1), kind="greater_equal")
    enough = code.store()
    code.tensor("require", enough, k, message="the k of TopK is 1 or more", can_fold=False)
    k = code.store(enough)
    code.tensor("top_k", value, k, ints(op.axis), ints(op.largest), ints(op.sorted))
    code.release(k)
