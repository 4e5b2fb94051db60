"""A kmodel as plain data, for `kpuc inspect --json` and reports.

Entry: a decoded model. Exit: dicts, lists, strings and numbers only; damaged code is described, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ...errors import KmodelError
from ..kpu import disassembler as kpu
from ..native.elf import read_object
from ..stackvm.dialect5 import dialect_of
from ..stackvm.disassembler import disassemble
from ..stackvm.isa5 import DIALECTS, ISA5, Isa5
from ..stackvm.isa7 import ISA7
from . import native, v5, v7
from .elements import V5_NAMES
from .names import names_of
from .section import Section
from .struct import Buffer
from .types7 import AnyType, InvalidType, PointerType, TensorType, TupleType, Type

if TYPE_CHECKING:
    from . import Model

Disassembler = Callable[[memoryview], list[str]]
DISASSEMBLERS: Mapping[tuple[int, str], Callable[[Any], Disassembler]] = {
    (5, "k210"): lambda _: kpu.disassemble,
    (5, "stackvm"): lambda module: partial(disassemble, _isa5(module)),
    (7, "stackvm"): lambda module: partial(disassemble, ISA7, rdata=_rdata(module)),
}
"""(kmodel version, kind of module) -> module -> lines of a function's code."""


JSON_ONLY = frozenset({"layers", "registers"})
"""All registers of KPU layers: the text shows those that vary."""


def _rdata(module: v7.Module) -> Buffer:
    """The constants that code refers to."""
    return next((one.body for one in module.sections if one.name == ".rdata"), b"")


def _isa5(module: v5.Module) -> Isa5:
    """The dialect of the code; the newest one for code that is damaged in all of them."""
    try:
        return ISA5[dialect_of(module)]
    except KmodelError:
        return ISA5[DIALECTS[-1]]


def describe(model: Model) -> dict[str, Any]:
    """version, alignment, entry, names, states, sizes that vary; modules with functions, sections, pools and code.

    Versions without modules: see `describe_steps`.
    """
    if not isinstance(model, v5.Model | v7.Model):
        from .describe_steps import describe_steps

        return describe_steps(model)
    names = names_of(model)
    return {
        "version": model.version,
        "alignment": model.alignment,
        "flags": model.flags,
        "entry": None if model.entry is None else {"module": model.entry[0], "function": model.entry[1]},
        "producer": "" if names is None else names.producer,
        "inputs": [] if names is None else list(names.inputs),
        "outputs": [] if names is None else list(names.outputs),
        "states": [] if names is None else list(names.states),
        "dims": {} if names is None else {name: list(symbols) for name, symbols in names.dims.items()},
        "ranges": {} if names is None else {symbol: list(ends) for symbol, ends in names.ranges.items()},
        "trailing_bytes": len(model.trailing),
        "modules": [_module(model.version, module) for module in model.modules],
    }


def _module(version: int, module: v5.Module | v7.Module) -> dict[str, Any]:
    described: dict[str, Any] = {
        "kind": module.kind,
        "version": module.version,
        "sections": [_section(one) for one in module.sections],
        "memory": [],
    }
    if isinstance(module, v5.Module):
        described["functions"] = [_function5(one) | _code(version, module, one) for one in module.functions]
        described["memory"] = [
            {"location": v5.LOCATION_NAMES.get(one.location, str(one.location)), "bytes": one.bytes}
            for one in module.mempools
        ]
    else:
        described["functions"] = [_function7(one) | _code(version, module, one) for one in module.functions]
        if module.kind == native.KIND:
            described |= _native(module)
    return described


def _native(module: v7.Module) -> dict[str, Any]:
    """What machine code is for, and what it works with."""
    try:
        found = native.read_native(module)
    except KmodelError as error:
        return {"damaged": error.cause}
    objects = [
        {"cpu": one.cpu, "machine": one.machine, "needs": " ".join(one.needs), "bytes": len(one.code)}
        | _machine_code(one.code)
        for one in found.objects
    ]
    return {"weights_bytes": len(found.weights), "arena_bytes": found.arena, "objects": objects}


def _machine_code(code: Buffer) -> dict[str, Any]:
    """The functions of an object, in order."""
    try:
        return {"functions": [{"name": one.name, "bytes": one.size} for one in read_object(code).code]}
    except KmodelError as error:
        return {"damaged": error.cause}


def _section(section: Section) -> dict[str, Any]:
    return {"name": section.name, "bytes": len(section.body), "merged": section.merged_at is not None}


def _function7(function: v7.Function) -> dict[str, Any]:
    results = function.result.fields if isinstance(function.result, TupleType) else (function.result,)
    return {"inputs": [_type(one) for one in function.parameters], "outputs": [_type(one) for one in results]}


def _function5(function: v5.Function) -> dict[str, Any]:
    return {
        "inputs": [_parameter(one) for one in function.inputs],
        "outputs": [_parameter(one) for one in function.outputs],
    }


def _parameter(parameter: v5.Parameter) -> dict[str, Any]:
    code = parameter.range.datatype
    element = V5_NAMES.get(code, f"code {code}")
    return {"kind": "tensor", "element": element, "shape": list(parameter.shape)}


def _type(type_: Type) -> dict[str, Any]:
    """A dimension that is not known before the run is null."""
    if isinstance(type_, TensorType):
        return {"kind": "tensor", "element": _element(type_), "shape": list(type_.shape)}
    if isinstance(type_, TupleType):
        return {"kind": "tuple", "fields": [_type(one) for one in type_.fields]}
    return {"kind": {AnyType: "any", InvalidType: "invalid"}[type(type_)]}


def _element(type_: TensorType) -> str:
    if isinstance(type_.element, str):
        return type_.element
    return "pointer" if isinstance(type_.element, PointerType) else f"value of {type_.element.size} bytes"


def _code(version: int, module: v5.Module | v7.Module, function: Any) -> dict[str, Any]:
    """Lines of text; for KPU code also what all registers of its layers hold."""
    show = DISASSEMBLERS.get((version, module.kind))
    described = {"entrypoint": function.entrypoint, "text_bytes": function.text_size}
    if show is None:
        return {**described, "code": []}
    try:
        text = module.text(function)
        lines = show(module)(text)
    except KmodelError as error:
        return {**described, "code": [f"({error.cause})"]}
    return {**described, "code": lines, **({"layers": kpu.layers(text)} if module.kind == "k210" else {})}


def lines(value: Any, indent: int = 0) -> Iterator[str]:
    """Nested facts as indented text: lists of texts line by line, small facts on one line each."""
    pad = "  " * indent
    if isinstance(value, dict):
        for key, item in value.items():
            if key in JSON_ONLY:
                continue
            if isinstance(item, dict | list) and item:
                yield f"{pad}{key}:"
                yield from lines(item, indent + 1)
            else:
                yield f"{pad}{key}: {'none' if item in ({}, [], None) else item}"
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                shown = {key: fact for key, fact in item.items() if key not in JSON_ONLY}
                if all(map(_small, shown.values())):
                    yield f"{pad}- " + ", ".join(f"{key}: {fact}" for key, fact in shown.items())
                else:
                    yield f"{pad}-"
                    yield from lines(shown, indent + 1)
            else:
                yield f"{pad}{item}"


def _small(value: Any) -> bool:
    """What fits into a line: a number, a text, a shape."""
    return not isinstance(value, dict) and not (
        isinstance(value, list) and any(isinstance(x, dict | str) for x in value)
    )
