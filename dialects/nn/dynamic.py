"""Forms of shape operations whose parameters are computed by the network itself.

Where such a parameter is a constant the result's shape is known, and canonicalisation replaces the operation by its
static form.
"""

import math
from collections.abc import Sequence
from typing import Literal

from ..mlir import ir
from ..ods import F64, I64, Bool, F64Array, Operand, Result, require
from ..tensors import Dim, Shape, shape_of, tensor_type
from .base import NNOp, broadcast, normalize_axis, require_rank, require_same_elements
from .blocks import padded_extent
from .constant import constant_ints
from .resize import Coordinate, NearestMode, ResizeMode
from .shape import slice_extent


def resolve_reshape(source: Shape, target: tuple[int, ...], allow_zero: bool) -> Shape:
    """ONNX's reading of a target shape: 0 keeps a dimension (unless `allow_zero`), -1 is what is left."""
    dims: list[Dim] = []
    for i, dim in enumerate(target):
        require(dim != 0 or allow_zero or i < len(source), f"shape {target} keeps dimension {i}, which is not there")
        dims.append(source[i] if dim == 0 and not allow_zero else dim)
    require(dims.count(-1) <= 1, f"shape {target} has more than one -1")
    if -1 in dims:
        others = [dim for dim in dims if dim != -1]
        if None in source or None in others:
            dims[dims.index(-1)] = None
        else:
            count = _product(source)
            rest = _product(tuple(others))
            require(rest > 0 and count % rest == 0, f"{count} elements do not divide into shape {target}")
            dims[dims.index(-1)] = count // rest
    return tuple(dims)


def _product(shape: Shape) -> int:
    count = 1
    for dim in shape:
        count *= dim or 0
    return count


def result_rank(shape: ir.Value) -> int:
    """The rank of a result whose shape is an operand: the operand's length."""
    require_rank(shape, 1, "shape")
    rank = shape_of(shape)[0]
    require(rank is not None, "the length of the shape operand must be known")
    return rank or 0


class DynamicReshape(NNOp, name="dynamic_reshape"):
    """`reshape` to a computed shape: 0 keeps a dimension unless `allow_zero`, -1 is what is left.

    Source: ONNX Reshape-25.
    """

    on_storage = True

    input: Operand
    shape: Operand
    output: Result
    allow_zero: Bool

    def infer(self) -> ir.Type:
        target = constant_ints(self.shape)
        if target is None:
            return tensor_type([None] * result_rank(self.shape), self.input)
        return tensor_type(resolve_reshape(shape_of(self.input), target, self.allow_zero), self.input)


class DynamicSlice(NNOp, name="dynamic_slice"):
    """`slice` with computed bounds.  Source: ONNX Slice-13."""

    on_storage = True

    input: Operand
    starts: Operand
    ends: Operand
    axes: Operand | None
    steps: Operand | None
    output: Result

    def infer(self) -> ir.Type:
        shape = list(shape_of(self.input))
        length = shape_of(self.starts)[0]
        starts, ends = constant_ints(self.starts), constant_ints(self.ends)
        axes = tuple(range(length or 0)) if self.axes is None else constant_ints(self.axes)
        steps = (1,) * (length or 0) if self.steps is None else constant_ints(self.steps)
        if axes is None or (self.axes is None and length is None):
            return tensor_type([None] * len(shape), self.input)
        for i, axis in enumerate(axes):
            position = normalize_axis(axis, len(shape))
            if starts is None or ends is None or steps is None:
                shape[position] = None
            else:
                require(steps[i] != 0, "a step is 0")
                shape[position] = slice_extent(shape[position], starts[i], ends[i], steps[i])
        return tensor_type(shape, self.input)


class DynamicExpand(NNOp, name="dynamic_expand"):
    """`expand` to a computed shape.  Source: ONNX Expand-13."""

    on_storage = True

    input: Operand
    shape: Operand
    output: Result

    def infer(self) -> ir.Type:
        target = constant_ints(self.shape)
        unknown: Shape = (None,) * result_rank(self.shape)
        require(min(target or (0,)) >= 0, f"shape {target} must not be negative")
        return tensor_type(broadcast(shape_of(self.input), unknown if target is None else target), self.input)


class DynamicTile(NNOp, name="dynamic_tile"):
    """`tile` with computed repeats.  Source: ONNX Tile-13."""

    on_storage = True

    input: Operand
    repeats: Operand
    output: Result

    def infer(self) -> ir.Type:
        shape = shape_of(self.input)
        repeats = constant_ints(self.repeats)
        if repeats is None:
            return tensor_type([None] * len(shape), self.input)
        require(
            len(repeats) == len(shape) and min(repeats, default=0) >= 0,
            f"repeats {repeats} are not one for each of {len(shape)} dimensions, 0 or more",
        )
        dims = zip(shape, repeats, strict=True)
        return tensor_type([None if dim is None else dim * repeat for dim, repeat in dims], self.input)


class DynamicPad(NNOp, name="dynamic_pad"):
    """`pad` by computed amounts: begins, then ends, of all dimensions or of `axes`.  Source: ONNX Pad-24."""

    input: Operand
    pads: Operand
    value: Operand | None
    axes: Operand | None
    output: Result
    mode: Literal["constant", "reflect", "edge", "wrap"]

    def infer(self) -> ir.Type:
        require_same_elements(self.input, self.value)
        shape = list(shape_of(self.input))
        pads = constant_ints(self.pads)
        axes = tuple(range(len(shape))) if self.axes is None else constant_ints(self.axes)
        if pads is None or axes is None:
            return tensor_type([None] * len(shape), self.input)
        require(len(pads) == 2 * len(axes), f"{len(pads)} pads do not fit {len(axes)} axes")
        for i, axis in enumerate(axes):
            position = normalize_axis(axis, len(shape))
            shape[position] = padded_extent(shape[position], pads[i], pads[len(axes) + i], self.mode)
        return tensor_type(shape, self.input)


class DynamicResize(NNOp, name="dynamic_resize"):
    """`resize` to computed sizes, or by scales of dimensions that are not known: to floor(dimension * scale).

    Without `scales` the factors between coordinates are result / input. Source: ONNX Resize-19.
    """

    input: Operand
    sizes: Operand | None
    output: Result
    scales: F64Array | None
    mode: ResizeMode
    coordinate: Coordinate
    nearest_mode: NearestMode
    cubic_coeff_a: F64
    exclude_outside: Bool
    antialias: Bool

    def infer(self) -> ir.Type:
        shape = shape_of(self.input)
        require((self.sizes is None) != (self.scales is None), "needs sizes or scales, one of them")
        require(self.coordinate != "tf_crop_and_resize", "tf_crop_and_resize needs static sizes")
        if self.sizes is None:
            scales = self.scales or ()
            require(len(scales) == len(shape), f"has {len(scales)} scales, expected {len(shape)}")
            require(all(scale > 0 for scale in scales), f"scales {scales} must be positive")
            dims = zip(shape, scales, strict=True)
            return tensor_type([None if dim is None else math.floor(dim * scale) for dim, scale in dims], self.input)
        require(result_rank(self.sizes) == len(shape), f"sizes is {self.sizes.type}, expected {len(shape)} of them")
        sizes = constant_ints(self.sizes)
        return tensor_type([None] * len(shape) if sizes is None else sizes, self.input)


class DynamicTopk(NNOp, name="dynamic_topk"):
    """`topk` with a computed k, a scalar or a vector of one.  Source: ONNX TopK-11."""

    input: Operand
    k: Operand
    output: Result
    indices: Result
    axis: I64
    largest: Bool
    sorted: Bool

    def infer(self) -> Sequence[ir.Type]:
        shape = list(shape_of(self.input))
        k = constant_ints(self.k)
        require(shape_of(self.k) in ((), (1,), (None,)), f"k is {self.k.type}, expected a scalar or a vector of one")
        shape[normalize_axis(self.axis, len(shape))] = None if k is None else k[0]
        return [tensor_type(shape, self.input), tensor_type(shape, "int64")]
