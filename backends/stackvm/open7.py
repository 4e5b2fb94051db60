"""How operations whose shapes are known at run time only are called on the version 7 stack machine.

Its functions compute shapes as they go, and most take what ONNX gives them. On entry: after `nn-open-shapes`.
"""

import numpy as np

from ...dialects import nn
from ...dialects.tensors import dtype_of, shape_of
from ...runtime.stackvm.assembler7 import Code, Operand
from ..unsupported import Unsupported
from .operators7 import EMITTERS, emits, ints

__all__ = ["EMITTERS"]


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
