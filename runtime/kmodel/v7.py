"""The container of kmodel version 7: model, modules, functions, sections.

Both directions follow from the records below. Constants stay where they are: section bodies are views of the file.
Entry: untrusted bytes, or a Model. Exit: a Model or KmodelError; `write(read(data)) == data` for what writers emit.
Source: kmodel v7 as written by nncase 2.4 to 2.11.
"""

from __future__ import annotations

from dataclasses import dataclass

from .section import Section, body_of, resolve_merged
from .struct import U32, U64, Buffer, Name16, Record, align, const, misfit, require_bytes, struct
from .types7 import Type, read_type, write_type

VERSION = 7
MERGED = 1
NO_ENTRY = 0xFFFFFFFF


@struct(size=32)
class ModelHeader(Record):
    """First bytes of a kmodel."""

    identifier: U32 = const(0x4B4D444C)
    version: U32 = const(VERSION)
    flags: U32 = 0
    alignment: U32 = 8
    modules: U32
    entry_module: U32
    entry_function: U32
    reserved: U32 = 0


@struct(size=40)
class ModuleHeader(Record):
    """`bytes` includes this header."""

    kind: Name16
    version: U32 = 1
    sections: U32
    functions: U32
    reserved: U32 = 0
    bytes: U64


@struct(size=32)
class FunctionHeader(Record):
    """Followed by the parameters' types, the result's type and the function's own sections."""

    parameters: U32
    sections: U32 = 0
    entrypoint: U64
    text_size: U64
    bytes: U64


@struct(size=56)
class SectionHeader(Record):
    """Followed by `body_start` bytes of padding and the body, or by nothing when merged into `.rdata`."""

    name: Name16
    flags: U32 = 0
    reserved: U32 = 0
    bytes: U64
    body_start: U64
    body_size: U64
    memory_size: U64


@dataclass(frozen=True)
class Function:
    """`entrypoint` and `text_size` locate the code in the module's `.text`."""

    parameters: tuple[Type, ...]
    result: Type
    entrypoint: int
    text_size: int
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Module:
    """Code for one engine; `kind` says which ("stackvm")."""

    kind: str
    functions: tuple[Function, ...]
    sections: tuple[Section, ...]
    version: int = 1

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
    """A whole kmodel; `entry` is (module, function), `trailing` what follows the last module (runtimes ignore it)."""

    modules: tuple[Module, ...]
    entry: tuple[int, int] | None = (0, 0)
    alignment: int = 8
    flags: int = 0
    trailing: Buffer = b""

    version = VERSION

    def entry_function(self) -> Function | None:
        """The function that a run calls."""
        return None if self.entry is None else self.modules[self.entry[0]].functions[self.entry[1]]


def read(buffer: Buffer) -> Model:
    """The model in `buffer`; KmodelError K0401, K0402 or K0404 names the byte and the field."""
    view = memoryview(buffer)
    header = ModelHeader.read(view)
    _bounded_count(16, "ModelHeader.modules", header.modules, ModuleHeader.size, len(view) - ModelHeader.size)
    at, modules = ModelHeader.size, []
    for _ in range(header.modules):
        module, at = _read_module(view, at)
        modules.append(module)
    entry = _entry(header, modules)
    return Model(tuple(modules), entry, header.alignment, header.flags, view[at:])


def _entry(header: ModelHeader, modules: list[Module]) -> tuple[int, int] | None:
    if NO_ENTRY in (header.entry_module, header.entry_function):
        return None
    if header.entry_module >= len(modules):
        raise misfit(20, "ModelHeader.entry_module", f"is {header.entry_module}, but there are {len(modules)} modules")
    functions = len(modules[header.entry_module].functions)
    if header.entry_function >= functions:
        cause = f"is {header.entry_function}, but there are {functions} functions"
        raise misfit(24, "ModelHeader.entry_function", cause)
    return header.entry_module, header.entry_function


def _bounded_count(at: int, field: str, count: int, size: int, available: int) -> None:
    if count * size > available:
        raise misfit(at, field, f"is {count}, of at least {size} bytes each, but {max(0, available)} bytes follow")


def _extent(view: memoryview, at: int, bytes_: int, least: int, field: str) -> memoryview:
    """The buffer cut off at the end of a part that starts at `at` and states its own size."""
    if bytes_ < least:
        raise misfit(at, field, f"is {bytes_}, less than its content of {least} bytes")
    require_bytes(view, at, bytes_, field)
    return view[: at + bytes_]


def _read_module(view: memoryview, at: int) -> tuple[Module, int]:
    header = ModuleHeader.read(view, at)
    whole = _extent(view, at, header.bytes, ModuleHeader.size, "ModuleHeader.bytes")
    least = header.functions * FunctionHeader.size + header.sections * SectionHeader.size
    _bounded_count(at + 20, "ModuleHeader.functions + sections", 1, least, header.bytes - ModuleHeader.size)
    end, at = at + header.bytes, at + ModuleHeader.size
    functions = []
    for _ in range(header.functions):
        function, at = _read_function(whole, at)
        functions.append(function)
    sections, at = _read_sections(whole, at, header.sections)
    return Module(header.kind, tuple(functions), sections, header.version), end


def _read_function(view: memoryview, at: int) -> tuple[Function, int]:
    header = FunctionHeader.read(view, at)
    whole = _extent(view, at, header.bytes, FunctionHeader.size, "FunctionHeader.bytes")
    least = header.parameters + 1 + header.sections * SectionHeader.size
    _bounded_count(at, "FunctionHeader.parameters + sections", 1, least, header.bytes - FunctionHeader.size)
    end, at = at + header.bytes, at + FunctionHeader.size
    parameters = []
    for _ in range(header.parameters):
        parameter, at = read_type(whole, at)
        parameters.append(parameter)
    result, at = read_type(whole, at)
    sections, at = _read_sections(whole, at, header.sections)
    return Function(tuple(parameters), result, header.entrypoint, header.text_size, sections), end


def _read_sections(view: memoryview, at: int, count: int) -> tuple[tuple[Section, ...], int]:
    sections, sizes = [], {}
    for index in range(count):
        header = SectionHeader.read(view, at)
        memory = None if header.memory_size == header.body_size else header.memory_size
        if header.flags & MERGED:
            sections.append(Section(header.name, b"", header.body_start, memory_size=memory))
            sizes[index] = header.body_size
        else:
            least = SectionHeader.size + header.body_start + header.body_size
            _extent(view, at, header.bytes, least, "SectionHeader.bytes")
            start = at + SectionHeader.size + header.body_start
            body = view[start : start + header.body_size]
            sections.append(Section(header.name, body, None, header.body_start, memory))
        at = len(_extent(view, at, header.bytes, SectionHeader.size, "SectionHeader.bytes"))
    return resolve_merged(sections, sizes), at


def write(model: Model) -> bytes:
    """The bytes of a model; KmodelError K0408 when a value does not fit its field."""
    entry_module, entry_function = model.entry if model.entry is not None else (0, NO_ENTRY)
    parts = [
        ModelHeader(
            flags=model.flags, alignment=model.alignment, modules=len(model.modules),
            entry_module=entry_module, entry_function=entry_function,
        ).write()
    ]  # fmt: skip
    position = ModelHeader.size
    for module in model.modules:
        parts.append(_module_bytes(module, position, model.alignment))
        position += len(parts[-1])
    return b"".join([*parts, model.trailing])


def _module_bytes(module: Module, position: int, alignment: int) -> bytes:
    parts, at = [], position + ModuleHeader.size
    for function in module.functions:
        parts.append(_function_bytes(function, at))
        at += len(parts[-1])
    for section in module.sections:
        parts.append(_section_bytes(section, at, alignment))
        at += len(parts[-1])
    header = ModuleHeader(
        kind=module.kind, version=module.version, sections=len(module.sections), functions=len(module.functions),
        bytes=at - position,
    )  # fmt: skip
    return b"".join([header.write(), *parts])


def _function_bytes(function: Function, position: int) -> bytes:
    types = b"".join(map(write_type, (*function.parameters, function.result)))
    parts, at = [types], position + FunctionHeader.size + len(types)
    for section in function.sections:
        parts.append(_section_bytes(section, at, 8))
        at += len(parts[-1])
    end = align(at, 8)
    header = FunctionHeader(
        parameters=len(function.parameters), sections=len(function.sections), entrypoint=function.entrypoint,
        text_size=function.text_size, bytes=end - position,
    )  # fmt: skip
    return b"".join([header.write(), *parts, bytes(end - at)])


def _section_bytes(section: Section, position: int, alignment: int) -> bytes:
    size = len(section.body)
    memory = size if section.memory_size is None else section.memory_size
    if section.merged_at is not None:
        return SectionHeader(
            name=section.name, flags=MERGED, bytes=SectionHeader.size, body_start=section.merged_at,
            body_size=size, memory_size=memory,
        ).write()  # fmt: skip
    start = position + SectionHeader.size
    padding = align(start, alignment) - start if section.padding is None else section.padding
    end = align(start + padding + size, 8)
    header = SectionHeader(
        name=section.name, bytes=end - position, body_start=padding, body_size=size, memory_size=memory
    ).write()
    return b"".join([header, bytes(padding), section.body, bytes(end - start - padding - size)])
