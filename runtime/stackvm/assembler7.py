"""Writes version 7 code: instructions by name, labels, a pool of constants, functions and the module around them.

    asm = Assembler()
    code = asm.function([TensorType("f32", (1, 4))], TensorType("f32", (1, 4)))
    code.tensor("relu", Arg(0))
    code.ret()
    data = asm.write()

Entry: values that fit their immediates (KmodelError K0407 otherwise). Exit: a v7 Module, Model or the file's bytes;
the same calls give the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import KmodelError
from ..kmodel.elements import element_name
from ..kmodel.names import Names, attach
from ..kmodel.section import Section
from ..kmodel.struct import align
from ..kmodel.types7 import QUANT_PARAM, DataType, Type, write_datatype
from ..kmodel.v7 import Function, Model, Module, write
from .isa import Value
from .isa7 import ISA7
from .pool import ConstantPool

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Arg:
    """Operand: a parameter of the function."""

    index: int


@dataclass(frozen=True)
class Local:
    """Operand: a local variable of the function."""

    index: int


@dataclass(frozen=True)
class QuantParam:
    """Operand: real = (q - zero_point) * scale."""

    zero_point: int
    scale: float


class Pushed:
    """Operand: already on the stack. Operands are pushed last to first, so only trailing operands can be."""


PUSHED = Pushed()

Operand = Arg | Local | QuantParam | Pushed | Array | np.generic | bool | int | float | None | Sequence["Operand"]
"""What `Code.tensor` takes: numpy values are constants of their dtype; a Python bool, int, float is a scalar of bool,
i64, f32; None is null; a list or tuple is a tuple of operands (not a vector: use np.array for shapes and axes)."""


class Label:
    """A place in a function's code, for branches; made by `Code.label`, set by `Code.place`."""

    def __init__(self) -> None:
        self.at: int | None = None


class Code:
    """The code of one function. Values live on a stack; operand 0 of a tensor function is on top."""

    def __init__(self, parameters: Sequence[Type], result: Type, pool: ConstantPool) -> None:
        self.parameters = tuple(parameters)
        self.result = result
        self._pool = pool
        self._text = bytearray()
        self._branches: list[tuple[int, str, Label]] = []
        self._locals = 0

    def emit(self, name: str, **immediates: Value) -> None:
        """Append an instruction (not TENSOR: see `tensor`); enumerations are given by member name."""
        self._text += ISA7.encode(name, **immediates)

    def tensor(self, name: str, *operands: Operand, **immediates: Value) -> None:
        """Call tensor function `name`: push the operands, last first, and leave the result on the stack."""
        function = ISA7.function_by_name.get(name)
        if function is not None and len(operands) != len(function.operands):
            expected = ", ".join(function.operands)
            raise KmodelError("K0407", where=name, cause=f"{len(operands)} operands, expected {expected}")
        code = ISA7.encode_tensor(name, **immediates)
        for operand in reversed(operands):
            self.push(operand)
        self._text += code

    def push(self, operand: Operand) -> None:
        """Push an operand of any kind."""
        if isinstance(operand, Arg):
            short = operand.index <= 5
            self.emit(f"LDARG_{operand.index}") if short else self.emit("LDARG", index=operand.index)
        elif isinstance(operand, Local):
            self.emit("LDLOCAL", index=operand.index)
        elif isinstance(operand, QuantParam):
            data = struct.pack("<if", operand.zero_point, operand.scale)
            self._load(self._pool.add(data), (), QUANT_PARAM)
        elif operand is None:
            self.emit("LDNULL")
        elif isinstance(operand, np.ndarray | np.generic):
            self.constant(np.asarray(operand))
        elif isinstance(operand, bool | int | float):
            self.constant(np.array(operand, np.float32 if isinstance(operand, float) else None))
        elif not isinstance(operand, Pushed):
            for field in reversed(operand):
                self.push(field)
            self.make_tuple(len(operand))

    def constant(self, array: Array) -> None:
        """Push a constant tensor; runtimes read it in place, without a copy."""
        offset = self._pool.add(np.ascontiguousarray(array).tobytes())
        self._load(offset, array.shape, element_name(array.dtype))

    def _load(self, offset: int, shape: tuple[int, ...], data: DataType) -> None:
        strides = [int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape))]
        self.emit("LEA_GP", register=0, offset=offset)
        for values in (strides, shape):
            for value in reversed(values):
                self.integer(value)
            self.integer(len(values))
        self.emit("LEA_GP", register=0, offset=self._pool.add(write_datatype(data), 1))
        self.emit("LDDATATYPE")
        self.emit("LDTENSOR")

    def integer(self, value: int) -> None:
        """Push a number (not a tensor), as branches and counts take it."""
        if value in (0, 1):
            self.emit(f"LDC_I4_{value}")
        else:
            self.emit("LDC_I4", value=value)

    def make_tuple(self, count: int) -> None:
        """Collect the `count` topmost values into a tuple; field 0 is on top."""
        self.integer(count)
        self.emit("LDTUPLE")

    def element(self, index: int) -> None:
        """Replace the tuple on the stack by one of its fields."""
        self.integer(index)
        self.emit("LDTUPLE_ELEM")

    def new_local(self) -> Local:
        """A local variable that nothing else uses."""
        self._locals += 1
        return Local(self._locals - 1)

    def store(self, local: Local | None = None) -> Local:
        """Pop into a local variable, a new one unless it is given."""
        local = self.new_local() if local is None else local
        self.emit("STLOCAL", index=local.index)
        return local

    def release(self, local: Local) -> None:
        """Drop a local variable's tensor, so that the runtime frees its memory."""
        self.emit("LDNULL")
        self.emit("STLOCAL", index=local.index)

    def call(self, module: int, function: int, *arguments: Operand, outputs_as_parameters: bool = False) -> None:
        """Call a function of any module; `outputs_as_parameters`: its last parameters are its outputs."""
        for argument in reversed(arguments):
            self.push(argument)
        self.integer(function)
        self.integer(module)
        self.emit("EXTCALL", arguments=len(arguments), is_prim_func=outputs_as_parameters)

    def label(self) -> Label:
        """A label to branch to; `place` says where it is."""
        return Label()

    def place(self, label: Label) -> None:
        """Put the label in front of the next instruction."""
        label.at = len(self._text)

    def branch(self, label: Label) -> None:
        """Continue at the label."""
        self._branch("BR", label)

    def branch_true(self, label: Label) -> None:
        """Continue at the label if the popped number is not 0 (LDSCALAR makes a number of a tensor)."""
        self._branch("BR_TRUE", label)

    def branch_false(self, label: Label) -> None:
        """Continue at the label if the popped number is 0."""
        self._branch("BR_FALSE", label)

    def _branch(self, name: str, label: Label) -> None:
        self._branches.append((len(self._text), name, label))
        self.emit(name, target=0)

    def ret(self) -> None:
        """Return the value on the stack."""
        self.emit("RET")

    def text(self) -> bytes:
        """The code with all branches resolved; KmodelError K0407 for a label that was never placed."""
        text = bytearray(self._text)
        for at, name, label in self._branches:
            if label.at is None:
                raise KmodelError("K0407", where=f"{name} at byte {at}", cause="its label was never placed")
            text[at : at + 5] = ISA7.encode(name, target=label.at - at)
        return bytes(text)


class Assembler:
    """One stackvm module; function 0 is the entry of a model made of it."""

    def __init__(self) -> None:
        self.pool = ConstantPool()
        self.functions: list[Code] = []

    def function(self, parameters: Sequence[Type], result: Type) -> Code:
        """A new function; several results are a TupleType."""
        code = Code(parameters, result, self.pool)
        self.functions.append(code)
        return code

    def module(self) -> Module:
        """The module, with every function's code at a multiple of 8."""
        text, functions = bytearray(), []
        for code in self.functions:
            text += bytes(align(len(text), 8) - len(text))
            body = code.text()
            functions.append(Function(code.parameters, code.result, len(text), len(body)))
            text += body
        rdata = Section(".rdata", self.pool.write())
        calls = Section(".custom_calls", struct.pack("<I", 0))
        return Module("stackvm", tuple(functions), (Section(".text", bytes(text)), rdata, calls))

    def write(self, names: Names | None = None, others: Sequence[Module] = ()) -> bytes:
        """The kmodel: this module first, then `others`; `names` go into it if given."""
        model = Model((self.module(), *others))
        return write(model if names is None else attach(model, names))
