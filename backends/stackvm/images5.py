"""Version 5 code of what slides over images: convolutions, pooling, resizing."""

import math

import numpy as np

from ...dialects import nn
from ...dialects.tensors import static_shape
from ...runtime.stackvm.memory5 import dense
from ..unsupported import Unsupported, floats
from .loops5 import INTEGERS, Elements, Loops
from .writer5 import UNBOUNDED, Ints, Writer, emits, layout, stored


@emits(nn.Conv)
def conv(w: Writer, op: nn.Conv) -> None:
    floats(op.input, op.weight)
    if len(op.kernel) != 2:
        raise Unsupported(f"a convolution over {len(op.kernel)} dimensions is not supported, only over 1 or 2")
    channels = static_shape(op.weight)[0]
    bias = w.code.constant(np.zeros(channels, np.float32)) if op.bias is None else w.place(op.bias)
    low, high = op.clamp or (-math.inf, math.inf)
    top, left, bottom, right = op.padding
    w.call(
        "conv2d",
        w.place(op.input),
        w.place(op.weight),
        bias,
        w.place(op.output),
        *w.code.window((top, bottom), (left, right)),
        datatype="f32",
        rstride_bias=(1,),
        groups=op.groups,
        low=low,
        high=high,
        **_steps(op),
        **layout("src", op.input),
        **layout("kernel", op.weight),
        **layout("dest", op.output),
    )


def _steps(op: nn.Conv | nn.MaxPool | nn.AvgPool) -> dict[str, int]:
    """The immediates that say how a window moves, and how far apart its elements are."""
    names = ("stride_h", "stride_w", "dilation_h", "dilation_w")
    return dict(zip(names, (*op.strides, *op.dilations), strict=True))


@emits(nn.MaxPool, nn.AvgPool)
def pool(w: Writer, op: nn.MaxPool | nn.AvgPool) -> None:
    floats(op.input)
    if len(op.kernel) != 2:
        raise Unsupported(f"pooling over {len(op.kernel)} dimensions is not supported, only over 1 or 2")
    if isinstance(op, nn.AvgPool) and op.count_include_pad and any(op.padding):
        raise Unsupported("an average that counts padding is not supported")
    top, left, bottom, right = _overhang(op)
    w.call(
        "reduce_window2d",
        w.place(op.input),
        -math.inf if isinstance(op, nn.MaxPool) else 0.0,
        w.place(op.output),
        *w.code.window((top, bottom), (left, right)),
        datatype="f32",
        reduce_op="max" if isinstance(op, nn.MaxPool) else "mean",
        filter_h=op.kernel[0],
        filter_w=op.kernel[1],
        **_steps(op),
        **layout("src", op.input),
        **layout("dest", op.output),
        **UNBOUNDED,
    )


@emits(nn.MaxPoolWithIndices)
def pool_with_indices(w: Writer, op: nn.MaxPoolWithIndices) -> None:
    """One element of the windows after the other. The operands c0, c1, ... are where their indices are coordinates."""
    element, shape, result = stored(op.input).element, static_shape(op.input), static_shape(op.output)
    if element not in (*INTEGERS, "f32"):
        raise Unsupported(f"it compares {op.input.type}")
    rank, sizes = len(op.kernel), shape[2:]
    none = (0,) * rank
    order = [*range(rank)] if op.storage_order == 0 else [*range(rank - 2), rank - 1, rank - 2]
    counted = dict(zip(order, dense(tuple(sizes[axis] for axis in order)), strict=True))
    walks = {
        "plane": Elements(w.place(op.input), element, (math.prod(sizes), *none, *none)),
        "result": Elements(w.place(op.output), element, (math.prod(result[2:]), *dense(result[2:]), *none)),
        "index": Elements(w.place(op.indices), "i64", (math.prod(result[2:]), *dense(result[2:]), *none)),
        "x": Elements(w.place(op.input), element, index="at"),
    }
    for axis, (stride, dilation) in enumerate(zip(op.strides, op.dilations, strict=True)):
        steps = [0] * (1 + 2 * rank)
        steps[1 + axis], steps[1 + rank + axis] = stride, dilation
        walks[f"c{axis}"] = Elements(w.place(op.input), element, tuple(steps))
    loops = Loops(w, (math.prod(shape[:2]), *result[2:], *op.kernel), walks)
    step = "inside = 1\nat = plane@\nplace = plane@\n"
    for axis, stride in enumerate(dense(sizes)):
        step += f"""
            c = c{axis}@ {op.padding[axis]} SUB
            inside = inside  c {sizes[axis]} CLT_U  AND
            at = at  c {stride} MUL  ADD
            place = place  c {counted[axis]} MUL  ADD
        """
    real, unsigned = ":R4" if element == "f32" else "", "_U" if element == "u64" else ""
    step += f"""
        inside IF
            found 0 CEQ  x best{real} CGT{unsigned}  OR IF
                found = 1
                best{real} = x
                chosen = place
            END
        END
    """

    def one() -> None:
        loops.run("found = 0")
        loops.over(range(1 + rank, 1 + 2 * rank), lambda: loops.run(step))
        loops.run(f"result = best{real}\nindex = chosen")

    loops.over(range(1 + rank), one)


def _overhang(op: nn.MaxPool | nn.AvgPool) -> Ints:
    """The padding with `ceil_mode` written out: what the last windows hang over is padding too."""
    sizes, extents = static_shape(op.input)[2:], static_shape(op.output)[2:]
    ends = [
        (extents[i] - 1) * op.strides[i] + op.dilations[i] * (op.kernel[i] - 1) + 1 - sizes[i] - op.padding[i]
        for i in range(2)
    ]
    return (*op.padding[:2], *(max(end, stated) for end, stated in zip(ends, op.padding[2:], strict=True)))


_HALF_PIXEL = {"half_pixel": (False, True), "align_corners": (True, False), "asymmetric": (False, False)}
"""align_corners and half_pixel_centers for each way of placing pixels."""


@emits(nn.Resize)
def resize(w: Writer, op: nn.Resize) -> None:
    element = stored(op.input).element
    if element not in ("f32", "u8"):
        raise Unsupported(f"it computes with {op.input.type}, only f32 and u8 are supported")
    shape, sizes = static_shape(op.input), static_shape(op.output)
    coordinate = op.coordinate
    if coordinate == "pytorch_half_pixel" and min(sizes[2:]) > 1:
        coordinate = "half_pixel"
    if op.mode != "linear" or op.antialias or coordinate not in _HALF_PIXEL:
        raise Unsupported(f"resizing in mode '{op.mode}' with coordinates '{op.coordinate}' is not supported")
    if len(shape) != 4 or sizes[:2] != shape[:2]:
        raise Unsupported("only the height and width of images can be resized")
    ratios = [size / extent for size, extent in zip(sizes, shape, strict=True)]
    if any(abs(ratio - scale) > 1e-6 * scale for ratio, scale in zip(ratios, op.scales, strict=True)):
        raise Unsupported(f"scales {op.scales} that are not the ratio of the sizes are not supported")
    corners, half = _HALF_PIXEL[coordinate]
    w.call(
        "resize_image",
        sizes[2],
        sizes[3],
        w.place(op.input),
        w.place(op.output),
        datatype=element,
        align_corners=corners,
        half_pixel_centers=half,
        resize_mode="linear",
        **layout("src", op.input),
        **layout("dest", op.output),
    )
