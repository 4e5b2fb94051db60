"""The operators of StableHLO that LiteRT executes."""

from collections.abc import Sequence

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of
from ..builder import Unsupported
from .node import Node, Output, converter
from .windows import WINDOWS, combination, combined, extents, reduced, spread

_BINARY: dict[str, type[nn.BinaryOp]] = {
    "STABLEHLO_ADD": nn.Add,
    "STABLEHLO_MAXIMUM": nn.Maximum,
    "STABLEHLO_MINIMUM": nn.Minimum,
    "STABLEHLO_MULTIPLY": nn.Mul,
    "STABLEHLO_SHIFT_LEFT": nn.ShiftLeft,
}


_OF_BOOLEANS = {"STABLEHLO_ADD": nn.LogicalOr, "STABLEHLO_MAXIMUM": nn.LogicalOr}


@converter(*_BINARY, builds=_BINARY, forms={"booleans": (nn.LogicalOr, nn.LogicalAnd)})
def _binary(node: Node) -> Output:
    op = _BINARY[node.operator]
    if dtype_of(node.input(0)).kind == "b":
        op = _OF_BOOLEANS.get(node.operator, nn.LogicalAnd)
    return op(node.input(0), node.input(1)).output


@converter("STABLEHLO_AND", builds=nn.LogicalAnd, forms={"integers": nn.BitwiseAnd})
def and_(node: Node) -> Output:
    op = nn.LogicalAnd if dtype_of(node.input(0)).kind == "b" else nn.BitwiseAnd
    return op(node.input(0), node.input(1)).output


@converter("STABLEHLO_COMPOSITE")
def composite(node: Node) -> Output:
    """What its graph computes, whatever it is called."""
    (graph,) = node.options("StableHLOCompositeOptions", "DecompositionSubgraphIndex")
    return node.surroundings.call(graph, [node.whole(index) for index in range(len(node.inputs))])


@converter("STABLEHLO_PAD", builds=(nn.Pad, nn.Gather, nn.Slice))
def pad(node: Node) -> Output:
    """What is added must be constant. Negative amounts cut elements off."""
    low, high, between = node.vectors("StablehloPadOptions", "EdgePaddingLow", "EdgePaddingHigh", "InteriorPadding")
    fill = float(node.constant(1).reshape(()))
    value = spread(node, node.input(0), [amount + 1 for amount in between], fill)
    return padded(value, low, high, fill)


def padded(value: ir.Value, low: Sequence[int], high: Sequence[int], fill: float) -> ir.Value:
    """`fill` in front of and behind the elements of each dimension, or fewer of them where amounts are negative."""
    if min(*low, *high, 0) < 0:
        ends = [size + min(amount, 0) for size, amount in zip(extents(value), high, strict=True)]
        starts = [max(-amount, 0) for amount in low]
        value = nn.Slice(value, starts=starts, ends=ends, axes=range(len(low)), steps=(1,) * len(low)).output
    amounts = [max(amount, 0) for amount in (*low, *high)]
    return nn.Pad(value, padding=amounts, mode="constant", value=fill).output if any(amounts) else value


@converter(
    "STABLEHLO_REDUCE_WINDOW",
    builds=WINDOWS,
    forms={"products or extremes": (nn.Mul, nn.Minimum, nn.Maximum), "padding": (nn.Pad, nn.Slice)},
)
def reduce_window(node: Node) -> Output:
    """Sums, products and extremes; one tensor. What pads it must be constant."""
    table = "StablehloReduceWindowOptions"
    (graph,) = node.options(table, "BodySubgraphIndex")
    names = ("WindowDimensions", "WindowStrides", "WindowDilations", "BaseDilations", "Padding")
    window, strides, dilations, steps, padding = node.vectors(table, *names)
    kind, value, one = combination(node, graph), node.input(0), (1,) * node.rank()
    if kind is None or len(node.outputs) != 1:
        raise Unsupported("only sums, products, minima and maxima of one tensor are supported")
    if any(step != 1 for step in steps) or any(padding):
        fill = float(node.constant(1).reshape(()))
        value = padded(spread(node, value, steps or one, fill), padding[::2], padding[1::2], fill)
    return combined(kind, reduced(node, value, kind, window, strides or one, dilations or one), node.input(1))
