"""What the stack machines of all kmodel versions share: numbers on the stack, limits, errors with their place.

Numbers are Python ints, wrapped to 64 bits, and floats, rounded to float32 by whoever computes them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ExecutionError, KmodelError, KpucError
from .isa import Decoded
from .operands7 import kind_of

STEP_LIMIT = 10_000_000
FUNCTION_COST = 50
"""Steps that a tensor function counts as, besides one for each 1024 elements of its result."""
STACK_LIMIT = 65_536
DEPTH_LIMIT = 64
RANK_LIMIT = 32

CODING = {
    "I1": "<b", "I2": "<h", "I4": "<i", "I": "<q", "U1": "<B", "U2": "<H", "U4": "<I", "U": "<Q", "R4": "<f",
}  # fmt: skip
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
    "DIV": lambda a, b: float(np.divide(a, b)) if isinstance(a, float) else truncated(a, b),
    "DIV_U": lambda a, b: unsigned(a) // unsigned(b),
    "AND": lambda a, b: a & b,
    "OR": lambda a, b: a | b,
    "XOR": lambda a, b: a ^ b,
    "SHL": lambda a, b: a << (b & 63),
    "SHR": lambda a, b: a >> (b & 63),
    "SHR_U": lambda a, b: unsigned(a) >> (b & 63),
    "CLT": lambda a, b: int(a < b),
    "CLT_U": lambda a, b: int(unsigned(a) < unsigned(b)),
    "CLE": lambda a, b: int(a <= b),
    "CLE_U": lambda a, b: int(unsigned(a) <= unsigned(b)),
    "CEQ": lambda a, b: int(a == b),
    "CGE": lambda a, b: int(a >= b),
    "CGE_U": lambda a, b: int(unsigned(a) >= unsigned(b)),
    "CGT": lambda a, b: int(a > b),
    "CGT_U": lambda a, b: int(unsigned(a) > unsigned(b)),
    "CNE": lambda a, b: int(a != b),
}
FAULTS = (ValueError, TypeError, IndexError, KeyError, ArithmeticError, AttributeError, MemoryError, AssertionError)
"""What numpy and the kernels raise when operands do not fit."""


def unsigned(value: int) -> int:
    """The same 64 bits, read without a sign."""
    return value & (2**64 - 1)


def wrapped(value: int) -> int:
    """The signed value of the lower 64 bits."""
    return (value + 2**63) % 2**64 - 2**63


def truncated(a: int, b: int) -> int:
    """The quotient, rounded towards zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


@dataclass
class Budget:
    """Instructions left to a run, over all functions that it calls."""

    steps: int
    depth: int = 0


def converted(value: object, kind: str, coding: struct.Struct) -> int | float:
    """A number as CONV_<kind> makes it: wrapped to the size of an integer, rounded to float32.

    A float beyond 64 bits becomes their least number, as on x86; C leaves that open.
    """
    if not isinstance(value, int | float):
        raise ExecutionError("K0504", cause=f"{kind_of(value)} where a number is needed")
    if kind == "R4":
        return float(np.float32(value))
    if isinstance(value, float) and not -(2.0**63) <= value < 2.0**63:
        value = -(2**63)
    bits = 8 * coding.size
    number: int = int(value) & (2**bits - 1)
    return number - 2**bits if kind.startswith("I") and number >> (bits - 1) else number


def where(function: int, one: Decoded) -> str:
    """The place of an instruction."""
    name = one.instruction.name if one.function is None else one.function.name
    return f"function {function}, byte {one.at}, {name}"


def fault(function: int, one: Decoded, error: Exception) -> ExecutionError:
    """The error of an instruction whose operands numpy or a kernel refused."""
    return ExecutionError("K0503", where=where(function, one), cause=f"the operands do not fit together: {error}")


def located(function: int, one: Decoded, error: KpucError) -> KpucError:
    """The error with the instruction it comes from, unless it says so already."""
    if error.where:
        return error
    kind = KmodelError if isinstance(error, KmodelError) else ExecutionError
    return kind(error.code, where=where(function, one), cause=error.cause, remedy=error.remedy)
