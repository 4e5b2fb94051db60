"""Numbers that a quantised type represents exactly need not be quantised to it once more."""

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ..rewriter import NO_MATCH, Match, Rewriter, pattern, producer

MOVES = (nn.Reshape, nn.Squeeze, nn.Unsqueeze, nn.Transpose, nn.Slice, nn.Split, nn.Concat, nn.Expand, nn.Tile)
SELECTIONS = (nn.MaxPool, nn.Relu, nn.Maximum, nn.Minimum)
"""Results are elements of the operands, or zero, which every quantised type has."""
DEPTH = 8
"""How many operations are looked through."""


def represents(type_: ir.Type, value: ir.Value, depth: int = DEPTH) -> bool:
    """Whether every element of a value is one that the quantised element type stands for."""
    source = producer(value, nn.Dequantize)
    if source is not None:
        return bool(source.input.type.element_type == type_)
    op = producer(value, Op)
    zeros = isinstance(op, nn.Pad) and (op.mode != "constant" or op.value == 0.0)
    if depth == 0 or op is None or not (zeros or isinstance(op, MOVES + SELECTIONS)):
        return False
    return all(represents(type_, operand, depth - 1) for operand in op.operation.operands)


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
