"""Numbers that a quantised type represents exactly need not be quantised to it once more."""

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ..rewriter import NO_MATCH, Match, Rewriter, pattern, producer

MOVES = (nn.Reshape, nn.Squeeze, nn.Unsqueeze, nn.Transpose, nn.Slice, nn.Split, nn.Concat, nn.Expand, nn.Tile)
SELECTIONS = (nn.MaxPool, nn.Relu, nn.Maximum, nn.Minimum)
"""Results are elements of the operands, or zero, which every quantised type has."""
LIMIT = 64
"""How many values are looked at."""


def represents(type_: ir.Type, value: ir.Value) -> bool:
    """Whether every element of a value is one that the quantised element type stands for."""
    waiting, seen = [value], set[ir.Value]()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        source, op = producer(current, nn.Dequantize), producer(current, Op)
        if source is not None and source.input.type.element_type == type_:
            continue
        zeros = isinstance(op, nn.Pad) and (op.mode != "constant" or op.value == 0.0)
        if op is None or len(seen) > LIMIT or not (zeros or isinstance(op, MOVES + SELECTIONS)):
            return False
        waiting += op.operation.operands
    return True


@pattern(nn.Quantize)
def quantize_of_dequantize(op: nn.Quantize, rewriter: Rewriter) -> Match:
    """quantize(dequantize(q)) == q for the same type, of at most 16 bits"""
    inner, parameters = producer(op.input, nn.Dequantize), nn.quantization_parameters(op.output.type)
    if inner is None or inner.input.type != op.output.type or parameters is None or parameters.dtype.itemsize > 2:
        return NO_MATCH
    return rewriter.replace(op, inner.input)


@pattern(nn.Dequantize)
def round_trip(op: nn.Dequantize, rewriter: Rewriter) -> Match:
    """dequantize(quantize(x)) == x when x has been moved and selected only since it was dequantised from that type.

    For at most 16 bits: float32 does not tell all numbers of 32 bits apart.
    """
    inner = producer(op.input, nn.Quantize)
    parameters = nn.quantization_parameters(op.input.type)
    if inner is None or parameters is None or parameters.axis >= 0 or parameters.dtype.itemsize > 2:
        return NO_MATCH
    if not represents(op.input.type.element_type, inner.input):
        return NO_MATCH
    return rewriter.replace(op, inner.input)
