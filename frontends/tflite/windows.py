"""Reductions of sliding windows of any rank, and what lies between elements that are moved apart."""

import math
from collections.abc import Sequence

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import shape_of
from ..builder import Unsupported
from ..converter import Form
from .node import STATE_LIMIT, Node, Output, converter

COMBINED: dict[str, type[nn.BinaryOp]] = {"sum": nn.Add, "prod": nn.Mul, "min": nn.Minimum, "max": nn.Maximum}
"""What two elements become, by the kind of `nn.reduce`."""
FUNCTIONS = {1: "sum", 2: "prod", 3: "min", 4: "max"}
"""The kinds of ReduceWindowFunction in the schema; the others are of booleans, which LiteRT does not take."""
OPERATORS = {
    "STABLEHLO_ADD": "sum",
    "STABLEHLO_MULTIPLY": "prod",
    "STABLEHLO_MINIMUM": "min",
    "STABLEHLO_MAXIMUM": "max",
}
"""The kinds of graphs of one operator."""


def combination(node: Node, number: int) -> str | None:
    """How a graph of the file combines two elements: a kind of `nn.reduce`, or None when it gives the second one."""
    graphs = node.surroundings.model.graphs
    if not 0 <= number < len(graphs):
        raise Unsupported(f"there is no graph {number}")
    operators = [one.name for one in graphs[number].operators]
    if not operators:
        return None
    if len(operators) > 1 or operators[0] not in OPERATORS:
        raise Unsupported(f"elements are combined by {', '.join(operators)}; only {', '.join(OPERATORS)} are supported")
    return OPERATORS[operators[0]]


def extent(value: ir.Value, axis: int) -> int:
    """A dimension that has to be known."""
    size = shape_of(value)[axis]
    if size is None:
        raise Unsupported(f"dimension {axis} is not known", "give it with --shape")
    return size


def extents(value: ir.Value) -> list[int]:
    """All dimensions, which have to be known."""
    return [extent(value, axis) for axis in range(len(shape_of(value)))]


def spread(node: Node, value: ir.Value, steps: Sequence[int], fill: float) -> ir.Value:
    """The elements so many steps apart along each dimension, with `fill` between them."""
    rank = len(shape_of(value))
    for axis, step in zip(range(rank), steps, strict=True):
        size = extent(value, axis)
        if step == 1 or size < 2:
            continue
        if (size - 1) * step > STATE_LIMIT:
            raise Unsupported(f"{size} elements that are {step} apart are not supported")
        padding = [int(place == rank + axis) for place in range(2 * rank)]
        longer = nn.Pad(value, padding=padding, mode="constant", value=fill).output
        places = np.full((size - 1) * step + 1, size)
        places[::step] = np.arange(size)
        value = nn.Gather(longer, node.new_constant(places), axis=axis, batch_dims=0).output
    return value


def reduced(
    node: Node,
    value: ir.Value,
    kind: str,
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> ir.Value:
    """Windows reduced to one element each: they are boxes, so that one dimension goes after the other."""
    for axis, (size, stride, dilation) in enumerate(zip(window, strides, dilations, strict=True)):
        room = extent(value, axis) - (size - 1) * dilation - 1
        if min(size, stride, dilation, room + 1) < 1:
            raise Unsupported(f"there is no window of {size} elements along dimension {axis}")
        if (size, stride) == (1, 1):
            continue
        count = room // stride + 1
        elements = math.prod(dim or 1 for dim in shape_of(value)) // extent(value, axis) * count * size
        if elements > STATE_LIMIT:
            raise Unsupported(f"windows of {elements} elements in all are more than {STATE_LIMIT}")
        places = node.new_constant(np.arange(count)[:, None] * stride + np.arange(size) * dilation)
        value = nn.Gather(value, places, axis=axis, batch_dims=0).output
        value = nn.Reduce(value, kind=kind, axes=(axis + 1,), keepdims=False).output
    return value


def combined(kind: str, value: ir.Value, first: ir.Value) -> ir.Value:
    """Reductions that begin with an element."""
    return COMBINED[kind](value, first).output


@converter("DILATE", builds=(nn.Pad, nn.Gather))
def dilate(node: Node) -> Output:
    """What lies between must be constant."""
    return spread(node, node.input(0), node.ints(1), float(node.constant(2).reshape(())))


WINDOWS = (Form(nn.Gather, "of windows"), nn.Reduce, nn.Add)


@converter("REDUCE_WINDOW", builds=WINDOWS, forms={"products or extremes": (nn.Mul, nn.Minimum, nn.Maximum)})
def reduce_window(node: Node) -> Output:
    """Sums, products and extremes."""
    (function,) = node.options("ReduceWindowOptions", "ReduceFunction")
    if function not in FUNCTIONS:
        raise Unsupported("only sums, products, minima and maxima are supported")
    kind, (window, strides, dilations) = FUNCTIONS[function], (node.ints(index) for index in (2, 3, 4))
    return combined(kind, reduced(node, node.input(0), kind, window, strides, dilations), node.input(1))
