"""Sizes that are not known yet, as integer arithmetic on the sizes of a network's inputs.

A `Size` is an expression; an `Extent` is one, or an integer. Operators build them: `(size + 1) // 2`. What can be said
without knowing the inputs is said at once, so that equal sizes mostly are equal expressions. Dimensions of inputs are
at least 1 and less than 2^31; `//` is for dividends that are not negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

MOST = 2**31 - 1
"""No dimension is larger."""

ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "max": max,
    "min": min,
    "equal": lambda a, b: int(a == b),
    "less": lambda a, b: int(a < b),
}
"""What the kinds of sizes with two operands compute; the last two give 1 or 0."""


@dataclass(frozen=True)
class Size:
    """`kind` is one of ARITHMETIC, with its two operands, or "dim": an input's dimension, called `symbol`.

    No value is smaller than `low` or larger than `high`.
    """

    kind: str
    operands: tuple[Extent, ...]
    low: int = field(compare=False)
    high: int = field(compare=False)
    symbol: str = ""
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.kind, self.operands, self.symbol)))

    def __hash__(self) -> int:
        return self._hash

    def __add__(self, other: Extent) -> Extent:
        return add(self, other)

    __radd__ = __add__

    def __sub__(self, other: Extent) -> Extent:
        return subtract(self, other)

    def __rsub__(self, other: int) -> Extent:
        return subtract(other, self)

    def __mul__(self, other: Extent) -> Extent:
        return multiply(self, other)

    __rmul__ = __mul__

    def __floordiv__(self, other: Extent) -> Extent:
        return divide(self, other)

    def __rfloordiv__(self, other: int) -> Extent:
        return divide(other, self)

    def __mod__(self, other: Extent) -> Extent:
        return remainder(self, other)

    def __rmod__(self, other: int) -> Extent:
        return remainder(other, self)

    def __str__(self) -> str:
        return self.symbol or f"{self.kind}({', '.join(map(str, self.operands))})"


Extent = int | Size


def dimension(symbol: str, low: int = 1, high: int = MOST) -> Size:
    """The size of an input that is called `symbol`, from `low` to `high`."""
    return Size("dim", (), low, high, symbol)


def value_of(extent: Extent, symbols: Mapping[str, int]) -> int:
    """What an extent is when the symbols are these."""
    known: dict[Size, int] = {}

    def find(one: Extent) -> int:
        if isinstance(one, int):
            return one
        if one not in known:
            values = [find(operand) for operand in one.operands]
            known[one] = ARITHMETIC[one.kind](*values) if values else symbols[one.symbol]
        return known[one]

    return find(extent)


def integers(extents: Sequence[Extent]) -> tuple[int, ...] | None:
    """The extents, if all of them are known."""
    known = tuple(extent for extent in extents if isinstance(extent, int))
    return known if len(known) == len(extents) else None


def bounds(extent: Extent) -> tuple[int, int]:
    """The least and the greatest value that it can have."""
    return (extent, extent) if isinstance(extent, int) else (extent.low, extent.high)


def _made(kind: str, a: Extent, b: Extent) -> Extent:
    """The expression; its bounds are the extremes of what the operands' bounds give."""
    low, high = {"mod": (0, bounds(b)[1] - 1), "equal": (0, 1), "less": (0, 1)}.get(kind, (0, 0))
    if high == 0:
        least = 1 if kind == "div" else bounds(b)[0]
        corners = [ARITHMETIC[kind](x, max(y, least)) for x in bounds(a) for y in bounds(b)]
        low, high = min(corners), max(corners)
    return low if low == high else Size(kind, (a, b), low, high)


def add(a: Extent, b: Extent) -> Extent:
    """a + b"""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    if b == 0:
        return a
    if isinstance(a, Size) and a.kind == "add" and isinstance(a.operands[1], int) and isinstance(b, int):
        return add(a.operands[0], a.operands[1] + b)
    return _made("add", a, b)


def subtract(a: Extent, b: Extent) -> Extent:
    """a - b"""
    (a, plus), (b, minus) = _constant_apart(a), _constant_apart(b)
    if b == 0:
        return add(a, plus - minus)
    return plus - minus if a == b else add(_made("sub", a, b), plus - minus)


def _constant_apart(extent: Extent) -> tuple[Extent, int]:
    """An extent as one without a constant that is added, and this."""
    if isinstance(extent, int):
        return 0, extent
    last = extent.operands[-1] if extent.kind == "add" else None
    return (extent.operands[0], last) if isinstance(last, int) else (extent, 0)


def multiply(a: Extent, b: Extent) -> Extent:
    """a * b"""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if b in (0, 1):
        return a if b == 1 else 0
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Size) and one.kind == "mul" and isinstance(one.operands[1], int):
            if isinstance(other, int):
                return multiply(one.operands[0], one.operands[1] * other)
            return multiply(multiply(one.operands[0], other), one.operands[1])
    return _made("mul", a, b)


def divide(a: Extent, b: Extent) -> Extent:
    """a // b, for a that is not negative and b that is positive."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if a == b or b == 1:
        return 1 if a == b else a
    if isinstance(a, Size) and isinstance(b, int):
        first, second = a.operands or (a, a)
        if a.kind == "mul" and isinstance(second, int) and second % b == 0:
            return multiply(first, second // b)
        if a.kind == "mul" and isinstance(second, int) and b % second == 0:
            return divide(first, b // second)
        if a.kind == "div" and isinstance(second, int):
            return divide(first, second * b)
    return _made("div", a, b)


def remainder(a: Extent, b: Extent) -> Extent:
    """a % b, for a that is not negative and b that is positive."""
    if a == b:
        return 0
    return a % b if isinstance(a, int) and isinstance(b, int) else _made("mod", a, b)


def larger(a: Extent, b: Extent) -> Extent:
    """max(a, b)"""
    if least_difference(a, b) >= 0:
        return a
    return b if least_difference(b, a) >= 0 else _made("max", a, b)


def smaller(a: Extent, b: Extent) -> Extent:
    """min(a, b)"""
    if least_difference(a, b) >= 0:
        return b
    return a if least_difference(b, a) >= 0 else _made("min", a, b)


def equal(a: Extent, b: Extent) -> Extent:
    """1 if a == b, else 0"""
    if a == b:
        return 1
    return 0 if max(least_difference(a, b), least_difference(b, a)) > 0 else _made("equal", a, b)


def less(a: Extent, b: Extent) -> Extent:
    """1 if a < b, else 0"""
    if least_difference(b, a) > 0:
        return 1
    return 0 if least_difference(a, b) >= 0 else _made("less", a, b)


def least_difference(a: Extent, b: Extent) -> int:
    """What a - b is at least."""
    (above, plus), (below, minus) = _constant_apart(a), _constant_apart(b)
    return plus - minus if above == below else bounds(a)[0] - bounds(b)[1]


def choose(condition: Extent, yes: Extent, no: Extent) -> Extent:
    """`yes` where the condition is 1, `no` where it is 0."""
    if isinstance(condition, int):
        return yes if condition else no
    return no + condition * (yes - no)


def rounded_up(a: Extent, b: int) -> Extent:
    """a / b, rounded up, for a that is not negative."""
    return (a + (b - 1)) // b


def product(extents: Sequence[Extent]) -> Extent:
    """All of them, multiplied."""
    return math.prod(extents, start=1)


def broadcast(first: Extent, second: Extent) -> Extent:
    """What two dimensions that go together give: the other one where one is 1."""
    for one, other in ((first, second), (second, first)):
        if one == 1 or one == other:
            return other
        if isinstance(one, int):
            return one
    return choose(equal(second, 1), first, second)
