"""The kmodel formats: what the bytes of a file are.

`read_kmodel` finds out which version a file has; `v3`, `v4`, `v5`, `v7` hold the containers, each with `read` and
`write`. The first two are imported when a file needs them.
"""

from __future__ import annotations

from os import PathLike, fstat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...errors import KmodelError
from . import v5, v7
from .native import ALIGNMENT
from .struct import Buffer, read_u32s

if TYPE_CHECKING:
    from . import v3, v4

    Model = v3.Model | v4.Model | v5.Model | v7.Model

OTHER_VERSIONS = {
    6: "nncase 2.0 to 2.3 wrote it, with other function numbers than version 7",
}
MAGIC = 0x4B4D444C


class HasData(Protocol):
    """Anything that carries the bytes of a kmodel, such as the result of a compilation."""

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        ...


Source = Buffer | str | PathLike[str] | HasData


def kmodel_bytes(source: Source) -> Buffer:
    """The bytes of a kmodel given as bytes, as a path, or as an object with `data`; KmodelError K0403 otherwise."""
    if isinstance(source, bytes | bytearray | memoryview):
        return source
    if isinstance(source, str | PathLike):
        try:
            return _read_aligned(Path(source))
        except OSError as error:
            raise KmodelError("K0403", where=str(source), cause=f"the file cannot be read: {error.strerror}") from error
    data = getattr(source, "data", None)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise KmodelError("K0403", cause=f"a {type(source).__name__} is not a kmodel: expected bytes or a path")
    return data


def _read_aligned(path: Path) -> memoryview:
    """A file's bytes, at a multiple of 64 bytes: weights of machine code are used where they lie."""
    with path.open("rb") as file:
        size = fstat(file.fileno()).st_size
        memory = np.empty(size + ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % ALIGNMENT
        view = memory.data[start : start + size]
        read = file.readinto(view)
        rest = file.read()
    return memoryview(bytes(view[:read]) + rest) if rest else view[:read]


def read_kmodel(source: Source) -> Model:
    """The model in a file of version 3, 4, 5 or 7. Constants are views of the given buffer.

    KmodelError: K0403 for other files and versions (it says which), K0401, K0402, K0404 for damaged ones.
    """
    buffer = kmodel_bytes(source)
    try:
        return _read(buffer)
    except KmodelError as error:
        if not isinstance(source, str | PathLike):
            raise
        where = error.where.replace("kmodel", Path(source).name, 1)
        raise KmodelError(error.code, where=where, cause=error.cause, remedy=error.remedy) from error


def _read(buffer: Buffer) -> Model:
    if isinstance(buffer, memoryview) and (buffer.format != "B" or buffer.ndim != 1 or not buffer.contiguous):
        raise KmodelError("K0403", cause="a kmodel is given as contiguous bytes")
    version = version_of(buffer)
    if version == 3:
        from . import v3

        return v3.read(buffer)
    if version == 4:
        from . import v4

        return v4.read(buffer)
    if version == 7:
        return v7.read(buffer)
    (header_size,) = read_u32s(buffer, 8, 1, "ModelHeader.header_size")
    if header_size == 0:
        cause = "this is a pre-release of version 5 (24-byte header), which crashes every released runtime"
        raise KmodelError("K0403", where="kmodel, byte 8", cause=cause, remedy="compile the network again")
    return v5.read(buffer)


def version_of(buffer: Buffer) -> int:
    """3, 4, 5 or 7; KmodelError K0403 says what other files are."""
    if len(buffer) < 8:
        raise KmodelError("K0403", where="kmodel, byte 0", cause=f"a file of {len(buffer)} bytes is not a kmodel")
    first, second = read_u32s(buffer, 0, 2, "magic")
    if first == 3 or (first == MAGIC and second in (4, 5, 7)):
        return 3 if first == 3 else second
    if first != MAGIC:
        kind = "a TFLite model" if bytes(buffer[4:8]) == b"TFL3" else "not a kmodel"
        cause = f"the file is {kind}: it does not begin with LDMK"
        raise KmodelError("K0403", where="kmodel, byte 0", cause=cause, remedy="kpuc compile makes kmodels")
    known = OTHER_VERSIONS.get(second, "no known compiler writes it")
    cause = f"the kmodel has version {second}, expected 3, 4, 5 or 7: {known}"
    raise KmodelError("K0403", where="kmodel, byte 4", cause=cause, remedy="compile the network again with kpuc")
