"""Which values become bytes, and what the bytes stand for.

Every layer's result is bytes. What only moves numbers (slices, paddings, transposes ...) moves bytes when its operands
are bytes anyway, or when only layers want its result; such an operation's operands and result have the same parameters,
and so have inputs of one 3x3 layer, since the KPU pads them all with one number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.mlir import describe, ir
from ...dialects.ranges import Range, value_range
from ...dialects.tensors import dtype_of
from ...errors import PassError
from ..quant.affine import Affine, asymmetric
from ..rewriter import producer, users
from .affine import uniform
from .build import COPY

MOVING = (
    nn.Concat,
    nn.DepthToSpace,
    nn.Pad,
    nn.Reshape,
    nn.Resize,
    nn.Slice,
    nn.SpaceToDepth,
    nn.Squeeze,
    nn.Transpose,
    nn.Unsqueeze,
)
"""Operations whose results hold numbers of their operands only, or between them, or zero."""


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


class Parameters:
    """The quantised values of a function and their parameters.

    `given` are values whose bytes are there already, and the values that hold them: dequantised inputs, and those
    scaled and shifted alike for all channels, which only makes other numbers of the same bytes.
    """

    def __init__(self, module: ir.Module) -> None:
        self._block = entry_function(module).regions[0].blocks[0]
        self._parent: dict[ir.Value, ir.Value] = {}
        self.quantised: set[ir.Value] = set()
        self.given: dict[ir.Value, ir.Value] = {}
        self._known: dict[ir.Value, Bytes] = {}
        self._find_given()
        self._find_values()
        self._join()
        self._bytes = self._choose()

    def of(self, value: ir.Value) -> Bytes:
        """What the bytes of a quantised value stand for."""
        return self._bytes[self._root(value)]

    def _find_given(self) -> None:
        for op in self._block.operations:
            if isinstance(op, nn.Dequantize):
                stated = nn.quantization_parameters(op.input.type)
                if stated is not None and stated.dtype == np.uint8 and stated.axis == -1:
                    self._give(op.output, op.input, Bytes(stated.scale[0], stated.zero_point[0]))
            elif (found := uniform(op)) is not None and producer(op.inputs[0], kpu.Layer) is None:
                self._reread(op, *found)

    def _reread(self, op: kpu.Layer, scale: float, shift: float) -> None:
        """A layer that scales and shifts what comes from the host: it need not run, its input's bytes will do."""
        source = op.inputs[0]
        if source in self._known:
            known = self._known[source]
        else:
            known = covering(self._span(source))
        made = Bytes(known.scale * scale, known.zero - shift / (known.scale * scale))
        if 0 <= made.zero <= 255:
            self._known[source] = known
            self._give(op.output, source, made)

    def _give(self, value: ir.Value, source: ir.Value, made: Bytes) -> None:
        self.given[value], self._known[value] = source, made
        self.quantised.add(value)

    def _find_values(self) -> None:
        operations = list(self._block.operations)
        for op in operations:
            if op.operation.results and op.operation.results[0] in self.given:
                continue
            if isinstance(op, kpu.Layer) or (is_moving(op) and all(v in self.quantised for v in op.operation.operands)):
                self.quantised.add(op.operation.results[0])
        for op in reversed(operations):
            if is_moving(op) and self._only_for_layers(op.operation.results[0]):
                self.quantised.add(op.operation.results[0])

    def _only_for_layers(self, value: ir.Value) -> bool:
        """Whether all that uses a value wants bytes."""
        found = users(value)
        wanting = [isinstance(u, kpu.Layer) or (is_moving(u) and u.output in self.quantised) for u in found]
        return bool(found) and all(wanting)

    def _join(self) -> None:
        for op in self._block.operations:
            if is_moving(op) and op.operation.results[0] in self.quantised:
                self._same([*op.operation.operands, op.operation.results[0]])
            elif isinstance(op, kpu.Layer) and op.output not in self.given:
                if op.kernel == 3:
                    self._same(op.inputs)
                if COPY in op.attributes:
                    self._same([*op.inputs, op.output])

    def _same(self, values: Iterable[ir.Value]) -> None:
        first, *others = values
        for other in others:
            self._parent[self._root(other)] = self._root(first)

    def _root(self, value: ir.Value) -> ir.Value:
        while (parent := self._parent.get(value, value)) != value:
            value = parent
        return value

    def _choose(self) -> dict[ir.Value, Bytes]:
        spans: dict[ir.Value, Range] = {}
        known = {self._root(value): made for value, made in self._known.items()}
        for value in self._wanted():
            root = self._root(value)
            if root in known:
                continue
            span = self._span(value)
            other = spans.get(root, span)
            spans[root] = Range(min(span.low, other.low), max(span.high, other.high))
        return {**{root: covering(span) for root, span in spans.items()}, **known}

    def _span(self, value: ir.Value) -> Range:
        span = value_range(value)
        if span is None:
            owner = value.owner.location if isinstance(value, ir.OpResult) else ir.Location.unknown()
            raise PassError("K0718", where=describe(owner), cause=f"the range of {value.type} is not known")
        return span

    def _wanted(self) -> Iterable[ir.Value]:
        """Quantised values, and those that are quantised on the host because a layer or a mover wants them."""
        seen = dict.fromkeys(self.quantised)
        for op in self._block.operations:
            if isinstance(op, kpu.Layer) and op.output not in self.given:
                seen.update(dict.fromkeys(op.inputs))
            elif is_moving(op) and op.operation.results[0] in self.quantised:
                seen.update(dict.fromkeys(op.operation.operands))
        return seen


def covering(span: Range) -> Bytes:
    """Bytes whose range holds all of `span`: rounding the zero point alone would cut off half a step at one end."""
    rounded = asymmetric(span)
    zero = rounded.zero_point
    ends = ((span.high, 255 - zero), (-span.low, zero))
    scale = max([rounded.scale, *(float(np.float32(end / steps)) for end, steps in ends if steps)])
    return Bytes(scale, zero)


def is_moving(op: Any) -> bool:
    """Whether an operation moves float numbers, and knows no others than those and zero."""
    if not isinstance(op, MOVING) or dtype_of(op.operation.results[0]).kind != "f":
        return False
    if isinstance(op, nn.Resize):
        return op.mode in ("nearest", "linear") and op.coordinate != "tf_crop_and_resize" and not op.antialias
    return not isinstance(op, nn.Pad) or (op.mode == "constant" and op.value == 0)
