"""Values whose bytes are there before anything is quantised.

They are dequantised inputs, and those scaled and shifted alike for all channels, which only makes other numbers of the
same bytes.
"""

from dataclasses import dataclass

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import describe, ir
from ...dialects.ranges import Range, value_range
from ...errors import PassError
from ..quant.affine import Affine, asymmetric
from ..rewriter import producer
from .affine import uniform


@dataclass(frozen=True)
class Bytes:
    """What bytes q stand for: (q - zero) * scale. `zero` need not be whole; the chip pads with the nearest byte."""

    scale: float
    zero: float

    @property
    def pad(self) -> int:
        """The byte that stands for 0, or is nearest to it."""
        return min(max(round(self.zero), 0), 255)

    @property
    def affine(self) -> Affine:
        """As types state it."""
        return Affine(self.scale, self.pad, 0, 8)


class Given:
    """The given values of a block: `sources` are the values that hold their bytes, `known` is what bytes stand for."""

    def __init__(self, block: ir.Block) -> None:
        self.sources: dict[ir.Value, ir.Value] = {}
        self.known: dict[ir.Value, Bytes] = {}
        for op in block.operations:
            if isinstance(op, nn.Dequantize):
                stated = nn.quantization_parameters(op.input.type)
                if stated is not None and stated.dtype == np.uint8 and stated.axis == -1:
                    self._give(op.output, op.input, Bytes(stated.scale[0], stated.zero_point[0]))
            elif (found := uniform(op)) is not None and producer(op.inputs[0], kpu.Layer) is None:
                self._reread(op, *found)

    def _reread(self, op: kpu.Layer, scale: float, shift: float) -> None:
        """A layer that scales and shifts what comes from the host: it need not run, its input's bytes will do."""
        source = op.inputs[0]
        known = self.known[source] if source in self.known else covering(span_of(source))
        made = Bytes(known.scale * scale, known.zero - shift / (known.scale * scale))
        if 0 <= made.zero <= 255:
            self.known[source] = known
            self._give(op.output, source, made)

    def _give(self, value: ir.Value, source: ir.Value, made: Bytes) -> None:
        self.sources[value], self.known[value] = source, made


def span_of(value: ir.Value) -> Range:
    """The range of a value that becomes bytes. Raises `PassError` K0718 when it is not known."""
    span = value_range(value)
    if span is None:
        owner = value.owner.location if isinstance(value, ir.OpResult) else ir.Location.unknown()
        raise PassError("K0718", where=describe(owner), cause=f"the range of {value.type} is not known")
    return span


def covering(span: Range) -> Bytes:
    """Bytes whose range holds all of `span`: rounding the zero point alone would cut off half a step at one end."""
    rounded = asymmetric(span)
    zero = rounded.zero_point
    ends = ((span.high, 255 - zero), (-span.low, zero))
    scale = max([rounded.scale, *(float(np.float32(end / steps)) for end, steps in ends if steps)])
    return Bytes(scale, zero)
