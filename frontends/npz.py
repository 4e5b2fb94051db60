"""Array files whose items along the first axis are read one after another, so that no file is ever in memory whole.

numpy maps `.npy` files, but decompresses a whole array of an `.npz`; here its bytes are taken from the archive as they
are needed. Formats: numpy's NEP 1; pickled objects are refused.
"""

import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import OptionError

ArrayFile = np.ndarray[Any, np.dtype[Any]]
DAMAGED = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError)
"""What numpy and zipfile raise for files that are not what they should be."""


@dataclass(frozen=True)
class NpzMember:
    """One array of an `.npz`; iterating reads it anew."""

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    def __iter__(self) -> Iterator[ArrayFile]:
        """`a[0]`, `a[1]`, ...; raises `OptionError` K0710. A matrix in Fortran's order is read whole."""
        try:
            yield from self._items()
        except DAMAGED as error:
            raise _unreadable(self.path, error) from error

    def _items(self) -> Iterator[ArrayFile]:
        with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
            if self.fortran and len(self.shape) > 1:
                yield from np.lib.format.read_array(file, allow_pickle=False)
                return
            _read_header(file)
            size = math.prod(self.shape[1:]) * self.dtype.itemsize
            for number in range(self.shape[0]):
                data = file.read(size)
                if len(data) < size:
                    raise EOFError(f"array '{self.member}' ends within item {number} of {self.shape[0]}")
                yield np.frombuffer(data, self.dtype).reshape(self.shape[1:])


def open_npz(path: Path) -> dict[str, NpzMember]:
    """The arrays of an archive by name, none of them read. Raises `OptionError` K0710."""
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                with archive.open(member) as file:
                    shape, fortran, dtype = _read_header(file)
                found[member.removesuffix(".npy")] = NpzMember(path, member, shape, dtype, fortran)
    except DAMAGED as error:
        raise _unreadable(path, error) from error
    return found


def open_npy(path: Path) -> ArrayFile:
    """An array that stays in its file. Raises `OptionError` K0710."""
    try:
        return np.asanyarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except DAMAGED as error:
        raise _unreadable(path, error) from error


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type at the start of an array file, which is then at its elements."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"array format {version} is not one of numbers")
    shape, fortran, dtype = readers[version](file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, not numbers")
    return shape, fortran, dtype


def _unreadable(path: Path, error: Exception) -> OptionError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return OptionError("K0710", where=str(path), cause=f"cannot be read: {reason}")
