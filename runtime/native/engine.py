"""Executes the native module of a kmodel.

Entry: a module that the caller trusts: its code does what it likes. Exit: results, or the reason why there are none.
The arena is allocated once, weights are used where they lie in the file, and a run allocates its outputs only.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ExecutionError
from ..kmodel.elements import numpy_dtype
from ..kmodel.native import ALIGNMENT, NativeFunction, NativeObject, read_native
from ..kmodel.struct import Buffer
from ..kmodel.types7 import TensorType
from ..kmodel.v7 import Module
from ..machine import Array, Linker
from ..profile import Profile
from .code import Code
from .cpu import this_cpu
from .symbols import CREATE, DESTROY, MOST_STEPS, MOST_THREADS, POOL_BYTES, RUN

ADDRESS = ctypes.c_void_p
Run = ctypes.CFUNCTYPE(None, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ctypes.c_int64, ctypes.c_int64)
Create = ctypes.CFUNCTYPE(ctypes.c_int64, ADDRESS, ctypes.c_int64)
Destroy = ctypes.CFUNCTYPE(None, ADDRESS)


SMALL = 1 << 16
"""Bytes of an output up to which it is copied from memory of the engine's own; larger ones are written where they are
returned."""


class Engine:
    """One native module: its functions share weights and memory."""

    def __init__(self, module: Module, link: Linker, index: int) -> None:
        self._link = link
        native = read_native(module)
        self._chosen = [choose(function.objects) for function in native.functions]
        native.check_weights()
        self._native, self._threads = native, link.threads
        self._weights = _aligned(native.weights)
        self._arena = aligned(native.arena)
        self._functions: dict[int, Function] = {}
        self._function(0)

    def call(self, function: int, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """Run a network. ExecutionError K0504 when there is none, or the arguments are not its inputs."""
        return self._function(function).call(arguments, self._link.profile)

    def _function(self, number: int) -> Function:
        """A function, loaded when it is called for the first time."""
        made = self._functions.get(number)
        if made is None:
            if not 0 <= number < len(self._chosen):
                raise ExecutionError("K0504", cause=f"function {number} of native code does not exist")
            code = self._chosen[number]
            code.check()
            made = Function(self._native.functions[number], code, self._weights, self._arena, self._threads)
            self._functions[number] = made
        return made


class Function:
    """A network's code, loaded. `threads` threads share its work; they are made in the first run, and end with this."""

    def __init__(
        self, function: NativeFunction, chosen: NativeObject, weights: Array, arena: Array, threads: int
    ) -> None:
        self._code = Code(chosen.code)
        self._steps = chosen.steps
        self._inputs = [_dense(one) for one in function.inputs]
        self._outputs = [_dense(one) for one in function.outputs]
        self._memory = (weights.ctypes.data, arena.ctypes.data)
        self._addresses = (ADDRESS * (len(self._inputs) + len(self._outputs)))()
        self._given: list[Array | None] = [None] * len(self._inputs)
        self._made = [np.empty(shape, dtype) for dtype, shape in self._outputs]
        for place, array in enumerate(self._made, len(self._inputs)):
            self._addresses[place] = array.ctypes.data
        sizes = enumerate(self._outputs)
        self._large = [(place, one) for place, one in sizes if self._made[place].nbytes > SMALL]
        self._run: Callable[..., None] = Run(self._code.functions[RUN])
        self._threads = min(threads, MOST_THREADS)
        self._pool: Pool | None = None

    def call(self, arguments: Sequence[Array], profile: Profile | None = None) -> tuple[Array, ...]:
        """Run the network, step by step with a profile. ExecutionError K0504 when the arguments are not its inputs."""
        found = [(one.dtype, one.shape) for one in arguments]
        if found != self._inputs:
            raise ExecutionError("K0504", cause=f"native code is called with {found}")
        for place, array in enumerate(arguments):
            if array is not self._given[place]:  # to find out where an array lies takes longer than a small network
                self._given[place] = kept = np.require(array, requirements=["C", "A"])
                self._addresses[place] = kept.ctypes.data
        for place, (dtype, shape) in self._large:
            self._made[place] = fresh = np.empty(shape, dtype)
            self._addresses[len(self._inputs) + place] = fresh.ctypes.data
        given = (*self._memory, self._addresses, self._pool_address())
        if profile is None:
            self._run(*given, 0, MOST_STEPS)
        else:
            self._measure(given, profile)
        return tuple([array if array.nbytes > SMALL else array.copy() for array in self._made])

    def _measure(self, given: Sequence[Any], profile: Profile) -> None:
        """Run the steps, each with a row of its own, if the file has names for them."""
        *names, last = self._steps or ("machine code",)
        for number, name in enumerate(names):
            with profile.measure(name):
                self._run(*given, number, number + 1)
        with profile.measure(last):
            self._run(*given, len(names), MOST_STEPS)

    def _pool_address(self) -> int | None:
        """A child of fork has none of its parent's threads, and gets a pool of its own."""
        if self._threads == 1:
            return None
        if self._pool is None or self._pool.process != os.getpid():
            self._pool = Pool(self._code, self._threads)
        return self._pool.address


class Pool:
    """The threads that share a network's work with the one that runs it; they end with this object."""

    def __init__(self, code: Code, threads: int) -> None:
        self.process = os.getpid()
        self._memory = aligned(POOL_BYTES)
        self.address = int(self._memory.ctypes.data)
        Create(code.functions[CREATE])(self.address, threads)
        weakref.finalize(self, _end, self._memory, code, self.process)


def _end(memory: Array, code: Code, process: int) -> None:
    """End the threads of a pool, unless they are those of another process. (Its memory lives as long as they do.)"""
    if process == os.getpid():
        Destroy(code.functions[DESTROY])(memory.ctypes.data)


def choose(objects: Sequence[NativeObject]) -> NativeObject:
    """The first object that this CPU executes. ExecutionError K0509 when there is none."""
    cpu = this_cpu()
    for one in objects:
        if cpu.runs(one.machine, one.needs):
            return one
    names = ", ".join(map(str, objects)) or "no CPU"
    lacking = next((set(one.needs) - cpu.features for one in reversed(objects) if one.machine == cpu.machine), ())
    without = f" without {', '.join(sorted(lacking))}" if lacking else ""
    cause = f"the kmodel has machine code for {names}; this CPU is {cpu.machine}{without}"
    raise ExecutionError("K0509", cause=cause, remedy="compile the network for this CPU, or with --portable")


def aligned(size: int) -> Array:
    """Zeros at a multiple of ALIGNMENT bytes. ExecutionError K0505 when there is not as much memory."""
    try:
        whole = np.zeros(size + ALIGNMENT, np.uint8)
    except (MemoryError, ValueError) as error:
        raise ExecutionError(
            "K0505", cause=f"there is no memory for the {size} bytes that the network needs"
        ) from error
    start = -whole.ctypes.data % ALIGNMENT
    return whole[start : start + size]


def _aligned(weights: Buffer) -> Array:
    """The weights where they are, or a copy of them when that is not a multiple of ALIGNMENT bytes."""
    given = np.frombuffer(weights, np.uint8) if len(weights) else aligned(0)
    if given.ctypes.data % ALIGNMENT == 0:
        return given
    copy = aligned(len(given))
    copy[:] = given
    return copy


def _dense(type_: TensorType) -> tuple[np.dtype[Any], tuple[int, ...]]:
    assert isinstance(type_.element, str)  # read_native has seen to it
    return numpy_dtype(type_.element), tuple(dim or 0 for dim in type_.shape)
