"""The container of kmodel version 5: model, modules, memory pools, functions, sections.

Both directions follow from the records below. Constants stay where they are: section bodies are views of the file.
Entry: untrusted bytes, or a Model. Exit: a Model or KmodelError; `write(read(data)) == data` for what writers emit.
Source: kmodel v5 as written by nncase 1.0 to 1.9.
"""

from __future__ import annotations

import struct as packing
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import KmodelError
from .elements import V5_NAMES
from .section import Section, body_of, resolve_merged
from .struct import U8, U16, U32, Buffer, Name16, Raw3, Record, align, const, misfit, read_u32s, require_bytes, struct

VERSION = 5
MERGED = 1
LOCATIONS = {"input": 0, "output": 1, "rdata": 2, "data": 3, "shared_data": 4, "kpu": 64}
LOCATION_NAMES = {code: name for name, code in LOCATIONS.items()}
ALIGNMENTS = {"stackvm": 8, "k210": 256}
"""Alignment of a module's section bodies, as offsets in the file; the KPU fetches tables from 256-byte boundaries."""


@struct(size=32)
class ModelHeader(Record):
    """First bytes of a kmodel."""

    identifier: U32 = const(0x4B4D444C)
    version: U32 = const(VERSION)
    header_size: U32 = const(32)
    flags: U32 = 0
    alignment: U32
    modules: U32
    entry_module: U32
    entry_function: U32


@struct(size=48)
class ModuleHeader(Record):
    """`bytes` includes this header and the padding behind the last section."""

    kind: Name16
    version: U32 = 1
    header_size: U32 = 48
    bytes: U32
    mempools: U32
    shared_mempools: U32 = 0
    sections: U32
    functions: U32
    reserved: U32 = 0


@struct(size=8)
class MempoolDesc(Record):
    """How much of a memory a module needs; `location` is one of LOCATIONS."""

    location: U8
    reserved: Raw3 = b"\0\0\0"
    bytes: U32


@struct(size=32)
class FunctionHeader(Record):
    """Followed by input ranges, input shapes, output ranges, output shapes."""

    header_size: U32 = 32
    bytes: U32
    input_pool_size: U32
    output_pool_size: U32
    inputs: U32
    outputs: U32
    entrypoint: U32
    text_size: U32


@struct(size=12)
class MemoryRange(Record):
    """A tensor's place: `start` is an offset inside the location, `datatype` a v5 element code."""

    location: U8
    datatype: U8
    shared_module: U16 = 0
    start: U32
    bytes: U32


@struct(size=32)
class SectionHeader(Record):
    """Followed by `body_start` bytes of padding and the body; merged: the body is in `.rdata` at `body_start`."""

    name: Name16
    flags: U32 = 0
    body_start: U32
    body_size: U32
    reserved: U32 = 0


@dataclass(frozen=True)
class Parameter:
    """An input or output of a function: dense and row-major."""

    range: MemoryRange
    shape: tuple[int, ...]

    @property
    def element(self) -> str:
        """Name of the element type; KmodelError K0404 for a code that does not exist."""
        if self.range.datatype not in V5_NAMES:
            raise KmodelError("K0404", cause=f"element type code {self.range.datatype} does not exist in kmodel v5")
        return V5_NAMES[self.range.datatype]


@dataclass(frozen=True)
class Function:
    """Pool sizes of None are computed: the end of the last parameter, rounded up to 8."""

    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    entrypoint: int
    text_size: int
    input_pool_size: int | None = None
    output_pool_size: int | None = None


@dataclass(frozen=True)
class Module:
    """Code for one engine ("stackvm", "k210"); `mempools` are what it needs, in ascending order of location."""

    kind: str
    functions: tuple[Function, ...]
    sections: tuple[Section, ...]
    mempools: tuple[MempoolDesc, ...] = ()
    shared_mempools: tuple[MempoolDesc, ...] = ()
    version: int = 1

    @property
    def alignment(self) -> int:
        """What section bodies are aligned to."""
        return ALIGNMENTS.get(self.kind, 8)

    def pool(self, location: str) -> int:
        """Bytes needed in a location, 0 when none is stated."""
        return next((one.bytes for one in self.mempools if one.location == LOCATIONS[location]), 0)

    def section(self, name: str) -> memoryview:
        """The bytes of a section; KmodelError K0405 if there is none."""
        return body_of(self.sections, name, f"module {self.kind}")

    def text(self, function: Function) -> memoryview:
        """The code of one function."""
        text = self.section(".text")
        require_bytes(text, function.entrypoint, function.text_size, f"code of a function of module {self.kind}")
        return text[function.entrypoint : function.entrypoint + function.text_size]


@dataclass(frozen=True)
class Model:
    """A whole kmodel; `trailing` is what follows the last module (runtimes ignore it)."""

    modules: tuple[Module, ...]
    entry: tuple[int, int] = (0, 0)
    alignment: int | None = None
    flags: int = 0
    trailing: Buffer = b""

    version = VERSION

    def entry_function(self) -> Function:
        """The function that a run calls."""
        return self.modules[self.entry[0]].functions[self.entry[1]]


def read(buffer: Buffer) -> Model:
    """The model in `buffer`; KmodelError K0401, K0402 or K0404 names the byte and the field."""
    view = memoryview(buffer)
    header = ModelHeader.read(view)
    at, modules = ModelHeader.size, []
    _fits(20, "ModelHeader.modules", header.modules * ModuleHeader.size, len(view) - at)
    for _ in range(header.modules):
        module, at = _read_module(view, at)
        modules.append(module)
    if header.entry_module >= len(modules):
        raise misfit(24, "ModelHeader.entry_module", f"is {header.entry_module}, but there are {len(modules)} modules")
    functions = len(modules[header.entry_module].functions)
    if header.entry_function >= functions:
        cause = f"is {header.entry_function}, but there are {functions} functions"
        raise misfit(28, "ModelHeader.entry_function", cause)
    entry = header.entry_module, header.entry_function
    return Model(tuple(modules), entry, header.alignment, header.flags, view[at:])


def _fits(at: int, field: str, needed: int, available: int) -> None:
    if needed > available:
        raise misfit(at, field, f"asks for at least {needed} bytes, but {max(0, available)} follow")


def _read_module(view: memoryview, at: int) -> tuple[Module, int]:
    header = ModuleHeader.read(view, at)
    least = ModuleHeader.size + 8 * (header.mempools + header.shared_mempools)
    least += 32 * (header.functions + header.sections)
    _fits(at + 24, "ModuleHeader.bytes", least, header.bytes)
    require_bytes(view, at, header.bytes, "ModuleHeader.bytes")
    end, at = at + header.bytes, at + ModuleHeader.size
    whole = view[:end]
    pools = []
    for _ in range(header.mempools + header.shared_mempools):
        pools.append(MempoolDesc.read(whole, at))
        at += MempoolDesc.size
    functions = []
    for _ in range(header.functions):
        function, at = _read_function(whole, at)
        functions.append(function)
    sections = _read_sections(whole, at, header.sections)
    own, shared = pools[: header.mempools], pools[header.mempools :]
    return Module(header.kind, tuple(functions), sections, tuple(own), tuple(shared), header.version), end


def _read_function(view: memoryview, at: int) -> tuple[Function, int]:
    header = FunctionHeader.read(view, at)
    least = FunctionHeader.size + (MemoryRange.size + 4) * (header.inputs + header.outputs)
    _fits(at + 4, "FunctionHeader.bytes", least, header.bytes)
    require_bytes(view, at, header.bytes, "FunctionHeader.bytes")
    end, at = at + header.bytes, at + FunctionHeader.size
    inputs, at = _read_parameters(view[:end], at, header.inputs)
    outputs, at = _read_parameters(view[:end], at, header.outputs)
    pools = header.input_pool_size, header.output_pool_size
    return Function(inputs, outputs, header.entrypoint, header.text_size, *pools), end


def _read_parameters(view: memoryview, at: int, count: int) -> tuple[tuple[Parameter, ...], int]:
    ranges = [MemoryRange.read(view, at + MemoryRange.size * index) for index in range(count)]
    at += MemoryRange.size * count
    parameters = []
    for one in ranges:
        (rank,) = read_u32s(view, at, 1, "rank of a parameter")
        parameters.append(Parameter(one, read_u32s(view, at + 4, rank, "shape of a parameter")))
        at += 4 + 4 * rank
    return tuple(parameters), at


def _read_sections(view: memoryview, at: int, count: int) -> tuple[Section, ...]:
    sections, sizes = [], {}
    for index in range(count):
        header = SectionHeader.read(view, at)
        at += SectionHeader.size
        if header.flags & MERGED:
            sections.append(Section(header.name, b"", header.body_start))
            sizes[index] = header.body_size
            continue
        require_bytes(view, at, header.body_start + header.body_size, f"section {header.name}")
        at += header.body_start
        sections.append(Section(header.name, view[at : at + header.body_size], None, header.body_start))
        at += header.body_size
    return resolve_merged(sections, sizes)


def write(model: Model) -> bytes:
    """The bytes of a model; KmodelError K0408 when a value does not fit its field."""
    alignment = max([8, *(one.alignment for one in model.modules)]) if model.alignment is None else model.alignment
    header = ModelHeader(
        flags=model.flags, alignment=alignment, modules=len(model.modules),
        entry_module=model.entry[0], entry_function=model.entry[1],
    )  # fmt: skip
    parts, position = [header.write()], ModelHeader.size
    for module in model.modules:
        parts.append(_module_bytes(module, position))
        position += len(parts[-1])
    return b"".join([*parts, model.trailing])


def _module_bytes(module: Module, position: int) -> bytes:
    parts: list[Buffer] = [one.write() for one in (*module.mempools, *module.shared_mempools)]
    at = position + ModuleHeader.size + sum(map(len, parts))
    for function in module.functions:
        parts.append(_function_bytes(function, at))
        at += len(parts[-1])
    for section in module.sections:
        pieces = _section_pieces(section, at, module.alignment)
        parts.extend(pieces)
        at += sum(map(len, pieces))
    end = align(at, 8)
    header = ModuleHeader(
        kind=module.kind, version=module.version, bytes=end - position, mempools=len(module.mempools),
        shared_mempools=len(module.shared_mempools), sections=len(module.sections), functions=len(module.functions),
    )  # fmt: skip
    return b"".join([header.write(), *parts, bytes(end - at)])


def _function_bytes(function: Function, position: int) -> bytes:
    body = _parameters_bytes(function.inputs) + _parameters_bytes(function.outputs)
    size = align(position + FunctionHeader.size + len(body), 8) - position
    header = FunctionHeader(
        bytes=size, inputs=len(function.inputs), outputs=len(function.outputs), entrypoint=function.entrypoint,
        text_size=function.text_size, input_pool_size=_pool_size(function.inputs, function.input_pool_size),
        output_pool_size=_pool_size(function.outputs, function.output_pool_size),
    )  # fmt: skip
    return (header.write() + body).ljust(size, b"\0")


def _parameters_bytes(parameters: Sequence[Parameter]) -> bytes:
    ranges = b"".join(one.range.write() for one in parameters)
    return ranges + b"".join(packing.pack(f"<{len(one.shape) + 1}I", len(one.shape), *one.shape) for one in parameters)


def _pool_size(parameters: Sequence[Parameter], stated: int | None) -> int:
    computed = max((align(one.range.start + one.range.bytes, 8) for one in parameters), default=0)
    return computed if stated is None else stated


def _section_pieces(section: Section, position: int, alignment: int) -> list[Buffer]:
    size = len(section.body)
    if section.merged_at is not None:
        header = SectionHeader(name=section.name, flags=MERGED, body_start=section.merged_at, body_size=size)
        return [header.write()]
    start = position + SectionHeader.size
    padding = align(start, alignment) - start if section.padding is None else section.padding
    return [SectionHeader(name=section.name, body_start=padding, body_size=size).write(), bytes(padding), section.body]
