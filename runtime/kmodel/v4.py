"""The container of kmodel version 4: a work buffer, constants, and nodes that run one after the other.

Bodies stay bytes in a Model and are views of the file after reading; `nodes4` says what they hold.
Entry: untrusted bytes, or a Model. Exit: a Model or KmodelError; `write(read(data)) == data`. `builder4` makes files.
Source: kmodel v4 as written by nncase 0.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...errors import KmodelError
from .bodies import ALIGNMENT, Body, Shape, Step, StepHeader, read_headers
from .elements import numpy_dtype
from .fields4 import MemoryRange, nodes, ranges_in
from .nodes4 import Concat
from .struct import U32, Buffer, Record, const, misfit, require_bytes, struct

VERSION = 4
TARGETS = {"cpu": 0, "k210": 1}
TARGET_NAMES = {code: name for name, code in TARGETS.items()}


@struct(size=40)
class ModelHeader(Record):
    """First bytes of a kmodel. Followed by ranges and shapes of inputs, ranges of outputs, constants, node headers."""

    identifier: U32 = const(0x4B4D444C)
    version: U32 = const(VERSION)
    flags: U32 = 0
    target: U32
    constants: U32
    main_memory: U32
    nodes: U32
    inputs: U32
    outputs: U32
    reserved: U32 = 0


@dataclass(frozen=True)
class Input:
    """A tensor that the caller fills in: in main memory, or in KPU RAM, where its rows are laid out."""

    range: MemoryRange
    shape: Shape


@dataclass(frozen=True)
class Model:
    """A whole kmodel. `main_memory` is in bytes; `trailing` is what follows the last body (runtimes ignore it)."""

    target: int
    inputs: tuple[Input, ...]
    outputs: tuple[MemoryRange, ...]
    constants: Buffer
    steps: tuple[Step, ...]
    main_memory: int
    flags: int = 0
    reserved: int = 0
    trailing: Buffer = b""

    version = VERSION
    kind = "nodes"
    entry = (0, 0)

    @property
    def modules(self) -> tuple[Model, ...]:
        """A file of this version is its own only module."""
        return (self,)

    def position(self) -> int:
        """Where the first body begins in the file."""
        ranges = (16 + 16) * len(self.inputs) + 16 * len(self.outputs)
        return ModelHeader.size + ranges + len(self.constants) + StepHeader.size * len(self.steps)

    def bodies(self) -> tuple[Body, ...]:
        """The nodes, decoded; KmodelError K0401, K0402 names the one that is damaged."""
        return tuple(nodes.read_all(self.steps, self.position()))

    def signature(self) -> tuple[list[tuple[str, Shape]], list[tuple[str, Shape]]]:
        """(element type, shape) of inputs and outputs. Files do not state shapes of outputs: they are those of the
        last nodes that write there. KmodelError K0402, K0404 for sizes that do not fit each other."""
        shapes = _shapes(self)
        inputs = [(one.range.element_name, one.shape) for one in self.inputs]
        outputs = []
        for one in self.outputs:
            count = one.bytes // numpy_dtype(one.element_name).itemsize
            outputs.append((one.element_name, _fitting(shapes.get(_key(one)), count)))
        return inputs, outputs


def _key(one: MemoryRange) -> tuple[int, int]:
    return one.location, one.start


def _fitting(shape: Shape | None, count: int) -> Shape:
    """The shape, if it has that many elements; flat otherwise."""
    return (count,) if shape is None or math.prod(shape) != count else shape


def _shapes(model: Model) -> dict[tuple[int, int], Shape]:
    """What lies at each place after the last node."""
    shapes = {_key(one.range): one.shape for one in model.inputs}
    for index, body in enumerate(model.bodies()):
        try:
            shape = body.fields.result()
        except KmodelError as error:
            where = f"kmodel, node {index} ({body.kind.name})"
            raise KmodelError(error.code, where=where, cause=error.cause) from error
        if shape is None and isinstance(body.fields, Concat):
            shape = _joined(body, shapes)
        elif shape is None:
            shape = shapes.get(_key(body.fields.sources()[0]))
        target = body.fields.target
        if shape is None:
            shapes.pop(_key(target), None)
        elif target.bytes:
            shapes[_key(target)] = shape
    return shapes


def _joined(body: Body, shapes: dict[tuple[int, int], Shape]) -> Shape | None:
    """The shape of a concatenation, if the inputs' are known and an axis explains the sizes."""
    dims = body.arrays["dims"].tolist()
    known = [shapes.get(_key(one)) for one in ranges_in(body.arrays["inputs"])]
    first = known[0] if known else None
    if first is None:
        return None
    for axis in range(len(first)):
        expected = [(*first[:axis], dim, *first[axis + 1 :]) for dim in dims]
        if math.prod(first[:axis]) == body.fields.outer and known == expected:
            return *first[:axis], sum(dims), *first[axis + 1 :]
    return None


def read(buffer: Buffer) -> Model:
    """The model in `buffer`; KmodelError K0401, K0402 names the byte and the field.

    Padding that is missing behind the last body is restored: the vendor's own files lack it at times.
    """
    view = memoryview(buffer)
    header = ModelHeader.read(view)
    at = ModelHeader.size
    require_bytes(view, at, 32 * header.inputs + 16 * header.outputs, "ModelHeader.inputs and outputs")
    ranges, at = _read_ranges(view, at, header.inputs)
    shapes, at = _read_shapes(view, at, header.inputs)
    outputs, at = _read_ranges(view, at, header.outputs)
    require_bytes(view, at, header.constants, "ModelHeader.constants")
    constants, at = view[at : at + header.constants], at + header.constants
    steps, at = _read_steps(view, at, header.nodes)
    inputs = tuple(map(Input, ranges, shapes))
    return Model(header.target, inputs, tuple(outputs), constants, steps, header.main_memory, header.flags,
                 header.reserved, view[at:])  # fmt: skip


def _read_ranges(view: memoryview, at: int, count: int) -> tuple[list[MemoryRange], int]:
    return [MemoryRange.read(view, at + 16 * index) for index in range(count)], at + 16 * count


def _read_shapes(view: memoryview, at: int, count: int) -> tuple[list[Shape], int]:
    numbers = np.frombuffer(view[at : at + 16 * count], "<i4").reshape(count, 4).tolist()
    for index, shape in enumerate(numbers):
        if min(shape) < 0:
            raise misfit(at + 16 * index, "shape of an input", f"is {shape}")
    return [tuple(shape) for shape in numbers], at + 16 * count


def _read_steps(view: memoryview, at: int, count: int) -> tuple[tuple[Step, ...], int]:
    headers, at = read_headers(view, at, count, "ModelHeader.nodes")
    steps = []
    for index, header in enumerate(headers):
        end = at + header.bytes
        body: Buffer = view[at:end]
        if index == count - 1 and 0 < end - len(view) < ALIGNMENT:
            nodes.read(header.opcode, body, at)
            body = bytes(body).ljust(header.bytes, b"\0")
        else:
            require_bytes(view, at, header.bytes, f"body of node {index} ({nodes.name(header.opcode)})")
        steps.append(Step(header.opcode, body))
        at = min(end, len(view))
    return tuple(steps), at


def write(model: Model) -> bytes:
    """The bytes of a model; KmodelError K0408 when a value does not fit its field."""
    header = ModelHeader(
        flags=model.flags, target=model.target, constants=len(model.constants), main_memory=model.main_memory,
        nodes=len(model.steps), inputs=len(model.inputs), outputs=len(model.outputs), reserved=model.reserved,
    )  # fmt: skip
    parts: list[Buffer] = [header.write(), *(one.range.write() for one in model.inputs)]
    parts += [np.asarray(one.shape, "<i4").tobytes() for one in model.inputs]
    parts += [one.write() for one in model.outputs]
    parts.append(model.constants)
    parts += [one.header.write() for one in model.steps]
    return b"".join([*parts, *(one.body for one in model.steps), model.trailing])
