"""From planned tensors to buffers: every value gets the address that the planners gave it.

On entry: one function with static shapes behind `nn-plan-memory` and, if there are `kpu` operations, `kpu-plan-maps`.
On exit: inputs and outputs are arguments, which are buffers, and the function returns nothing. Operations of the KPU
read and write buffers; of the host's, each operand is a constant or is loaded, each result is stored. Only constants
are reshaped. Outputs that are elsewhere already (inputs, constants, the same value twice) are copied last. Offsets are
no attributes of operations any more; how much memory is used stays one of the function.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ...dialects import kpu, nn
from ...dialects.function import RESULT, TYPE, check_static, entry_function
from ...dialects.mlir import describe, ir, safe_erase
from ...dialects.tensors import dtype_of, static_shape
from ...errors import PassError
from ..kpu.plan import offset_of, whole
from ..pipeline import register_pass
from ..rewriter import producer
from .plan import ALIASES, INPUTS, NOWHERE, OFFSETS, output_roots, root, uploaded, working_bytes

Entry = dict[str, ir.Attribute]


@register_pass
@dataclass(frozen=True)
class Bufferize:
    """Write the memory plan as buffers, so that what is executed says where everything is."""

    name: ClassVar[str] = "kpu-bufferize"

    def apply(self, module: ir.Module) -> None:
        function = entry_function(module)
        check_static(function)
        with ir.Location.unknown():
            _Bufferizer(function).run()


@dataclass
class _Bufferizer:
    """One function on its way.

    results: what it returns.   owned: which of them are computed where outputs are.   places: offsets in main memory.
    buffers: of values that have one by now.   outputs: the buffers that the caller wants filled.   types: of all
    arguments.   done: operations that others have taken the place of.
    """

    function: Any
    results: list[ir.Value] = field(default_factory=list)
    owned: dict[ir.Value, int] = field(default_factory=dict)
    places: dict[ir.Value, int] = field(default_factory=dict)
    buffers: dict[ir.Value, ir.Value] = field(default_factory=dict)
    outputs: list[ir.Value] = field(default_factory=list)
    types: list[ir.Type] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)

    def run(self) -> None:
        block = self.function.regions[0].blocks[0]
        *body, end = block.operations
        self.results = list(end.operation.operands)
        self.owned = output_roots(self.results)
        self._read_plan(block, body)
        entries = [*self._take_inputs(block), *self._make_outputs(block)]
        for op in body:
            with ir.InsertionPoint(op), op.location:
                self._rewrite(op)
        with ir.InsertionPoint(end), end.location:
            self._copy_outputs()
            ir.Operation.create("func.return")
        for op in (end, *reversed(self.done)):
            safe_erase(op.operation)
        self._sign(block, entries)

    def _read_plan(self, block: ir.Block, body: Sequence[Any]) -> None:
        if INPUTS in self.function.attributes:
            self.places.update(zip(block.arguments, self.function.attributes[INPUTS], strict=True))
        for op in body:
            if not isinstance(op, (nn.Constant, *ALIASES)):
                self.places.update(zip(op.operation.results, _planned(op, OFFSETS), strict=False))

    def _take_inputs(self, block: ir.Block) -> list[Entry]:
        """Make buffers of the arguments; what is stated of each."""
        entries = []
        for argument, entry in zip(block.arguments, self._stated("arg_attrs", len(block.arguments)), strict=True):
            type_, place = _main(argument), self._place(argument)
            upload = uploaded(argument) if self.places.get(argument) == NOWHERE else None
            if upload is None:
                self.buffers[argument] = argument
            else:  # the caller lays it out in KPU memory
                self.buffers[upload.output] = argument
                type_, place = _map(upload.output), _planned(upload, kpu.OFFSET).value
            entries.append(_entry(entry, argument.type, place))
            self.types.append(type_)
        return entries

    def _make_outputs(self, block: ir.Block) -> list[Entry]:
        """Add an argument for each output; what is stated of each."""
        entries = []
        for value, entry in zip(self.results, self._stated("res_attrs", len(self.results)), strict=True):
            self.types.append(_main(value))
            self.outputs.append(block.add_argument(self.types[-1], ir.Location.unknown()))
            stated = _entry(entry, value.type, self._place(value))
            entries.append({**stated, RESULT: ir.UnitAttr.get()})
        return entries

    def _place(self, value: ir.Value) -> int:
        """Where in the planned memory a value is."""
        return self.places.get(root(value), NOWHERE)

    def _stated(self, attribute: str, count: int) -> Sequence[Any]:
        attributes = self.function.attributes
        return attributes[attribute] if attribute in attributes else [{}] * count

    def _rewrite(self, op: Any) -> None:
        if isinstance(op, nn.Constant):
            return
        if isinstance(op, ALIASES):
            if not _is_constant(op.operation.operands[0]):
                self.done.append(op)
        elif isinstance(op, kpu.KPUOp):
            self._move_to_buffers(op)
            self.done.append(op)
        else:
            self._load_and_store(op)

    def _move_to_buffers(self, op: Any) -> None:
        """Let the operation that is the same on buffers take an operation's place."""
        if isinstance(op, kpu.Download):
            kpu.DownloadInto(self.buffers[op.input], self._make(op.output))
        elif op.output not in self.buffers:
            target = self.buffers[op.output] = _buffer(_map(op.output), _map_offset(op.output))
            if isinstance(op, kpu.Upload):
                source = root(op.input)
                kpu.UploadInto(kpu.Constant(source).output if _is_constant(source) else self.buffers[source], target)
            elif isinstance(op, kpu.Conv2D):
                inputs = [self.buffers[value] for value in op.inputs]
                stated: dict[str, Any] = {"depthwise": op.depthwise, "pool": op.pool}
                stated |= {"input_zero": op.input_zero, "weight_zero": op.weight_zero}
                kpu.Conv2DInto(inputs, op.weight, op.norm, op.lines, target, **stated)

    def _load_and_store(self, op: Any) -> None:
        """Load what an operation of the host reads, and store what it makes."""
        operation, working = op.operation, None
        for number, value in enumerate(operation.operands):
            if not _is_constant(value):
                operation.operands[number] = self._load(value)
        if working_bytes(op):
            type_ = kpu.buffer_type(static_shape(op.condition), np.float32, "main")
            working = _buffer(type_, operation.attributes[OFFSETS][len(operation.results)])
        targets = [self._make(value) for value in operation.results]
        with ir.InsertionPoint.after(operation):
            for value, target in zip(operation.results, targets, strict=True):
                kpu.Store(value, working, target)
        del operation.attributes[OFFSETS]

    def _load(self, value: ir.Value) -> ir.Value:
        return kpu.Load(self.buffers[root(value)], results=[value.type]).output

    def _make(self, value: ir.Value) -> ir.Value:
        """The buffer of a new value: an output, or where the planner has put it."""
        if value in self.owned:
            self.buffers[value] = self.outputs[self.owned[value]]
        else:
            self.buffers[value] = _buffer(_main(value), self.places[value])
        return self.buffers[value]

    def _copy_outputs(self) -> None:
        """Fill outputs that nothing has written."""
        for value, output in zip(self.results, self.outputs, strict=True):
            if _is_constant(value):
                kpu.Store(value, None, output)
            elif self.buffers[root(value)] != output and self._place(value) == NOWHERE:
                kpu.Store(self._load(value), None, output)

    def _sign(self, block: ir.Block, entries: Sequence[Entry]) -> None:
        """State the function's new signature."""
        for argument, type_ in zip(block.arguments, self.types, strict=True):
            argument.set_type(type_)
        attributes = self.function.attributes
        attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(self.types, []))
        attributes["arg_attrs"] = ir.ArrayAttr.get([ir.DictAttr.get(entry) for entry in entries])
        for name in ("res_attrs", INPUTS):
            if name in attributes:
                del attributes[name]


def _entry(stated: Any, type_: ir.Type, place: int) -> Entry:
    """What is stated of an argument: what was before, its tensor type, and where it is."""
    entry = {item.name: item.attr for item in stated}
    entry[TYPE] = ir.TypeAttr.get(type_)
    if place != NOWHERE:
        entry[kpu.OFFSET] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), place)
    return entry


def _planned(op: Any, attribute: str) -> Any:
    """What a planner has stated of an operation. Raises `PassError` K0307 if none has."""
    if attribute not in op.operation.attributes:
        raise PassError(
            "K0307",
            where=describe(op.location),
            cause=f"'{op.operation.name}' has no attribute '{attribute}'",
            remedy="run nn-plan-memory first, and kpu-plan-maps before it if there are kpu operations",
        )
    return op.operation.attributes[attribute]


def _map_offset(value: ir.Value) -> int:
    """Where the planner has put a map."""
    _planned(whole(value).owner, kpu.OFFSET)
    return offset_of(value)


def _buffer(type_: ir.Type, offset: int) -> ir.Value:
    return kpu.Buffer(results=[type_], offset=offset).output


def _main(value: ir.Value) -> ir.Type:
    """The type of a tensor's buffer in main memory."""
    return kpu.buffer_type(static_shape(value), dtype_of(value), "main")


def _map(value: ir.Value) -> ir.Type:
    """The type of a map's buffer in KPU memory."""
    return kpu.buffer_type(static_shape(value), np.uint8, "ram")


def _is_constant(value: ir.Value) -> bool:
    """Whether a value is a constant, under whatever shape."""
    return producer(root(value), nn.Constant) is not None
