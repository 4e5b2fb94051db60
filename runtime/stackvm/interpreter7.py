"""Executes version 7 stackvm code with numpy: the reference for what a kmodel computes.

Entry: a module of a decoded kmodel, trusted or not. Exit: the function's results, or an error: KmodelError K0401,
K0404, K0406 for what is wrong with the file, ExecutionError K0503 to K0507 for what is wrong with the execution.
Steps, stack, nesting and the size of a tensor are limited, so that no code hangs or exhausts memory unnoticed.
Constants are views of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ExecutionError, KpucError
from ..kmodel.elements import numpy_dtype
from ..kmodel.struct import require_bytes
from ..kmodel.types7 import QUANT_PARAM, DataType, TensorType, read_datatype
from ..kmodel.v7 import Function, Module
from ..machine import Array, Linker
from .functions7 import FUNCTIONS
from .isa import Decoded
from .isa7 import ISA7
from .operands7 import Object, QuantParam, array, kind_of, room
from .scalars import (
    ARITHMETIC,
    CODING,
    DEPTH_LIMIT,
    FAULTS,
    FUNCTION_COST,
    RANK_LIMIT,
    STACK_LIMIT,
    STEP_LIMIT,
    Budget,
    converted,
    fault,
    located,
    wrapped,
)

RDATA = 1 << 40
"""The address of the first byte of `.rdata`; no other memory has addresses."""

Entry = Any
"""What the stack holds: int, float, an Object, or an element type."""


@dataclass
class Frame:
    """A function while it runs."""

    text: memoryview
    arguments: Sequence[Object]
    budget: Budget
    stack: list[Entry] = field(default_factory=list)
    locals: dict[int, Entry] = field(default_factory=dict)

    def push(self, value: Entry) -> None:
        if len(self.stack) >= STACK_LIMIT:
            raise ExecutionError("K0505", cause=f"the stack holds more than {STACK_LIMIT} values")
        self.stack.append(value)

    def pop(self) -> Entry:
        if not self.stack:
            raise ExecutionError("K0504", cause="a value is taken from an empty stack")
        return self.stack.pop()

    def number(self) -> int:
        """Pop an integer."""
        value = self.pop()
        if not isinstance(value, int):
            raise ExecutionError("K0504", cause=f"{kind_of(value)} where a number is needed")
        return value

    def numbers(self) -> list[int]:
        """Pop a count and as many integers."""
        count = self.number()
        if not 0 <= count <= RANK_LIMIT:
            raise ExecutionError("K0504", cause=f"a tensor of {count} dimensions")
        return [self.number() for _ in range(count)]

    def object(self) -> Object:
        """Pop what a tensor function takes; a plain 0 is null, other numbers are scalars."""
        value = self.pop()
        if isinstance(value, int | float):
            raise ExecutionError("K0504", cause="a number where a tensor is needed")
        if value is None or isinstance(value, np.ndarray | tuple | QuantParam):
            return value
        raise ExecutionError("K0504", cause=f"{kind_of(value)} where a tensor is needed")


class Interpreter:
    """One stackvm module. `link` reaches functions of the other modules; without it, code cannot call them."""

    def __init__(self, module: Module, link: Linker | None = None, index: int = 0) -> None:
        self.module = module
        self.index = index
        self._link = link
        self._rdata = module.section(".rdata")
        self._texts = [module.text(function) for function in module.functions]
        self._decoded: dict[tuple[int, int], Decoded] = {}

    def call(self, function: int, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """Results of a function, a returned tuple spread out. The budget begins anew."""
        with np.errstate(all="ignore"):
            result = self._invoke(function, arguments, Budget(STEP_LIMIT))
        results = result if isinstance(result, tuple) else (result,)
        return tuple(array(one) for one in results)

    def _invoke(self, function: int, arguments: Sequence[Object], budget: Budget) -> Object:
        if not 0 <= function < len(self._texts):
            raise ExecutionError("K0504", cause=f"function {function} of module {self.index} does not exist")
        if budget.depth == DEPTH_LIMIT:
            raise ExecutionError("K0505", cause=f"calls are nested deeper than {DEPTH_LIMIT}")
        budget.depth += 1
        frame = Frame(self._texts[function], arguments, budget)
        at = 0
        while True:
            budget.steps -= 1
            if budget.steps < 0:
                raise ExecutionError("K0505", cause=f"the kmodel does not end within {STEP_LIMIT} instructions")
            one = self._decode(function, frame.text, at)
            try:
                if one.instruction.name == "RET":
                    budget.depth -= 1
                    return frame.object()
                at = self._step(frame, one)
            except FAULTS as error:
                raise fault(function, one, error) from error
            except KpucError as error:
                raise located(function, one, error) from error

    def _decode(self, function: int, text: memoryview, at: int) -> Decoded:
        one = self._decoded.get((function, at))
        if one is None:
            if not 0 <= at < len(text):
                where = f"function {function}, byte {at}"
                raise ExecutionError("K0504", where=where, cause="the code goes on behind its end without a return")
            one = self._decoded[function, at] = ISA7.decode(text, at)
        return one

    def _step(self, frame: Frame, one: Decoded) -> int:
        """Execute one instruction; the offset of the next one."""
        name, values = one.instruction.name, one.values
        if one.function is not None:
            operands = [frame.object() for _ in one.function.operands]
            with nullcontext() if self._link is None else self._link.timed(one.function.name):
                result = _compute(one, operands)
            frame.budget.steps -= FUNCTION_COST + (result.size >> 10 if isinstance(result, np.ndarray) else 0)
            frame.push(result)
        elif name in ("LDC_I4", "LDC_R4"):
            frame.push(values["value"])
        elif name in ("BR", "BR_TRUE", "BR_FALSE"):
            if name == "BR" or (frame.number() != 0) == (name == "BR_TRUE"):
                return one.at + int(values["target"])  # type: ignore[arg-type]  # an i32
        elif name in ARITHMETIC:
            self._arithmetic(frame, name)
        elif name.startswith(("LDARG", "LDLOCAL", "STLOCAL")):
            self._variable(frame, name, values)
        elif name.startswith(("LDIND", "LDELEM", "CONV")):
            self._scalar(frame, *name.split("_", 1))
        elif name == "EXTCALL":
            self._external(frame, int(values["arguments"]), bool(values["is_prim_func"]))  # type: ignore[arg-type]
        elif name != "NOP":
            self._other(frame, one)
        return one.end

    def _arithmetic(self, frame: Frame, name: str) -> None:
        right, left = frame.pop(), frame.pop()
        if not isinstance(left, int | float) or type(left) is not type(right):
            raise ExecutionError("K0504", cause=f"{name} of {kind_of(left)} and {kind_of(right)}")
        result = ARITHMETIC[name](left, right)
        frame.push(wrapped(result) if isinstance(result, int) else float(np.float32(result)))

    def _variable(self, frame: Frame, name: str, values: Any) -> None:
        index = int(values["index"]) if "index" in values else int(name[-1])
        if name == "STLOCAL":
            frame.locals[index] = frame.pop()
        elif name == "LDLOCAL":
            if index not in frame.locals:
                raise ExecutionError("K0504", cause=f"local {index} is read before it is written")
            frame.push(frame.locals[index])
        else:
            if index >= len(frame.arguments):
                raise ExecutionError("K0504", cause=f"argument {index} of {len(frame.arguments)} is read")
            frame.push(frame.arguments[index])

    def _scalar(self, frame: Frame, stem: str, kind: str) -> None:
        """Load from `.rdata`, or convert the number on top."""
        if kind not in CODING:
            raise ExecutionError("K0504", cause=f"{stem}_{kind} is not supported")
        coding = struct.Struct(CODING[kind])
        if stem == "CONV":
            value = frame.pop()
            frame.push(converted(value, kind, coding))
            return
        index = frame.number() if stem == "LDELEM" else 0
        frame.push(coding.unpack(self._bytes(frame.number() + index * coding.size, coding.size))[0])

    def _bytes(self, address: int, size: int) -> memoryview:
        """Bytes of `.rdata` by address."""
        require_bytes(self._rdata, address - RDATA, size, "constant in .rdata")
        return self._rdata[address - RDATA : address - RDATA + size]

    def _other(self, frame: Frame, one: Decoded) -> None:
        name = one.instruction.name
        if name in ("LDC_I4_0", "LDC_I4_1"):
            frame.push(int(name[-1]))
        elif name == "LDNULL":
            frame.push(None)
        elif name == "LEA_GP":
            if one.values["register"] != 0:
                raise ExecutionError("K0504", cause=f"register {one.values['register']!r} is never set")
            frame.push(RDATA + int(one.values["offset"]))  # type: ignore[arg-type]  # an i32
        elif name == "DUP":
            value = frame.pop()
            frame.push(value)
            frame.push(value)
        elif name == "POP":
            frame.pop()
        elif name in ("NEG", "NOT"):
            value = frame.pop()
            frame.push(-value if name == "NEG" else ~value)
        elif name == "LDTUPLE":
            count = frame.number()
            if not 0 <= count <= len(frame.stack):
                cause = f"a tuple of {count} values, but the stack holds {len(frame.stack)}"
                raise ExecutionError("K0504", cause=cause)
            frame.push(tuple(frame.object() for _ in range(count)))
        elif name == "LDTUPLE_ELEM":
            index, fields = frame.number(), frame.object()
            if not isinstance(fields, tuple) or not 0 <= index < len(fields):
                raise ExecutionError("K0504", cause=f"field {index} of {kind_of(fields)}")
            frame.push(fields[index])
        elif name == "LDDATATYPE":
            frame.push(read_datatype(self._rdata, frame.number() - RDATA)[0])
        elif name == "LDTENSOR":
            self._load_tensor(frame)
        elif name == "LDSCALAR":
            frame.push(_plain(array(frame.object()).reshape(-1)[0].item()))
        else:
            raise ExecutionError("K0504", cause=f"the vendor's runtimes do not execute {name}")

    def _load_tensor(self, frame: Frame) -> None:
        """Pop element type, dims, element strides and address; push a view of `.rdata`."""
        data: DataType = frame.pop()
        shape, strides, address = frame.numbers(), frame.numbers(), frame.number()
        if data == QUANT_PARAM:
            frame.push(QuantParam(*struct.unpack("<if", self._bytes(address, 8))))
            return
        if not isinstance(data, str) or len(shape) != len(strides) or min((*shape, *strides), default=0) < 0:
            raise ExecutionError("K0504", cause=f"a constant of type {data}, shape {shape}, strides {strides}")
        dtype = numpy_dtype(data)
        room(shape, dtype.itemsize)
        last = sum((dim - 1) * step for dim, step in zip(shape, strides, strict=True))
        count = 0 if 0 in shape else last + 1
        flat = np.frombuffer(self._bytes(address, count * dtype.itemsize), dtype)
        steps = [step * dtype.itemsize for step in strides]
        frame.push(np.lib.stride_tricks.as_strided(flat, shape, steps, writeable=False))

    def _external(self, frame: Frame, count: int, outputs_as_parameters: bool) -> None:
        module, function = frame.number(), frame.number()
        arguments = [frame.object() for _ in range(count)]
        if module == self.index:
            if 0 <= function < len(self.module.functions) and outputs_as_parameters:
                arguments += _outputs(self.module.functions[function], count)
            frame.push(self._invoke(function, arguments, frame.budget))
            return
        if self._link is None:
            raise ExecutionError("K0507", cause=f"module {module} is called, but only one module is loaded")
        results = self._link.call(module, function, [array(one) for one in arguments])
        frame.push(results[0] if len(results) == 1 else results)


def _outputs(function: Function, given: int) -> list[Object]:
    """What the runtime allocates for the parameters that are outputs."""
    made: list[Object] = []
    for one in function.parameters[given:]:
        if not isinstance(one, TensorType) or not isinstance(one.element, str):
            raise ExecutionError("K0504", cause="an output that is passed as a parameter is not a tensor")
        dtype = numpy_dtype(one.element)
        made.append(np.zeros(room((-1 if dim is None else dim for dim in one.shape), dtype.itemsize), dtype))
    return made


def _compute(one: Decoded, operands: list[Object]) -> Object:
    function = one.function
    assert function is not None
    if function.name not in FUNCTIONS:
        raise ExecutionError("K0503", cause=f"the vendor's runtimes do not execute {function.name}")
    result = FUNCTIONS[function.name](*operands, **one.values)
    return np.asarray(result) if isinstance(result, np.generic) else result


def _plain(value: Any) -> int | float:
    return float(value) if isinstance(value, float) else int(value)
