"""Numbers that a quantised type represents exactly need not be quantised to it once more."""

from ...dialects import nn
from ..rewriter import NO_MATCH, Match, Rewriter, pattern, producer
from .storage import common_storage


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
    same = common_storage(inner.input) == op.input.type.element_type
    return rewriter.replace(op, inner.input) if same else NO_MATCH
