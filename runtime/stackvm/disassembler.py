"""Code as text, for any instruction set: what `kpuc inspect` shows.

Entry: code from an untrusted file. Exit: one line an instruction; damaged code ends with a line that says why.
"""

from __future__ import annotations

from ...errors import KmodelError
from ..kmodel.struct import Buffer
from .isa import Decoded, Isa
from .notes import Notes


def disassemble(isa: Isa, text: memoryview | bytes, rdata: Buffer = b"", base: int = 0) -> list[str]:
    """Lines "offset  NAME field=value ...  ; what it works on"; offsets count from `base`, `rdata` are the constants.

    Never raises for damaged code.
    """
    lines: list[str] = []
    notes = Notes(isa, rdata)
    try:
        for one in isa.walk(text):
            note = notes.note(one)
            lines.append(f"{base + one.at:06x}  {one}{_destination(isa, one, base)}{f'  ; {note}' if note else ''}")
    except KmodelError as error:
        lines.append(f"        ({error.where}: {error.cause})")
    return lines


def _destination(isa: Isa, one: Decoded, base: int) -> str:
    """Where a branch goes; version 5 counts from the end of the branch, version 7 from its beginning."""
    target = one.values.get("target") if one.instruction.name in ("BR", "BR_TRUE", "BR_FALSE") else None
    origin = base + (one.end if isa.version == 5 else one.at)
    return f"  -> {origin + target:06x}" if isinstance(target, int) else ""
