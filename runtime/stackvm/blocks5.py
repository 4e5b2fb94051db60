"""Makes Python functions of stretches of version 5 scalar instructions that are executed often: the bodies of loops.

Entry: code, trusted or not, whose instructions the interpreter executes one by one in any case. Exit: a function that
does the same to a frame at once, about twenty times as fast; numbers that stay on the stack in between become local
variables. Only what loops of compilers consist of is translated: a stretch ends before anything else.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ExecutionError
from .isa import Decoded
from .isa5 import Isa5
from .memory5 import SPACE, Memory
from .scalars import CODING, FAULTS, STACK_LIMIT, converted, truncated, wrapped

LEAST, MOST, BITS = -(2**63), 2**63 - 1, 2**64 - 1
LONGEST = 512
"""Instructions of a stretch."""
_ARITHMETIC = {
    "ADD": "{} + {}", "SUB": "{} - {}", "MUL": "{} * {}", "DIV": "truncated({}, {})",
    "DIV_U": f"({{}} & {BITS}) // ({{}} & {BITS})", "SHR_U": f"({{}} & {BITS}) >> ({{}} & 63)",
    "SHL": "{} << ({} & 63)",
}  # fmt: skip
"""Results that may need more than 64 bits with a sign."""
_PLAIN = {"AND": "{} & {}", "OR": "{} | {}", "XOR": "{} ^ {}", "SHR": "{} >> ({} & 63)"}
_COMPARED = {"CLT": "<", "CLE": "<=", "CEQ": "==", "CGE": ">=", "CGT": ">", "CNE": "!="}
_UNSIGNED = {"I1": "<B", "I2": "<H", "I4": "<I", "I": "<Q"}


Run = Callable[[list[int | float], Sequence[memoryview]], "int | None"]
BEHIND = -1
RAISED = (*FAULTS, struct.error)


@dataclass(frozen=True)
class Block:
    """A stretch as a function, the byte behind it, and how many instructions it stands for.

    `run(stack, spaces)` gives the byte to go on at, `BEHIND`, or None, having done nothing, when the stack is not what
    it expects. It raises what Python does about addresses and divisors: see `RAISED`.
    """

    run: Run
    end: int
    count: int


def _real(value: float) -> float:
    return float(np.float32(value))


def _outside() -> int:
    raise ExecutionError("K0504", cause="an element in front of a tensor is read or written")


_NAMES: dict[str, Any] = {
    "truncated": truncated, "wrapped": wrapped, "real": _real, "outside": _outside, "converted": converted,
    **{f"load_{kind}": struct.Struct(coding).unpack_from for kind, coding in CODING.items()},
    **{f"store_{kind}": struct.Struct(coding).pack_into for kind, coding in _UNSIGNED.items()},
    "store_R4": struct.Struct("<f").pack_into,
    **{f"coding_{kind}": struct.Struct(coding) for kind, coding in CODING.items()},
}  # fmt: skip
"""What the functions call."""


@dataclass(frozen=True)
class Value:
    """Something on the stack: an expression without effects, and whether it is real; `known` if it is a constant."""

    text: str
    real: bool = False
    known: int | None = None


class Ended(Exception):
    """The stretch ends before this instruction."""


@dataclass
class Translation:
    """A stretch that is being translated; `taken` is how many values it takes from below."""

    memory: Memory
    lines: list[str] = field(default_factory=list)
    stack: list[Value] = field(default_factory=list)
    taken: int = 0
    variables: int = 0

    def pop(self) -> Value:
        """The value on top; those of earlier stretches are integers, or the function refuses to run."""
        if self.stack:
            return self.stack.pop()
        self.taken += 1
        return Value(f"stack[-{self.taken}]")

    def keep(self, text: str, real: bool = False) -> Value:
        """Compute something now."""
        self.variables += 1
        name = f"v{self.variables}"
        self.lines.append(f"{name} = {text}")
        return Value(name, real)

    def push(self, value: Value) -> None:
        self.stack.append(value)

    def wrapping(self, text: str) -> Value:
        """An integer that may be too large."""
        made = self.keep(text)
        self.lines.append(f"if {made.text} > {MOST} or {made.text} < {LEAST}: {made.text} = wrapped({made.text})")
        return made

    def add(self, one: Decoded) -> None:
        """Translate an instruction; `Ended` if it is none of those that loops consist of, with nothing changed."""
        name = one.instruction.name
        if name.startswith("LDC_"):
            number = one.values.get("value", int(name[-1]) if name.startswith("LDC_I4_") else 0)
            if isinstance(number, float):
                self.push(self.keep(f"float({str(number)!r})", real=True))
            elif isinstance(number, int):
                self.push(Value(str(number), known=number))
        elif name == "LEA_BUFFER":
            place: Any = one.values["location"], one.values["offset"]
            address = self.memory.address(*place)
            self.push(Value(str(address), known=address))
        elif name == "DUP":
            value = self.pop()
            self.stack += [value, value]
        elif name == "POP":
            self.pop()
        elif name.startswith(("LDIND", "LDELEM", "STIND", "STELEM")):
            self._memory(*name.split("_"))
        elif name.startswith("CONV"):
            self._convert(name.split("_")[1])
        elif name in ("NEG", "NOT"):
            value = self.pop()
            if value.real and name == "NOT":
                raise Ended
            self.push(
                self.keep(f"-{value.text}", True)
                if value.real
                else self.wrapping(f"{'-' if name == 'NEG' else '~'}{value.text}")
            )
        else:
            self._binary(name)

    def _binary(self, name: str) -> None:
        stem, unsigned = name.removesuffix("_U"), name.endswith("_U")
        if name not in _ARITHMETIC and name not in _PLAIN and stem not in _COMPARED:
            raise Ended
        right, left = self.pop(), self.pop()
        if left.real != right.real:
            raise Ended
        if stem in _COMPARED:
            bits = f" & {BITS}" if unsigned else ""
            self.push(self.keep(f"1 if {left.text}{bits} {_COMPARED[stem]} ({right.text}{bits}) else 0"))
        elif left.real:
            if name not in ("ADD", "SUB", "MUL"):
                raise Ended
            self.push(self.keep(f"real({_ARITHMETIC[name].format(left.text, right.text)})", real=True))
        elif name in _PLAIN:
            self.push(self.keep(_PLAIN[name].format(left.text, right.text)))
        else:
            self.push(self.wrapping(_ARITHMETIC[name].format(left.text, right.text)))

    def _convert(self, kind: str) -> None:
        if kind not in CODING:
            raise Ended
        value = self.pop()
        if kind == "R4":
            self.push(value if value.real else self.keep(f"real({value.text})", real=True))
        else:
            made = self.keep(f"converted({value.text}, {kind!r}, coding_{kind})")
            self.push(self.wrapping(made.text) if kind == "U" else made)

    def _memory(self, stem: str, kind: str) -> None:
        """Load or store at a tensor's beginning, which is known, and an index."""
        if kind not in CODING:
            raise Ended
        stored = self.pop() if stem.startswith("ST") else None
        index = self.pop() if stem.endswith("ELEM") else None
        base = self.pop()
        if base.known is None or base.known < 0 or (index is not None and index.real):
            raise Ended
        space, offset = divmod(base.known, SPACE)
        place = repr(offset)
        if index is not None:
            size = struct.calcsize(CODING[kind])
            made = self.keep(f"{offset} + {index.text} * {size}")
            self.lines.append(f"if {made.text} < 0: outside()")
            place = made.text
        if stored is None:
            loaded = self.keep(f"load_{kind}(spaces[{space}], {place})[0]", kind == "R4")
            self.push(self.wrapping(loaded.text) if kind == "U" else loaded)
            return
        if stored.real != (kind == "R4"):
            raise Ended
        bits = "" if stored.real else f" & {(1 << 8 * struct.calcsize(CODING[kind])) - 1}"
        self.lines.append(f"store_{kind}(spaces[{space}], {place}, {stored.text}{bits})")


def translate(isa: Isa5, text: memoryview, at: int, memory: Memory) -> Block | None:
    """The stretch that begins at byte `at`, with the branch at its end if there is one; None if it is not worth it."""
    made, count, behind = Translation(memory), 0, ""
    while at < len(text) and count < LONGEST and not behind:
        one = isa.decode(text, at)
        before = (len(made.lines), list(made.stack), made.taken)
        try:
            if one.instruction.name in ("BR", "BR_TRUE", "BR_FALSE"):
                behind = _branch(made, one)
            else:
                made.add(one)
        except (Ended, ExecutionError):
            del made.lines[before[0] :]
            made.stack, made.taken = before[1], before[2]
            break
        count, at = count + 1, one.end
    if count < 2:
        return None
    return Block(_function(made, behind or str(BEHIND)), at, count)


def _branch(made: Translation, one: Decoded) -> str:
    """Where to go on, as an expression."""
    target = one.end + int(one.values["target"])  # type: ignore[arg-type]  # an i32
    if one.instruction.name == "BR":
        return str(target)
    condition = made.pop()
    if condition.real:
        raise Ended
    test = f"{condition.text} {'!=' if one.instruction.name == 'BR_TRUE' else '=='} 0"
    return f"{target} if {test} else {BEHIND}"


def _function(made: Translation, target: str) -> Run:
    """The function of a translated stretch: what it takes from the stack gives way to what it leaves there."""
    taken, pushed = made.taken, made.stack
    lines = [
        f"if len(stack) < {taken} or len(stack) > {STACK_LIMIT - len(pushed)}: return None",
        *(f"if type(stack[-{number}]) is not int: return None" for number in range(1, taken + 1)),
        *made.lines,
        f"target = {target}",
        f"stack[len(stack) - {taken}:] = ({''.join(one.text + ', ' for one in pushed)})",
        "return target",
    ]
    source = "def run(stack, spaces):\n" + "\n".join(f"    {line}" for line in lines)
    names = dict(_NAMES)
    exec(compile(source, "<block>", "exec"), names)  # of numbers and names of our own
    run: Run = names["run"]
    return run
