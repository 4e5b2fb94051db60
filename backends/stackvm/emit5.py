"""`nn` to version 5 stackvm code.

On entry: one function of basic `nn` operations (`nn-decompose-basic`) with static shapes and a memory plan
(`nn-plan-memory`). On exit: a kmodel in the dialect of the asked runtime. Nothing is allocated when it runs: results
lie where the plan says, constants are read in the file, outputs are written in place.
"""

from typing import Any

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.kpu import KPUOp
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...passes.buffers.plan import ALIASES, OFFSETS, SCRATCH, output_roots, root, working_bytes
from ...runtime.kmodel.build5 import Place
from ...runtime.stackvm.assembler5 import Assembler, Code
from ...runtime.stackvm.isa5 import ISA5
from ...runtime.stackvm.memory5 import dense
from ..k210.device import Device
from ..unsupported import Unsupported, check_static, refuse
from .interface import names_of
from .operators5 import EMITTERS, Writer, stored


class Places:
    """Where each value lies."""

    def __init__(self, code: Code, block: ir.Block, results: list[ir.Value]) -> None:
        self.code = code
        self._known = {argument: code.inputs[number] for number, argument in enumerate(block.arguments)}
        self._known |= {value: code.outputs[number] for value, number in output_roots(results).items()}

    def __call__(self, value: ir.Value) -> Place:
        """The place of a value: of its buffer, or of a constant, which goes into the file when it is first used."""
        source = root(value)
        if source not in self._known:
            array = nn.constant_value(source)
            assert array is not None, f"{source} was not planned"
            self._known[source] = self.code.constant(array)
        return self._known[source]

    def plan(self, op: Any) -> Place | None:
        """Read the offsets of an operation's results; the place of what it needs while it runs."""
        offsets = list(op.operation.attributes[OFFSETS])
        for value, offset in zip(op.operation.results, offsets, strict=False):
            if offset >= 0:
                self._known[value] = Place("data", offset)
        return Place("data", offsets[-1]) if working_bytes(op) else None


def emit5(module: ir.Module, producer: str, dialect: str) -> bytes:
    """The kmodel of a network; `dialect` is one of `isa5.DIALECTS`.

    Raises `UnsupportedError` K0602 that lists every operation which the stack machine cannot compute, K0603 for
    dimensions that are not known.
    """
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    *body, end = (op for op in block.operations if not isinstance(op, nn.Constant))
    check_static(block, body)
    results = list(end.operation.operands)
    assembler = Assembler(ISA5[dialect])
    code = assembler.function([stored(value) for value in block.arguments], [stored(value) for value in results])
    places = Places(code, block, results)
    writer = Writer(code, places)
    device = Device(code, places)
    problems: list[tuple[Any, Unsupported]] = []
    for op in body:
        if isinstance(op, ALIASES):
            continue
        writer.working = places.plan(op)
        if isinstance(op, KPUOp):
            device.add(op)
            continue
        device.finish()
        try:
            _emit(writer, op)
        except Unsupported as error:
            problems.append((op, error))
    device.finish()
    refuse(problems)
    for value, output in zip(results, code.outputs, strict=True):
        if places(value) != output:
            writer.copy(places(value), output, stored(value), dense(stored(value).shape))
    names = names_of(function, producer, dialect)
    return assembler.write(function.attributes[SCRATCH].value, names, device.modules())


def _emit(writer: Writer, op: Any) -> None:
    emit = EMITTERS.get(type(op))
    if not isinstance(op, Op) or emit is None:
        raise Unsupported("it has no such function")
    emit(writer, op)
