"""What version 5 host functions read and write: shapes, as far as the code tells them.

Entry: a `HostCall` of any code. Exit: shapes; KmodelError K0409 for operands that do not fit the function.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .trace5 import HostCall, crooked

Shape = tuple[int, ...]

_SOURCES = ("rshape_src", "rshape_src1", "rshape", "input_shape", "input_shape_src")
_ELEMENTWISE = frozenset((
    "copy", "convert", "cumsum", "dequantize", "hardmax", "layer_norm", "lut1d", "quantize", "sigmoid", "softmax",
    "trilu", "unary",
))  # fmt: skip


def source_shape(call: HostCall) -> Shape:
    """The shape of what a function reads first; of a scalar if the code states none."""
    return next((call.shapes[name] for name in _SOURCES if name in call.shapes), ())


def result_shape(call: HostCall) -> Shape | None:
    """The shape of what a function writes; None for functions whose code does not tell it."""
    if "rshape_dest" in call.shapes:
        return call.shapes["rshape_dest"]
    if call.name in _ELEMENTWISE:
        return source_shape(call)
    derive = _DERIVED.get(call.name)
    try:
        return None if derive is None else tuple(int(size) for size in derive(call))
    except (IndexError, ValueError, ZeroDivisionError) as error:
        raise crooked(f"the operands of {call.name} do not fit together: {error}") from error


def convolved(call: HostCall) -> Shape:
    """Shape (n, c, h, w) of a convolution's result."""
    source, kernel = call.shape("rshape_src"), call.shape("rshape_kernel")
    if len(source) != 4 or len(kernel) != 4:
        raise crooked(f"a convolution of shape {list(source)} with weights {list(kernel)}, expected four dimensions")
    extents = [_extent(call, axis, source[2 + i], kernel[2 + i]) for i, axis in enumerate("hw")]
    return source[0], kernel[0], *extents


def _extent(call: HostCall, axis: str, size: int, kernel: int) -> int:
    padded = size + call.number(f"{axis}_before") + call.number(f"{axis}_after")
    reach = (kernel - 1) * call.number(f"dilation_{axis}") + 1
    return max(0, (padded - reach) // max(1, call.number(f"stride_{axis}")) + 1)


def _pooled(call: HostCall) -> Shape:
    *outer, height, width = source_shape(call)
    sizes = zip("hw", (height, width), strict=True)
    return *outer, *(_extent(call, axis, size, call.number(f"filter_{axis}")) for axis, size in sizes)


def _transposed(call: HostCall) -> Shape:
    shape = source_shape(call)
    return tuple(shape[axis] for axis in call.shape("rshape_perm"))


def _sliced(call: HostCall) -> Shape:
    parts = zip(source_shape(call), call.shape("rbegins"), call.shape("rends"), call.shape("rstrides"), strict=True)
    return tuple(len(range(begin, -1 if step < 0 and end < 0 else end, step)) for _, begin, end, step in parts)


def _padded(call: HostCall) -> Shape:
    pairs = zip(source_shape(call), call.paddings["rpaddings"], strict=True)
    return tuple(size + before + after + max(0, size - 1) * inner for size, (before, after, inner) in pairs)


def _reduced(call: HostCall) -> Shape:
    shape = source_shape(call)
    axes = {axis % len(shape) for axis in call.shape("rshape_axis")}
    kept = bool(call.values["keep_dims"])
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape) if kept or axis not in axes)


def _resized(call: HostCall) -> Shape:
    return *source_shape(call)[:2], call.number("out_h"), call.number("out_w")


def _broadcast(call: HostCall) -> Shape:
    return np.broadcast_shapes(*(call.shapes[name] for name in sorted(call.shapes) if name.startswith("rshape_src")))


_DERIVED: dict[str, Callable[[HostCall], Shape]] = {
    "binary": _broadcast,
    "compare": _broadcast,
    "conv2d": convolved,
    "pad": _padded,
    "reduce": _reduced,
    "reduce_arg": _reduced,
    "reduce_prod": _reduced,
    "reduce_window2d": _pooled,
    "resize_image": _resized,
    "slice": _sliced,
    "ternary": _broadcast,
    "transpose": _transposed,
}
