"""Bodies of steps, in kmodels that are lists of them (versions 3 and 4): a record, then arrays whose sizes it states.

    @nodes.kind(0x04, "matmul", Tail("bias", "<f4", lambda it: (it.columns,)))
    @struct(size=68)
    class Matmul(Fields): ...

Entry: untrusted bytes, or a Body. Exit: a Body whose arrays are views of the bytes, or KmodelError K0401, K0402 that
names byte and field; K0408 when a body cannot be written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ...errors import KmodelError
from ..machine import Array
from .struct import U32, Buffer, Record, align, misfit, require_bytes, struct

Shape = tuple[int, ...]
ALIGNMENT = 8
"""Bodies follow each other without gaps, so each is padded to what its successor needs."""


@struct(size=8)
class StepHeader(Record):
    """`bytes` of body, with its padding."""

    opcode: U32
    bytes: U32


@dataclass(frozen=True)
class Step:
    """One step of a file, undecoded."""

    opcode: int
    body: Buffer

    @property
    def header(self) -> StepHeader:
        """Files have the headers of all steps first, then their bodies."""
        return StepHeader(opcode=self.opcode, bytes=len(self.body))


class Fields(Record):
    """The fixed part of a body."""

    def result(self) -> Shape | None:
        """The shape of what the step computes; None: that of its input. KmodelError K0402 if there can be none."""
        return None


@dataclass(frozen=True)
class Tail:
    """An array behind the fixed part: `dtype` in numpy's notation; no shape: all bytes up to the end of the body.

    `gap` is how many bytes lie between it and what comes before it.
    """

    name: str
    dtype: str
    shape: Callable[[Any], Shape] | None
    gap: Callable[[Any], int] = lambda _fields: 0


@dataclass(frozen=True)
class Kind:
    """A kind of step: the code and name of it, and what its body holds."""

    code: int
    name: str
    fields: type[Fields]
    tails: tuple[Tail, ...]


@dataclass(frozen=True)
class Body:
    """A step; `arrays` by name, in the order of its kind's tails."""

    kind: Kind
    fields: Any
    arrays: Mapping[str, Array]


FieldsT = TypeVar("FieldsT", bound=type[Fields])


@dataclass
class Catalogue:
    """All kinds of steps of a format, by code and by the class of their fields; `step` is what the format calls one."""

    step: str
    kinds: dict[int, Kind] = field(default_factory=dict)

    def kind(self, code: int, name: str, *tails: Tail) -> Callable[[FieldsT], FieldsT]:
        """Declare the fixed part of a kind of step."""

        def declare(fields: FieldsT) -> FieldsT:
            self.kinds[code] = Kind(code, name, fields, tails)
            return fields

        return declare

    def kind_of(self, fields: Fields) -> Kind:
        """The kind whose fixed part this is."""
        return next(one for one in self.kinds.values() if type(fields) is one.fields)

    def name(self, code: int) -> str:
        """The name of a kind, or its number if there is none."""
        return self.kinds[code].name if code in self.kinds else f"{self.step} {code:#x}"

    def read(self, code: int, body: Buffer, position: int) -> Body:
        """The step in `body`, which lies at byte `position` of the file."""
        if code not in self.kinds:
            raise misfit(position, self.step, f"is of kind {code:#x}, which does not exist")
        kind = self.kinds[code]
        try:
            fields = kind.fields.read(body)
            at, arrays = kind.fields.size, {}
            for tail in kind.tails:
                arrays[tail.name], at = _read_tail(kind, tail, fields, body, at)
        except KmodelError as error:
            where = f"kmodel, {self.step} {kind.name} at byte {position}"
            raise KmodelError(error.code, where=where, cause=error.cause, remedy=error.remedy) from error
        return Body(kind, fields, arrays)

    def read_all(self, steps: Sequence[Step], position: int) -> list[Body]:
        """Steps whose bodies follow each other from byte `position` of the file on."""
        bodies = []
        for step in steps:
            bodies.append(self.read(step.opcode, step.body, position))
            position += len(step.body)
        return bodies

    def write(self, fields: Fields, *arrays: Any) -> bytes:
        """A body without its padding. KmodelError K0408 when an array has not the shape that the fields state."""
        kind = self.kind_of(fields)
        if len(arrays) != len(kind.tails):
            names = ", ".join(one.name for one in kind.tails) or "no arrays"
            raise KmodelError("K0408", where=kind.name, cause=f"{len(arrays)} arrays are given, expected {names}")
        parts = [fields.write()]
        for tail, given in zip(kind.tails, arrays, strict=True):
            parts.append(bytes(tail.gap(fields)))
            parts.append(_tail_bytes(kind, tail, fields, given))
        return b"".join(parts)


def _read_tail(kind: Kind, tail: Tail, fields: Fields, body: Buffer, at: int) -> tuple[Array, int]:
    at += tail.gap(fields)
    dtype, name = np.dtype(tail.dtype), f"{kind.name}.{tail.name}"
    shape = (max(0, len(body) - at) // dtype.itemsize,) if tail.shape is None else tail.shape(fields)
    if min(shape, default=0) < 0:
        raise KmodelError("K0402", cause=f"{name} cannot have shape {list(shape)}")
    size = math.prod(shape) * dtype.itemsize
    require_bytes(body, at, size, name)
    return np.frombuffer(body, np.uint8, size, at).view(dtype).reshape(shape), at + size


def _tail_bytes(kind: Kind, tail: Tail, fields: Fields, given: Any) -> bytes:
    dtype = np.dtype(tail.dtype)
    array = np.asarray(given)
    shape = array.shape if tail.shape is None else tail.shape(fields)
    if array.dtype != dtype or array.shape != shape:
        cause = f"{tail.name} is {array.dtype.name}{list(array.shape)}, expected {dtype.name}{list(shape)}"
        raise KmodelError("K0408", where=kind.name, cause=cause)
    return array.astype(dtype).tobytes()


def read_headers(view: memoryview, at: int, count: int, field: str) -> tuple[list[StepHeader], int]:
    """As many headers as `field` says, and where they end."""
    end = at + StepHeader.size * count
    require_bytes(view, at, end - at, field)
    return [StepHeader.read(view, at + StepHeader.size * index) for index in range(count)], end


def placed(makers: Sequence[Callable[[int], Step]], position: int) -> tuple[Step, ...]:
    """Steps that depend on where their bodies lie: behind all headers, which begin at byte `position`."""
    position += StepHeader.size * len(makers)
    steps: list[Step] = []
    for make in makers:
        steps.append(make(position))
        position += len(steps[-1].body)
    return tuple(steps)


def padded(body: bytes) -> bytes:
    """The body with zeros up to a multiple of ALIGNMENT."""
    return body.ljust(align(len(body), ALIGNMENT), b"\0")


def windowed(sizes: Shape, kernel: Shape, strides: Shape, dilations: Shape, *padding: Shape) -> Shape:
    """How many windows fit along each dimension; `padding` is (before, after) of each. K0402 for windows of nothing."""
    if min(*kernel, *strides, *dilations) < 1:
        raise KmodelError("K0402", cause=f"a window of {kernel} with strides {strides}, dilations {dilations}")
    spans = [step * (taps - 1) + 1 for taps, step in zip(kernel, dilations, strict=True)]
    return tuple(
        max(0, (size + sum(edges) - span) // stride + 1)
        for size, edges, span, stride in zip(sizes, padding, spans, strides, strict=True)
    )
