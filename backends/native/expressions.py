"""How functions of one, two or three elements are written: arithmetic, comparisons, logic, choices, conversions.

Every one computes what the kernel of its name in `runtime.kernels` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...dialects import nn
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of
from ..unsupported import Unsupported
from .arithmetic import Arithmetic
from .evaluation import Expression, Scalars, expression

Formula = Callable[..., str]
"""An expression in terms of arithmetic on its operands: `formula(arithmetic, op, *operands)`."""


def formula(*ops: type[Op], floats: bool = False) -> Callable[[Formula], Formula]:
    """Register how operations are computed whose operands are of one type; f16 is computed in f32, and rounded once.

    A result of another type than the operands is a boolean. floats: other types raise `Unsupported`.
    """

    def register(write: Formula) -> Formula:
        expression(*ops)(_expression(write, floats))
        return write

    return register


def _expression(write: Formula, floats: bool) -> Expression:
    def written(scalars: Scalars, op: Any, operands: Sequence[str]) -> str:
        own = Arithmetic.of(scalars, dtype_of(op.operation.operands[0]))
        if floats and not own.is_float:
            raise Unsupported(f"is not defined on {op.operation.operands[0].type}")
        if own.element != "f16":
            return write(own, op, *operands)
        single = Arithmetic(scalars, "f32")
        result = write(single, op, *(own.convert(operand, single) for operand in operands))
        return result if dtype_of(op.output).kind == "b" else single.convert(result, own)

    return written


@formula(nn.Add)
def add(a: Arithmetic, op: nn.Add, x: str, y: str) -> str:
    """x + y; of booleans: or"""
    return a.apply("arith.ori", x, y) if a.element == "i1" else a.add(x, y)


@formula(nn.Sub)
def sub(a: Arithmetic, op: nn.Sub, x: str, y: str) -> str:
    """x - y"""
    return a.sub(x, y)


@formula(nn.Mul)
def mul(a: Arithmetic, op: nn.Mul, x: str, y: str) -> str:
    """x * y"""
    return a.mul(x, y)


@formula(nn.Div)
def div(a: Arithmetic, op: nn.Div, x: str, y: str) -> str:
    """x / y, of integers truncated; 0 where an integer is divided by zero."""
    return a.div(x, y) if a.is_float else _whole_quotient(a, x, y)


@formula(nn.FloorDiv)
def floor_div(a: Arithmetic, op: nn.FloorDiv, x: str, y: str) -> str:
    """floor(x / y); 0 where an integer is divided by zero."""
    if a.is_float:
        return a.apply("math.floor", a.div(x, y))
    quotient = _whole_quotient(a, x, y)
    if not a.signed:
        return quotient
    rest = a.sub(x, a.mul(quotient, y))
    lower = a.select(_opposed(a, rest, y), a.number(1), a.number(0))
    return a.select(a.compare("eq", y, a.number(0)), quotient, a.sub(quotient, lower))


@formula(nn.Mod)
def mod(a: Arithmetic, op: nn.Mod, x: str, y: str) -> str:
    """The remainder with the sign of y, or with `fmod` of x; 0 where an integer is divided by zero."""
    if a.is_float:
        rest = a.rem(x, y)
        if op.fmod:
            return rest
        shifted = a.select(_opposed(a, rest, y), a.add(rest, y), rest)
        zero = a.compare("eq", rest, a.number(0))
        return a.select(zero, a.copy_sign(rest, y), shifted)
    by_zero = a.compare("eq", y, a.number(0))
    rest = a.sub(x, a.mul(_whole_quotient(a, x, y), y))
    if a.signed and not op.fmod:
        rest = a.select(_opposed(a, rest, y), a.add(rest, y), rest)
    return a.select(by_zero, a.number(0), rest)


def _whole_quotient(a: Arithmetic, x: str, y: str) -> str:
    """x / y truncated, 0 by zero; the least number by -1 is itself. Processors trap on both."""
    zero, one = a.number(0), a.number(1)
    by_zero = a.compare("eq", y, zero)
    if not a.signed:
        return a.select(by_zero, zero, a.div(x, a.select(by_zero, one, y)))
    by_minus_one = a.compare("eq", y, a.number(-1))
    divisor = a.select(by_zero, one, a.select(by_minus_one, one, y))
    return a.select(by_zero, zero, a.select(by_minus_one, a.neg(x), a.div(x, divisor)))


def _opposed(a: Arithmetic, rest: str, y: str) -> str:
    """Whether a remainder that is not zero and its divisor are of different signs."""
    zero, bit = a.number(0), Arithmetic(a.scalars, "i1", False)
    differ = bit.apply("arith.xori", a.compare("lt", rest, zero), a.compare("lt", y, zero))
    return bit.apply("arith.andi", differ, a.compare("ne", rest, zero))


@formula(nn.Maximum)
def maximum(a: Arithmetic, op: nn.Maximum, x: str, y: str) -> str:
    """The larger of both."""
    return a.maximum(x, y)


@formula(nn.Minimum)
def minimum(a: Arithmetic, op: nn.Minimum, x: str, y: str) -> str:
    """The smaller of both."""
    return a.minimum(x, y)


@formula(nn.SquaredDifference)
def squared_difference(a: Arithmetic, op: nn.SquaredDifference, x: str, y: str) -> str:
    """(x - y)^2"""
    difference = a.sub(x, y)
    return a.mul(difference, difference)


@formula(nn.BitwiseAnd, nn.LogicalAnd)
def bitwise_and(a: Arithmetic, op: Any, x: str, y: str) -> str:
    """x & y"""
    return a.apply("arith.andi", x, y)


@formula(nn.BitwiseOr, nn.LogicalOr)
def bitwise_or(a: Arithmetic, op: Any, x: str, y: str) -> str:
    """x | y"""
    return a.apply("arith.ori", x, y)


@formula(nn.BitwiseXor, nn.LogicalXor)
def bitwise_xor(a: Arithmetic, op: Any, x: str, y: str) -> str:
    """x ^ y"""
    return a.apply("arith.xori", x, y)


@formula(nn.BitwiseNot, nn.LogicalNot)
def bitwise_not(a: Arithmetic, op: Any, x: str) -> str:
    """The bits inverted."""
    return a.apply("arith.xori", x, a.number(1 if a.element == "i1" else -1))


@formula(nn.ShiftLeft)
def shift_left(a: Arithmetic, op: nn.ShiftLeft, x: str, y: str) -> str:
    """x << y; 0 where the count is negative or that of the bits or more."""
    return a.select(_within(a, y), a.apply("arith.shli", x, y), a.number(0))


@formula(nn.ShiftRight)
def shift_right(a: Arithmetic, op: nn.ShiftRight, x: str, y: str) -> str:
    """x >> y; all bits the sign where the count is negative or that of the bits or more."""
    if a.signed:
        return a.apply("arith.shrsi", x, a.select(_within(a, y), y, a.number(a.bits - 1)))
    return a.select(_within(a, y), a.apply("arith.shrui", x, y), a.number(0))


def _within(a: Arithmetic, count: str) -> str:
    return Arithmetic(a.scalars, a.element, False).compare("lt", count, a.number(a.bits))


def _comparison(predicate: str) -> Formula:
    return lambda a, op, x, y: a.compare(predicate, x, y)


for _op, _predicate in {
    nn.Equal: "eq",
    nn.NotEqual: "ne",
    nn.Less: "lt",
    nn.LessEqual: "le",
    nn.Greater: "gt",
    nn.GreaterEqual: "ge",
}.items():
    formula(_op)(_comparison(_predicate))


@formula(nn.Abs)
def abs(a: Arithmetic, op: nn.Abs, x: str) -> str:
    """|x|"""
    return a.abs(x)


@formula(nn.Neg)
def neg(a: Arithmetic, op: nn.Neg, x: str) -> str:
    """-x"""
    return a.neg(x)


@formula(nn.Sign)
def sign(a: Arithmetic, op: nn.Sign, x: str) -> str:
    """-1, 0 or 1; NaN of NaN."""
    zero = a.number(0)
    positive = a.select(a.compare("gt", x, zero), a.number(1), x if a.is_float else zero)
    return a.select(a.compare("lt", x, zero), a.number(-1), positive) if a.signed else positive


def _rounding(operation: str) -> Formula:
    return lambda a, op, x: a.apply(operation, x) if a.is_float else x


for _op, _operation in {nn.Ceil: "math.ceil", nn.Floor: "math.floor", nn.Round: "math.roundeven"}.items():
    formula(_op)(_rounding(_operation))


@formula(nn.Reciprocal, floats=True)
def reciprocal(a: Arithmetic, op: nn.Reciprocal, x: str) -> str:
    """1 / x"""
    return a.div(a.number(1), x)


@formula(nn.Sqrt, floats=True)
def sqrt(a: Arithmetic, op: nn.Sqrt, x: str) -> str:
    """The square root."""
    return a.apply("math.sqrt", x)


@formula(nn.Rsqrt, floats=True)
def rsqrt(a: Arithmetic, op: nn.Rsqrt, x: str) -> str:
    """1 / sqrt(x)"""
    return a.div(a.number(1), a.apply("math.sqrt", x))


@formula(nn.Square)
def square(a: Arithmetic, op: nn.Square, x: str) -> str:
    """x * x"""
    return a.mul(x, x)


@formula(nn.IsNan)
def is_nan(a: Arithmetic, op: nn.IsNan, x: str) -> str:
    """Whether x is not a number."""
    return a.is_nan(x) if a.is_float else a.scalars.constant("false", "i1")


@formula(nn.IsInf)
def is_inf(a: Arithmetic, op: nn.IsInf, x: str) -> str:
    """Whether x is infinite, of a sign that counts."""
    if not a.is_float or not (op.detect_negative or op.detect_positive):
        return a.scalars.constant("false", "i1")
    if op.detect_negative and op.detect_positive:
        return a.compare("eq", a.abs(x), a.number(float("inf")))
    return a.compare("eq", x, a.number(float("inf" if op.detect_positive else "-inf")))


@expression(nn.Where)
def where(scalars: Scalars, op: nn.Where, operands: Sequence[str]) -> str:
    """x where the condition holds, else y."""
    return Arithmetic.of(scalars, dtype_of(op.x)).select(*operands)


@expression(nn.Bitcast)
def bitcast(scalars: Scalars, op: nn.Bitcast, operands: Sequence[str]) -> str:
    """The same bits; between integers and booleans, a conversion."""
    source, target = (Arithmetic.of(scalars, dtype_of(value)) for value in (op.input, op.output))
    if source.is_float == target.is_float:
        return source.convert(operands[0], target)
    return source.cast("arith.bitcast", operands[0], target)


@expression(nn.Cast)
def cast(scalars: Scalars, op: nn.Cast, operands: Sequence[str]) -> str:
    """Another type; floats lose what is behind the point, integers the bits that find no room."""
    source, target = (Arithmetic.of(scalars, dtype_of(value)) for value in (op.input, op.output))
    return source.convert(operands[0], target)
