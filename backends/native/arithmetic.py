"""Arithmetic on numbers of one type, written as operations on registers: one number, or a vector of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .evaluation import Scalars

PREDICATES = {
    "eq": ("oeq", "eq", "eq"),
    "ne": ("une", "ne", "ne"),
    "lt": ("olt", "slt", "ult"),
    "le": ("ole", "sle", "ule"),
    "gt": ("ogt", "sgt", "ugt"),
    "ge": ("oge", "sge", "uge"),
}
"""Comparisons of floats, signed and unsigned integers; with NaN only `ne` holds."""


@dataclass(frozen=True)
class Arithmetic:
    """Operations on numbers of `element`; `signed` tells integers apart, and is true for floats.

    Values and results are names of registers that hold such numbers in every lane, conditions of `i1`.
    """

    scalars: Scalars
    element: str
    signed: bool = True

    @classmethod
    def of(cls, scalars: Scalars, dtype: np.dtype[np.generic]) -> Arithmetic:
        """Of the numbers that a dtype holds, booleans as `i1`."""
        if dtype.kind == "b":
            return cls(scalars, "i1", False)
        return cls(scalars, f"{'f' if dtype.kind == 'f' else 'i'}{dtype.itemsize * 8}", dtype.kind != "u")

    @property
    def is_float(self) -> bool:
        """Whether the numbers are floats."""
        return self.element.startswith("f")

    @property
    def bits(self) -> int:
        """Bits of a number."""
        return int(self.element[1:])

    @property
    def type(self) -> str:
        """The type of a register."""
        return self.scalars.type(self.element)

    def number(self, value: float) -> str:
        """A number in every lane."""
        if self.element == "i1":
            return self.scalars.constant("true" if value else "false", "i1")
        return self.scalars.constant(value if self.is_float else str(int(value)), self.element)

    def apply(self, operation: str, *values: str) -> str:
        """An operation whose operands and result are all of the type."""
        return self.scalars.let(f"{operation} {', '.join(values)}", self.element)

    def add(self, a: str, b: str) -> str:
        """a + b"""
        return self.apply("arith.addf" if self.is_float else "arith.addi", a, b)

    def sub(self, a: str, b: str) -> str:
        """a - b"""
        return self.apply("arith.subf" if self.is_float else "arith.subi", a, b)

    def mul(self, a: str, b: str) -> str:
        """a * b"""
        return self.apply("arith.mulf" if self.is_float else "arith.muli", a, b)

    def div(self, a: str, b: str) -> str:
        """a / b, of integers the whole part. Integers: b is not 0, nor -1 where a is the least of all."""
        return self.apply("arith.divf" if self.is_float else "arith.divsi" if self.signed else "arith.divui", a, b)

    def rem(self, a: str, b: str) -> str:
        """What is left of a / b, with the sign of a; integers as for `div`."""
        return self.apply("arith.remf" if self.is_float else "arith.remsi" if self.signed else "arith.remui", a, b)

    def fma(self, a: str, b: str, c: str) -> str:
        """a * b + c of floats, rounded once."""
        return self.apply("math.fma", a, b, c)

    def neg(self, a: str) -> str:
        """-a"""
        return self.apply("arith.negf", a) if self.is_float else self.sub(self.number(0), a)

    def abs(self, a: str) -> str:
        """|a|"""
        if self.is_float:
            return self.apply("math.absf", a)
        return self.apply("arith.maxsi", a, self.neg(a)) if self.signed else a

    def compare(self, predicate: str, a: str, b: str) -> str:
        """Whether a and b are so."""
        kind = 0 if self.is_float else 1 if self.signed else 2
        operation = f"arith.cmp{'f' if self.is_float else 'i'} {PREDICATES[predicate][kind]},"
        return self.scalars.let(f"{operation} {a}, {b}", self.element)

    def is_nan(self, a: str) -> str:
        """Whether a float is not a number."""
        return self.scalars.let(f"arith.cmpf uno, {a}, {a}", self.element)

    def select(self, condition: str, a: str, b: str) -> str:
        """a where the condition holds, else b."""
        types = f"{self.scalars.type('i1')}, {self.type}" if self.scalars.lanes > 1 else self.type
        return self.scalars.text.let(f"arith.select {condition}, {a}, {b} : {types}")

    def maximum(self, a: str, b: str) -> str:
        """The larger one; NaN when one is."""
        return self.apply("arith.maximumf" if self.is_float else "arith.maxsi" if self.signed else "arith.maxui", a, b)

    def minimum(self, a: str, b: str) -> str:
        """The smaller one; NaN when one is."""
        return self.apply("arith.minimumf" if self.is_float else "arith.minsi" if self.signed else "arith.minui", a, b)

    def at_least(self, a: str, bound: str) -> str:
        """The larger one of a number, which may be NaN, and a bound, which is not: a single instruction."""
        return self.select(self.compare("gt", bound, a), bound, a) if self.is_float else self.maximum(a, bound)

    def at_most(self, a: str, bound: str) -> str:
        """The smaller one of a number, which may be NaN, and a bound, which is not."""
        return self.select(self.compare("lt", bound, a), bound, a) if self.is_float else self.minimum(a, bound)

    def copy_sign(self, magnitude: str, sign: str) -> str:
        """The magnitude of one float with the sign of another."""
        return self.apply("math.copysign", magnitude, sign)

    def polynomial(self, x: str, coefficients: tuple[float, ...]) -> str:
        """The value at x of a polynomial, the highest power first."""
        result = self.number(coefficients[0])
        for coefficient in coefficients[1:]:
            result = self.fma(result, x, self.number(coefficient))
        return result

    def convert(self, value: str, to: Arithmetic) -> str:
        """A number as one of another type; integers wrap, floats round, of floats the whole part becomes an integer."""
        if (self.element, self.signed) == (to.element, to.signed) or (self.element == to.element and not to.is_float):
            return value
        if to.element == "i1":
            return self.compare("ne", value, self.number(0))
        if self.is_float and to.is_float:
            return self._resize(value, to)
        if not self.is_float and not to.is_float:
            narrower = to.bits < self.bits
            return self.cast("arith.trunci" if narrower else "arith.extsi" if self.signed else "arith.extui", value, to)
        if "f16" in (self.element, to.element):
            single = replace(self, element="f32", signed=True)
            return single.convert(self.convert(value, single), to)
        if to.is_float:
            return self.cast("arith.sitofp" if self.signed else "arith.uitofp", value, to)
        if to.bits == 64:
            return self.cast("arith.fptosi" if to.signed else "arith.fptoui", value, to)
        wide = Arithmetic(self.scalars, "i64")
        return wide.convert(self.cast("arith.fptosi", value, wide), to)

    def _resize(self, value: str, to: Arithmetic) -> str:
        if to.bits > self.bits:
            return self.cast("arith.extf", value, to)
        if (self.element, to.element) != ("f64", "f16"):
            return self.cast("arith.truncf", value, to)
        # To f32 first, with the last bit set where others are lost: the second rounding then sees on which side it is.
        wide, single = Arithmetic(self.scalars, "i64"), replace(self, element="f32")
        bits = self.cast("arith.bitcast", value, wide)
        lost = wide.apply("arith.andi", bits, wide.number((1 << 29) - 1))
        last = wide.select(wide.compare("eq", lost, wide.number(0)), wide.number(0), wide.number(1 << 29))
        bits = wide.apply("arith.ori", wide.apply("arith.xori", bits, lost), last)
        return single.cast(
            "arith.truncf", self.cast("arith.truncf", wide.cast("arith.bitcast", bits, self), single), to
        )

    def cast(self, operation: str, value: str, to: Arithmetic) -> str:
        """An operation that makes a number of one type one of another."""
        return self.scalars.text.let(f"{operation} {value} : {self.type} to {to.type}")
