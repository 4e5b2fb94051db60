"""ONNX operators for signals: Fourier transforms, as products with constant matrices."""

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import require
from ...dialects.tensors import dtype_of, shape_of
from ..builder import Unsupported
from ..fourier import inverse_one_sided, transform
from .node import Node, Output, converter


@converter("DFT", builds=(nn.Transpose, nn.Reshape, nn.Matmul), forms={"a length below the size": nn.Slice})
def dft(node: Node) -> Output:
    """Length and axis must be constant; at most 4096 elements: a product with a matrix."""
    value, rank = node.input(0), node.rank()
    axis = node.attribute("axis", 1) if node.opset < 20 else node.scalar(2, -2)
    require(-rank <= axis < rank - 1 and axis != -1, f"axis {axis} is out of range for rank {rank}")
    axis = int(axis) % rank
    inverse, one_sided = bool(node.attribute("inverse", 0)), bool(node.attribute("onesided", 0))
    size = node.shape()[axis]
    if size is None:
        raise Unsupported(f"dimension {axis} is not known", "give it with --shape or --dim")
    default = 2 * (size - 1) if inverse and one_sided else size
    length = default if node.optional(1) is None else int(node.constant_scalar(1, "dft_length"))
    order = [*(i for i in range(rank - 1) if i != axis), axis, rank - 1]
    moved = nn.Transpose(value, permutation=order).output
    result = transformed(node, moved, length, inverse, one_sided)
    return nn.Transpose(result, permutation=[order.index(i) for i in range(rank)]).output


@converter("STFT", builds=(nn.Gather, nn.Reshape, nn.Matmul), forms={"a window": nn.Mul})
def stft(node: Node) -> Output:
    """Step and length must be constant."""
    step = int(node.constant_scalar(1, "frame_step"))
    window = node.optional(2)
    given = shape_of(window)[0] if window is not None else None
    length = given if node.optional(3) is None else int(node.constant_scalar(3, "frame_length"))
    size = node.shape()[1]
    if size is None or length is None:
        raise Unsupported("the length of signal or frames is not known", "give it with --shape or --dim")
    require(step > 0 and 0 < length <= size, f"frames of {length} every {step} elements do not fit {size} elements")
    starts = np.arange(1 + (size - length) // step) * step
    indices = node.new_constant(starts[:, None] + np.arange(length), np.int64)
    frames = nn.Gather(node.input(0), indices, axis=1, batch_dims=0).output
    if window is not None:
        frames = nn.Mul(frames, nn.Reshape(window, shape=(-1, 1)).output).output
    return transformed(node, frames, length, False, bool(node.attribute("onesided", 1)))


def transformed(node: Node, value: ir.Value, length: int, inverse: bool, one_sided: bool) -> ir.Value:
    """The transform along the last dimension but one; the last one holds real and imaginary parts."""
    *outer, size, parts = [dim or 0 for dim in shape_of(value)]
    require(parts in (1, 2), f"the last dimension has {parts} elements, expected one or two")
    matrix = inverse_one_sided(length) if inverse and one_sided else transform(length, inverse, one_sided)
    taken = min(size, matrix.shape[0])
    matrix = matrix[:taken, :parts]
    if taken < size:
        value = nn.Slice(value, starts=(0,), ends=(taken,), axes=(-2,), steps=(1,)).output
    rows = nn.Reshape(value, shape=(*outer, taken * parts)).output
    weight = node.new_constant(matrix.reshape(taken * parts, -1), dtype_of(value))
    return nn.Reshape(nn.Matmul(rows, weight).output, shape=(*outer, *matrix.shape[2:])).output
