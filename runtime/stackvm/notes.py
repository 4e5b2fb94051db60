"""What instructions of the stack machine work on, as notes for those who read them.

The stack is followed without running anything: numbers, addresses and constants are known, what functions return has
no name but `local` or `result`. Entry: instructions of an untrusted file, in order. Exit: a note for each, empty where
there is nothing to add; what is not known is "?". Branches are not followed: behind one, nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...errors import KmodelError
from ..kmodel.elements import ELEMENTS, V5_NAMES, numpy_dtype
from ..kmodel.struct import Buffer
from ..kmodel.types7 import read_datatype
from ..kmodel.v5 import LOCATION_NAMES
from .isa import Decoded, Isa
from .isa5 import Isa5

UNKNOWN = "?"
MOST_TEXT = 64
"""Characters of a value; a file could make more of them than memory holds."""
MOST_SHOWN = 8
"""Elements of a constant that is written out."""
PUSHED_IN_V5 = 4
"""Values that an argument of `call` takes: address, element type, shape and strides."""

WRITTEN_OUT = {name for name, element in ELEMENTS.items() if element.numpy is not None}
"""Elements that numpy has."""

Item = int | float | str


class Notes:
    """Follows the code of one function; `rdata` are the constants of its module."""

    def __init__(self, isa: Isa, rdata: Buffer = b"") -> None:
        self._isa = isa
        self._rdata = rdata
        self._stack: list[Item] = []
        self._registers: dict[tuple[str, int], str] = {}

    def note(self, one: Decoded) -> str:
        """What an instruction takes or makes."""
        if one.function is not None:
            return self._function(one)
        name = one.instruction.name
        if name.startswith("LDARG"):
            number = one.values.get("index", name[-1])
            self._push(f"arg{number!s}")
            return ""
        follow = FOLLOWED.get(name)
        if follow is None:
            self._stack.clear()
            return ""
        return follow(self, one.values)

    def _push(self, value: Item) -> None:
        self._stack.append(_short(value) if isinstance(value, str) else value)

    def _pop(self) -> Item:
        return self._stack.pop() if self._stack else UNKNOWN

    def _numbers(self) -> list[Item]:
        """A count, and so many values, the first one first."""
        count = self._pop()
        return self._take(count) if isinstance(count, int) else [UNKNOWN]

    def _take(self, count: int) -> list[Item]:
        if not 0 <= count <= len(self._stack):
            self._stack.clear()
            return [UNKNOWN]
        return [self._pop() for _ in range(count)]

    def _function(self, one: Decoded) -> str:
        assert one.function is not None
        if one.function.name == "call" and "num_src" in one.values:
            return self._call(one.values)
        facts = [f"{name}={_text(self._pop())}" for name in one.function.operands]
        if self._isa.version == 5:
            facts.reverse()  # as they were pushed, inputs first
        for name, value in one.values.items():
            kind = "padding" if name.startswith("rpad") else "shape"
            if (kind, value) in self._registers and (name.startswith("r") or "shape" in name):
                facts.append(f"{name}={self._registers[kind, value]}")  # type: ignore[index]  # a register's number
        if self._isa.version == 7:  # version 5 writes to an address
            self._push("result")
        return ", ".join(facts)

    def _call(self, values: Mapping[str, Any]) -> str:
        """Another function of version 5: its inputs and outputs, in order."""
        count = values["num_src"] + values["num_dst"]
        if count * PUSHED_IN_V5 > len(self._stack):
            self._stack.clear()
            return ""
        shown = []
        for _ in range(count):
            _strides, shape, element, place = (self._pop() for _ in range(PUSHED_IN_V5))
            kind = V5_NAMES.get(element, UNKNOWN) if isinstance(element, int) else UNKNOWN
            known = self._registers.get(("shape", shape), UNKNOWN) if isinstance(shape, int) else UNKNOWN
            shown.append(f"{_text(place)} {kind}{known}")
        shown.reverse()
        return f"{', '.join(shown[: values['num_src']])} -> {', '.join(shown[values['num_src'] :])}"

    def _address(self, values: Mapping[str, Any]) -> str:
        name = LOCATION_NAMES.get(values["location"], f"location {values['location']}")
        self._push(f"{name}+{values['offset']}")
        return str(self._stack[-1])

    def _constants_address(self, values: Mapping[str, Any]) -> str:
        self._push(f"rdata+{values['offset']}" if values["register"] == 0 else UNKNOWN)
        return ""

    def _store_register(self, kind: str, values: Mapping[str, Any]) -> str:
        each = self._isa.padding_values if kind == "padding" and isinstance(self._isa, Isa5) else 1
        found = self._take(values["rank"] * each)[::-1]
        parts = [_text(one) for one in found]
        if each > 1:
            parts = ["+".join(parts[at : at + each]) for at in range(0, len(parts), each)]
        self._registers[kind, values["register"]] = _short(f"[{', '.join(parts)}]")
        return self._registers[kind, values["register"]]

    def _tuple(self, values: Mapping[str, Any]) -> str:
        self._push(f"({', '.join(map(_text, self._numbers()))})")
        return ""

    def _element(self, values: Mapping[str, Any]) -> str:
        index, fields = self._pop(), self._pop()
        self._push(f"{_text(fields)}[{_text(index)}]")
        return ""

    def _element_type(self, values: Mapping[str, Any]) -> str:
        at = _offset(self._pop())
        try:
            found = UNKNOWN if at is None else read_datatype(self._rdata, at)[0]
        except KmodelError:
            found = UNKNOWN
        self._push(found if isinstance(found, str) else type(found).__name__)
        return ""

    def _constant(self, values: Mapping[str, Any]) -> str:
        element, shape, strides, place = _text(self._pop()), self._numbers(), self._numbers(), self._pop()
        described = f"{element}[{', '.join(map(_text, shape))}] {_text(place)}"
        shown = self._elements(element, shape, strides, place)
        self._push(shown or described)
        return f"{described} = {shown}" if shown else described

    def _elements(self, element: str, shape: list[Item], strides: list[Item], place: Item) -> str:
        """The elements of a small constant that is stored in order."""
        dims = [dim for dim in shape if isinstance(dim, int)]
        at, count = _offset(place), math.prod(dims)
        in_order = [math.prod(dims[axis + 1 :]) for axis in range(len(dims))]
        if at is None or element not in WRITTEN_OUT or len(dims) < len(shape) or in_order != strides:
            return ""
        dtype = numpy_dtype(element)
        if not 0 < count <= MOST_SHOWN or at < 0 or at + count * dtype.itemsize > len(self._rdata):
            return ""
        values = np.frombuffer(self._rdata, dtype, count, at).tolist()
        return f"[{', '.join(f'{value:g}' for value in values)}]" if shape else f"{values[0]:g}"

    def _external(self, values: Mapping[str, Any]) -> str:
        module, function = self._pop(), self._pop()
        arguments = [_text(self._pop()) for _ in range(min(values["arguments"], len(self._stack)))]
        self._push("result")
        return f"function {_text(function)} of module {_text(module)}: {', '.join(arguments)}"

    def _store_local(self, values: Mapping[str, Any]) -> str:
        return f"local{values['index']} = {_text(self._pop())}"


def _short(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 3] + "..."


def _text(value: Item) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _offset(place: Item) -> int | None:
    """Where in the constants an address is."""
    text = str(place)
    return int(text[6:]) if text.startswith("rdata+") and text[6:].lstrip("-").isdigit() else None


def _pushes(value: Callable[[Mapping[str, Any]], Item]) -> Callable[[Notes, Mapping[str, Any]], str]:
    def follow(notes: Notes, values: Mapping[str, Any]) -> str:
        notes._push(value(values))
        return ""

    return follow


def _drops(notes: Notes, values: Mapping[str, Any]) -> str:
    notes._pop()
    return ""


FOLLOWED: Mapping[str, Callable[[Notes, Mapping[str, Any]], str]] = {
    "NOP": lambda notes, values: "",
    "POP": _drops,
    "LDNULL": _pushes(lambda values: "null"),
    "LDC_I4": _pushes(lambda values: int(values["value"])),
    "LDC_I4_0": _pushes(lambda values: 0),
    "LDC_I4_1": _pushes(lambda values: 1),
    "LDC_R4": _pushes(lambda values: float(values["value"])),
    "LDLOCAL": _pushes(lambda values: f"local{values['index']}"),
    "STLOCAL": Notes._store_local,
    "LEA_BUFFER": Notes._address,
    "LEA_GP": Notes._constants_address,
    "STSHAPE": lambda notes, values: notes._store_register("shape", values),
    "STPADDINGS": lambda notes, values: notes._store_register("padding", values),
    "LDDATATYPE": Notes._element_type,
    "LDTENSOR": Notes._constant,
    "LDTUPLE": Notes._tuple,
    "LDTUPLE_ELEM": Notes._element,
    "EXTCALL": Notes._external,
}
"""What each instruction does to the stack; behind others, nothing is known."""
