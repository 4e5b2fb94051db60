"""`nn` to version 7 stackvm code.

On entry: one function of `nn` operations, decomposed (`nn-decompose`), what depends on dimensions that are not known
written out (`nn-open-shapes`). On exit: a kmodel. Every result lives in a local variable, which is reused after its
last use, so that the runtime frees tensors early; constants stay in the file and are pushed where they are used. What
only one side of a choice needs is behind a branch.
"""

from collections.abc import Sequence
from typing import Any

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of, is_static, shape_of
from ...runtime.kmodel import v7
from ...runtime.kmodel.elements import element_name
from ...runtime.kmodel.types7 import TensorType, TupleType
from ...runtime.stackvm.assembler7 import Arg, Assembler, Code, Local, Operand
from ..buckets import Buckets
from ..unsupported import OPERATORS, TAIL, Unsupported, refuse
from . import entry7
from .choices7 import Choice, Step, operands_of, plan, results_of
from .interface import names_of
from .nms7 import EMITTERS


class Emitter7:
    """Emits one function: knows where each value is."""

    def __init__(self, code: Code, arguments: Sequence[ir.Value]) -> None:
        self.code = code
        self.places: dict[ir.Value, Operand] = {value: Arg(i) for i, value in enumerate(arguments)}
        self.free: list[Local] = []
        self.problems: list[tuple[Any, Unsupported]] = []

    def run(self, steps: Sequence[Step], results: Sequence[ir.Value]) -> None:
        """Emit steps that follow each other; of their values only `results` are kept."""
        last_use = {value: i for i, step in enumerate(steps) for value in operands_of(step)}
        last_use.update(dict.fromkeys(results, len(steps)))
        own: set[ir.Value] = set()
        for i, step in enumerate(steps):
            if isinstance(step, Choice):
                self._choose(step)
            else:
                try:
                    _emit(self, step)
                except Unsupported as error:
                    self.problems.append((step, error))
                    self.places.update(dict.fromkeys(results_of(step)))
            own.update(results_of(step))
            for value in (*operands_of(step), *results_of(step)):
                if value in own and last_use.get(value, -1) <= i:
                    self.drop(value)

    def _choose(self, choice: Choice) -> None:
        """Emit the steps of both sides, each behind a branch that keeps what is chosen in the same locals."""
        kept = [self.take() for _ in choice.wheres]
        other, end = self.code.label(), self.code.label()
        self.code.push(self.operand(choice.condition))
        self.code.emit("LDSCALAR")
        self.code.branch_false(other)
        for number, side in enumerate(choice.sides):
            chosen = choice.chosen(number)
            self.run(side, chosen)
            for local, value in zip(kept, chosen, strict=True):
                self.code.push(self.operand(value))
                self.code.store(local)
            own = {value for step in side for value in results_of(step)}
            for value in dict.fromkeys(chosen):
                if value in own:
                    self.drop(value)
            if number == 0:
                self.code.branch(end)
                self.code.place(other)
        self.code.place(end)
        self.places.update(zip(choice.results, kept, strict=True))

    def take(self) -> Local:
        """A local that holds nothing."""
        return self.free.pop() if self.free else self.code.new_local()

    def operand(self, value: ir.Value | None) -> Operand:
        """How a value is pushed: a parameter, a local, a constant, or nothing."""
        if value is None:
            return None
        array = nn.constant_value(value)
        return self.places[value] if array is None else array

    def keep(self, value: ir.Value) -> None:
        """Pop the top of the stack into a local that stands for `value`."""
        self.places[value] = self.code.store(self.take())

    def drop(self, value: ir.Value) -> None:
        """The value is not used any more: its local can be reused, and its tensor be freed."""
        place = self.places.pop(value, None)
        if isinstance(place, Local):
            self.code.release(place)
            self.free.append(place)


def emit7(module: ir.Module, producer: str, remedy: str = OPERATORS) -> bytes:
    """The kmodel of a network; `remedy` is what to do about operations that cannot be computed.

    Raises `UnsupportedError` K0602 that lists every operation which the stack machine cannot compute.
    """
    assembler = Assembler()
    _emit_function(assembler, module, remedy)
    return assembler.write(names_of(entry_function(module), producer))


def emit7_buckets(modules: Sequence[ir.Module], buckets: Buckets, producer: str, remedy: str = OPERATORS) -> bytes:
    """The kmodel of a network for a range of shapes: `modules` are those for the sizes of the segments.

    Raises as `emit7` does.
    """
    assembler = Assembler()
    entry = entry7.entry_function(assembler, buckets)
    for module in modules:
        _emit_function(assembler, module, remedy)
    if buckets.tail is not None:
        _emit_function(assembler, buckets.tail.module, TAIL)
    entry7.emit_entry(entry, buckets, module=0, first=1, tail=1 + len(modules))
    return assembler.write(names_of(entry_function(modules[0]), producer, buckets=buckets))


def entry_module(buckets: Buckets, module: int) -> v7.Module:
    """A module of the entry function, for segments that are functions of another module, by its number, from 0.

    Raises as `emit7` does.
    """
    assembler = Assembler()
    entry = entry7.entry_function(assembler, buckets)
    if buckets.tail is not None:
        _emit_function(assembler, buckets.tail.module, TAIL)
    entry7.emit_entry(entry, buckets, module, first=0, tail=1)
    return assembler.module()


def _emit_function(assembler: Assembler, module: ir.Module, remedy: str = OPERATORS) -> None:
    """A function that computes a network."""
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    operations = [op for op in block.operations if not isinstance(op, nn.Constant)]
    end = operations[-1]
    results = list(end.operation.operands)
    code = assembler.function(
        [_signature(argument) for argument in block.arguments],
        _signature(results[0]) if len(results) == 1 else TupleType(tuple(_signature(value) for value in results)),
    )
    emitter = Emitter7(code, block.arguments)
    emitter.run(plan(operations), results)
    refuse(emitter.problems, remedy=remedy)
    operands = [emitter.operand(value) for value in results]
    code.push(operands[0] if len(operands) == 1 else operands)
    code.ret()


def _emit(emitter: Emitter7, op: Any) -> None:
    emit = EMITTERS.get(type(op))
    if not isinstance(op, Op) or emit is None:
        opened = [str(value.type) for value in op.operation.operands if not is_static(value)]
        known = f", and for {opened[0]} it cannot be written out with others: its sizes must be known" if opened else ""
        raise Unsupported(f"it has no such function{known}")
    operands = [
        [emitter.operand(v) for v in value] if isinstance(value, list) else emitter.operand(value)
        for value in (op.field_values(field) for field in op.operand_fields)
    ]
    emit(emitter.code, op, *operands)
    results = list(op.operation.results)
    if len(results) == 1 and not isinstance(op, nn.Split):
        emitter.keep(results[0])
        return
    whole = emitter.code.store(emitter.take())
    for i, value in enumerate(results):
        emitter.code.push(whole)
        emitter.code.element(i)
        emitter.keep(value)
    emitter.code.release(whole)
    emitter.free.append(whole)


def _signature(value: ir.Value) -> TensorType:
    return TensorType(element_name(dtype_of(value)), shape_of(value))
