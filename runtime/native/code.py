"""Machine code in memory, ready to be called.

Entry: the bytes of an object that came with a kmodel, for this machine. Exit: addresses of its functions. No page is
ever both written and executed: the image is filled, then its code becomes executable and read-only. (That also makes
the kernel tell the instruction caches, where CPUs want to be told.)
"""

from __future__ import annotations

import ctypes
import mmap
import os
from functools import cache

from ...errors import ExecutionError
from ..kmodel.struct import Buffer
from .elf import read_object, refused
from .link import Image
from .symbols import EXPORTS

READ, READ_EXECUTE = 1, 5
LIBRARIES = (None, "libm.so.6", "libpthread.so.0", "libc.so.6")
"""Where functions of the C library are: usually in what the interpreter has loaded already."""


class Code:
    """An object's image, in memory for as long as this object lives; `functions` are addresses by name.

    KmodelError K0401, K0410 for an object that cannot be loaded; ExecutionError K0505, K0510 when the system has no
    memory for it, does not allow it, or lacks a function.
    """

    def __init__(self, data: Buffer) -> None:
        image = Image(read_object(data), mmap.PAGESIZE)
        for name in EXPORTS:
            if name not in image.object.functions:
                raise refused(f"it has no function {name}")
        try:
            self._memory = mmap.mmap(-1, image.size, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        except OSError as error:
            raise ExecutionError("K0505", cause=f"there is no memory for {image.size} bytes of machine code") from error
        anchor = ctypes.c_char.from_buffer(self._memory)
        address = ctypes.addressof(anchor)
        del anchor
        self._memory[:] = bytes(image.link(address, resolve))
        _protect(address, image.executable, READ_EXECUTE)
        _protect(address + image.executable, image.readable, READ)
        self.functions = {name: address + image.offset(image.object.functions[name]) for name in EXPORTS}


def _protect(address: int, size: int, protection: int) -> None:
    """ExecutionError K0510 when the system does not allow it."""
    mprotect = ctypes.CDLL(None, use_errno=True).mprotect
    mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    if size and mprotect(address, size, protection):
        reason = os.strerror(ctypes.get_errno())
        raise ExecutionError("K0510", cause=f"the system does not let this process execute new code: {reason}")


@cache
def resolve(name: str) -> int:
    """The address of a function of the C library. ExecutionError K0510 when it has no such function."""
    for library in LIBRARIES:
        try:
            function = getattr(ctypes.CDLL(library), name)
        except (OSError, AttributeError):
            continue
        return ctypes.cast(function, ctypes.c_void_p).value or 0
    raise ExecutionError("K0510", cause=f"the C library of this system has no function {name}")
