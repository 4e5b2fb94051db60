"""How images are resized on the version 7 stack machine: it resamples their height and width."""

import numpy as np

from ...dialects import nn
from ...dialects.tensors import Shape, shape_of
from ...runtime.stackvm.assembler7 import Code, Local, Operand
from ...runtime.stackvm.isa7 import NEAREST, TRANSFORM
from ..unsupported import Unsupported
from .operators7 import EMITTERS, emits, ints

__all__ = ["EMITTERS", "emits", "ints"]


@emits(nn.Resize)
def resize(code: Code, op: nn.Resize, value: Operand) -> None:
    shape = shape_of(op.input)
    reason = _problem(op) or _sizes_problem(op, shape)
    if reason:
        raise Unsupported(reason)
    _resample(code, op, value, ints(op.sizes))


def _resample(code: Code, op: nn.Resize | nn.DynamicResize, value: Operand, sizes: Operand) -> None:
    """Height and width of images, to sizes of all four dimensions."""
    code.tensor(
        "resize_image",
        value,
        None,
        sizes,
        np.float32(op.cubic_coeff_a),
        ints(0),
        np.float32(0),
        mode=op.mode,
        transform=op.coordinate,
        nearest=op.nearest_mode,
        is_tf=False,
    )


def _problem(op: nn.Resize | nn.DynamicResize) -> str:
    """Why images cannot be resized like this, whatever their sizes; "" when they can."""
    if op.mode == "cubic" or op.antialias:
        return "cubic and antialiased resizing is not supported"
    if op.coordinate not in TRANSFORM.codes or op.coordinate == "tf_crop_and_resize":
        return f"resizing with coordinates '{op.coordinate}' is not supported"
    if op.nearest_mode not in NEAREST.codes or len(shape_of(op.input)) != 4:
        return "only the height and width of images can be resized"
    return ""


def _sizes_problem(op: nn.Resize, shape: Shape) -> str:
    """Why an image cannot be resized to these sizes; "" when it can."""
    if op.mode == "linear" and op.coordinate == "pytorch_half_pixel" and 1 in op.sizes[2:]:
        return "resizing to one pixel in this mode is computed wrongly there"
    if op.sizes[:2] != shape[:2]:
        return "only the height and width of images can be resized"
    ratios = [size / (dim or 1) for size, dim in zip(op.sizes, shape, strict=True)]
    if any(abs(ratio - scale) > 1e-6 * scale for ratio, scale in zip(ratios, op.scales, strict=True)):
        return f"scales {op.scales} that are not the ratio of the sizes are not supported"
    return ""


@emits(nn.DynamicResize)
def dynamic_resize(code: Code, op: nn.DynamicResize, value: Operand, sizes: Operand) -> None:
    """Only height and width change. Half pixels are the same in both definitions, but for results of one pixel."""
    if op.scales is not None:
        raise Unsupported(f"scales {op.scales} are not whole numbers, and the sizes that they give are not known")
    reason = _problem(op)
    if reason:
        raise Unsupported(reason)
    least = 2 if op.mode == "linear" and op.coordinate == "pytorch_half_pixel" else 1
    code.tensor("shape_of", value)
    kept = code.store()
    code.tensor("gather", kept, ints((0, 1)), axis=0)
    kept = code.store(kept)
    code.tensor("gather", sizes, ints((0, 1)), axis=0)
    same = code.store()
    code.tensor("compare", same, kept, kind="equal")
    same = code.store(same)
    code.tensor("gather", sizes, ints((2, 3)), axis=0)
    kept = code.store(kept)
    code.tensor("compare", kept, ints(least), kind="greater_equal")
    kept = code.store(kept)
    wanted = _required(code, same, kept, sizes, f"a resize changes height and width only, to {least} or more")
    _resample(code, op, value, wanted)
    code.release(wanted)
    code.release(kept)


def _required(code: Code, first: Local, second: Local, value: Operand, message: str) -> Local:
    """The value, if all of two vectors of booleans are true; in the first's place."""
    code.tensor("concat", [first, second], axis=0)
    whole = code.store(first)
    code.tensor("cast", whole, dtype="i64", mode="default")
    whole = code.store(whole)
    code.tensor("reduce", whole, ints((0,)), np.int64(1), np.bool_(False), kind="min")
    whole = code.store(whole)
    code.tensor("cast", whole, dtype="bool", mode="default")
    whole = code.store(whole)
    code.tensor("require", whole, value, message=message, can_fold=False)
    return code.store(whole)
