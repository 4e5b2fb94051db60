"""Normalisation by the energy of neighbouring channels, computed element by element."""

from __future__ import annotations

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from .. import elementary
from ..arithmetic import Arithmetic
from ..evaluation import Evaluation, NotSideBySide, Point, Scalars, computation
from ..lowerings import lowers
from ..rowwise import numbers_of
from ..text import Index
from .pointwise import lower_pointwise


@computation(nn.Lrn)
def lrn(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """x / (bias + alpha / size * energy)^beta"""
    op = value.owner.opview
    if point.lanes > 1 and point.axis % len(point.indices) == 1:
        raise NotSideBySide
    own = Arithmetic.of(Scalars(evaluation.text, point.lanes), dtype_of(value))
    a = numbers_of(value).arithmetic(evaluation.text, point.lanes)
    base = a.fma(_energy(evaluation, op, point, own, a), a.number(op.alpha / op.size), a.number(op.bias))
    x = own.convert(evaluation.at(op.input, point), a)
    return a.convert(a.div(x, _power(a, base, op.beta)), own)


lowers(nn.Lrn)(lower_pointwise)


def _energy(evaluation: Evaluation, op: nn.Lrn, point: Point, own: Arithmetic, a: Arithmetic) -> str:
    """The sum of the squares of the channels around, of those that there are."""
    text, channels = evaluation.text, static_shape(op.input)[1]
    here, total = point.indices[1], a.number(0)
    for offset in range(-((op.size - 1) // 2), op.size // 2 + 1):
        channel, inside = _neighbour(evaluation, here, offset, channels)
        indices = (point.indices[0], channel, *point.indices[2:])
        x = own.convert(evaluation.at(op.input, point.moved(indices)), a)
        more = a.fma(x, x, total)
        total = more if inside is None else text.let(f"arith.select {inside}, {more}, {total} : {a.type}")
    return total


def _neighbour(evaluation: Evaluation, here: Index, offset: int, channels: int) -> tuple[Index, str | None]:
    """A channel beside another one: the nearest one that there is, and the condition that it is the one."""
    text = evaluation.text
    if offset == 0:
        return here, None
    if offset < 0:
        limited = text.maximum(here, -offset)
        inside = text.let(f"arith.cmpi uge, {text.index(here)}, {text.index(-offset)} : index")
    else:
        limited = text.minimum(here, max(channels - 1 - offset, 0))
        inside = text.let(f"arith.cmpi ult, {text.index(text.add(here, offset))}, {text.index(channels)} : index")
    return text.minimum(text.add(limited, offset) if offset > 0 else text.sub(limited, -offset), channels - 1), inside


def _power(a: Arithmetic, x: str, exponent: float) -> str:
    """x^exponent, by roots where these are enough."""
    if exponent in (0.5, 0.75):
        root = a.apply("math.sqrt", x)
        return root if exponent == 0.5 else a.mul(root, a.apply("math.sqrt", root))
    return x if exponent == 1 else elementary.pow(a, x, a.number(exponent))
