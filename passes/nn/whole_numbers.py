"""Windows over integers, for machines whose windows are of floats: exact, because f32 holds all integers up to 2^24.

Integers of 16 bits and fewer are pooled as floats. Convolutions are split over their input channels into parts whose
sums stay below 2^24 for all that constants and types say of the operands; others are left as they are.
"""

from collections.abc import Sequence

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, dtype_of, element_type, is_static
from ..rewriter import NO_MATCH, Match, Rewriter, pattern, producer

WHOLE = 2**24
"""Up to here f32 holds every integer."""


def _cast(value: ir.Value, dtype: object) -> ir.Value:
    return nn.Cast(value, to=element_type(dtype), saturate=True).output


@pattern(nn.MaxPool)
def max_pool(op: nn.MaxPool, rewriter: Rewriter) -> Match:
    """Integers of 8 and 16 bits as f32, and back"""
    dtype = dtype_of(op.input)
    if dtype.kind not in "iu" or dtype.itemsize > 2 or nn.quantization_parameters(op.input.type) is not None:
        return NO_MATCH
    return rewriter.replace(op, _cast(op.rebuild(_cast(op.input, np.float32)).output, dtype))


@pattern(nn.Conv)
def convolution(op: nn.Conv, rewriter: Rewriter) -> Match:
    """The sum of convolutions of some input channels each, as f32, of integers whose extremes are known"""
    dtype, weight, extremes = dtype_of(op.input), nn.constant_value(op.weight), _extremes(op.input)
    if dtype.kind not in "iu" or weight is None or extremes is None or op.bias is not None or not is_static(op.input):
        return NO_MATCH
    parts = exact_parts(np.abs(weight.astype(np.int64)), max(map(abs, extremes)), op.groups)
    if not parts:
        return NO_MATCH
    total = None
    for begin, end in parts:
        value = op.input
        if op.groups == 1 and len(parts) > 1:
            value = nn.Slice(value, starts=(begin,), ends=(end,), axes=(1,), steps=(1,)).output
        some = nn.Constant(value=np.ascontiguousarray(weight[:, begin:end], np.float32)).output
        part = _cast(op.rebuild(_cast(value, np.float32), some, None).output, dtype)
        total = part if total is None else nn.Add(total, part).output
    return rewriter.replace(op, total) if total is not None else NO_MATCH


def _extremes(value: ir.Value) -> tuple[int, int] | None:
    """The least and greatest integer that a tensor can hold, by its constant, or by the bytes it was made of."""
    array, cast, difference = nn.constant_value(value), producer(value, nn.Cast), producer(value, nn.Sub)
    if array is not None:
        return int(array.min(initial=0)), int(array.max(initial=0))
    if cast is not None and dtype_of(cast.input).kind in "iu" and dtype_of(cast.input).itemsize == 1:
        info = np.iinfo(dtype_of(cast.input))
        return int(info.min), int(info.max)
    sides = None if difference is None else [_extremes(difference.lhs), _extremes(difference.rhs)]
    if sides is None or sides[0] is None or sides[1] is None:
        return None
    return sides[0][0] - sides[1][1], sides[0][1] - sides[1][0]


def exact_parts(weight: Array, most: int, groups: int = 1) -> Sequence[tuple[int, int]]:
    """Ranges of input channels (of a group) whose sums stay exact, for magnitudes of weights and the greatest one of
    inputs; none where one channel's does not."""
    reach = np.abs(weight).sum(axis=tuple(range(2, weight.ndim))) * most
    if (reach > WHOLE).any():
        return ()
    ends, total = [], np.zeros(len(reach), np.int64)
    for channel, one in enumerate(reach.T):
        if ((total + one) > WHOLE).any():
            ends.append(channel)
            total = np.zeros(len(reach), np.int64)
        total = total + one
    ends.append(weight.shape[1])
    if groups > 1 and len(ends) > 1:
        return ()
    return list(zip([0, *ends[:-1]], ends, strict=True))
