"""Walks straight-line version 5 code without running it: which tensor functions are called, on what, in what order.

Compilers emit such code for networks of static shapes: numbers and addresses are pushed, shapes kept in registers, and
no value of a tensor decides what is done. Entry: a function of a decoded kmodel, trusted or not. Exit: a `HostCall` for
each tensor instruction; KmodelError K0406 for code that cannot be decoded, K0409 for code that is not straight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ...errors import KmodelError
from ..kmodel.build5 import Place
from ..kmodel.elements import V5_NAMES
from ..kmodel.v5 import LOCATION_NAMES, Function, Module
from .functions5 import Padding, Registers
from .isa import Decoded, Value
from .isa5 import Isa5
from .scalars import STACK_LIMIT

Operand = int | float | Place


@dataclass(frozen=True)
class Argument:
    """A tensor that another function is called with."""

    place: Place
    element: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class HostCall:
    """A tensor function with its immediates (`values`), and what the registers hold that some of these name.

    `operands` are what it takes from the stack, by name; `arguments` the inputs and then the outputs of "call".
    """

    name: str
    values: Mapping[str, Value]
    shapes: Mapping[str, tuple[int, ...]]
    paddings: Mapping[str, tuple[Padding, ...]]
    operands: Mapping[str, Operand]
    arguments: tuple[Argument, ...] = ()

    @property
    def element(self) -> str:
        """Its element type; f32 for functions that have no other."""
        return str(self.values.get("datatype", self.values.get("in_datatype", "f32")))

    def number(self, name: str) -> int:
        """An immediate or operand that is an integer; KmodelError K0409 when it is not."""
        value = self.values.get(name, self.operands.get(name))
        if not isinstance(value, int):
            raise crooked(f"{name} of {self.name} is not a number")
        return value

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape that an immediate names."""
        if name not in self.shapes:
            raise crooked(f"{self.name} has no {name}")
        return self.shapes[name]


def crooked(cause: str) -> KmodelError:
    """The error of code that cannot be followed without running it."""
    remedy = "only code without branches, of networks with static shapes, can be analysed"
    return KmodelError("K0409", cause=cause, remedy=remedy)


def trace(isa: Isa5, module: Module, function: Function, registers: Registers) -> Iterator[HostCall]:
    """The calls of one function, in order; `registers` are shared by all functions of the module."""
    stack: list[Operand] = []
    for one in isa.walk(module.text(function)):
        if one.instruction.name == "RET":
            return
        if one.function is None:
            _scalar(isa, one, stack, registers)
        elif one.function.name == "call":
            yield _call(one, stack, registers)
        else:
            operands = {name: _pop(one, stack) for name in one.function.operands}
            shapes = {name: registers.shape(value) for name, value in _named(one, _names_shape)}
            paddings = {name: registers.padding(value) for name, value in _named(one, _names_padding)}
            yield HostCall(one.function.name, one.values, shapes, paddings, operands)


def _pop(one: Decoded, stack: list[Operand]) -> Operand:
    if not stack:
        raise crooked(f"{one} at byte {one.at} takes a value from an empty stack")
    return stack.pop()


def _numbers(one: Decoded, stack: list[Operand], count: int) -> tuple[int, ...]:
    """Integers from the stack, in the order they were pushed."""
    values = [_pop(one, stack) for _ in range(count)][::-1]
    return tuple(_integer(one, value) for value in values)


def _integer(one: Decoded, value: object) -> int:
    if not isinstance(value, int):
        raise crooked(f"{one} at byte {one.at} gets {value} where an integer is needed")
    return value


def _scalar(isa: Isa5, one: Decoded, stack: list[Operand], registers: Registers) -> None:
    """Keep track of one instruction that is not a tensor function."""
    name, values = one.instruction.name, one.values
    if name == "LEA_BUFFER":
        code = _integer(one, values["location"])
        if code not in LOCATION_NAMES:
            raise crooked(f"{one} at byte {one.at} addresses memory location {code}, which does not exist")
        stack.append(Place(LOCATION_NAMES[code], _integer(one, values["offset"])))
    elif name in ("LDC_I4", "LDC_R4"):
        stack.append(values["value"])  # type: ignore[arg-type]  # a number
    elif name in ("LDC_I4_0", "LDC_I4_1", "LDNULL"):
        stack.append(int(name == "LDC_I4_1"))
    elif name == "STSHAPE":
        shape = _numbers(one, stack, _integer(one, values["rank"]))
        registers.shapes[_integer(one, values["register"])] = shape
    elif name == "STPADDINGS":
        parts = _numbers(one, stack, isa.padding_values * _integer(one, values["rank"]))
        axes = [parts[at : at + isa.padding_values] for at in range(0, len(parts), isa.padding_values)]
        registers.paddings[_integer(one, values["register"])] = tuple(map(_padding, axes))
    elif name != "NOP":
        raise crooked(f"the code has the instruction {one} at byte {one.at}, so what it does depends on its data")
    if len(stack) > STACK_LIMIT:
        raise crooked(f"the stack holds more than {STACK_LIMIT} values")


def _padding(parts: tuple[int, ...]) -> Padding:
    before, after, interior = (*parts, 0)[:3]
    return before, after, interior


def _named(one: Decoded, wanted: Callable[[str], bool]) -> list[tuple[str, int]]:
    """The immediates that name registers of one kind."""
    return [(name, _integer(one, value)) for name, value in one.values.items() if wanted(name)]


def _names_shape(immediate: str) -> bool:
    """Names like rshape_src, rstride_dest, input_shape, box_shape_src, rbegins."""
    return "shape" in immediate or immediate.startswith(("rstride", "rbegins", "rends"))


def _names_padding(immediate: str) -> bool:
    return immediate.startswith("rpad")


def _call(one: Decoded, stack: list[Operand], registers: Registers) -> HostCall:
    """Address, element type, shape register and stride register of each input and output."""
    count = _integer(one, one.values["num_src"]) + _integer(one, one.values["num_dst"])
    arguments = []
    for _ in range(count):
        _strides, shape, element, place = (_pop(one, stack) for _ in range(4))
        code = _integer(one, element)
        if not isinstance(place, Place) or code not in V5_NAMES:
            raise crooked(f"{one} at byte {one.at} has an argument at {place} of element type {code}")
        arguments.append(Argument(place, V5_NAMES[code], registers.shape(_integer(one, shape))))
    return HostCall("call", one.values, {}, {}, {}, tuple(reversed(arguments)))
