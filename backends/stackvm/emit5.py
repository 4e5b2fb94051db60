"""`nn` to version 5 stackvm code.

On entry: one function of buffers (`kpu-bufferize`) and basic `nn` operations (`nn-decompose-basic`). On exit: a kmodel
in the dialect of the asked runtime. Nothing is allocated when it runs: constants are read in the file, outputs are
written in place.
"""

from typing import Any

from ...dialects import kpu, nn
from ...dialects.function import buffers_of, entry_function, inputs_of
from ...dialects.mlir import describe, ir
from ...dialects.ods import Op
from ...errors import UnsupportedError
from ...passes.buffers.plan import SCRATCH
from ...runtime.kmodel.build5 import Place
from ...runtime.stackvm.assembler5 import Assembler, Code
from ...runtime.stackvm.isa5 import ISA5
from ...runtime.stackvm.memory5 import dense
from ..buffers import address_of, source_of, steps_of
from ..k210.device import Device
from ..unsupported import Unsupported, refuse
from .interface import names_of
from .operators5 import EMITTERS, Writer, stored

NEWEST = "1.6"
"""The dialect whose runtimes take inputs of any rank."""
MOST_DIMENSIONS = 4
"""Of an input, in older ones: 1.1.0 was seen to end with a signal on one of 5."""


class Places:
    """Where each value lies."""

    def __init__(self, code: Code, inputs: list[ir.Value], outputs: list[ir.Value]) -> None:
        self.code = code
        self._known: dict[ir.Value, Place] = dict(zip([*inputs, *outputs], [*code.inputs, *code.outputs], strict=True))

    def __call__(self, value: ir.Value) -> Place:
        """The place of a value: of its buffer, or of a constant, which goes into the file when it is first used."""
        source = source_of(value)
        if source not in self._known:
            array = nn.constant_value(source)
            self._known[source] = Place("data", address_of(source)) if array is None else self.code.constant(array)
        return self._known[source]


def emit5(module: ir.Module, producer: str, dialect: str) -> bytes:
    """The kmodel of a network; `dialect` is one of `isa5.DIALECTS`.

    Raises `UnsupportedError` K0602 that lists every operation which the stack machine cannot compute, or names an input
    that its runtime cannot take.
    """
    function = entry_function(module)
    inputs, outputs = buffers_of(function)
    if dialect != NEWEST:
        _check_inputs(function)
    assembler = Assembler(ISA5[dialect])
    code = assembler.function([stored(value) for value in inputs], [stored(value) for value in outputs])
    places = Places(code, inputs, outputs)
    writer = Writer(code, places, function.attributes[SCRATCH].value)
    device = Device(code, places)
    problems: list[tuple[Any, Unsupported]] = []
    for op in steps_of(function.regions[0].blocks[0]):
        if isinstance(op, kpu.TransferInto | kpu.Conv2DInto):
            device.add(op)
            continue
        device.finish()
        try:
            _emit(writer, op)
        except Unsupported as error:
            problems.append((op, error))
    device.finish()
    refuse(problems)
    names = names_of(function, producer, dialect)
    return assembler.write(writer.scratch, names, device.modules())


def _check_inputs(function: Any) -> None:
    for one in inputs_of(function):
        if one.type.rank > MOST_DIMENSIONS:
            where = f"{describe(function.location)}: {one.name}"
            cause = f"runtimes before 1.6 end on inputs of more than {MOST_DIMENSIONS} dimensions, this is {one.type}"
            remedy = "compile for a newer runtime (--runtime), or let the network reshape an input of fewer dimensions"
            raise UnsupportedError("K0602", where=where, cause=cause, remedy=remedy)


def _emit(writer: Writer, op: Any) -> None:
    if isinstance(op, kpu.Store):
        tensor = stored(op.value)
        writer.copy(writer.place(op.value), writer.place(op.target), tensor, dense(tensor.shape))
        return
    emit = EMITTERS.get(type(op))
    if not isinstance(op, Op) or emit is None:
        raise Unsupported("it has no such function")
    emit(writer, op)
