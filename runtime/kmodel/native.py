"""The module of kind "native": machine code for one or several CPUs, and the weights that all of it uses.

Each function is the network, for other sizes of its inputs; mostly there is one. Section `.native` holds the records
below, `.weights` the weights, and `.object0`, `.object1`, ... the code as ELF objects: those of the first function, for
the best CPU first, then as many of the second one. `.steps0`, `.steps1`, ... say in a line a step what it is for. Every
byte that decides what is executed, and on what memory, is under a SHA-256: nothing of a damaged file is executed.
(Hashes find damage, not malice: who can change a file can change its hashes.)
Entry: a module of a kmodel of version 7, or Native. Exit: the other one; KmodelError K0401, K0402, K0405, K0411.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from ...errors import KmodelError
from .section import Section
from .struct import U32, U64, Buffer, Name16, Raw, Record, Text, const, misfit, require_bytes, struct
from .types7 import TensorType, TupleType, Type, write_type
from .v7 import Function, Module

KIND = "native"
ALIGNMENT = 64
"""Of sections in the file: weights are used where they are."""
MOST_ARENA = 1 << 40

Digest = Annotated[bytes, Raw(32)]


@struct(size=96)
class NativeHeader(Record):
    """First bytes of `.native`; `digest` is that of this section, itself as zeros, and of the functions' types."""

    version: U32 = const(1)
    objects: U32
    arena: U64
    reserved: U64 = 0
    reserved2: U64 = 0
    weights: Digest
    digest: Digest = bytes(32)


@struct(size=256)
class ObjectRecord(Record):
    """What one object is for: `needs` are features by Linux's names, separated by spaces."""

    cpu: Annotated[str, Text(32)]
    machine: Name16
    needs: Annotated[str, Text(176)]
    digest: Digest


@dataclass(frozen=True)
class NativeObject:
    """Code for a kind of CPU, called `cpu`, of a machine ("x86_64"), which has the features that it `needs`.

    steps: what each step of it is for, for people to read.
    """

    cpu: str
    machine: str
    needs: tuple[str, ...]
    code: Buffer
    digest: bytes = b""
    steps: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.cpu

    def check(self) -> None:
        """KmodelError K0411 unless the code is what it was when it was written."""
        _check(f"the code for {self} is", self.code, self.digest)


@dataclass(frozen=True)
class NativeFunction:
    """A network as machine code."""

    objects: tuple[NativeObject, ...]
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]

    @property
    def result(self) -> Type:
        """What it returns: one output, or all of them."""
        return self.outputs[0] if len(self.outputs) == 1 else TupleType(self.outputs)


@dataclass(frozen=True)
class Native:
    """Networks as machine code that share their weights; `arena` is how many bytes of memory each works in."""

    functions: tuple[NativeFunction, ...]
    weights: Buffer
    arena: int
    weights_digest: bytes = b""

    @property
    def objects(self) -> tuple[NativeObject, ...]:
        """The code of all functions."""
        return tuple(one for function in self.functions for one in function.objects)

    def check_weights(self) -> None:
        """KmodelError K0411 unless the weights are what they were when they were written."""
        _check("the weights are", self.weights, self.weights_digest)


def _check(name: str, body: Buffer, digest: bytes) -> None:
    if hashlib.sha256(body).digest() != digest:
        raise _damaged(f"{name} not what the file says: the SHA-256 differs")


def _damaged(cause: str) -> KmodelError:
    return KmodelError("K0411", where="kmodel, native module", cause=cause, remedy="the file is damaged: copy it again")


def native_module(native: Native) -> Module:
    """The module of a network. KmodelError K0408 when a value does not fit its field."""
    records = [
        ObjectRecord(
            cpu=one.cpu, machine=one.machine, needs=" ".join(one.needs), digest=hashlib.sha256(one.code).digest()
        ).write()
        for one in native.objects
    ]
    header = NativeHeader(
        objects=len(records), arena=native.arena, weights=hashlib.sha256(native.weights).digest()
    )  # fmt: skip
    functions = [Function(one.inputs, one.result, 0, 0) for one in native.functions]
    header = replace(header, digest=_digest(header, b"".join(records), functions))
    objects = [Section(f".object{index}", one.code) for index, one in enumerate(native.objects)]
    steps = [Section(f".steps{index}", "\n".join(one.steps).encode()) for index, one in enumerate(native.objects)]
    described = Section(".native", b"".join([header.write(), *records]))
    return Module(KIND, tuple(functions), (described, Section(".weights", native.weights), *objects, *steps))


def read_native(module: Module) -> Native:
    """The networks in a module; its weights and code are not hashed before they are checked."""
    described = module.section(".native")
    header = NativeHeader.read(described)
    size = NativeHeader.size + header.objects * ObjectRecord.size
    require_bytes(described, 0, size, "NativeHeader.objects")
    count = len(module.functions)
    if count == 0 or header.objects % count:
        raise _damaged(f"it has {count} functions for {header.objects} objects")
    if header.digest != _digest(
        replace(header, digest=bytes(32)), described[NativeHeader.size : size], module.functions
    ):
        raise _damaged("its description is not what the file says: the SHA-256 differs")
    if header.arena > MOST_ARENA:
        raise misfit(8, "NativeHeader.arena", f"is {header.arena} bytes, expected at most {MOST_ARENA}")
    objects = []
    for index in range(header.objects):
        record = ObjectRecord.read(described, NativeHeader.size + index * ObjectRecord.size)
        code = module.section(f".object{index}")
        steps = bytes(module.section(f".steps{index}")).decode(errors="replace").splitlines()
        needs = tuple(record.needs.split())
        objects.append(NativeObject(record.cpu, record.machine, needs, code, record.digest, tuple(steps)))
    each = header.objects // count
    functions = [
        _function(function, objects[number * each : (number + 1) * each])
        for number, function in enumerate(module.functions)
    ]
    return Native(tuple(functions), module.section(".weights"), header.arena, header.weights)


def _function(function: Function, objects: Sequence[NativeObject]) -> NativeFunction:
    results = function.result.fields if isinstance(function.result, TupleType) else (function.result,)
    return NativeFunction(tuple(objects), _tensors(function.parameters), _tensors(results))


def _digest(header: NativeHeader, records: Buffer, functions: Sequence[Function]) -> bytes:
    types = [write_type(one) for function in functions for one in (*function.parameters, function.result)]
    return hashlib.sha256(b"".join([header.write(), records, *types])).digest()


def _tensors(types: Sequence[Type]) -> tuple[TensorType, ...]:
    """KmodelError K0404 for what machine code does not take: only tensors of known sizes."""
    tensors = tuple(
        one for one in types if isinstance(one, TensorType) and isinstance(one.element, str) and None not in one.shape
    )
    if len(tensors) != len(types):
        raise KmodelError(
            "K0404", where="kmodel, native module", cause="an input or output is not a tensor of one shape"
        )
    return tensors
