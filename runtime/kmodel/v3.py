"""The container of kmodel version 3: a work buffer and layers that run one after the other.

Bodies stay bytes in a Model and are views of the file after reading; `layers3` says what they hold.
Entry: untrusted bytes, or a Model. Exit: a Model or KmodelError; `write(read(data)) == data`. `builder3` makes files.
Source: kmodel v3 as written by nncase 0.1 and read by Kendryte's SDK.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import KmodelError
from ..kpu.registers import LayerArguments
from ..kpu.stored import weights_shape
from ..kpu.tables import ACTIVATION_BYTES
from ..machine import Array
from .bodies import Body, Shape, Step, StepHeader, read_headers
from .layers3 import TO_MAIN, FullyConnected, Joined, K210Conv, Span, joined, layers
from .struct import U32, Buffer, Record, const, require_bytes, struct

VERSION = 3
EIGHT_BIT = 1
"""Flag of a file: weights and images of 8 bits; without it, 16."""


@struct(size=28)
class ModelHeader(Record):
    """First bytes of a kmodel. Followed by outputs and layer headers. `kpu_lines` is the high water of KPU RAM."""

    version: U32 = const(VERSION)
    flags: U32 = EIGHT_BIT
    architecture: U32 = const(0)
    layers: U32
    kpu_lines: U32
    main_memory: U32
    outputs: U32


@struct(size=8)
class Output(Record):
    """A result: bytes in main memory."""

    address: U32
    bytes: U32


@dataclass(frozen=True)
class Model:
    """A whole kmodel. `main_memory` is in bytes; `trailing` is what follows the last body."""

    outputs: tuple[Output, ...]
    steps: tuple[Step, ...]
    main_memory: int
    kpu_lines: int
    flags: int = EIGHT_BIT
    trailing: Buffer = b""

    version = VERSION
    kind = "layers"
    entry = (0, 0)

    @property
    def modules(self) -> tuple[Model, ...]:
        """A file of this version is its own only module."""
        return (self,)

    def position(self) -> int:
        """Where the first body begins in the file."""
        return ModelHeader.size + Output.size * len(self.outputs) + StepHeader.size * len(self.steps)

    def bodies(self) -> tuple[Body, ...]:
        """The layers, decoded. The arrays of a k210_conv, wherever they lie: registers, weights, batch-norm,
        activation. KmodelError K0401, K0402 names the layer that is damaged."""
        return tuple(map(self.resolved, layers.read_all(self.steps, self.position())))

    def resolved(self, body: Body) -> Body:
        """The layer, with the arrays of a k210_conv from wherever they lie."""
        if not isinstance(body.fields, K210Conv):
            return body
        fields: K210Conv = body.fields
        body = replace(body, arrays={"registers": self._at(fields.registers_at, 96, "registers").view("<u8")})
        shape = weights_shape(arguments_of(body))
        arrays = {
            "weights": self._at(fields.weights_at, math.prod(shape), "weights").reshape(shape),
            "batch_norm": self._at(fields.batch_norm_at, 8 * shape[0], "batch_norm").view("<u8"),
            "activation": self._at(fields.activation_at, ACTIVATION_BYTES, "activation"),
        }
        return replace(body, arrays={**body.arrays, **arrays})

    def _at(self, offset: int, size: int, what: str) -> Array:
        """Bytes at an offset from the start of the file, inside one body."""
        for start, body in self._pieces():
            if start <= offset and offset + size <= start + len(body):
                return np.frombuffer(body, np.uint8, size, offset - start)
        cause = f"{what} at {offset} ({size} bytes) lie outside of every body"
        raise KmodelError("K0401", where="kmodel, k210_conv", cause=cause)

    def _pieces(self) -> Iterator[tuple[int, Buffer]]:
        at = self.position()
        for step in self.steps:
            yield at, step.body
            at += len(step.body)
        yield at, self.trailing

    def signature(self) -> tuple[list[tuple[str, Shape]], list[tuple[str, Shape]]]:
        """(element type, shape) of the input and of the outputs.

        Files state neither: they are those of the first layer's input and of the last layers that write there; what no
        layer writes is bytes. KmodelError K0402 for a first layer that no runtime begins with.
        """
        bodies = self.bodies()
        first = bodies[0].fields if bodies else None
        if isinstance(first, K210Conv):
            inputs: list[tuple[str, Shape]] = [("u8", arguments_of(bodies[0]).input_shape(1))]
        elif isinstance(first, FullyConnected):
            inputs = [("f32", (1, first.inputs))]
        else:
            name = bodies[0].kind.name if bodies else "missing"
            cause = f"the first layer is {name}; runtimes begin with k210_conv or fully_connected"
            raise KmodelError("K0402", where="kmodel, layer 0", cause=cause)
        shapes = _shapes(bodies)
        outputs = []
        for one in self.outputs:
            element, shape = shapes.get(one.address, ("u8", (one.bytes,)))
            size = 4 if element == "f32" else 1
            outputs.append((element, shape if math.prod(shape) * size == one.bytes else (one.bytes // size,)))
        return inputs, outputs


def arguments_of(body: Body) -> LayerArguments:
    """The registers of a k210_conv, decoded."""
    return LayerArguments.unpack([int(word) for word in body.arrays["registers"]])


def written(body: Body) -> Span | None:
    """What a layer writes in main memory."""
    if isinstance(body.fields, Joined):
        return joined(body.fields, body.arrays["inputs"])
    if isinstance(body.fields, K210Conv):
        if not body.fields.flags & TO_MAIN:
            return None
        return Span(body.fields.output, "u8", math.prod(arguments_of(body).output_shape(1)))
    span: Span | None = body.fields.written()
    return span


def _shapes(bodies: tuple[Body, ...]) -> dict[int, tuple[str, Shape]]:
    """What lies at each address of main memory after the last layer."""
    shapes: dict[int, tuple[str, Shape]] = {}
    for index, body in enumerate(bodies):
        span, fields = written(body), body.fields
        if span is None:
            continue
        try:
            shape = arguments_of(body).output_shape(1) if isinstance(fields, K210Conv) else fields.result()
        except KmodelError as error:
            where = f"kmodel, layer {index} ({body.kind.name})"
            raise KmodelError(error.code, where=where, cause=error.cause) from error
        count = span.count if isinstance(fields, Joined | K210Conv) else fields.elements()
        if shape is None:
            _, shape = shapes.get(fields.source(), ("", (count,)))
        shapes[span.address] = span.element, shape if math.prod(shape) == count else (count,)
    return shapes


def read(buffer: Buffer) -> Model:
    """The model in `buffer`; KmodelError K0401, K0402 names the byte and the field."""
    view = memoryview(buffer)
    header = ModelHeader.read(view)
    at = ModelHeader.size
    require_bytes(view, at, Output.size * header.outputs, "ModelHeader.outputs")
    outputs = tuple(Output.read(view, at + Output.size * index) for index in range(header.outputs))
    at += Output.size * header.outputs
    headers, at = read_headers(view, at, header.layers, "ModelHeader.layers")
    steps = []
    for index, one in enumerate(headers):
        require_bytes(view, at, one.bytes, f"body of layer {index} ({layers.name(one.opcode)})")
        steps.append(Step(one.opcode, view[at : at + one.bytes]))
        at += one.bytes
    return Model(outputs, tuple(steps), header.main_memory, header.kpu_lines, header.flags, view[at:])


def write(model: Model) -> bytes:
    """The bytes of a model; KmodelError K0408 when a value does not fit its field."""
    header = ModelHeader(
        flags=model.flags, layers=len(model.steps), kpu_lines=model.kpu_lines, main_memory=model.main_memory,
        outputs=len(model.outputs),
    )  # fmt: skip
    headers = [one.header.write() for one in model.steps]
    parts: list[Any] = [header.write(), *(one.write() for one in model.outputs), *headers]
    return b"".join([*parts, *(one.body for one in model.steps), model.trailing])
