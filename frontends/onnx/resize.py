"""Resampling of images: Resize of all opsets, and Upsample."""

import math

from ...dialects import nn
from ...dialects.ods import require
from ..builder import Unsupported
from .node import Node, Output, converter


@converter("Resize", builds=nn.Resize)
def resize(node: Node) -> Output:
    """Sizes or scales must be constant, and the shape known."""
    if node.opset < 11:
        mode = node.attribute("mode", "nearest")
        return _resize(node, _numbers(node, 1), None, mode, coordinate="asymmetric", nearest_mode="floor")
    scales, sizes, roi = _numbers(node, 2), _numbers(node, 3), _numbers(node, 1)
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
        raise Unsupported("sizes and scales must be constant", "fix the input shapes with --shape or --dim")
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
    if None in shape:
        raise Unsupported("resizing needs a known shape", "give it with --shape or --dim")
    rank, known = len(shape), [dim or 0 for dim in shape]
    axes = [axis % rank for axis in node.attribute("axes", list(range(rank)))]
    require(len(set(axes)) == len(axes), f"axes {axes} name an axis twice")
    for numbers, what, length in ((sizes, "sizes", 1), (scales, "scales", 1), (roi, "roi", 2)):
        fits = numbers is None or len(numbers) == length * len(axes)
        require(fits, f"'{what}' has {len(numbers or ())} entries, expected {length * len(axes)}")
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
    else:
        raise Unsupported("neither sizes nor scales are given")
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
        mode={"linear": "linear", "bilinear": "linear"}.get(mode, mode),
        coordinate=coordinate,
        nearest_mode=nearest_mode,
        cubic_coeff_a=node.attribute("cubic_coeff_a", -0.75),
        exclude_outside=bool(node.attribute("exclude_outside", 0)),
        extrapolation_value=node.attribute("extrapolation_value", 0.0),
        antialias=bool(node.attribute("antialias", 0)),
        roi=bounds,
    ).output
