"""The module of kind "native": machine code for one or several CPUs, and the weights that all of them use.

Its one function is the network. Section `.native` holds the records below, `.weights` the weights, and `.object0`,
`.object1`, ... the code as ELF objects, the best CPU first. Every byte that decides what is executed, and on what
memory, is under a SHA-256: nothing of a damaged file is executed. (Hashes find damage, not malice: who can change a
file can change its hashes.)
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
from .v7 import Function, Model, Module

KIND = "native"
ALIGNMENT = 64
"""Of sections in the file: weights are used where they are."""
MOST_ARENA = 1 << 40

Digest = Annotated[bytes, Raw(32)]


@struct(size=96)
class NativeHeader(Record):
    """First bytes of `.native`; `digest` is that of this section, itself as zeros, and of the function's types."""

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
    """Code for a kind of CPU, called `cpu`, of a machine ("x86_64"), which has the features that it `needs`."""

    cpu: str
    machine: str
    needs: tuple[str, ...]
    code: Buffer
    digest: bytes = b""

    def __str__(self) -> str:
        return self.cpu


@dataclass(frozen=True)
class Native:
    """A network as machine code; `arena` is how many bytes of memory it works in."""

    objects: tuple[NativeObject, ...]
    weights: Buffer
    arena: int
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    weights_digest: bytes = b""

    def check(self, chosen: NativeObject) -> None:
        """KmodelError K0411 unless the weights and the code of one object are what they were when they were written."""
        for name, body, digest in (
            ("the weights are", self.weights, self.weights_digest),
            (f"the code for {chosen} is", chosen.code, chosen.digest),
        ):
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
    result: Type = native.outputs[0] if len(native.outputs) == 1 else TupleType(native.outputs)
    function = Function(native.inputs, result, 0, 0)
    header = replace(header, digest=_digest(header, b"".join(records), function))
    objects = [Section(f".object{index}", one.code) for index, one in enumerate(native.objects)]
    described = Section(".native", b"".join([header.write(), *records]))
    return Module(KIND, (function,), (described, Section(".weights", native.weights), *objects))


def native_model(native: Native) -> Model:
    """A kmodel of nothing else."""
    return Model((native_module(native),), alignment=ALIGNMENT)


def read_native(module: Module) -> Native:
    """The network in a module; its weights and code are not hashed before `Native.check`."""
    described = module.section(".native")
    header = NativeHeader.read(described)
    size = NativeHeader.size + header.objects * ObjectRecord.size
    require_bytes(described, 0, size, "NativeHeader.objects")
    if len(module.functions) != 1:
        raise _damaged(f"it has {len(module.functions)} functions, expected 1")
    function = module.functions[0]
    if header.digest != _digest(replace(header, digest=bytes(32)), described[NativeHeader.size : size], function):
        raise _damaged("its description is not what the file says: the SHA-256 differs")
    if header.arena > MOST_ARENA:
        raise misfit(8, "NativeHeader.arena", f"is {header.arena} bytes, expected at most {MOST_ARENA}")
    objects = []
    for index in range(header.objects):
        record = ObjectRecord.read(described, NativeHeader.size + index * ObjectRecord.size)
        code = module.section(f".object{index}")
        objects.append(NativeObject(record.cpu, record.machine, tuple(record.needs.split()), code, record.digest))
    results = function.result.fields if isinstance(function.result, TupleType) else (function.result,)
    return Native(
        tuple(objects), module.section(".weights"), header.arena, _tensors(function.parameters), _tensors(results),
        header.weights,
    )  # fmt: skip


def _digest(header: NativeHeader, records: Buffer, function: Function) -> bytes:
    types = map(write_type, (*function.parameters, function.result))
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
