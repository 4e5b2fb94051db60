"""Write LSTM layers of integers out, step by step: to the bit, or for machines that compute with floats only.

Functions of 16 bits are looked up in tables.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, shape_of, static_shape
from ...runtime.kernels import fixed_point
from ...runtime.kernels.integer_lstm import GATE_BITS, GATES
from ..rewriter import NO_MATCH, Match, Rewriter, pattern
from .integer_arithmetic import Arithmetic, Norm, Single, Whole, cast, constant, limited
from .scalars import plus, scalar

STEP_LIMIT = 4096
"""Steps of the longest sequence that is written out."""
WEIGHTS = ("w", "r", "b", "p", "projection", "projection_bias", "norms")
"""The operands that have to be known."""


def _place(value: ir.Value) -> ir.Value:
    """Where in tables the entries of numbers of 16 bits are."""
    return plus(value, -fixed_point.LOWEST)


def _limited_place(value: ir.Value) -> ir.Value:
    return limited(value, 0, fixed_point.HIGHEST - fixed_point.LOWEST)


@cache
def _table(function: Callable[[Array, int], Array], bits: int) -> Array:
    """What a function gives for all numbers of 16 bits."""
    return function(np.arange(fixed_point.LOWEST, fixed_point.HIGHEST + 1, dtype=np.int64), bits).astype(np.int16)


class _Layer:
    """A layer and its weights, all of which are known. What goes into gates are places in tables."""

    def __init__(self, op: nn.IntegerLstm, weights: dict[str, Array], arithmetic: Arithmetic) -> None:
        self.op, self.weights, self.arithmetic = op, weights, arithmetic
        self.known = op.evaluator_arguments
        self.names = GATES[1:] if op.input_forget else GATES
        self.hidden = static_shape(op.initial_c)[1]
        self.sigmoid = constant(_table(fixed_point.sigmoid, GATE_BITS), np.int16)
        self.tanh = constant(_table(fixed_point.tanh, GATE_BITS), np.int16)
        self.tanh_of_cell = constant(_table(fixed_point.tanh, self.known["cell_bits"]), np.int16)
        sums = self.sums(nn.StorageCast(op.x).output, "x", "w", "" if "norms" in weights else "b")
        self.driven = _place(limited(arithmetic.multiplied(sums, self.known["w_factors"])))

    def sums(self, stored: ir.Value, of: str, weight: str, bias: str = "") -> ir.Value:
        """The sums of products of bytes with all that is named."""
        result = self.arithmetic.sums(stored, self.known[f"{of}_zero_point"], self.weights[weight])
        if bias in self.weights:
            result = nn.Add(result, constant(self.weights[bias], self.arithmetic.number)).output
        return result

    def run(self) -> list[ir.Value]:
        """y, y_h, y_c, as they are stored."""
        h, c = (nn.StorageCast(value).output for value in (self.op.initial_h, self.op.initial_c))
        c = cast(c, self.arithmetic.number)
        outputs = []
        for step in range(static_shape(self.op.x)[0]):
            part = nn.Slice(self.driven, starts=(step,), ends=(step + 1,), axes=(0,), steps=(1,)).output
            h, c = self.step(nn.Squeeze(part, axes=(0,)).output, h, c)
            outputs.append(nn.Unsqueeze(h, axes=(0,)).output)
        return [nn.concat(outputs, 0), h, cast(c, np.int16)]

    def step(self, now: ir.Value, h: ir.Value, c: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Bytes and numbers behind a step, from what its input gives for all gates, and the states before."""
        multiplied, divided = self.arithmetic.multiplied, self.arithmetic.divided
        kept = multiplied(self.sums(h, "h", "r"), self.known["r_factors"])
        places = _limited_place(nn.Add(now, kept).output)
        inputs, new = nn.Split(places, axis=1, sizes=((len(self.names) - 1) * self.hidden, self.hidden)).outputs
        before = self.opened(inputs, c)
        f = before["forget"]
        i = nn.Sub(scalar(fixed_point.HIGHEST, f), f).output if self.op.input_forget else before["input"]
        added = divided(
            nn.Mul(i, self.looked_up(self.tanh, self.normalised(new, 1))).output, 15 + self.known["cell_bits"]
        )
        c = nn.Add(divided(nn.Mul(f, c).output, 15), added).output
        c = limited(c) if self.op.cell_clip is None else limited(c, -self.op.cell_clip, self.op.cell_clip)
        o = (self.opened(inputs, c) if "p" in self.weights else before)["output"]
        return self.projected(nn.Mul(o, self.looked_up(self.tanh_of_cell, _place(c))).output), c

    def opened(self, inputs: ir.Value, c: ir.Value) -> dict[str, ir.Value]:
        """What the gates with a sigmoid let through, if they see these cells."""
        if "p" in self.weights:
            wide, weight = nn.concat([c] * (len(self.names) - 1), 1), self.weights["p"]
            products = nn.Mul(wide, constant(weight, self.arithmetic.number)).output
            seen = self.arithmetic.multiplied(products, self.known["p_factors"])
            inputs = _limited_place(nn.Add(inputs, seen).output)
        count = len(self.names) - 1
        open_ = self.looked_up(self.sigmoid, self.normalised(inputs, count))
        return dict(zip(self.names, nn.Split(open_, axis=1, sizes=(self.hidden,) * count).outputs, strict=False))

    def normalised(self, places: ir.Value, count: int) -> ir.Value:
        """What goes into the functions of the first gates, or of the last one."""
        if "norms" not in self.weights:
            return places
        shape = len(self.names), self.hidden
        arrays = (self.weights["norms"], self.weights["b"], self.known["norm_factors"], self.known["norm_guards"])
        rows = slice(-1, None) if count == 1 else slice(0, count)
        norm = Norm(*(np.broadcast_to(array, shape[0] * shape[1]).reshape(shape)[rows] for array in arrays))
        return _place(self.arithmetic.normalised(plus(places, fixed_point.LOWEST), norm))

    def looked_up(self, table: ir.Value, places: ir.Value) -> ir.Value:
        """Entries of a table."""
        found = nn.Gather(table, cast(places, self.arithmetic.place), axis=0, batch_dims=0).output
        return cast(found, self.arithmetic.number)

    def projected(self, products: ir.Value) -> ir.Value:
        """The bytes of hidden states, of what the output gate lets through."""
        multiplied, as_bytes = self.arithmetic.multiplied, self.arithmetic.as_bytes
        h = plus(multiplied(products, self.known["hidden_factor"]), self.known["hidden_zero_point"])
        if "projection" in self.weights:
            sums = self.sums(as_bytes(limited(h, -128, 127)), "hidden", "projection", "projection_bias")
            h = plus(multiplied(sums, self.known["projection_factors"]), self.known["h_zero_point"])
        clip = self.known["projection_clip"]
        return as_bytes(limited(h, -128, 127) if clip is None else limited(h, -clip, clip))


def _unrolled(op: nn.IntegerLstm, arithmetic: Arithmetic, rewriter: Rewriter) -> Match:
    given = {name: getattr(op, name) for name in WEIGHTS if getattr(op, name) is not None}
    weights = {name: array for name, value in given.items() if (array := nn.constant_value(value)) is not None}
    steps = shape_of(op.x)[0] or 0
    if len(weights) < len(given) or None in shape_of(op.x) or not 0 < steps <= STEP_LIMIT:
        return NO_MATCH
    results = zip(_Layer(op, weights, arithmetic).run(), op.operation.results, strict=True)
    return rewriter.replace(op, *(nn.StorageCast(stored, results=[value.type]).output for stored, value in results))


@pattern(nn.IntegerLstm)
def unroll_integer_lstm(op: nn.IntegerLstm, rewriter: Rewriter) -> Match:
    """h, c of every step from those of the step before, to the bit."""
    return _unrolled(op, Whole(), rewriter)


@pattern(nn.IntegerLstm)
def unroll_integer_lstm_as_floats(op: nn.IntegerLstm, rewriter: Rewriter) -> Match:
    """The same, but for roundings, where nothing but floats is computed with."""
    return _unrolled(op, Single(), rewriter)
