"""Which values become bytes, and what the bytes stand for.

Every layer's result is bytes. What only moves numbers (slices, paddings, transposes ...) moves bytes when its operands
are bytes anyway, or when only layers want its result; such an operation's operands and result have the same parameters,
and so have inputs of one 3x3 layer, since the KPU pads them all with one number.
"""

from collections.abc import Iterable
from typing import Any

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.ranges import Range
from ...dialects.tensors import dtype_of
from ..rewriter import users
from .build import COPY
from .given import Bytes, Given, covering, span_of

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


class Parameters:
    """The quantised values of a function and their parameters.

    `given` are values whose bytes are there already, and the values that hold them.
    """

    def __init__(self, module: ir.Module) -> None:
        self._block = entry_function(module).regions[0].blocks[0]
        found = Given(self._block)
        self.given, self._known = found.sources, found.known
        self._group()
        while misfits := self._misfits():
            for value in misfits:
                self.given.pop(value, None)
                self._known.pop(value, None)
            self._group()
        self._bytes = self._choose()

    def _group(self) -> None:
        """Find the values that become bytes, and those of one kind."""
        self._parent: dict[ir.Value, ir.Value] = {}
        self.quantised: set[ir.Value] = set(self.given)
        self._find_values()
        self._join()

    def _misfits(self) -> list[ir.Value]:
        """Values with bytes that cannot be kept: what they are joined with takes other bytes, or a wider range."""
        groups: dict[ir.Value, list[ir.Value]] = {}
        for value in self._known:
            groups.setdefault(self._root(value), []).append(value)
        wide = {self._root(value) for value in self._wanted() if self._root(value) in groups and self._leaves(value)}
        return [
            value
            for root, values in groups.items()
            for value in values
            if root in wide or len({self._known[one] for one in values}) > 1
        ]

    def _leaves(self, value: ir.Value) -> bool:
        """Whether a value is computed, and has numbers that bytes of its group do not reach."""
        owner: Any = value.owner.opview if isinstance(value, ir.OpResult) else None
        if value in self._known or is_moving(owner) or (isinstance(owner, kpu.Layer) and COPY in owner.attributes):
            return False
        known = next(self._known[one] for one in self._known if self._root(one) == self._root(value))
        span = span_of(value)
        low, high = (0 - known.zero - 1) * known.scale, (255 - known.zero + 1) * known.scale
        return span.low < low or span.high > high

    def of(self, value: ir.Value) -> Bytes:
        """What the bytes of a quantised value stand for."""
        return self._bytes[self._root(value)]

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
            span = span_of(value)
            other = spans.get(root, span)
            spans[root] = Range(min(span.low, other.low), max(span.high, other.high))
        return {**{root: covering(span) for root, span in spans.items()}, **known}

    def _wanted(self) -> Iterable[ir.Value]:
        """Quantised values, and those that are quantised on the host because a layer or a mover wants them."""
        seen = dict.fromkeys(self.quantised)
        for op in self._block.operations:
            if isinstance(op, kpu.Layer) and op.output not in self.given:
                seen.update(dict.fromkeys(op.inputs))
            elif is_moving(op) and op.operation.results[0] in self.quantised:
                seen.update(dict.fromkeys(op.operation.operands))
        return seen


def is_moving(op: Any) -> bool:
    """Whether an operation moves float numbers, and knows no others than those and zero."""
    if not isinstance(op, MOVING) or dtype_of(op.operation.results[0]).kind != "f":
        return False
    if isinstance(op, nn.Resize):
        return op.mode in ("nearest", "linear") and op.coordinate != "tf_crop_and_resize" and not op.antialias
    return not isinstance(op, nn.Pad) or (op.mode == "constant" and op.value == 0)
