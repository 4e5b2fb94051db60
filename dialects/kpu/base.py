"""The `kpu` dialect itself and what its operations have in common."""

from collections.abc import Sequence
from typing import Literal

from .. import ods
from ..mlir import ir
from ..ods import Op, Violation, require
from ..tensors import Shape, shape_of, static_shape, tensor_type

PoolName = Literal[
    "none",
    "max2s2",
    "mean2s2",
    "max4s4",
    "mean4s4",
    "left_top2s2",
    "right_top2s2",
    "left_top4s4",
    "mean2s1",
    "max2s1",
]
"""What ends a layer; the names are those of `runtime.kpu.pooling`."""


class KPU(ods.Dialect, name="kpu"):  # type: ignore[call-arg]  # the bindings carry no types
    """How the K210's accelerator computes: fused layers over maps that stay in its memory.

    A layer reads maps 1 x C x H x W, convolves with stride 1 and as much padding as keeps H and W, applies an
    activation, and may pool. Several inputs of a layer are maps that lie one behind the other in KPU memory, so that
    they are one map of all their channels. All operations can be evaluated with numpy.

    There are two levels. On tensors, operations are pure, and `kpu.upload` and `kpu.download` are the ways between host
    and KPU. On buffers (`kpu-bufferize`), a program is what is done in which order with which bytes: `kpu.buffer` says
    where a buffer is, operations whose names end in `_into` write one, and the host's tensors are between a `kpu.load`
    and a `kpu.store`.

    A function of buffers returns nothing. Its arguments are the inputs and behind them, marked `bufferize.result`, the
    outputs; `nn.type` is what the caller sees of one, and `kpu.offset` where in its memory it is, unless the caller
    decides that.
    """


class KPUOp(Op, dialect=KPU, traits=[ods.Pure]):
    """Base class of the operations of `kpu` on tensors."""


def require_map(value: ir.Value, what: str) -> None:
    """The tensor must be a map: static, 1 x C x H x W."""
    shape = shape_of(value)
    if len(shape) != 4 or shape[0] != 1 or None in shape:
        raise Violation(f"{what} is {value.type}, expected 1 x C x H x W")


def joined_shape(inputs: Sequence[ir.Value]) -> tuple[int, int, int]:
    """Channels, height and width of maps that lie one behind the other."""
    require(len(inputs) > 0, "has no input")
    for value in inputs:
        require_map(value, "input")
    shapes = [static_shape(value) for value in inputs]
    (_, _, height, width), *others = shapes
    if any(shape[2:] != (height, width) for shape in others):
        raise Violation(f"inputs differ in height or width: {', '.join(str(value.type) for value in inputs)}")
    return sum(shape[1] for shape in shapes), height, width


def layer_type(inputs: Sequence[ir.Value], weight: ir.Value, depthwise: bool, pool: str, like: object) -> ir.Type:
    """The type of a layer's result; `like` has its elements. Raises `Violation` when weights and maps do not fit."""
    from ...runtime.kpu.pooling import POOL_BY_NAME

    channels, height, width = joined_shape(inputs)
    shape: Shape = shape_of(weight)
    if len(shape) != 4 or shape[2:] not in ((1, 1), (3, 3)):
        raise Violation(f"weight is {weight.type}, expected a 1x1 or 3x3 kernel")
    expected = (channels, 1) if depthwise else (shape[0], channels)
    if shape[:2] != expected:
        raise Violation(f"weight is {weight.type}, expected {expected[0]} x {expected[1]} x kernel")
    return tensor_type((1, shape[0], *POOL_BY_NAME[pool].output(height, width)), like)
