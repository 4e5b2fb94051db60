"""Write LSTM layers of integers out, step by step, so that they compute the same to the bit.

In f32 integers up to 2^24 are exact: sums of products are computed there, which most machines do fastest. All else is
i64 or i32. Functions of 16 bits are looked up in tables.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, element_type, shape_of, static_shape
from ...runtime.kernels import fixed_point
from ...runtime.kernels.integer_lstm import GATE_BITS, GATES
from ..rewriter import NO_MATCH, Match, Rewriter, pattern
from .scalars import plus, scalar
from .whole_numbers import exact_parts

STEP_LIMIT = 4096
"""Steps of the longest sequence that is written out."""
WEIGHTS = ("w", "r", "b", "p", "projection", "projection_bias")
BYTE = 255
"""The largest difference of a byte and a zero point."""


def _constant(array: Array, dtype: type[np.generic]) -> ir.Value:
    return nn.Constant(value=np.ascontiguousarray(array, dtype)).output


def _cast(value: ir.Value, dtype: object) -> ir.Value:
    return nn.Cast(value, to=element_type(dtype), saturate=True).output


def _real(stored: ir.Value, zero_point: int = 0) -> ir.Value:
    """Bytes less a zero point, as f32."""
    type_ = nn.quantized_tensor_type(shape_of(stored), (1.0,), (zero_point,), -1, np.int8)
    return nn.Dequantize(nn.StorageCast(stored, results=[type_]).output).output


def _sums(stored: ir.Value, zero_point: int, weight: Array) -> ir.Value:
    """The sums of products of bytes with the rows of a weight, as i64; in parts whose sums f32 holds."""
    total = None
    rank = len(shape_of(stored))
    parts = exact_parts(np.abs(weight.astype(np.int64)), BYTE)
    for begin, end in parts:
        part = stored
        if len(parts) > 1:
            part = nn.Slice(stored, starts=(begin,), ends=(end,), axes=(rank - 1,), steps=(1,)).output
        matrix = _real(_constant(weight[:, begin:end].T, np.int8))
        product = _cast(nn.Matmul(_real(part, zero_point), matrix).output, np.int64)
        total = product if total is None else nn.Add(total, product).output
    assert total is not None, "a weight has columns"
    return total


def _multiplied(value: ir.Value, factor: Array) -> ir.Value:
    """i64 times factors: `fixed_point.multiplied`."""
    scaled, exponents = fixed_point.multiplier(factor)
    product = nn.Mul(value, _constant(scaled << np.maximum(exponents, 0), np.int64)).output
    above = 1 << 62  # so that what is divided is positive, and rounded down
    high = plus(nn.Div(plus(product, above + (1 << 30)), scalar(1 << 31, product)).output, -(above >> 31))
    shifts = np.maximum(-exponents, 0)
    most = int(shifts.max())
    if (shifts < most).any():
        high = nn.Mul(high, _constant(1 << (most - shifts), np.int64)).output
    return _divided(high, most)


def _divided(value: ir.Value, shift: int) -> ir.Value:
    """Integers / 2^shift, halves away from zero."""
    if shift == 0:
        return value
    half = 1 << shift >> 1
    below = nn.Less(value, scalar(0, value)).output
    away = nn.Where(below, scalar(-half, value), scalar(half, value)).output
    return nn.Div(nn.Add(value, away).output, scalar(1 << shift, value)).output


def _limited(value: ir.Value, low: int = fixed_point.LOWEST, high: int = fixed_point.HIGHEST) -> ir.Value:
    return nn.Clamp(value, min=float(low), max=float(high)).output


def _place(value: ir.Value) -> ir.Value:
    """Where in tables the entries of numbers of 16 bits are."""
    return plus(value, -fixed_point.LOWEST)


def _limited_place(value: ir.Value) -> ir.Value:
    return _limited(value, 0, fixed_point.HIGHEST - fixed_point.LOWEST)


@cache
def _table(function: Callable[[Array, int], Array], bits: int) -> Array:
    """What a function gives for all numbers of 16 bits."""
    return function(np.arange(fixed_point.LOWEST, fixed_point.HIGHEST + 1, dtype=np.int64), bits).astype(np.int16)


def step_of(value: ir.Value, step: int) -> ir.Value:
    """What belongs to a step, of a value with steps first."""
    part = nn.Slice(value, starts=(step,), ends=(step + 1,), axes=(0,), steps=(1,)).output
    return nn.Squeeze(part, axes=(0,)).output


class _Layer:
    """A layer and its weights, all of which are known. What goes into gates are places in tables."""

    def __init__(self, op: nn.IntegerLstm, weights: dict[str, Array]) -> None:
        self.op, self.weights, self.known = op, weights, op.evaluator_arguments
        self.names = GATES[1:] if op.input_forget else GATES
        self.hidden = static_shape(op.initial_c)[1]
        self.sigmoid = _constant(_table(fixed_point.sigmoid, GATE_BITS), np.int16)
        self.tanh = _constant(_table(fixed_point.tanh, GATE_BITS), np.int16)
        self.tanh_of_cell = _constant(_table(fixed_point.tanh, self.known["cell_bits"]), np.int16)
        sums = self.sums(nn.StorageCast(op.x).output, "x", "w", "b")
        self.driven = _place(_limited(_multiplied(sums, self.known["w_factors"])))

    def sums(self, stored: ir.Value, of: str, weight: str, bias: str = "") -> ir.Value:
        """The sums of products of bytes, as i64, with all that is named."""
        result = _sums(stored, self.known[f"{of}_zero_point"], self.weights[weight])
        return nn.Add(result, _constant(self.weights[bias], np.int64)).output if bias in self.weights else result

    def run(self) -> list[ir.Value]:
        """y, y_h, y_c, as they are stored."""
        h, c = nn.StorageCast(self.op.initial_h).output, _cast(nn.StorageCast(self.op.initial_c).output, np.int32)
        outputs = []
        for step in range(static_shape(self.op.x)[0]):
            h, c = self.step(step_of(self.driven, step), h, c)
            outputs.append(nn.Unsqueeze(h, axes=(0,)).output)
        return [nn.concat(outputs, 0), h, _cast(c, np.int16)]

    def step(self, now: ir.Value, h: ir.Value, c: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Bytes and i32 behind a step, from what its input gives for all gates, and the states before."""
        kept = _multiplied(self.sums(h, "h", "r"), self.known["r_factors"])
        places = _limited_place(nn.Add(now, kept).output)
        inputs, new = nn.Split(places, axis=1, sizes=((len(self.names) - 1) * self.hidden, self.hidden)).outputs
        before = self.opened(inputs, c)
        f = before["forget"]
        i = nn.Sub(scalar(fixed_point.HIGHEST, f), f).output if self.op.input_forget else before["input"]
        added = _divided(nn.Mul(i, self.looked_up(self.tanh, new)).output, 15 + self.known["cell_bits"])
        c = nn.Add(_divided(nn.Mul(f, c).output, 15), added).output
        c = _limited(c) if self.op.cell_clip is None else _limited(c, -self.op.cell_clip, self.op.cell_clip)
        o = (self.opened(inputs, c) if "p" in self.weights else before)["output"]
        product = nn.Mul(o, self.looked_up(self.tanh_of_cell, _place(_cast(c, np.int64)))).output
        return self.projected(_cast(product, np.int64)), c

    def projected(self, products: ir.Value) -> ir.Value:
        """The bytes of hidden states, of what the output gate lets through."""
        h = plus(_multiplied(products, self.known["hidden_factor"]), self.known["hidden_zero_point"])
        if "projection" in self.weights:
            sums = self.sums(_cast(_limited(h, -128, 127), np.int8), "hidden", "projection", "projection_bias")
            h = plus(_multiplied(sums, self.known["projection_factors"]), self.known["h_zero_point"])
        clip = self.known["projection_clip"]
        return _cast(_limited(h, -128, 127) if clip is None else _limited(h, -clip, clip), np.int8)

    def opened(self, inputs: ir.Value, c: ir.Value) -> dict[str, ir.Value]:
        """What the gates with a sigmoid let through, if they see these cells."""
        if "p" in self.weights:
            wide = nn.concat([_cast(c, np.int64)] * (len(self.names) - 1), 1)
            products = nn.Mul(wide, _constant(self.weights["p"], np.int64)).output
            seen = _multiplied(products, self.known["p_factors"])
            inputs = _limited_place(nn.Add(inputs, seen).output)
        sizes = (self.hidden,) * (len(self.names) - 1)
        parts = nn.Split(self.looked_up(self.sigmoid, inputs), axis=1, sizes=sizes).outputs
        return dict(zip(self.names, parts, strict=False))

    def looked_up(self, table: ir.Value, places: ir.Value) -> ir.Value:
        """Entries of a table, as i32."""
        return _cast(nn.Gather(table, places, axis=0, batch_dims=0).output, np.int32)


@pattern(nn.IntegerLstm)
def unroll_integer_lstm(op: nn.IntegerLstm, rewriter: Rewriter) -> Match:
    """h, c of every step from those of the step before, to the bit."""
    given = {name: getattr(op, name) for name in WEIGHTS if getattr(op, name) is not None}
    weights = {name: array for name, value in given.items() if (array := nn.constant_value(value)) is not None}
    if len(weights) < len(given) or not is_short(op):
        return NO_MATCH
    results = zip(_Layer(op, weights).run(), op.operation.results, strict=True)
    return rewriter.replace(op, *(nn.StorageCast(stored, results=[value.type]).output for stored, value in results))


def is_short(op: nn.IntegerLstm) -> bool:
    """Whether the shape is known, and there are not too many steps."""
    return None not in shape_of(op.x) and 0 < (shape_of(op.x)[0] or 0) <= STEP_LIMIT
