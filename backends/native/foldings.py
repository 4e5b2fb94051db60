"""Ways to put the elements of a row together: sums, products, extremes, and where extremes are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arithmetic import Arithmetic
from .evaluation import Scalars
from .kernel import splat
from .rows import Registers
from .text import Text


@dataclass(frozen=True)
class Numbers:
    """What elements are computed as."""

    element: str
    signed: bool = True

    def arithmetic(self, text: Text, lanes: int) -> Arithmetic:
        """Operations on vectors of them."""
        return Arithmetic(Scalars(text, lanes), self.element, self.signed)

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest number."""
        if self.element[0] == "f":
            return -np.inf, np.inf
        bits = int(self.element[1:])
        return (-(1 << bits - 1), (1 << bits - 1) - 1) if self.signed else (0, (1 << bits) - 1)


@dataclass(frozen=True)
class Fold:
    """One associative operation on numbers: "add", "mul", "maximum", "minimum", or "at_least": the maximum of all that
    is a number."""

    operation: str
    numbers: Numbers

    def start(self, text: Text, lanes: int) -> Registers:
        """The neutral element."""
        low, high = self.numbers.limits
        neutral = {"add": 0, "mul": 1, "maximum": low, "at_least": low, "minimum": high}[self.operation]
        return (self.numbers.arithmetic(text, lanes).number(neutral),)

    def types(self, text: Text, lanes: int) -> Registers:
        """One register."""
        return (self.numbers.arithmetic(text, lanes).type,)

    def combine(self, text: Text, lanes: int, a: Registers, b: Registers) -> Registers:
        """Both together."""
        return (getattr(self.numbers.arithmetic(text, lanes), self.operation)(a[0], b[0]),)

    def horizontal(self, text: Text, lanes: int, a: Registers) -> Registers:
        """All lanes together, in any order."""
        vector, number = self.numbers.arithmetic(text, lanes), self.numbers.arithmetic(text, 1)
        if self.operation in ("add", "mul"):
            kind, order = self.operation, " fastmath<reassoc>" if vector.is_float else ""
        elif self.operation == "at_least" and vector.is_float:
            kind, order = "maxnumf", " fastmath<nnan>"
        else:
            sign = "imumf" if vector.is_float else "si" if vector.signed else "ui"
            kind, order = f"{self.operation[:3]}{sign}", ""
        return (text.let(f"vector.reduction <{kind}>, {a[0]}{order} : {vector.type} into {number.type}"),)


INDICES = Numbers("i32")


@dataclass(frozen=True)
class Search:
    """The largest (or smallest) number and its index: of equal ones the first, or with `last` the last."""

    largest: bool
    last: bool
    numbers: Numbers

    @property
    def _best(self) -> Fold:
        return Fold("maximum" if self.largest else "minimum", self.numbers)

    @property
    def _place(self) -> Fold:
        return Fold("maximum" if self.last else "minimum", INDICES)

    def start(self, text: Text, lanes: int) -> Registers:
        """A number and an index to which any others are preferred."""
        return (*self._best.start(text, lanes), *self._place.start(text, lanes))

    def types(self, text: Text, lanes: int) -> Registers:
        """Number and index."""
        return (*self._best.types(text, lanes), *self._place.types(text, lanes))

    def combine(self, text: Text, lanes: int, a: Registers, b: Registers) -> Registers:
        """The better one; of equal ones that of the preferred index."""
        numbers, indices = (kind.arithmetic(text, lanes) for kind in (self.numbers, INDICES))
        bit = Arithmetic(numbers.scalars, "i1", False)
        better = numbers.compare("gt" if self.largest else "lt", b[0], a[0])
        equal = numbers.compare("eq", b[0], a[0])
        preferred = indices.compare("gt" if self.last else "lt", b[1], a[1])
        taken = bit.apply("arith.ori", better, bit.apply("arith.andi", equal, preferred))
        return numbers.select(taken, b[0], a[0]), indices.select(taken, b[1], a[1])

    def horizontal(self, text: Text, lanes: int, a: Registers) -> Registers:
        """The best of all lanes, then the preferred index of those that hold it."""
        numbers, indices = (kind.arithmetic(text, lanes) for kind in (self.numbers, INDICES))
        (best,) = self._best.horizontal(text, lanes, a[:1])
        holds = numbers.compare("eq", a[0], splat(text, best, lanes, self.numbers.element))
        chosen = indices.select(holds, a[1], *self._place.start(text, lanes))
        return best, *self._place.horizontal(text, lanes, (chosen,))
