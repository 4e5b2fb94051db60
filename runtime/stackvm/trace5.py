"""Walks version 5 code without running it: which tensor functions are called, on what, in what order.

Compilers emit such code for networks of static shapes: numbers and addresses are pushed, shapes kept in registers, and
no value of a tensor decides which functions are called. Between the calls there may be loops, and choices, both sides
of which count. Entry: a function of a decoded kmodel, trusted or not. Exit: a `HostCall` for each tensor instruction,
and for loops between two of them; KmodelError K0406 for code that cannot be decoded, K0409 for calls in loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ...errors import KmodelError
from ..kmodel.build5 import Place
from ..kmodel.elements import V5_NAMES
from ..kmodel.v5 import LOCATION_NAMES, Function, Module
from .functions5 import Padding, Registers
from .isa import Decoded, Value
from .isa5 import Isa5
from .scalars import ARITHMETIC, STACK_LIMIT, wrapped

LOOPS = "loops"
"""The name of what is no function: `instructions` says how many are executed."""
MOST_EXECUTED = 1 << 53
Operand = int | float | Place | None
"""What is on the stack; None for what depends on data."""


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


_EFFECTS = {
    (0, 0): ("NOP",),
    (1, 0): ("POP",),
    (1, 1): ("LDIND", "CONV", "NEG", "NOT"),
    (2, 1): ("LDELEM", "DIV", "AND", "OR", "XOR", "SHL", "SHR", "CLT", "CLE", "CEQ", "CGE", "CGT", "CNE"),
    (2, 0): ("STIND",),
    (3, 0): ("STELEM",),
}
"""What instructions take from the stack and put there, by the beginnings of their names."""


def crooked(cause: str) -> KmodelError:
    """The error of code that cannot be followed without running it."""
    remedy = "only networks of static shapes, whose functions are called one behind the other, can be analysed"
    return KmodelError("K0409", cause=cause, remedy=remedy)


@dataclass
class Repetitions:
    """How many instructions loops make of those that are walked over once.

    A loop with a count, which is tested at its end, is known; of one that depends on data one round counts.
    """

    executed: int = 0
    marks: dict[int, int] = field(default_factory=dict)
    loops: list[tuple[int, int]] = field(default_factory=list)
    called: int = -1
    open_until: int = 0

    def step(self, at: int) -> None:
        """One instruction more."""
        self.marks[at] = self.executed
        self.executed += 1

    def branch(self, at: int, target: int, rounds: int) -> None:
        """A branch forward, or one back that is taken so many times."""
        if target > at:
            self.open_until = max(self.open_until, target)
            return
        if target not in self.marks or self.called >= target:
            raise crooked(f"byte {at} leads back to byte {target}, and not to a loop without functions")
        self.executed += rounds * (self.executed - self.marks[target])
        if self.executed > MOST_EXECUTED:
            raise crooked(f"the loop at byte {target} takes years")
        inner = [one for one in self.loops if one[0] < target]
        self.loops = [*inner, (target, self.executed - self.marks[target])]

    def call(self, at: int) -> Iterator[HostCall]:
        """What happened before a function is called, or the code ends."""
        if at < self.open_until:
            raise crooked(f"whether the function at byte {at} is called depends on data")
        if self.loops:
            instructions = sum(count for _, count in self.loops)
            yield HostCall(LOOPS, {"instructions": instructions, "datatype": "i64"}, {}, {}, {})
        self.called, self.loops = at, []


def trace(isa: Isa5, module: Module, function: Function, registers: Registers) -> Iterator[HostCall]:
    """The calls of one function, in order; `registers` are shared by all functions of the module."""
    stack: list[Operand] = []
    passed, text = Repetitions(), module.text(function)
    end = len(text)
    for one in isa.walk(text):
        passed.step(one.at)
        if one.instruction.name == "RET":
            end = one.at
            break
        if one.function is None:
            _scalar(isa, one, stack, registers)
            if one.instruction.name.startswith("BR"):
                _branch(one, stack, passed)
            continue
        yield from passed.call(one.at)
        if one.function.name == "call":
            yield _call(one, stack, registers)
        else:
            operands = {name: _pop(one, stack) for name in one.function.operands}
            shapes = {name: registers.shape(value) for name, value in _named(one, _names_shape)}
            paddings = {name: registers.padding(value) for name, value in _named(one, _names_padding)}
            yield HostCall(one.function.name, one.values, shapes, paddings, operands)
    yield from passed.call(end)


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
    elif name == "DUP":
        stack += [_pop(one, stack)] * 2
    elif name in ("ADD", "SUB", "MUL"):
        right, left = _pop(one, stack), _pop(one, stack)
        known = isinstance(left, int) and isinstance(right, int)
        stack.append(wrapped(ARITHMETIC[name](left, right)) if known else None)
    elif name.startswith("BR"):
        pass
    else:
        taken, made = _effect(one)
        for _ in range(taken):
            _pop(one, stack)
        stack += [None] * made
    if len(stack) > STACK_LIMIT:
        raise crooked(f"the stack holds more than {STACK_LIMIT} values")


def _effect(one: Decoded) -> tuple[int, int]:
    """How many values an instruction takes from the stack and puts there, none of which are known."""
    stem = one.instruction.name.split("_")[0]
    if one.instruction.supported:
        for effect, names in _EFFECTS.items():
            if stem in names:
                return effect
    raise crooked(f"the code has the instruction {one} at byte {one.at}, which is not executed")


def _branch(one: Decoded, stack: list[Operand], passed: Repetitions) -> None:
    name, rounds = one.instruction.name, 0
    target = one.end + _integer(one, one.values["target"])
    if name != "BR":
        value = _pop(one, stack)
        rounds = max(value, 0) if isinstance(value, int) and name == "BR_TRUE" else 0
    elif target <= one.at:
        raise crooked(f"the code never leaves the loop at byte {target}")
    passed.branch(one.at, target, rounds)


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
