"""The kernel of the best elements of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Evaluation, Point, Scalars
from ..group import Group
from ..kernel import Kernel, flatten, load, store
from ..lowerings import lowers
from ..rowwise import halo_kernels, numbers_of
from ..target import TargetSpec
from ..text import Index


@lowers(nn.Topk)
def lower_topk(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Elements are put, one after the other, in their place among the best so far: most are worse than all of these.

    NaN counts as infinity.
    """
    op = group.anchor
    shape = static_shape(op.input)
    axis = op.axis % len(shape)
    others = [k for k in range(len(shape)) if k != axis]
    if op.k == 0:
        return []
    kernel = Kernel("topk", tasks=flatten([shape[k] for k in others]))
    text = kernel.text
    with text.loop("%lo", "%hi") as task:
        place: dict[int, Index] = {}
        left = task
        for k in reversed(others):
            place[k], left = text.rem(left, shape[k]), text.div(left, shape[k])
        _Row(kernel, group, buffers, place, axis).write(shape[axis])
    return [kernel, *halo_kernels(group, buffers, spec)]


@dataclass(frozen=True)
class _Row:
    """The row at a place."""

    kernel: Kernel
    group: Group
    buffers: Mapping[ir.Value, Buffer]
    place: Mapping[int, Index]
    axis: int

    def write(self, size: int) -> None:
        """The best `k` of `size` elements."""
        text, op = self.kernel.text, self.group.anchor
        with text.loop(0, size) as number:
            evaluation = Evaluation(self.kernel, self.group, self.buffers)
            value = evaluation.at(op.input, Point(self._indices(number)))
            count = text.minimum(number, op.k - 1)
            enters = self._is_better(value, text.index(op.k - 1))
            if isinstance(number, str):
                room = text.let(f"arith.cmpi ult, {number}, {text.index(op.k)} : index")
                enters = text.let(f"arith.ori {enters}, {room} : i1")
                with text.when(enters):
                    self._insert(value, number, count)
            else:
                self._insert(value, number, count)

    def _insert(self, value: str, number: Index, last: Index) -> None:
        """Move worse elements behind by one, from the last one on, and put an element in its place."""
        text, op = self.kernel.text, self.group.anchor
        at, result = text.name(), text.name()
        text.do(f"{result} = scf.while ({at} = {text.index(last)}) : (index) -> index {{")
        inside = text.let(f"arith.cmpi ugt, {at}, {text.index(0)} : index")
        before = text.index(text.sub(text.maximum(at, 1), 1))
        goes_on = text.let(f"arith.andi {inside}, {self._is_better(value, before)} : i1")
        text.do(f"scf.condition({goes_on}) {at} : index")
        free = text.name()
        text.do("} do {")
        text.do(f"^bb0({free}: index):")
        before = text.index(text.sub(free, 1))
        for output in (op.output, op.indices):
            self._store(output, self._load(output, before), free)
        text.do(f"scf.yield {before} : index")
        text.do("}")
        self._store(op.output, value, result)
        index = text.let(f"arith.index_cast {text.index(number)} : index to i64")
        self._store(op.indices, index, result)

    def _is_better(self, value: str, place: str) -> str:
        """Whether an element comes before that at a place of the results."""
        op, scalars = self.group.anchor, Scalars(self.kernel.text, 1)
        own, numbers = Arithmetic.of(scalars, dtype_of(op.input)), numbers_of(op.input).arithmetic(scalars.text, 1)
        value, other = (own.convert(one, numbers) for one in (value, self._load(op.output, place)))
        if numbers.is_float:
            infinite = numbers.number(float("inf"))
            value, other = (numbers.select(numbers.is_nan(one), infinite, one) for one in (value, other))
        return numbers.compare("gt" if op.largest else "lt", value, other)

    def _indices(self, along: Index) -> tuple[Index, ...]:
        place = {**self.place, self.axis: along}
        return tuple(place[k] for k in range(len(place)))

    def _load(self, output: ir.Value, along: Index) -> str:
        buffer = self.buffers[output]
        name = self.kernel.operand(output, buffer, written=True)
        return load(self.kernel.text, name, buffer, buffer.at(self.kernel.text, self._indices(along)))

    def _store(self, output: ir.Value, value: str, along: Index) -> None:
        buffer = self.buffers[output]
        name = self.kernel.operand(output, buffer, written=True)
        store(self.kernel.text, value, name, buffer, buffer.at(self.kernel.text, self._indices(along)))
