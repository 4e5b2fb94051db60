"""Unique: the different elements, or slices along an axis, of a tensor; how many they are depends on the data."""

from ...dialects import nn
from ...dialects.nn.extents import dims_of
from ...dialects.ods import require
from ..distinct import MOST, ascending, distinct, part, places
from .node import Node, Output, converter


@converter(
    "Unique",
    builds=(
        *(nn.Reshape, nn.Transpose, nn.Unsqueeze, nn.ShapeOf, nn.Range, nn.Equal, nn.NotEqual, nn.Greater, nn.Cast),
        *(nn.Reduce, nn.ArgReduce, nn.NonZero, nn.Gather, nn.GatherElements, nn.DynamicTopk),
    ),
)
def unique(node: Node) -> Output:
    value, in_order = node.input(0), bool(node.attribute("sorted", 1))
    if "axis" in node.attributes:
        axis = node.axis("axis", 0, node.rank())
        require(axis < node.rank(), f"axis {axis} is out of range for rank {node.rank()}")
        return distinct(node.builder, value, axis, in_order)
    flat = nn.Reshape(value, shape=(-1,)).output
    if not in_order or node.has_output(1) or node.has_output(2):
        return distinct(node.builder, flat, 0, in_order)
    count = node.builder.folded(dims_of(flat, (0,)))
    ordered, _ = ascending(flat, count)
    others = nn.NotEqual(part(ordered, 1, MOST), part(ordered, 0, -1)).output
    starts = places(nn.concat([node.new_constant([True]), others], 0))
    counts = nn.Sub(nn.concat([part(starts, 1, MOST), count], 0), starts).output
    result = nn.Gather(ordered, starts, axis=0, batch_dims=0).output
    return [result, counts, counts, counts]  # nobody takes the two in the middle
