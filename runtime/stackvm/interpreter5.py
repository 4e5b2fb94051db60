"""Executes version 5 stackvm code with numpy: the reference for what a K210's or K510's host processor computes.

Entry: a module of a decoded kmodel, trusted or not, and the dialect of its code. Exit: the function's outputs, or an
error: KmodelError K0406 for code that cannot be decoded, ExecutionError K0503 to K0507 for what is wrong with the
execution. Steps, stack and nesting are limited, and every address is checked. Constants are views of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ExecutionError, KpucError
from ..kmodel.elements import numpy_dtype
from ..kmodel.v5 import Function, Module
from ..machine import Array, Linker
from . import layout5  # noqa: F401  # registers its functions
from .blocks5 import BEHIND, RAISED, Block, translate
from .functions5 import FUNCTIONS, Call, Registers
from .isa import Decoded
from .isa5 import Isa5
from .memory5 import Memory, View
from .operands7 import room
from .scalars import (
    ARITHMETIC,
    CODING,
    DEPTH_LIMIT,
    FUNCTION_COST,
    STACK_LIMIT,
    STEP_LIMIT,
    Budget,
    converted,
    fault,
    located,
    wrapped,
)

QUICK = 16
"""Instructions of a block that take as long as one that is executed by itself, and count as one."""
OFTEN = 16
"""How often code is executed before a block is made of it."""
CALL_COST = 1000
"""Steps that a call of another function counts as."""
CONSTANT = ("LDC_", "LDNULL", "LEA_BUFFER", "STSHAPE", "STPADDINGS")
"""Beginnings of the names of instructions that depend on nothing but the code."""
LONGEST = 256
"""Instructions that are executed beforehand at a time, so that what is kept of code grows no faster than it."""
DATA_LIMIT = 1 << 31
"""Bytes of scratch memory that a module may ask for."""


@dataclass
class Frame:
    """A function while it runs: `stack` holds ints, which may be addresses, and floats."""

    memory: Memory
    budget: Budget
    registers: Registers
    stack: list[int | float] = field(default_factory=list)

    def push(self, value: int | float) -> None:
        self.check_room(1)
        self.stack.append(value)

    def check_room(self, count: int) -> None:
        """ExecutionError K0505 when the stack cannot take as many values."""
        if len(self.stack) + count > STACK_LIMIT:
            raise ExecutionError("K0505", cause=f"the stack holds more than {STACK_LIMIT} values")

    def pop(self) -> int | float:
        if not self.stack:
            raise ExecutionError("K0504", cause="a value is taken from an empty stack")
        return self.stack.pop()

    def number(self) -> int:
        """Pop an integer."""
        value = self.pop()
        if not isinstance(value, int):
            raise ExecutionError("K0504", cause=f"{value} where an integer is needed")
        return value

    def numbers(self, count: int) -> tuple[int, ...]:
        """Pop integers; the first one that was pushed comes first."""
        first = len(self.stack) - count
        if first < 0:
            raise ExecutionError("K0504", cause="a value is taken from an empty stack")
        values = self.stack[first:]
        for value in values:
            if not isinstance(value, int):
                raise ExecutionError("K0504", cause=f"{value} where an integer is needed")
        del self.stack[first:]
        return tuple(values)  # type: ignore[arg-type]  # integers


Execute = Callable[[Frame], "int | None"]
"""What executes an instruction: where to go on, or None for the next one."""


@dataclass(frozen=True)
class Step:
    """What is executed at a place in the code: one instruction, or a stretch of `count` whose effect is known.

    `first` is what errors name. `execute` is None for the instruction that returns. `block` is what is often executed.
    """

    first: Decoded
    execute: Execute | None
    end: int
    count: int = 1
    block: Block | None = None


class Interpreter:
    """One stackvm module; scratch memory and registers live as long as it does, as in the vendor's runtimes."""

    def __init__(self, module: Module, isa: Isa5, link: Linker, index: int) -> None:
        if module.pool("data") > DATA_LIMIT:
            cause = (
                f"module {index} asks for {module.pool('data')} bytes of scratch memory, at most {DATA_LIMIT} are given"
            )
            raise ExecutionError("K0505", cause=cause)
        self.module, self.isa, self.index = module, isa, index
        self._link = link
        self._rdata = np.frombuffer(module.section(".rdata"), np.uint8)
        self._data = np.zeros(module.pool("data"), np.uint8)
        self._registers = Registers()
        self._views: dict[View, Array] = {}
        self._steps: dict[tuple[int, int], Step] = {}
        self._landings: dict[tuple[int, int], int] = {}

    def call(self, function: int, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """Outputs of a function. The budget begins anew."""
        with np.errstate(all="ignore"):
            return self._invoke(function, arguments, Budget(STEP_LIMIT))

    def _invoke(self, number: int, arguments: Sequence[Array], budget: Budget) -> tuple[Array, ...]:
        if not 0 <= number < len(self.module.functions):
            raise ExecutionError("K0504", cause=f"function {number} of module {self.index} does not exist")
        if budget.depth == DEPTH_LIMIT:
            raise ExecutionError("K0505", cause=f"calls are nested deeper than {DEPTH_LIMIT}")
        function = self.module.functions[number]
        _check_arguments(function, arguments)
        outputs = [np.zeros(room(one.shape, 8), numpy_dtype(one.element)) for one in function.outputs]
        inputs = [_bytes_of(np.ascontiguousarray(one)) for one in arguments]
        for one in inputs:
            one.flags.writeable = False
        output_bytes = [_bytes_of(one) for one in outputs]
        tensors = function.inputs, function.outputs, inputs, output_bytes
        memory = Memory(self._rdata, self._data, *tensors, self._views)
        budget.depth += 1
        self._run(number, self.module.text(function), Frame(memory, budget, self._registers))
        budget.depth -= 1
        return tuple(outputs)

    def _run(self, number: int, text: memoryview, frame: Frame) -> None:
        """Execute up to a RET or the end of the text."""
        at = 0
        while at < len(text):
            step = self._steps.get((number, at)) or self._step(number, text, at, frame.memory)
            frame.budget.steps -= step.count
            if frame.budget.steps < 0:
                raise ExecutionError("K0505", cause=f"the kmodel does not end within {STEP_LIMIT} instructions")
            if step.execute is None:
                return
            try:
                target = step.execute(frame)
                at = step.end if target is None else target
                if target is not None and not 0 <= at < len(text):
                    raise ExecutionError("K0504", cause=f"a branch leads to byte {at} of {len(text)}")
                if target is not None or step.block is not None:
                    self._land(number, text, at, frame.memory)
            except RAISED as error:
                raise fault(number, step.first, error) from error
            except KpucError as error:
                raise located(number, step.first, error) from error

    def _land(self, number: int, text: memoryview, at: int, memory: Memory) -> None:
        """Count that a branch led to byte `at`: where that is often so, a block is made of what is executed there."""
        times = self._landings[number, at] = self._landings.get((number, at), 0) + 1
        plain = self._steps.get((number, at))
        block = translate(self.isa, text, at, memory) if times == OFTEN and plain is not None else None
        if block is None or plain is None or plain.execute is None:
            return
        run, execute, end = block.run, plain.execute, plain.end

        def whole(frame: Frame) -> int | None:
            target = run(frame.stack, frame.memory.buffers)
            if target is None:
                target = execute(frame)
                return end if target is None else target
            return None if target == BEHIND else target

        self._steps[number, at] = Step(plain.first, whole, block.end, -(-block.count // QUICK), block)

    def _step(self, number: int, text: memoryview, at: int, memory: Memory) -> Step:
        """What is executed at byte `at`; it is kept. `memory` is one of the function's: its addresses never change."""
        one = self.isa.decode(text, at)
        if one.instruction.name == "RET":
            step = Step(one, None, one.end)
        else:
            step = self._stretch(one, text, memory) or Step(one, self._execution(one), one.end)
        self._steps[number, at] = step
        return step

    def _stretch(self, first: Decoded, text: memoryview, memory: Memory) -> Step | None:
        """The instructions from `first` on that depend on nothing but the code, executed beforehand in an empty frame.

        It ends before one that would fail there, since it takes what was pushed earlier, or fails anywhere.
        """
        frame, count, deepest, at = Frame(memory, Budget(LONGEST), Registers()), 0, 0, first.at
        while count < LONGEST and at < len(text):
            one = self.isa.decode(text, at)
            if not one.instruction.name.startswith(CONSTANT):
                break
            try:
                self._execution(one)(frame)
            except ExecutionError:
                break
            count, deepest, at = count + 1, max(deepest, len(frame.stack)), one.end
        pushed, shapes, paddings = frame.stack, frame.registers.shapes, frame.registers.paddings

        def execute(running: Frame) -> None:
            running.check_room(deepest)
            running.stack += pushed
            running.registers.shapes.update(shapes)
            running.registers.paddings.update(paddings)

        return Step(first, execute, at, count) if count > 1 else None

    def _execution(self, one: Decoded) -> Execute:
        """What executes an instruction, with its immediates taken out once."""
        name, values = one.instruction.name, one.values
        if one.function is not None:
            return lambda frame: self._tensor(frame, one)
        if name.startswith("LDC_") or name == "LDNULL":
            value: Any = values.get("value", int(name[-1]) if name.startswith("LDC_I4_") else 0)
            return lambda frame: frame.push(value)
        if name == "LEA_BUFFER":
            place: Any = values["location"], values["offset"]
            return lambda frame: frame.push(frame.memory.address(*place))
        if name in ("STSHAPE", "STPADDINGS"):
            store = self._store_shape if name == "STSHAPE" else self._store_paddings
            register: Any = values["register"], values["rank"]
            return lambda frame: store(frame, *register)
        if name in ("BR", "BR_TRUE", "BR_FALSE"):
            target: Any = one.end + int(values["target"])  # type: ignore[arg-type]  # an i32
            return lambda frame: target if name == "BR" or (frame.number() != 0) == (name == "BR_TRUE") else None
        if name.startswith(("LDIND", "LDELEM", "STIND", "STELEM", "CONV")):
            stem, kind = name.split("_", 1)
            return lambda frame: self._scalar(frame, stem, kind)
        operation = _arithmetic if name in ARITHMETIC else _other
        return lambda frame: operation(frame, name)

    def _store_shape(self, frame: Frame, register: int, rank: int) -> None:
        frame.registers.shapes[register] = frame.numbers(rank)

    def _store_paddings(self, frame: Frame, register: int, rank: int) -> None:
        """(before, after, interior) for each axis; the first dialect has no interior."""
        size = self.isa.padding_values
        values = frame.numbers(size * rank)
        groups = [values[at : at + size] for at in range(0, len(values), size)]
        frame.registers.paddings[register] = tuple((*group, 0)[:3] for group in groups)  # type: ignore[misc]

    def _tensor(self, frame: Frame, one: Decoded) -> None:
        function = one.function
        assert function is not None
        if function.name == "call":
            self._external(frame, one.values)
            return
        operands = {name: frame.pop() for name in function.operands}
        compute = FUNCTIONS.get(function.name)
        if compute is None:
            raise ExecutionError("K0503", cause=f"{function.name} is not executed here")
        call = Call(one.values, operands, self._registers, frame.memory, self.isa.dialect)
        with self._link.timed(function.name):
            compute(call)
        frame.budget.steps -= FUNCTION_COST + (call.written >> 10)

    def _external(self, frame: Frame, values: Any) -> None:
        """TENSOR CALL: address, element type, shape register and stride register of each input and output."""
        pops = [frame.numbers(4) for _ in range(values["num_src"] + values["num_dst"])][::-1]
        views = [self._argument(frame.memory, *one) for one in pops]
        inputs, outputs = views[: values["num_src"]], views[values["num_src"] :]
        arguments = [np.ascontiguousarray(one) for one in inputs]
        module, function = values["module_id"], values["function_id"]
        frame.budget.steps -= CALL_COST
        if module == self.index:
            results = self._invoke(function, arguments, frame.budget)
        else:
            results = self._link.call(module, function, arguments)
        if len(results) != len(outputs):
            raise ExecutionError(
                "K0504", cause=f"{len(outputs)} outputs are expected of a call that has {len(results)}"
            )
        for view, result in zip(outputs, results, strict=True):
            if view.dtype != result.dtype or view.shape != result.shape:
                cause = f"an output of a call is {result.dtype.name}{list(result.shape)}, expected {view.dtype.name}"
                raise ExecutionError("K0504", cause=cause + str(list(view.shape)))
            view[...] = result

    def _argument(self, memory: Memory, address: int, element: int, shape: int, strides: int) -> Array:
        return memory.view(
            address, Call.element_of(element), self._registers.shape(shape), self._registers.shape(strides)
        )

    def _scalar(self, frame: Frame, stem: str, kind: str) -> None:
        """Load, store or convert one number."""
        if kind not in CODING:
            raise ExecutionError("K0504", cause=f"{stem}_{kind} is not supported")
        coding = struct.Struct(CODING[kind])
        if stem == "CONV":
            frame.push(_entry(converted(frame.pop(), kind, coding)))
            return
        value = frame.pop() if stem.startswith("ST") else 0
        index = frame.number() if stem.endswith("ELEM") else 0
        place = frame.memory.bytes(frame.number() + index * coding.size, coding.size)
        if stem.startswith("LD"):
            frame.push(_entry(coding.unpack(place.tobytes())[0]))
        else:
            place[:] = np.frombuffer(coding.pack(converted(value, kind, coding)), np.uint8)


def _entry(value: int | float) -> int | float:
    """A number as it is on the stack, which knows integers of 64 bits with a sign only."""
    return wrapped(value) if isinstance(value, int) else value


def _arithmetic(frame: Frame, name: str) -> None:
    right, left = frame.pop(), frame.pop()
    if type(left) is not type(right):
        raise ExecutionError("K0504", cause=f"{name} of an integer and a real number")
    result = ARITHMETIC[name](left, right)
    frame.push(wrapped(result) if isinstance(result, int) else float(np.float32(result)))


def _other(frame: Frame, name: str) -> None:
    if name == "NOP":
        pass
    elif name == "DUP":
        value = frame.pop()
        frame.push(value)
        frame.push(value)
    elif name == "POP":
        frame.pop()
    elif name == "NEG":
        frame.push(_entry(-frame.pop()))
    elif name == "NOT":
        frame.push(~frame.number())
    else:
        raise ExecutionError("K0504", cause=f"the vendor's runtimes do not execute {name}")


def _check_arguments(function: Function, arguments: Sequence[Array]) -> None:
    wanted = [(numpy_dtype(one.element), one.shape) for one in function.inputs]
    given = [(one.dtype, one.shape) for one in arguments]
    if wanted != given:
        raise ExecutionError("K0504", cause=f"a function of {_listed(wanted)} is called with {_listed(given)}")


def _listed(types: Sequence[tuple[np.dtype[Any], tuple[int, ...]]]) -> str:
    return ", ".join(f"{dtype.name}{list(shape)}" for dtype, shape in types) or "nothing"


def _bytes_of(array: Array) -> Array:
    return array.reshape(-1).view(np.uint8)
