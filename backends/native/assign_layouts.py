"""Says how each value lies in memory: row-major, or channels-last in whole vectors with a halo for convolutions.

On entry: one function of `nn` operations with static shapes. On exit: every operation whose results do not lie in
row-major order carries `native.buffers` (see `Buffer`), and where a value is wanted in another layout than it has, a
transposition that permutes nothing makes a copy.

Convolutions and pooling want images; an image's layout spreads over element-wise operations, concatenations and the
like, so that it changes only where something needs rows. Inputs and outputs of the network are in row-major order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import static_shape
from ...passes.pipeline import register_pass
from ...passes.rewriter import users
from .buffer import Buffer, element_of, plain_buffer
from .form_groups import ALIASES, PLACED
from .generators import EXPRESSIONS
from .kernels.windows import needed_halo
from .target import SPECS

BUFFERS = "native.buffers"
IMAGES = (nn.Conv, nn.ConvTranspose, nn.MaxPool, nn.AvgPool, nn.LpPool)
"""Operations that want their operand and their result as images."""
EITHER = (nn.Concat, nn.Pad, nn.Slice, nn.Resize, nn.Split, nn.Prelu)
"""Operations that take either layout, if operands and results have the same; besides element-wise ones."""
FREE = (nn.Transpose, nn.SpaceToDepth, nn.DepthToSpace, nn.Reduce, nn.RoundDynamically)
"""Operations that read any layout, and write row-major unless an image is wanted."""


SUMMED_TOGETHER = 4
"""Bytes that instructions for dot products take at once."""


@register_pass
@dataclass(frozen=True)
class AssignLayouts:
    """Say how each value lies in memory, and copy where an operation wants another layout.

    cpu: the name of the CPU, whose vectors images are made for.
    """

    name: ClassVar[str] = "native-assign-layouts"
    cpu: str = "x86-64-v3"

    def apply(self, module: ir.Module) -> None:
        block = entry_function(module).regions[0].blocks[0]
        operations = list(block.operations)
        images = Images(operations)
        copies: dict[tuple[ir.Value, bool], ir.Value] = {}
        for op in operations:
            for number, value in enumerate(op.operation.operands):
                wanted = images.wanted_by(op, value)
                if wanted is not None and wanted != images.has(value) and nn.constant_value(value) is None:
                    if (value, wanted) not in copies:
                        copies[value, wanted] = _copy(value, op)
                        if wanted:
                            images.add(copies[value, wanted])
                    op.operation.operands[number] = copies[value, wanted]
        _copy_outputs(operations[-1])
        lanes = SPECS[self.cpu].lanes(4)
        with ir.Location.unknown():
            state_buffers([op for op in block.operations if not isinstance(op, nn.Constant)], images, lanes)


class Images:
    """Which values of rank 4 lie as images: those of classes that share a layout, of which one wants to."""

    def __init__(self, operations: Sequence[Any]) -> None:
        self._parent: dict[ir.Value, ir.Value] = {}
        self._wanted: set[ir.Value] = set()
        for op in operations:
            values = [v for v in (*op.operation.operands, *op.operation.results) if _could_be(v)]
            if isinstance(op, IMAGES):
                for value in (op.input, *op.operation.results):
                    if _could_be(value):
                        self._wanted.add(self._root(value))
            elif _is_either(op):
                for value in values[1:]:
                    self._join(values[0], value)

    def has(self, value: ir.Value) -> bool:
        """Whether a value lies as an image: never an input of the network, or what is another one's memory."""
        made = isinstance(value, ir.OpResult) and not isinstance(value.owner.opview, ALIASES)
        return made and _could_be(value) and self._root(value) in self._wanted

    def wanted_by(self, op: Any, value: ir.Value) -> bool | None:
        """Whether an operation wants an operand as an image; None if it takes either."""
        if isinstance(op, FREE) or _quantises_input(op):
            return None
        if isinstance(op, IMAGES):
            return value == op.input and _could_be(value)
        return _is_either(op) and any(self.has(result) for result in op.operation.results) and _could_be(value)

    def add(self, value: ir.Value) -> None:
        """A new value lies as an image."""
        self._wanted.add(self._root(value))

    def _root(self, value: ir.Value) -> ir.Value:
        while (parent := self._parent.get(value, value)) != value:
            value = parent
        return value

    def _join(self, a: ir.Value, b: ir.Value) -> None:
        a, b = self._root(a), self._root(b)
        if a != b:
            self._parent[b] = a
            if b in self._wanted:
                self._wanted.add(a)


def _could_be(value: ir.Value) -> bool:
    return len(value.type.shape) == 4 and nn.constant_value(value) is None


def _is_either(op: Any) -> bool:
    return type(op) in EXPRESSIONS or isinstance(op, EITHER)


def _quantises_input(op: Any) -> bool:
    """Whether an operation quantises an input of the network: it puts the bytes where they are wanted."""
    return isinstance(op, nn.Quantize) and not isinstance(op.input, ir.OpResult)


def _copy(value: ir.Value, before: Any) -> ir.Value:
    with ir.InsertionPoint(before), before.location:
        copy = nn.Transpose(value, permutation=tuple(range(len(value.type.shape))))
    return copy.output


def _copy_outputs(end: Any) -> None:
    """Outputs that are inputs, constants or other outputs are copies: each has memory of its own."""
    seen: set[ir.Value] = set()
    for number, value in enumerate(end.operation.operands):
        source = value
        while isinstance(source, ir.OpResult) and isinstance(source.owner.opview, ALIASES):
            source = source.owner.operands[0]
        if source in seen or not isinstance(source, ir.OpResult) or nn.constant_value(source) is not None:
            end.operation.operands[number] = _copy(value, end)
        seen.add(source)


def state_buffers(operations: Sequence[Any], images: Images, lanes: int) -> None:
    """Give every image its buffer: with the halo that its readers need, inside a concatenation's where it can be."""
    found = {value: _image(value, lanes) for op in operations for value in op.operation.results if images.has(value)}
    for op in operations:
        if isinstance(op, nn.Concat) and op.output in found and _can_be_placed(op, found, lanes):
            _place(op, found)
    for op in operations:
        if any(value in found for value in op.operation.results):
            buffers = [attribute_of(found.get(value)) for value in op.operation.results]
            op.operation.attributes[BUFFERS] = ir.ArrayAttr.get(buffers)


def _image(value: ir.Value, lanes: int) -> Buffer:
    """The buffer of an image by itself. A copy for convolutions only, which read single elements, is not filled up."""
    element, readers = element_of(value), _readers(value)
    op = value.owner.opview
    copied = isinstance(op, nn.Transpose) or _quantises_input(op)
    if (
        copied
        and static_shape(value)[1] < lanes
        and all(isinstance(one, nn.Conv) and one.groups == 1 for one in readers)
    ):
        lanes = SUMMED_TOGETHER if element == "i8" else 1
    halos = [needed_halo(op) for op in readers if isinstance(op, nn.Conv | nn.ConvTranspose)]
    halo = [max(sizes) for sizes in zip(*halos, strict=True)] if halos else [0, 0, 0, 0]
    return Buffer.image(element, static_shape(value), lanes, halo, fill=zero_of(value))


def _readers(value: ir.Value) -> list[Any]:
    """What reads a value, be it as the numbers that its integers stand for; convolutions only if it is their input."""
    found = []
    for op in users(value):
        if isinstance(op, nn.Dequantize):
            found += _readers(op.output)
        elif not isinstance(op, nn.Conv | nn.ConvTranspose) or op.input == value:
            found.append(op)
    return found


def zero_of(value: ir.Value) -> float:
    """What memory holds for the number 0: the zero point of quantised values."""
    parameters = nn.quantization_parameters(value.type)
    return 0.0 if parameters is None else float(parameters.zero_point[0])


def _can_be_placed(op: nn.Concat, found: dict[ir.Value, Buffer], lanes: int) -> bool:
    """Whether the operands can be written where the result lies: each once, made for it, and of whole vectors."""
    parts = list(op.inputs)
    return (
        op.axis % 4 == 1
        and len(set(parts)) == len(parts)
        and all(part in found and static_shape(part)[1] % lanes == 0 for part in parts)
        and all(found[part].before[1] == 0 and found[part].extents[1] == static_shape(part)[1] for part in parts)
        and not any(PLACED in part.owner.attributes for part in parts)
    )


def _place(op: nn.Concat, found: dict[ir.Value, Buffer]) -> None:
    whole = found[op.output]
    parts = list(op.inputs)
    buffers = [whole, *(found[part] for part in parts)]
    before = tuple(max(buffer.before[axis] for buffer in buffers) for axis in range(4))
    behind = [max(buffer.halo[axis] for buffer in buffers) for axis in range(4)]
    extents = [b + s + a for b, s, a in zip(before, whole.shape, behind, strict=True)]
    extents[1] = whole.shape[1]
    found[op.output] = replace(whole, before=before, extents=tuple(extents))
    channel = 0
    for part in parts:
        shape = static_shape(part)
        found[part] = replace(found[op.output], shape=shape, before=(0, channel, *before[2:]))
        channel += shape[1]
    op.operation.attributes[PLACED] = ir.UnitAttr.get()


def attribute_of(buffer: Buffer | None) -> ir.Attribute:
    """A buffer as an attribute; unit for row-major order."""
    if buffer is None:
        return ir.UnitAttr.get()
    fields = {name: ir.DenseI64ArrayAttr.get(list(getattr(buffer, name))) for name in ("order", "extents", "before")}
    return ir.DictAttr.get({**fields, "fill": ir.FloatAttr.get(ir.F64Type.get(), buffer.fill)})


def buffer_of(value: ir.Value) -> Buffer:
    """The buffer of a value of which its operation says so, or row-major order."""
    stated = (
        value.owner.attributes[BUFFERS]
        if isinstance(value, ir.OpResult) and BUFFERS in value.owner.attributes
        else None
    )
    entry = None if stated is None else stated[value.result_number]
    if entry is None or isinstance(entry, ir.UnitAttr):
        return plain_buffer(value)
    order, extents, before = (tuple(entry[name]) for name in ("order", "extents", "before"))
    return Buffer(element_of(value), static_shape(value), order, extents, before, entry["fill"].value)
