"""Resampling that stack machines do not have: by matrices, or by taking elements. Results differ by float rounding."""

from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, dtype_of, is_static, shape_of, static_shape
from ...runtime.kernels.resampling import filter_matrix, nearest_indices, source_positions
from ..rewriter import NO_MATCH, Match, Rewriter, pattern


def is_plain(op: nn.Resize) -> bool:
    """Whether only height and width of images are resampled, by usual filters at usual coordinates."""
    shape = static_shape(op.input)
    if op.mode == "cubic" or op.antialias or op.coordinate in ("tf_crop_and_resize", "half_pixel_symmetric"):
        return False
    if op.mode == "linear" and op.coordinate == "pytorch_half_pixel" and 1 in op.sizes[2:]:
        return False
    ratios = [
        abs(size / dim - scale) <= 1e-6 * scale for size, dim, scale in zip(op.sizes, shape, op.scales, strict=True)
    ]
    return len(shape) == 4 and op.sizes[:2] == shape[:2] and all(ratios)


@pattern(nn.Resize)
def resize_by_axes(op: nn.Resize, rewriter: Rewriter) -> Match:
    """Axis by axis: the nearest elements are taken, or others are a product with the matrix of a filter."""
    nearest = op.mode == "nearest"
    if not is_static(op.input) or 0 in static_shape(op.input) or is_plain(op):
        return NO_MATCH
    if not nearest and dtype_of(op.input).kind != "f":
        return NO_MATCH
    shape, crop = static_shape(op.input), op.coordinate == "tf_crop_and_resize"
    result, outside = op.input, np.zeros(op.sizes, bool)
    for axis, (size, scale) in enumerate(zip(op.sizes, op.scales, strict=True)):
        extent = shape[axis]
        if size == extent and scale == 1.0 and not crop:
            continue
        bounds = (op.roi[axis], op.roi[len(shape) + axis]) if op.roi is not None else (0.0, 1.0)
        positions = source_positions(size, extent, scale, op.coordinate, bounds)
        if crop:
            column = (1,) * axis + (-1,) + (1,) * (len(shape) - axis - 1)
            outside |= ((positions < 0) | (positions > extent - 1)).reshape(column)
        if nearest:
            places = nn.Constant(value=nearest_indices(positions, extent, op.nearest_mode)).output
            result = nn.Gather(result, places, axis=axis, batch_dims=0).output
            continue
        shrink = min(scale, 1.0) if op.antialias else 1.0
        matrix = filter_matrix(positions, extent, op.mode, op.cubic_coeff_a, op.exclude_outside, shrink)
        result = _along(result, axis, matrix)
    if outside.any():
        fill = nn.Constant(value=np.asarray(op.extrapolation_value, dtype_of(op.input))).output
        result = nn.Where(nn.Constant(value=outside).output, fill, result).output
    return rewriter.replace(op, result)


def _along(value: ir.Value, axis: int, matrix: Array) -> ir.Value:
    """The product of a matrix with all columns along an axis."""
    rank = len(shape_of(value))
    if axis == rank - 1:
        return nn.Matmul(value, nn.Constant(value=np.ascontiguousarray(matrix.T).astype(dtype_of(value))).output).output
    order: Any = [*(i for i in range(rank) if i != axis), axis]
    turned = _along(nn.Transpose(value, permutation=order).output, rank - 1, matrix)
    return nn.Transpose(turned, permutation=[order.index(i) for i in range(rank)]).output
