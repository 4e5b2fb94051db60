"""Named sections: what modules of kmodel v5 and v7 keep their code and constants in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...errors import KmodelError
from .struct import Buffer, require_bytes


@dataclass(frozen=True)
class Section:
    """A named run of bytes; `body` is a view of the file, not a copy, after reading.

    `merged_at`: the body lies inside `.rdata`, at this offset, and is not stored again.
    `padding`: bytes between the section's header and its body; None: as many as the module's alignment asks for.
    `memory_size`: bytes in memory, when that is not the size of the body (v7 only).
    """

    name: str
    body: Buffer
    merged_at: int | None = None
    padding: int | None = None
    memory_size: int | None = None


def find(sections: Iterable[Section], name: str) -> Section | None:
    """The first section of that name."""
    return next((one for one in sections if one.name == name), None)


def with_section(sections: tuple[Section, ...], added: Section) -> tuple[Section, ...]:
    """The sections with `added` at the end, in place of one of the same name."""
    return (*(one for one in sections if one.name != added.name), added)


def body_of(sections: Iterable[Section], name: str, owner: str) -> memoryview:
    """The bytes of a section that must exist: KmodelError K0405 otherwise."""
    section = find(sections, name)
    if section is None:
        raise KmodelError("K0405", where=owner, cause=f"section {name} is missing")
    return memoryview(section.body)


def resolve_merged(sections: list[Section], sizes: dict[int, int]) -> tuple[Section, ...]:
    """Point the sections that are merged into `.rdata` at their bytes; `sizes`: index of the section -> body size."""
    rdata = find(sections, ".rdata")
    host = memoryview(rdata.body if rdata is not None and rdata.merged_at is None else b"")
    resolved = []
    for index, section in enumerate(sections):
        if section.merged_at is not None:
            start, size = section.merged_at, sizes[index]
            require_bytes(host, start, size, f"section {section.name} inside .rdata")
            section = replace(section, body=host[start : start + size])
        resolved.append(section)
    return tuple(resolved)
