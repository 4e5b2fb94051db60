"""Loops over elements, in scalar instructions: for what version 5 has no tensor function.

What is done to each element is written as lines of words:

    d = b b 0 CEQ ADD
    result = a d DIV_U b 0 CNE MUL

A word is a number, an instruction, or a name, whose value it pushes: that of the element at hand of an operand, or of a
variable. A line stores what its words leave into its name. `words IF`, `ELSE` and `END`, each a line, choose between
lines; `DO` and `words WHILE` repeat them. Integers are of 64 bits; a name with `:KIND`, a suffix of LDIND or STIND, is
another type, as of the bits of a float. `name@` is the index of the element at hand.

Variables are 8 bytes of scratch memory each. On the stack nothing stays from line to line but the counts of loops.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...runtime.kmodel.build5 import Place
from ...runtime.stackvm.assembler5 import Code
from .writer5 import Ints, Writer

LOADED = {
    "i8": "I1", "i16": "I2", "i32": "I4", "i64": "I", "u8": "U1", "u16": "U2", "u32": "U4", "u64": "U", "f32": "R4",
    "f16": "U2", "f64": "U",
}  # fmt: skip
"""What loads an element; of f16 and f64, the bits."""
INTEGERS = tuple(name for name in LOADED if name[0] in "iu")
STORED = {"U1": "I1", "U2": "I2", "U4": "I4", "U": "I"}
"""What stores the numbers that are loaded without a sign."""
I32 = range(-(2**31), 2**31)
"""Numbers that an instruction holds."""


@dataclass(frozen=True)
class Elements:
    """An operand of a loop: its place, its element type, and how far apart elements are along each axis of the loop.

    `index` is the name of a variable that holds the element's index instead.
    """

    place: Place
    element: str
    strides: Ints = ()
    index: str = ""


class Loops:
    """Loops over a shape; operands, by name, are at the element that belongs to the position."""

    def __init__(self, w: Writer, shape: Ints, operands: Mapping[str, Elements]) -> None:
        self._code: Code = w.code
        self._variables = w.variables
        self._shape = shape
        self._operands = operands
        self._branches: list[int] = []
        steps = {one.strides for one in operands.values() if any(one.strides)}
        self._indices = {one: f"index{number}" for number, one in enumerate(sorted(steps))}
        for name in self._indices.values():
            self.run(f"{name} = 0")

    def each(self, text: str) -> None:
        """Do something for each position."""
        self.over(range(len(self._shape)), lambda: self.run(text))

    def over(self, axes: Sequence[int], body: Callable[[], None]) -> None:
        """Do something for each position along some axes. Behind it, operands are where they were."""
        if not axes:
            body()
            return
        size, rest = self._shape[axes[0]], axes[1:]
        if size == 1:
            self.over(rest, body)
        elif size > 1:

            def step() -> None:
                self.over(rest, body)
                self._move(axes[0], 1)

            self.repeat(size, step)
            self._move(axes[0], -size)

    def repeat(self, count: int, body: Callable[[], None]) -> None:
        """Do something so many times, at least once. The count is on the stack meanwhile."""
        self._code.push(count)
        top = self._code.mark()
        body()
        self._words(["1", "SUB", "DUP"])
        self._code.branch("BR_TRUE", top)
        self._code.emit("POP")

    def _move(self, axis: int, count: int) -> None:
        for strides, name in self._indices.items():
            if strides[axis]:
                self.run(f"{name} = {name} {count * strides[axis]} ADD")

    def run(self, text: str) -> None:
        """Write what lines of words say; what one call begins, another one may end."""
        branches = self._branches
        for line in filter(None, map(str.split, text.splitlines())):
            if line[1:2] == ["="]:
                self._assign(line[0], line[2:])
                continue
            self._words(line[:-1])
            if line[-1] == "IF":
                branches.append(self._code.branch("BR_FALSE"))
            elif line[-1] == "ELSE":
                behind = self._code.branch("BR")
                self._code.land(branches.pop())
                branches.append(behind)
            elif line[-1] == "END":
                self._code.land(branches.pop())
            elif line[-1] == "DO":
                branches.append(self._code.mark())
            elif line[-1] == "WHILE":
                self._code.branch("BR_TRUE", branches.pop())
            else:
                self._words(line[-1:])

    def _assign(self, target: str, words: list[str]) -> None:
        name, _, kind = target.partition(":")
        operand = self._operands.get(name)
        if operand is not None:
            kind = kind or LOADED[operand.element]
        self._address(name)
        self._words(words)
        self._code.emit(f"{'STIND' if operand is None else 'STELEM'}_{STORED.get(kind, kind or 'I')}")

    def _address(self, name: str) -> None:
        """Push where a variable is; or where an operand begins, and the index of its element."""
        operand = self._operands.get(name)
        if operand is None:
            self._code.push(self._variables(name))
            return
        self._code.push(operand.place)
        self._words([self._index(name)])

    def _index(self, name: str) -> str:
        """The word that pushes the index of an operand's element."""
        operand = self._operands[name]
        return operand.index or self._indices.get(operand.strides, "0")

    def _words(self, words: Sequence[str]) -> None:
        for word in words:
            if re.fullmatch(r"-?\d+", word):
                self._number(int(word))
            elif re.fullmatch(r"-?(\d.*|inf)", word):
                self._code.push(float(word))
            elif word.isupper():
                self._code.emit(word)
            elif word.endswith("@"):
                self._words([self._index(word[:-1])])
            else:
                name, _, kind = word.partition(":")
                operand = self._operands.get(name)
                self._address(name)
                loaded = "I" if operand is None else LOADED[operand.element]
                self._code.emit(f"{'LDIND' if operand is None else 'LDELEM'}_{kind or loaded}")

    def _number(self, value: int) -> None:
        if value in I32:
            self._code.push(value)
            return
        self._code.push(self._code.constant(np.array(value % 2**64, np.uint64)))
        self._code.emit("LDIND_I")
