"""Writes the body of one MLIR function: values, constants, index arithmetic and loops.

Index values are Python integers where they are known, and names of SSA values otherwise; arithmetic on known ones is
done here, so that generators need not tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Index = int | str
"""A position: known, or the name of a value of type `index`."""


class Text:
    """The lines of a function, in order; constants are collected at its head.

    called: the texts of the functions that it calls, by name.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.called: dict[str, str] = {}
        self._constants: dict[tuple[str, str], str] = {}
        self._names = 0

    def name(self) -> str:
        """A name that no other value has."""
        self._names += 1
        return f"%{self._names}"

    def let(self, operation: str) -> str:
        """Append an operation with one result, and give the result's name."""
        name = self.name()
        self.lines.append(f"{name} = {operation}")
        return name

    def do(self, operation: str) -> None:
        """Append an operation without results."""
        self.lines.append(operation)

    def constant(self, value: float | str, type_: str) -> str:
        """A constant of a scalar type, or with the same value in every lane of a vector type; `value` as MLIR writes it
        when it is a string."""
        elements = type_[type_.rindex("x") + 1 : -1] if type_.startswith("vector") else type_
        written = value if isinstance(value, str) else _number(value, elements)
        key = (written, type_)
        if key not in self._constants:
            self._constants[key] = f"%c{len(self._constants)}"
        return self._constants[key]

    def index(self, value: Index) -> str:
        """The name of an index value."""
        return self.constant(value, "index") if isinstance(value, int) else value

    def add(self, a: Index, b: Index) -> Index:
        """a + b"""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if a == 0 or b == 0:
            return b if a == 0 else a
        return self.let(f"arith.addi {self.index(a)}, {self.index(b)} : index")

    def sub(self, a: Index, b: Index) -> Index:
        """a - b"""
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        return a if b == 0 else self.let(f"arith.subi {self.index(a)}, {self.index(b)} : index")

    def mul(self, a: Index, b: Index) -> Index:
        """a * b"""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if 0 in (a, b):
            return 0
        if 1 in (a, b):
            return b if a == 1 else a
        return self.let(f"arith.muli {self.index(a)}, {self.index(b)} : index")

    def div(self, a: Index, b: int) -> Index:
        """a / b, rounded down; a is not negative."""
        if isinstance(a, int):
            return a // b
        return a if b == 1 else self.let(f"arith.divui {a}, {self.index(b)} : index")

    def rem(self, a: Index, b: int) -> Index:
        """The remainder of a / b; a is not negative."""
        if isinstance(a, int) or b == 1:
            return a % b if isinstance(a, int) else 0
        return self.let(f"arith.remui {a}, {self.index(b)} : index")

    def minimum(self, a: Index, b: Index) -> Index:
        """The smaller one; neither is negative."""
        if isinstance(a, int) and isinstance(b, int):
            return min(a, b)
        return self.let(f"arith.minui {self.index(a)}, {self.index(b)} : index")

    def maximum(self, a: Index, b: Index) -> Index:
        """The larger one; neither is negative."""
        if isinstance(a, int) and isinstance(b, int):
            return max(a, b)
        return self.let(f"arith.maxui {self.index(a)}, {self.index(b)} : index")

    @contextmanager
    def loop(self, lower: Index, upper: Index, step: int = 1) -> Iterator[Index]:
        """What is written inside runs for lower, lower + step, ... below upper; a loop of one round is not written."""
        if isinstance(lower, int) and isinstance(upper, int) and lower < upper <= lower + step:
            yield lower
            return
        variable = self.name()
        self.do(f"scf.for {variable} = {self.index(lower)} to {self.index(upper)} step {self.index(step)} {{")
        yield variable
        self.do("}")

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """What is written inside runs when the `i1` is true."""
        self.do(f"scf.if {condition} {{")
        yield
        self.do("}")

    def choose(self, condition: str, type_: str, first: Callable[[], str], second: Callable[[], str]) -> str:
        """The value that `first` writes where the `i1` is true, else that of `second`; only one of them is computed."""
        result = self.name()
        self.do(f"{result} = scf.if {condition} -> ({type_}) {{")
        self.do(f"scf.yield {first()} : {type_}")
        self.do("} else {")
        self.do(f"scf.yield {second()} : {type_}")
        self.do("}")
        return result

    def carry(
        self,
        lower: Index,
        upper: Index,
        values: Sequence[str],
        types: Sequence[str],
        body: Callable[[Index, list[str]], Sequence[str]],
        step: int = 1,
    ) -> list[str]:
        """A loop that hands values on: `body(i, values)` gives those of the next round. The last ones are the results.

        A loop that runs once is not written.
        """
        if isinstance(lower, int) and isinstance(upper, int) and lower < upper <= lower + step:
            return list(body(lower, list(values)))
        variable, result = self.name(), self.name()
        inside = [self.name() for _ in values]
        carried = ", ".join(f"{name} = {value}" for name, value in zip(inside, values, strict=True))
        bounds = f"{self.index(lower)} to {self.index(upper)} step {self.index(step)}"
        listed = ", ".join(types)
        self.do(f"{result}:{len(values)} = scf.for {variable} = {bounds} iter_args({carried}) -> ({listed}) {{")
        self.do(f"scf.yield {', '.join(body(variable, inside))} : {listed}")
        self.do("}")
        return [f"{result}#{i}" for i in range(len(values))]

    def function(self, name: str, arguments: Sequence[tuple[str, str]]) -> str:
        """The function: its arguments' names (without %) and types, then %lo and %hi, the tasks to do."""
        listed = ", ".join(
            f"%{argument}: {type_}" for argument, type_ in [*arguments, ("lo", "index"), ("hi", "index")]
        )
        body = self._body("return")
        return f"func.func private @{name}({listed}) attributes {{llvm.no_inline}} {{\n{body}\n}}\n"

    def expression(self, name: str, arguments: Sequence[tuple[str, str]], result: tuple[str, str]) -> str:
        """A function of values (names with %, and types) that returns a value."""
        listed = ", ".join(f"{argument}: {type_}" for argument, type_ in arguments)
        body = self._body(f"return {result[0]} : {result[1]}")
        head = f"func.func private @{name}({listed}) -> {result[1]} attributes {{llvm.no_inline}}"
        return f"{head} {{\n{body}\n}}\n"

    def _body(self, end: str) -> str:
        head = [
            f"{name} = arith.constant {_attribute(value, type_)}" for (value, type_), name in self._constants.items()
        ]
        return "\n".join(f"  {line}" for line in [*head, *self.lines, end])


def _attribute(value: str, type_: str) -> str:
    """A constant as MLIR writes it; booleans imply their type."""
    if type_.startswith("vector"):
        return f"dense<{value}> : {type_}"
    return value if type_ == "i1" else f"{value} : {type_}"


def _number(value: float, elements: str) -> str:
    """A number as MLIR writes it: floats that have no short form by their bits."""
    if not elements.startswith("f"):
        return str(int(value))
    return repr(float(value)) if "e" not in repr(float(value)) and abs(value) < 1e30 else _bits(value, elements)


def _bits(value: float, elements: str) -> str:
    import numpy as np

    width = int(elements[1:])
    bits = np.array(value, f"f{width // 8}").view(f"u{width // 8}")
    return f"0x{int(bits):0{width // 4}X}"
