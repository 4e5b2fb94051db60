"""Writes version 5 code: instructions by name, shapes in registers, a pool of constants, functions and the module.

    asm = Assembler(ISA5["1.6"])
    code = asm.function([Tensor("f32", (1, 4))], [Tensor("f32", (1, 4))])
    shape, strides = (1, 4), (4, 1)
    code.tensor("unary", code.inputs[0], code.outputs[0], datatype="f32", unary_op="exp",
                rshape_src=shape, rstride_src=strides, rstride_dest=strides)
    data = asm.write(scratch=0)

Entry: values that fit their immediates (KmodelError K0407 otherwise). Exit: a v5 Module, Model or the file's bytes; the
same calls give the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import KmodelError
from ..kmodel.build5 import Place, Tensor, build_kmodel, build_module, places
from ..kmodel.elements import V5_CODES
from ..kmodel.names import Names
from ..kmodel.v5 import LOCATIONS, Module
from .isa import Value
from .isa5 import Isa5
from .memory5 import dense
from .pool import ConstantPool

Array = np.ndarray[Any, np.dtype[Any]]
REGISTERS = 256


@dataclass(frozen=True)
class Paddings:
    """Immediate: a padding register with (before, after, interior) of each axis."""

    axes: tuple[tuple[int, int, int], ...]


Operand = Place | int | float
"""What is pushed: an address, an integer, or a float32."""
Immediate = Value | Paddings | tuple[int, ...]
"""What instructions state; a tuple of numbers is kept in a shape register."""


Argument = tuple[Place, Tensor]
"""A tensor that is handed to another function."""


class RegisterFile:
    """Which registers hold which values: a value is stored again only after its register was given away."""

    def __init__(self) -> None:
        self._held: dict[object, int] = {}

    def find(self, value: object) -> tuple[int, bool]:
        """The register of a value, and whether the value has to be stored there first. The oldest one is given away."""
        if value in self._held:
            number = self._held.pop(value)
            self._held[value] = number
            return number, False
        number = len(self._held) if len(self._held) < REGISTERS else self._held.pop(next(iter(self._held)))
        self._held[value] = number
        return number, True


class Code:
    """The code of one function. Operands are pushed in the order that the instruction set states."""

    def __init__(self, isa: Isa5, inputs: Sequence[Tensor], outputs: Sequence[Tensor], pool: ConstantPool) -> None:
        self.isa = isa
        self.input_tensors, self.output_tensors = tuple(inputs), tuple(outputs)
        self.inputs = places("input", self.input_tensors)
        self.outputs = places("output", self.output_tensors)
        self._pool = pool
        self._text = bytearray()
        self._landed = -1
        self._shapes = RegisterFile()
        self._paddings = RegisterFile()

    def has(self, function: str) -> bool:
        """Whether the dialect has a tensor function that its runtimes execute."""
        found = self.isa.function_by_name.get(function)
        return found is not None and found.supported

    def emit(self, name: str, **immediates: Value) -> None:
        """Append an instruction (not TENSOR: see `tensor`); enumerations are given by member name."""
        self._text += self.isa.encode(name, **immediates)

    def mark(self) -> int:
        """This place in the code, for `branch`."""
        return len(self._text)

    def branch(self, name: str, mark: int = 0) -> int:
        """Append a branch back to a mark; or one forward, from the mark that is returned to where that lands."""
        self.emit(name, target=0)
        self._lead(len(self._text), mark)
        return len(self._text)

    def land(self, branch: int) -> None:
        """Let a branch forward lead here."""
        self._landed = len(self._text)
        self._lead(branch, self._landed)

    def _lead(self, branch: int, target: int) -> None:
        """Targets are counted from the end of the branch."""
        self._text[branch - 4 : branch] = struct.pack("<i", target - branch)

    def constant(self, array: Array) -> Place:
        """Where a constant lies; bool is stored as u8."""
        return Place("rdata", self._pool.add(np.ascontiguousarray(array).tobytes()))

    def tensor(self, name: str, *operands: Operand, **immediates: Immediate) -> None:
        """Call tensor function `name`. Immediates that this dialect does not have (yet) are left out."""
        function = self.isa.function_by_name.get(name)
        if function is None or len(operands) != len(function.operands):
            expected = "no such function" if function is None else ", ".join(reversed(function.operands))
            raise KmodelError("K0407", where=name, cause=f"{len(operands)} operands, expected {expected}")
        stated = {one.name for one in function.fields}
        plain = {key: self._immediate(value) for key, value in immediates.items() if key in stated}
        code = self.isa.encode_tensor(name, **plain)
        for operand in operands:
            self.push(operand)
        self._text += code

    def call(self, module: int, function: int, sources: Sequence[Argument], targets: Sequence[Argument]) -> None:
        """Call a function of another module with dense tensors, which must be what that function declares.

        (Functions of one module share shape registers, which is not tracked here.)
        """
        for place, tensor in (*sources, *targets):
            self.push(place)
            self.push(V5_CODES[tensor.element])
            self.push(self._shape(tensor.shape))
            self.push(self._shape(dense(tensor.shape)))
        counts = {"num_src": len(sources), "num_dst": len(targets)}
        self._text += self.isa.encode_tensor("call", function_id=function, module_id=module, **counts)

    def push(self, operand: Operand) -> None:
        """Push an address or a number."""
        if isinstance(operand, Place):
            self.emit("LEA_BUFFER", location=LOCATIONS[operand.location], subres=0, offset=operand.offset)
        elif isinstance(operand, float | np.floating):
            self.emit("LDC_R4", value=float(operand))
        elif operand in (0, 1):
            self.emit(f"LDC_I4_{operand}")
        else:
            self.emit("LDC_I4", value=operand)

    def _immediate(self, value: Immediate) -> Value:
        if isinstance(value, Paddings):
            return self._padding(value)
        if isinstance(value, tuple):
            return self._shape(tuple(map(int, value)))
        return value

    def _shape(self, values: tuple[int, ...]) -> int:
        """A shape register that holds the values."""
        number, store = self._shapes.find(values)
        if store:
            for value in values:
                self.push(value)
            self.emit("STSHAPE", register=number, rank=len(values))
        return number

    def _padding(self, value: Paddings) -> int:
        number, store = self._paddings.find(value)
        if store:
            for axis in value.axes:
                for part in self._parts(axis):
                    self.push(part)
            self.emit("STPADDINGS", register=number, rank=len(value.axes))
        return number

    def window(self, *axes: tuple[int, int]) -> list[int]:
        """The padding of height and width as operands."""
        return [part for before, after in axes for part in self._parts((before, after, 0))]

    def _parts(self, axis: tuple[int, int, int]) -> tuple[int, ...]:
        if any(axis[self.isa.padding_values :]):
            raise KmodelError("K0407", cause=f"dialect {self.isa.dialect} has no padding between elements")
        return axis[: self.isa.padding_values]

    def text(self) -> bytes:
        """The code; it ends at its end, without a RET, as the vendor's does. No branch may lead there."""
        return bytes(self._text) + (self.isa.encode("NOP") if self._landed == len(self._text) else b"")


class Assembler:
    """One stackvm module; function 0 is the entry of a model made of it."""

    def __init__(self, isa: Isa5) -> None:
        self.isa = isa
        self.pool = ConstantPool()
        self.functions: list[Code] = []

    def function(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Code:
        """A new function."""
        code = Code(self.isa, inputs, outputs, self.pool)
        self.functions.append(code)
        return code

    def module(self, scratch: int) -> Module:
        """The module; `scratch` is how many bytes its functions need besides constants, inputs and outputs."""
        return build_module("stackvm", self.functions, self.pool.write(), {"data": scratch})

    def write(self, scratch: int, names: Names | None = None, others: Sequence[Module] = ()) -> bytes:
        """The kmodel: this module first, then `others`; `names` go into it if given."""
        return build_kmodel([self.module(scratch), *others], names)
