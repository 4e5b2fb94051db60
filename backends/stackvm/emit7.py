"""`nn` to version 7 stackvm code.

On entry: one function of `nn` operations, decomposed (`nn-decompose`), what depends on dimensions that are not known
written out (`nn-open-shapes`). On exit: a kmodel. Every result lives in a local variable, which is reused after its
last use, so that the runtime frees tensors early; constants stay in the file and are pushed where they are used.
"""

from collections.abc import Sequence
from typing import Any

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of, is_static, shape_of
from ...runtime.kmodel.elements import element_name
from ...runtime.kmodel.types7 import TensorType, TupleType
from ...runtime.stackvm.assembler7 import Arg, Assembler, Code, Local, Operand
from ..unsupported import OPERATORS, Unsupported, refuse
from .interface import names_of
from .nms7 import EMITTERS


class Emitter7:
    """Emits one function: knows where each value is."""

    def __init__(self, code: Code, arguments: Sequence[ir.Value]) -> None:
        self.code = code
        self.places: dict[ir.Value, Operand] = {value: Arg(i) for i, value in enumerate(arguments)}
        self.free: list[Local] = []

    def operand(self, value: ir.Value | None) -> Operand:
        """How a value is pushed: a parameter, a local, a constant, or nothing."""
        if value is None:
            return None
        array = nn.constant_value(value)
        return self.places[value] if array is None else array

    def keep(self, value: ir.Value) -> None:
        """Pop the top of the stack into a local that stands for `value`."""
        self.places[value] = self.code.store(self.free.pop() if self.free else None)

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
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    operations = [op for op in block.operations if not isinstance(op, nn.Constant)]
    *body, end = operations
    results = list(end.operation.operands)
    assembler = Assembler()
    code = assembler.function(
        [_signature(argument) for argument in block.arguments],
        _signature(results[0]) if len(results) == 1 else TupleType(tuple(_signature(value) for value in results)),
    )
    emitter = Emitter7(code, block.arguments)
    last_use = {value: i for i, op in enumerate(operations) for value in op.operation.operands}
    problems: list[tuple[Any, Unsupported]] = []
    for i, op in enumerate(body):
        try:
            _emit(emitter, op)
        except Unsupported as error:
            problems.append((op, error))
            emitter.places.update(dict.fromkeys(op.operation.results))
            continue
        for value in (*op.operation.operands, *op.operation.results):
            if last_use.get(value, -1) <= i:
                emitter.drop(value)
    refuse(problems, remedy=remedy)
    operands = [emitter.operand(value) for value in results]
    code.push(operands[0] if len(operands) == 1 else operands)
    code.ret()
    names = names_of(function, producer)
    return assembler.write(names)


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
    whole = emitter.code.store(emitter.free.pop() if emitter.free else None)
    for i, value in enumerate(results):
        emitter.code.push(whole)
        emitter.code.element(i)
        emitter.keep(value)
    emitter.code.release(whole)
    emitter.free.append(whole)


def _signature(value: ir.Value) -> TensorType:
    return TensorType(element_name(dtype_of(value)), shape_of(value))
