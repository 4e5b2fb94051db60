"""What is done to an anchor's results in registers, before they are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..buffer import Buffer
from ..evaluation import Evaluation, NotSideBySide, Point
from ..group import Group
from ..kernel import Kernel, vector
from ..text import Index, Text

Made = TypeVar("Made")


class Finish(Protocol):
    """What becomes of the sums that a kernel has in vectors."""

    def roomy(self, lanes: int) -> bool:
        """Whether whole vectors fit into every buffer."""

    def store(self, values: Sequence[tuple[str, tuple[Index, ...]]], lanes: int, element: str) -> None:
        """Finish vectors of `element` of which each begins at a place of the tensor, and store the results."""


@dataclass(frozen=True)
class Epilogue:
    """Computes what a group has behind its anchor, from vectors of the anchor's results along `axis`, and stores it.

    anchor: the value that the vectors are of. scattered: elements are computed and stored one by one, because they are
    not neighbours in every buffer; else in vectors. clamp: limits of the anchor's own.
    """

    kernel: Kernel
    group: Group
    buffers: Mapping[ir.Value, Buffer]
    anchor: ir.Value
    axis: int
    scattered: bool
    clamp: tuple[float, ...] | None = None

    def store(self, values: Sequence[tuple[str, tuple[Index, ...]]], lanes: int, element: str = "f32") -> None:
        """Finish vectors of results of which each begins at a place of the tensor (its indices by axis).

        A vector that reaches beyond the tensor must begin at a known index, unless there is room behind it everywhere.
        """
        values = [(self._limited(value, lanes, element), place) for value, place in values]
        places = []
        for value, place in values:
            if self._alone(place, lanes):
                self._in_pieces(value, place, lanes, element)
            else:
                places.append((Evaluation(self.kernel, self.group, self.buffers, {self.anchor: value}), place))
        for evaluation, place in places:
            for result in self.group.results:
                evaluation.at(result, Point(place, lanes, self.axis))
        for evaluation, place in places:
            for result in self.group.results:
                evaluation.store(result, Point(place, lanes, self.axis))

    def _alone(self, place: tuple[Index, ...], lanes: int) -> bool:
        if lanes == 1:
            return False
        start = place[self.axis]
        reaches = isinstance(start, int) and start + lanes > static_shape(self.anchor)[self.axis]
        return self.scattered or (reaches and not self.roomy(lanes))

    def roomy(self, lanes: int) -> bool:
        """Whether whole vectors along the axis fit into every buffer."""
        return all(
            has_room(self.buffers[value], self.axis, lanes) for value in _placed(self.group, self.buffers, self.anchor)
        )

    def _in_pieces(self, value: str, place: tuple[Index, ...], lanes: int, element: str) -> None:
        """Store as much of a vector as there is: elements, or vectors of powers of two."""
        text, start = self.kernel.text, place[self.axis]
        count = lanes if isinstance(start, str) else min(lanes, static_shape(self.anchor)[self.axis] - start)
        lane = 0
        while lane < count:
            size = 1 if self.scattered else 1 << (count - lane).bit_length() - 1
            piece = _piece(text, value, lanes, element, lane, size)
            evaluation = Evaluation(self.kernel, self.group, self.buffers, {self.anchor: piece})
            spot = (*place[: self.axis], text.add(start, lane), *place[self.axis + 1 :])
            for result in self.group.results:
                evaluation.store(result, Point(spot, size, self.axis))
            lane += size

    def _limited(self, value: str, lanes: int, element: str) -> str:
        if self.clamp is None:
            return value
        text, type_ = self.kernel.text, vector(lanes, element)
        for bound, order in zip(self.clamp, ("ogt", "olt"), strict=True):
            limit = text.constant(bound, type_)
            beyond = text.let(f"arith.cmpf {order}, {limit}, {value} : {type_}")
            condition = vector(lanes, "i1")
            value = text.let(
                f"arith.select {beyond}, {limit}, {value} : {condition}, {type_}"
                if lanes > 1
                else f"arith.select {beyond}, {limit}, {value} : {type_}"
            )
        return value


def _piece(text: Text, value: str, lanes: int, element: str, lane: int, size: int) -> str:
    """Some lanes of a vector."""
    whole = vector(lanes, element)
    if size == 1:
        return text.let(f"vector.extract {value}[{lane}] : {element} from {whole}")
    picked = ", ".join(map(str, range(lane, lane + size)))
    return text.let(f"vector.shuffle {value}, {value} [{picked}] : {whole}, {whole}")


def side_by_side(group: Group, buffers: Mapping[ir.Value, Buffer], anchor: ir.Value, axis: int) -> bool:
    """Whether neighbours along an axis of the anchor's result are neighbours in all that the group stores, and in all
    of the same shape that it reads behind the anchor."""
    return all(buffers[value].inner == axis for value in _placed(group, buffers, anchor))


def as_it_lies(group: Group, buffers: Mapping[ir.Value, Buffer], axis: int, write: Callable[[bool], Made]) -> Made:
    """What `write(scattered)` makes of a group: in vectors along an axis of the anchor's result if all lies so, else
    scattered. Raises `NotSideBySide` where even that cannot be."""
    if side_by_side(group, buffers, group.anchor.output, axis):
        try:
            return write(False)
        except NotSideBySide:
            pass
    return write(True)


def has_room(buffer: Buffer, axis: int, lanes: int) -> bool:
    """Whether whole vectors along an axis, from the tensor's first element on, fit into the buffer."""
    return buffer.before[axis] + -(-buffer.shape[axis] // lanes) * lanes <= buffer.extents[axis]


def _placed(group: Group, buffers: Mapping[ir.Value, Buffer], anchor: ir.Value) -> list[ir.Value]:
    """What has the shape of the anchor's result and lies in memory, except for what the anchor itself reads."""
    own = list(anchor.owner.operands)
    read = [value for value in group.inputs if value in buffers and not (value in own and _sole(group, value, anchor))]
    return [value for value in [*group.results, *read] if static_shape(value) == static_shape(anchor)]


def _sole(group: Group, value: ir.Value, anchor: ir.Value) -> bool:
    """Whether only the anchor reads a value."""
    readers = [op for op in group.operations if value in list(op.operation.operands)]
    return all(op.operation == anchor.owner.operation for op in readers)
