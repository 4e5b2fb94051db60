"""Finds out which dialect the code of a version 5 module is written in, since no field of the container says it.

Our own files say it beside the names of their inputs. Code of one dialect, read as another, stops making sense soon:
immediates become instructions, and tensor functions take operands that nothing pushed. Entry: a stackvm module. Exit:
the newest dialect in which all its code makes sense, or KmodelError K0406 with what is wrong in the newest one.
"""

from __future__ import annotations

from ...errors import KmodelError
from ..kmodel.names import names_in
from ..kmodel.v5 import Module
from .isa import Decoded, undecodable
from .isa5 import DIALECTS, ISA5, Isa5
from .scalars import ARITHMETIC

_BRANCHES = ("BR", "BR_TRUE", "BR_FALSE", "RET")
_TAKEN = {"STIND": 2, "LDELEM": 1, "STELEM": 3, "BR": 0}
"""Values that families of instructions take, less those they leave."""


def dialect_of(module: Module) -> str:
    """One of DIALECTS."""
    names = names_in(module.sections)
    if names is not None and names.dialect:
        if names.dialect not in DIALECTS:
            known = ", ".join(DIALECTS)
            raise KmodelError("K0402", cause=f"the file is written in dialect {names.dialect}, known are {known}")
        return names.dialect
    problem: KmodelError | None = None
    for dialect in reversed(DIALECTS):
        try:
            for function in module.functions:
                _check(ISA5[dialect], module.text(function))
            return dialect
        except KmodelError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _check(isa: Isa5, text: memoryview) -> None:
    """KmodelError unless all of `text` is code that takes from the stack only what it pushed, and in the end all."""
    depth, straight = 0, True
    for one in isa.walk(text):
        straight = straight and one.instruction.name not in _BRANCHES
        depth -= _taken(isa, one)
        if straight and depth < 0:
            raise undecodable(one.at, f"{one} takes more from the stack than was pushed")
    if straight and depth:
        raise undecodable(len(text), f"{depth} values are left on the stack")


def _taken(isa: Isa5, one: Decoded) -> int:
    """How many values an instruction takes from the stack, less those it leaves."""
    name, values = one.instruction.name, one.values
    if one.function is not None:
        if one.function.name == "call":
            return 4 * (int(values["num_src"]) + int(values["num_dst"]))  # type: ignore[arg-type]
        return len(one.function.operands)
    if name.startswith(("LDC", "LEA", "LDNULL", "DUP", "LDARG")):
        return -1
    if name == "STSHAPE":
        return int(values["rank"])  # type: ignore[arg-type]
    if name == "STPADDINGS":
        return isa.padding_values * int(values["rank"])  # type: ignore[arg-type]
    if name in ARITHMETIC or name in ("POP", "REM", "REM_U", "BR_TRUE", "BR_FALSE"):
        return 1
    return _TAKEN.get(name.split("_", 1)[0], 0)
