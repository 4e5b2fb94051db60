"""How activation and other transcendental functions are written.

Every one computes what the kernel of its name in `runtime.kernels` does.
"""

from __future__ import annotations

import math

from ...dialects import nn
from . import elementary
from .arithmetic import Arithmetic
from .elementary import Function
from .expressions import Formula, formula


def _function(write: Function) -> Formula:
    return lambda a, op, x: write(a, x)


for _op, _write in {
    nn.Exp: elementary.exp,
    nn.Log: elementary.log,
    nn.Tanh: elementary.tanh,
    nn.Sigmoid: elementary.sigmoid,
    nn.Softplus: elementary.softplus,
    nn.Erf: elementary.erf,
    nn.Sinh: elementary.sinh,
    nn.Cosh: elementary.cosh,
    nn.Sin: elementary.sin,
    nn.Cos: elementary.cos,
    nn.Tan: elementary.tan,
    nn.Atan: elementary.atan,
    nn.Asin: elementary.asin,
    nn.Acos: elementary.acos,
    nn.Asinh: elementary.asinh,
    nn.Acosh: elementary.acosh,
    nn.Atanh: elementary.atanh,
}.items():
    formula(_op, floats=True)(_function(_write))


@formula(nn.Pow)
def pow(a: Arithmetic, op: nn.Pow, x: str, y: str) -> str:
    """x^y; of integers by f64."""
    if a.is_float:
        return elementary.pow(a, x, y)
    double = Arithmetic(a.scalars, "f64")
    return double.convert(elementary.pow(double, a.convert(x, double), a.convert(y, double)), a)


@formula(nn.Relu)
def relu(a: Arithmetic, op: nn.Relu, x: str) -> str:
    """max(x, 0)"""
    return a.at_least(x, a.number(0))


@formula(nn.LeakyRelu)
def leaky_relu(a: Arithmetic, op: nn.LeakyRelu, x: str) -> str:
    """x if x >= 0 else alpha * x"""
    return _if_positive(a, x, a.mul(x, a.number(op.alpha)))


@formula(nn.Prelu)
def prelu(a: Arithmetic, op: nn.Prelu, x: str, slope: str) -> str:
    """x if x >= 0 else slope * x"""
    return _if_positive(a, x, a.mul(x, slope))


def _if_positive(a: Arithmetic, x: str, otherwise: str) -> str:
    return a.select(a.compare("ge", x, a.number(0)), x, otherwise)


@formula(nn.Elu, floats=True)
def elu(a: Arithmetic, op: nn.Elu, x: str) -> str:
    """x if x >= 0 else alpha * (e^x - 1)"""
    return _elu(a, x, op.alpha)


@formula(nn.Selu, floats=True)
def selu(a: Arithmetic, op: nn.Selu, x: str) -> str:
    """gamma * (x if x > 0 else alpha * (e^x - 1))"""
    return a.mul(_elu(a, x, op.alpha), a.number(op.gamma))


def _elu(a: Arithmetic, x: str, alpha: float) -> str:
    return _if_positive(a, x, a.mul(elementary.expm1(a, a.at_most(x, a.number(0.0))), a.number(alpha)))


@formula(nn.Celu, floats=True)
def celu(a: Arithmetic, op: nn.Celu, x: str) -> str:
    """max(0, x) + min(0, alpha * (e^(x / alpha) - 1))"""
    zero, alpha = a.number(0.0), a.number(op.alpha)
    quotient = a.div(x, alpha)
    quotient = a.at_most(quotient, zero) if op.alpha > 0 else quotient
    return a.add(a.at_least(x, zero), a.at_most(a.mul(alpha, elementary.expm1(a, quotient)), zero))


@formula(nn.Gelu, floats=True)
def gelu(a: Arithmetic, op: nn.Gelu, x: str) -> str:
    """x / 2 * (1 + erf(x / sqrt(2))), or its `tanh` approximation."""
    if op.approximate == "tanh":
        cube = a.mul(a.mul(a.mul(x, a.number(0.044715)), x), x)
        bell = elementary.tanh(a, a.mul(a.add(x, cube), a.number(math.sqrt(2 / math.pi))))
    else:
        bell = elementary.erf(a, a.mul(x, a.number(math.sqrt(0.5))))
    return a.mul(a.mul(x, a.number(0.5)), a.add(bell, a.number(1.0)))


@formula(nn.HardSigmoid)
def hard_sigmoid(a: Arithmetic, op: nn.HardSigmoid, x: str) -> str:
    """max(0, min(1, alpha * x + beta))"""
    return _ramp(a, x, op.alpha, op.beta)


@formula(nn.HardSwish)
def hard_swish(a: Arithmetic, op: nn.HardSwish, x: str) -> str:
    """x * max(0, min(1, x / 6 + 0.5))"""
    return a.mul(x, _ramp(a, x, 1 / 6, 0.5))


def _ramp(a: Arithmetic, x: str, slope: float, offset: float) -> str:
    line = a.add(a.mul(x, a.number(slope)), a.number(offset))
    return a.at_most(a.at_least(line, a.number(0)), a.number(1))


@formula(nn.Silu, floats=True)
def silu(a: Arithmetic, op: nn.Silu, x: str) -> str:
    """x * sigmoid(alpha * x)"""
    return a.mul(x, elementary.sigmoid(a, a.mul(x, a.number(op.alpha)) if op.alpha != 1 else x))


@formula(nn.Mish, floats=True)
def mish(a: Arithmetic, op: nn.Mish, x: str) -> str:
    """x * tanh(log(1 + e^x))"""
    return a.mul(x, elementary.tanh(a, elementary.softplus(a, x)))


@formula(nn.Softsign, floats=True)
def softsign(a: Arithmetic, op: nn.Softsign, x: str) -> str:
    """x / (1 + |x|)"""
    return a.div(x, a.add(a.abs(x), a.number(1.0)))


@formula(nn.ThresholdedRelu)
def thresholded_relu(a: Arithmetic, op: nn.ThresholdedRelu, x: str) -> str:
    """x if x > alpha else 0"""
    return a.select(_compared(a, "gt", x, op.alpha), x, a.number(0))


@formula(nn.Shrink)
def shrink(a: Arithmetic, op: nn.Shrink, x: str) -> str:
    """x + bias below -lambd, x - bias above lambd, else 0."""
    bias = a.number(op.bias)
    above = a.select(_compared(a, "gt", x, op.lambd), a.sub(x, bias), a.number(0))
    return a.select(_compared(a, "lt", x, -op.lambd), a.add(x, bias), above)


def _compared(a: Arithmetic, predicate: str, x: str, bound: float) -> str:
    """Whether x is above or below a bound, which need not be a whole number."""
    if a.is_float:
        return a.compare(predicate, x, a.number(bound))
    double = Arithmetic(a.scalars, "f64")
    return double.compare(predicate, a.convert(x, double), double.number(bound))


@formula(nn.Clamp)
def clamp(a: Arithmetic, op: nn.Clamp, x: str) -> str:
    """min(max(x, low), high); for integers the bounds are limited to what the type holds."""
    low, high = (op.evaluator_arguments[name] for name in ("min", "max"))
    if not a.is_float:
        least, most = (-(2 ** (a.bits - 1)), 2 ** (a.bits - 1) - 1) if a.signed else (0, 2**a.bits - 1)
        low = least if low <= least else math.ceil(low)
        high = most if high >= most else math.floor(high)
    return a.at_most(a.at_least(x, a.number(low)), a.number(high))
