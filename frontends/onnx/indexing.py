"""Gathering, scattering and selecting."""

import numpy as np

from ...dialects import nn
from ...dialects.nn.extents import as_int64
from ...dialects.ods import require
from ..builder import Unsupported
from ..converter import Form
from ..distinct import places
from .node import Node, Output, converter


@converter("Gather", builds=nn.Gather, forms={"indices that are computed": Form(nn.Gather, "by computed indices")})
def gather(node: Node) -> Output:
    return nn.Gather(node.input(0), node.input(1), axis=node.attribute("axis", 0), batch_dims=0).output


@converter("GatherElements", builds=nn.GatherElements)
def gather_elements(node: Node) -> Output:
    return nn.GatherElements(node.input(0), node.input(1), axis=node.attribute("axis", 0)).output


@converter("GatherND", builds=nn.GatherNd)
def gather_nd(node: Node) -> Output:
    return nn.GatherNd(node.input(0), node.input(1), batch_dims=node.attribute("batch_dims", 0)).output


@converter("Scatter", "ScatterElements", builds=nn.ScatterElements)
def scatter_elements(node: Node) -> Output:
    axis, reduction = node.attribute("axis", 0), node.attribute("reduction", "none")
    return nn.ScatterElements(node.input(0), node.input(1), node.input(2), axis=axis, reduction=reduction).output


@converter("ScatterND", builds=nn.ScatterNd)
def scatter_nd(node: Node) -> Output:
    reduction = node.attribute("reduction", "none")
    return nn.ScatterNd(node.input(0), node.input(1), node.input(2), reduction=reduction).output


@converter("OneHot", builds=nn.OneHot)
def one_hot(node: Node) -> Output:
    axis = node.attribute("axis", -1)
    if node.constant(1) is None:
        return _one_hot_of_computed_depth(node, axis % (node.rank() + 1))
    depth = int(node.constant_scalar(1, "depth"))
    return nn.OneHot(node.input(0), node.input(2), depth=depth, axis=axis).output


def _one_hot_of_computed_depth(node: Node, axis: int) -> Output:
    """where(index == 0, 1, 2, ..., on, off), negative indices counted from the end."""
    depth, indices = nn.Reshape(as_int64(node.input(1)), shape=()).output, as_int64(node.input(0))
    classes = nn.Range(node.new_constant(0, np.int64), depth, node.new_constant(1, np.int64)).output
    column = nn.Reshape(classes, shape=(-1, *(1,) * (node.rank() - axis))).output
    below = nn.Less(indices, node.new_constant(0, np.int64)).output
    front = nn.Where(below, nn.Add(indices, depth).output, indices).output
    hit = nn.Equal(nn.Unsqueeze(front, axes=(axis,)).output, column).output
    off, on = nn.Split(node.input(2), axis=0, sizes=(1, 1)).outputs
    return nn.Where(hit, nn.Reshape(on, shape=()).output, nn.Reshape(off, shape=()).output).output


@converter("NonZero", builds=nn.NonZero)
def non_zero(node: Node) -> Output:
    return nn.NonZero(node.input(0)).output


@converter(
    "Compress",
    builds=nn.Gather,
    forms={"no axis": nn.Reshape, "a condition that is computed": (nn.NonZero, nn.Reshape)},
)
def compress(node: Node) -> Output:
    value, axis, condition = node.input(0), node.attribute("axis"), node.constant(1)
    indices = places(node.input(1)) if condition is None else node.new_constant(np.flatnonzero(condition))
    if axis is None:
        value, axis = nn.Reshape(value, shape=(-1,)).output, 0
    return nn.Gather(value, indices, axis=axis, batch_dims=0).output


@converter("NonMaxSuppression", builds=nn.Nms)
def non_max_suppression(node: Node) -> Output:
    """Limits and thresholds must be constant."""
    return nn.Nms(
        node.input(0),
        node.input(1),
        center_point_box=node.attribute("center_point_box", 0),
        max_output_boxes_per_class=int(node.scalar(2, 0)),
        iou_threshold=node.scalar(3, 0.0),
        score_threshold=None if node.optional(4) is None else node.scalar(4, 0.0),
    ).output


@converter(
    "TensorScatter", builds=(nn.Reshape, nn.Add, nn.Expand, nn.ScatterElements), forms={"caches that go round": nn.Mod}
)
def tensor_scatter(node: Node) -> Output:
    """Shapes must be known."""
    shape, update = node.shape(0), node.shape(1)
    axis = node.axis("axis", -2, len(shape))
    if None in shape or None in update:
        raise Unsupported("the shapes of caches and updates must be known", "give them with --shape or --dim")
    require(
        0 < axis < len(shape) == len(update), f"axis {axis}, rank {len(shape)} and {len(update)} do not fit together"
    )
    column = (1,) * axis + (-1,) + (1,) * (len(shape) - axis - 1)
    steps = node.new_constant(np.arange(update[axis] or 0).reshape(column), np.int64)
    starts = node.optional(2)
    if starts is not None:
        steps = nn.Add(steps, nn.Reshape(starts, shape=(-1,) + (1,) * (len(shape) - 1)).output).output
    if node.attribute("mode", "linear") == "circular":
        steps = nn.Mod(steps, node.like(shape[axis] or 0, steps), fmod=False).output
    indices = nn.Expand(steps, shape=[dim or 0 for dim in update]).output
    return nn.ScatterElements(node.input(0), indices, node.input(1), axis=axis, reduction="none").output
