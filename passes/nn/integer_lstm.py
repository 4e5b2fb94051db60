"""Write LSTM layers of integers out, step by step: with integers, to the bit; or with the numbers they stand for.

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
from .decompose import plus, scalar
from .whole_numbers import exact_parts

STEP_LIMIT = 4096
"""Steps of the longest sequence that is written out."""
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


def _step_of(value: ir.Value, step: int) -> ir.Value:
    part = nn.Slice(value, starts=(step,), ends=(step + 1,), axes=(0,), steps=(1,)).output
    return nn.Squeeze(part, axes=(0,)).output


class _Layer:
    """A layer and its constants, all of which are known. What goes into gates are places in tables."""

    def __init__(self, op: nn.IntegerLstm, w: Array, r: Array, b: Array, p: Array | None) -> None:
        self.op, self.r, self.p = op, r, p
        self.known = op.evaluator_arguments
        self.names = GATES[1:] if op.input_forget else GATES
        self.hidden = static_shape(op.initial_c)[1]
        self.sigmoid = _constant(_table(fixed_point.sigmoid, GATE_BITS), np.int16)
        self.tanh = _constant(_table(fixed_point.tanh, GATE_BITS), np.int16)
        self.tanh_of_cell = _constant(_table(fixed_point.tanh, self.known["cell_bits"]), np.int16)
        sums = nn.Add(_sums(nn.StorageCast(op.x).output, self.known["x_zero_point"], w), _constant(b, np.int64)).output
        self.driven = _place(_limited(_multiplied(sums, self.known["w_factors"])))

    def run(self) -> list[ir.Value]:
        """y, y_h, y_c, as they are stored."""
        h, c = nn.StorageCast(self.op.initial_h).output, _cast(nn.StorageCast(self.op.initial_c).output, np.int32)
        outputs = []
        for step in range(static_shape(self.op.x)[0]):
            h, c = self.step(_step_of(self.driven, step), h, c)
            outputs.append(nn.Unsqueeze(h, axes=(0,)).output)
        return [nn.concat(outputs, 0), h, _cast(c, np.int16)]

    def step(self, now: ir.Value, h: ir.Value, c: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Bytes and i32 behind a step, from what its input gives for all gates, and the states before."""
        zero, bits = self.known["h_zero_point"], self.known["cell_bits"]
        kept = _multiplied(_sums(h, zero, self.r), self.known["r_factors"])
        places = _limited_place(nn.Add(now, kept).output)
        inputs, new = nn.Split(places, axis=1, sizes=((len(self.names) - 1) * self.hidden, self.hidden)).outputs
        before = self.opened(inputs, c)
        f = before["forget"]
        i = nn.Sub(scalar(fixed_point.HIGHEST, f), f).output if self.op.input_forget else before["input"]
        added = _divided(nn.Mul(i, self.looked_up(self.tanh, new)).output, 15 + bits)
        c = nn.Add(_divided(nn.Mul(f, c).output, 15), added).output
        c = _limited(c) if self.op.cell_clip is None else _limited(c, -self.op.cell_clip, self.op.cell_clip)
        o = (self.opened(inputs, c) if self.p is not None else before)["output"]
        product = nn.Mul(o, self.looked_up(self.tanh_of_cell, _place(_cast(c, np.int64)))).output
        result = plus(_multiplied(_cast(product, np.int64), self.known["h_factor"]), zero)
        return _cast(_limited(result, -128, 127), np.int8), c

    def opened(self, inputs: ir.Value, c: ir.Value) -> dict[str, ir.Value]:
        """What the gates with a sigmoid let through, if they see these cells."""
        if self.p is not None:
            wide = nn.concat([_cast(c, np.int64)] * (len(self.names) - 1), 1)
            seen = _multiplied(nn.Mul(wide, _constant(self.p, np.int64)).output, self.known["p_factors"])
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
    w, r, b, p = (nn.constant_value(value) for value in (op.w, op.r, op.b, op.p))
    unknown = w is None or r is None or b is None or (p is None and op.p is not None)
    if unknown or None in shape_of(op.x) or not 0 < (shape_of(op.x)[0] or 0) <= STEP_LIMIT:
        return NO_MATCH
    assert w is not None and r is not None and b is not None
    results = zip(_Layer(op, w, r, b, p).run(), op.operation.results, strict=True)
    return rewriter.replace(op, *(nn.StorageCast(stored, results=[value.type]).output for stored, value in results))


def _saturated(value: ir.Value) -> ir.Value:
    """Limited to what a number of 16 bits with 12 behind the point can be."""
    return nn.Clamp(value, min=-8.0, max=8.0 - 2.0**-12).output


@pattern(nn.IntegerLstm)
def unroll_as_reals(op: nn.IntegerLstm, rewriter: Rewriter) -> Match:
    """The same for machines that compute with floats only: states are rounded after every step, functions are not."""
    if None in shape_of(op.x) or not 0 < (shape_of(op.x)[0] or 0) <= STEP_LIMIT:
        return NO_MATCH
    x, w, r, h, c = (nn.Dequantize(value).output for value in (op.x, op.w, op.r, op.initial_h, op.initial_c))
    w, r = (nn.Transpose(weight, permutation=(1, 0)).output for weight in (w, r))
    names, hidden = GATES[1:] if op.input_forget else GATES, static_shape(op.initial_c)[1]
    peepholes: dict[str, ir.Value] = {}
    if op.p is not None:
        parts = nn.Split(nn.Dequantize(op.p).output, axis=0, sizes=(hidden,) * (len(names) - 1)).outputs
        peepholes = dict(zip(names, parts, strict=False))

    def gate(inputs: dict[str, ir.Value], name: str, cell: ir.Value) -> ir.Value:
        value = inputs[name]
        if name in peepholes:
            value = _saturated(nn.Add(value, nn.Mul(peepholes[name], cell).output).output)
        return nn.Sigmoid(value).output

    def rounded(value: ir.Value, like: ir.Value) -> ir.Value:
        ties = "away" if like == op.initial_c else None
        return nn.Dequantize(nn.Quantize(value, ties=ties, results=[like.type]).output).output

    driven = _saturated(nn.Add(nn.Matmul(x, w).output, _bias(op)).output)
    limit = None if op.cell_clip is None else op.cell_clip * _scales(op.initial_c)[0]
    outputs = []
    for step in range(static_shape(op.x)[0]):
        total = _saturated(nn.Add(_step_of(driven, step), nn.Matmul(h, r).output).output)
        parts = nn.Split(total, axis=1, sizes=(hidden,) * len(names)).outputs
        inputs = dict(zip(names, parts, strict=True))
        f = gate(inputs, "forget", c)
        i = nn.Sub(scalar(1, f), f).output if op.input_forget else gate(inputs, "input", c)
        c = nn.Add(nn.Mul(f, c).output, nn.Mul(i, nn.Tanh(inputs["cell"]).output).output).output
        c = rounded(c if limit is None else nn.Clamp(c, min=-limit, max=limit).output, op.initial_c)
        h = rounded(nn.Mul(gate(inputs, "output", c), nn.Tanh(c).output).output, op.initial_h)
        outputs.append(nn.Unsqueeze(h, axes=(0,)).output)
    results = zip((nn.concat(outputs, 0), h, c), op.operation.results, strict=True)
    return rewriter.replace(
        op, *(nn.Quantize(value, ties=None, results=[result.type]).output for value, result in results)
    )


def _scales(value: ir.Value) -> tuple[float, ...]:
    parameters = nn.quantization_parameters(value.type)
    assert parameters is not None
    return parameters.scale


def _bias(op: nn.IntegerLstm) -> ir.Value:
    """What the integers of the bias stand for."""
    scales = np.asarray(_scales(op.w), np.float32) * np.float32(_scales(op.x)[0])
    return nn.Mul(_cast(op.b, np.float32), _constant(scales, np.float32)).output
