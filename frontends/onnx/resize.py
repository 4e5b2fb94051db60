"""Resampling of images: Resize of all opsets, and Upsample."""

import math

from ...dialects import nn
from ...dialects.nn.extents import as_int64, dims_of, ints
from ...dialects.ods import require
from ..builder import Unsupported
from .node import Node, Output, converter


@converter("Resize", builds=nn.Resize)
def resize(node: Node) -> Output:
    """Scales must be constant; sizes where the shape is known, or dimensions are cropped or keep their ratio."""
    if node.opset < 11:
        mode = node.attribute("mode", "nearest")
        return _resize(node, _numbers(node, 1), None, mode, coordinate="asymmetric", nearest_mode="floor")
    computed = node.optional(3) is not None and node.constant(3) is None
    scales, sizes, roi = _numbers(node, 2), None if computed else _numbers(node, 3), _numbers(node, 1)
    return _resize(
        node,
        scales,
        sizes,
        node.attribute("mode", "nearest"),
        coordinate=node.attribute("coordinate_transformation_mode", "half_pixel"),
        nearest_mode=node.attribute("nearest_mode", "round_prefer_floor"),
        roi=roi,
    )


@converter("Upsample", builds=nn.Resize)
def upsample(node: Node) -> Output:
    """Scales must be constant, and the shape known."""
    scales = tuple(node.attribute("scales")) if "scales" in node.attributes else _numbers(node, 1)
    mode = node.attribute("mode", "nearest")
    return _resize(node, scales, None, mode, coordinate="asymmetric", nearest_mode="floor")


def _numbers(node: Node, index: int) -> tuple[float, ...] | None:
    """A constant vector, or None when it is absent or empty."""
    if node.optional(index) is None:
        return None
    array = node.constant(index)
    if array is None:
        raise Unsupported("scales, and where to crop, must be constant", "fix the input shapes with --shape or --dim")
    return tuple(float(item) for item in array.reshape(-1)) if array.size else None


def _resize(
    node: Node,
    scales: tuple[float, ...] | None,
    sizes: tuple[float, ...] | None,
    mode: str,
    *,
    coordinate: str,
    nearest_mode: str,
    roi: tuple[float, ...] | None = None,
) -> Output:
    shape = node.shape()
    rank, known = len(shape), [dim or 0 for dim in shape]
    axes = [axis % rank for axis in node.attribute("axes", list(range(rank)))]
    require(len(set(axes)) == len(axes), f"axes {axes} name an axis twice")
    for numbers, what, length in ((sizes, "sizes", 1), (scales, "scales", 1), (roi, "roi", 2)):
        fits = numbers is None or len(numbers) == length * len(axes)
        require(fits, f"'{what}' has {len(numbers or ())} entries, expected {length * len(axes)}")
    mode = {"bilinear": "linear"}.get(mode, mode)
    if None in shape or (sizes is None and scales is None):
        return _dynamic_resize(node, scales, axes, mode, coordinate, nearest_mode)
    require(all(known), f"cannot resize {nn.shape_text(shape)}, which has no elements")
    full_sizes, full_scales = list(known), [1.0] * rank
    if sizes is not None:
        factors = [size / known[axis] for size, axis in zip(sizes, axes, strict=True)]
        policy = node.attribute("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            factor = min(factors) if policy == "not_larger" else max(factors)
            sizes = tuple(math.floor(factor * known[axis] + 0.5) for axis in axes)
            factors = [factor] * len(axes)
        for axis, size, factor in zip(axes, sizes, factors, strict=True):
            full_sizes[axis], full_scales[axis] = int(size), factor
    elif scales is not None:
        full_roi = roi if roi is not None and coordinate == "tf_crop_and_resize" else None
        for i, (axis, scale) in enumerate(zip(axes, scales, strict=True)):
            window = 1.0 if full_roi is None else full_roi[len(axes) + i] - full_roi[i]
            full_sizes[axis], full_scales[axis] = math.floor(known[axis] * window * scale), scale
    bounds = None
    if coordinate == "tf_crop_and_resize" and roi is not None:
        starts, ends = [0.0] * rank, [1.0] * rank
        for i, axis in enumerate(axes):
            starts[axis], ends[axis] = roi[i], roi[len(axes) + i]
        bounds = (*starts, *ends)
    return nn.Resize(
        node.input(0),
        sizes=full_sizes,
        scales=full_scales,
        mode=mode,
        coordinate=coordinate,
        nearest_mode=nearest_mode,
        cubic_coeff_a=node.attribute("cubic_coeff_a", -0.75),
        exclude_outside=bool(node.attribute("exclude_outside", 0)),
        extrapolation_value=node.attribute("extrapolation_value", 0.0),
        antialias=bool(node.attribute("antialias", 0)),
        roi=bounds,
    ).output


def _dynamic_resize(
    node: Node, scales: tuple[float, ...] | None, axes: list[int], mode: str, coordinate: str, nearest_mode: str
) -> Output:
    """A resize whose sizes are known when it runs only."""
    remedy = "give the input shapes with --shape or --dim"
    if coordinate == "tf_crop_and_resize":
        raise Unsupported("cropping needs a known shape and constant sizes", remedy)
    if node.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Unsupported("keeping the ratio of dimensions needs a known shape and constant sizes", remedy)
    rank, sizes = node.rank(), None
    if scales is not None:
        factors = dict(zip(axes, scales, strict=True))
        scales = tuple(factors.get(axis, 1.0) for axis in range(rank))
    else:
        given = node.optional(3)
        if given is None:
            raise Unsupported("neither sizes nor scales are given")
        whole = nn.concat([dims_of(node.input(0), range(rank)), as_int64(given)], 0)
        places = [rank + axes.index(axis) if axis in axes else axis for axis in range(rank)]
        sizes = nn.Gather(whole, ints(places), axis=0, batch_dims=0).output
    return nn.DynamicResize(
        node.input(0),
        sizes,
        scales=scales,
        mode=mode,
        coordinate=coordinate,
        nearest_mode=nearest_mode,
        cubic_coeff_a=node.attribute("cubic_coeff_a", -0.75),
        exclude_outside=bool(node.attribute("exclude_outside", 0)),
        antialias=bool(node.attribute("antialias", 0)),
    ).output
