"""What the host functions of version 5 code cost on the K210's processor.

Only dequantize was ever measured; the rest is assumed (see `runtime.cycles`). Functions are charged by what they read,
or by what they write if that is more and the code states its shape in a register. Entry: a `HostCall` of any code.
Exit: a `Cost`, multiply-adds; KmodelError K0409 for shapes that do not fit the function.
"""

from __future__ import annotations

import math

from ..cycles import (
    CALL,
    DEQUANTIZE,
    ELEMENTWISE,
    LOOK_UP,
    MOVE,
    MULTIPLY_ADD,
    QUANTIZE,
    SCALAR,
    TRANSCENDENTAL,
    WINDOW,
    Cost,
    Rate,
)
from ..kmodel.elements import element_bytes
from .shapes5 import convolved, source_shape
from .trace5 import LOOPS, HostCall, crooked

Shape = tuple[int, ...]

PER_ELEMENT: dict[str, Rate] = {
    "quantize": QUANTIZE,
    "dequantize": DEQUANTIZE,
    "lut1d": LOOK_UP,
    **dict.fromkeys(("sigmoid", "softmax", "unary", "logistic", "hardmax", "gru", "layer_norm"), TRANSCENDENTAL),
}
"""Functions that are charged by the elements they read; those of no table are `ELEMENTWISE`, by the larger side."""
MOVING = frozenset((
    "copy", "pad", "slice", "transpose", "broadcast", "gather", "gather_nd", "gather_elements", "batch_to_space",
    "space_to_batch", "convert", "onehot",
))  # fmt: skip
"""Functions that only move bytes."""


def elements(shape: Shape) -> int:
    """How many elements a tensor has."""
    if any(size < 0 for size in shape):
        raise crooked(f"a tensor has shape {list(shape)}")
    return math.prod(shape)


def macs(call: HostCall) -> int:
    """Multiply-adds of a convolution or matrix product, 0 of other functions."""
    if call.name == "conv2d":
        batch, _, height, width = convolved(call)
        return elements((batch, height, width, *call.shape("rshape_kernel")))
    if call.name == "matmul":
        return elements((*call.shape("rshape_dest"), *call.shape("rshape_src1")[-1:]))
    return 0


def cost(call: HostCall) -> Cost:
    """Of one call; for "call" only what entering the other module costs."""
    if call.name == LOOPS:
        return call.number("instructions") * SCALAR
    read = elements(source_shape(call))
    larger = max(read, elements(call.shapes.get("rshape_dest", source_shape(call))))
    if call.name == "call":
        return 1 * CALL
    if call.name in ("conv2d", "matmul"):
        return macs(call) * MULTIPLY_ADD
    if call.name == "reduce_window2d":
        kept = read / max(1, call.number("stride_h") * call.number("stride_w"))
        return kept * call.number("filter_h") * call.number("filter_w") * WINDOW
    if call.name in MOVING:
        return larger * element_bytes(str(call.values.get("datatype", "f32"))) * MOVE
    if call.name in PER_ELEMENT:
        return read * PER_ELEMENT[call.name]
    return larger * ELEMENTWISE
