"""Write LSTM layers of integers out with the numbers that these stand for, for machines that are fast with floats only.

What a layer stores is rounded as its integers are, in every step; functions are not approximated.
"""

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, element_type, shape_of, static_shape
from ...runtime.kernels.integer_lstm import GATES
from ..rewriter import NO_MATCH, Match, Rewriter, pattern
from .integer_lstm import is_short, step_of
from .scalars import scalar


def _parameters(value: ir.Value) -> nn.QuantizationParameters:
    parameters = nn.quantization_parameters(value.type)
    assert parameters is not None
    return parameters


def _turned(weight: ir.Value) -> ir.Value:
    return nn.Transpose(nn.Dequantize(weight).output, permutation=(1, 0)).output


def _saturated(value: ir.Value) -> ir.Value:
    """Limited to what a number of 16 bits with 12 behind the point can be."""
    return nn.Clamp(value, min=-8.0, max=8.0 - 2.0**-12).output


def _rounded(value: ir.Value, type_: ir.Type) -> ir.Value:
    ties = "away" if dtype_of(type_) == np.int16 else None
    return nn.Dequantize(nn.Quantize(value, ties=ties, results=[type_]).output).output


def _plus_integers(value: ir.Value, bias: ir.Value | None, weight: ir.Value, scale: float) -> ir.Value:
    """Plus a bias of integers, in the steps of products of a weight with numbers of a scale."""
    if bias is None:
        return value
    scales = np.asarray(_parameters(weight).scale, np.float32) * np.float32(scale)
    reals = nn.Cast(bias, to=element_type(np.float32), saturate=True).output
    return nn.Add(value, nn.Mul(reals, nn.Constant(value=scales).output).output).output


class _Layer:
    """A layer with the numbers that its weights stand for."""

    def __init__(self, op: nn.IntegerLstm) -> None:
        self.op, self.r = op, _turned(op.r)
        self.names = GATES[1:] if op.input_forget else GATES
        self.hidden = static_shape(op.initial_c)[1]
        x = _parameters(op.x).scale[0]
        driven = nn.Matmul(nn.Dequantize(op.x).output, _turned(op.w)).output
        self.driven = _saturated(_plus_integers(driven, op.b, op.w, x))
        self.peepholes: dict[str, ir.Value] = {}
        if op.p is not None:
            sizes = (self.hidden,) * (len(self.names) - 1)
            parts = nn.Split(nn.Dequantize(op.p).output, axis=0, sizes=sizes).outputs
            self.peepholes = dict(zip(self.names, parts, strict=False))

    def run(self) -> list[ir.Value]:
        """y, y_h, y_c."""
        h, c = (nn.Dequantize(value).output for value in (self.op.initial_h, self.op.initial_c))
        outputs = []
        for step in range(static_shape(self.op.x)[0]):
            h, c = self.step(step_of(self.driven, step), h, c)
            outputs.append(nn.Unsqueeze(h, axes=(0,)).output)
        return [nn.concat(outputs, 0), h, c]

    def step(self, now: ir.Value, h: ir.Value, c: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Both states behind a step."""
        total = _saturated(nn.Add(now, nn.Matmul(h, self.r).output).output)
        parts = nn.Split(total, axis=1, sizes=(self.hidden,) * len(self.names)).outputs
        inputs = dict(zip(self.names, parts, strict=True))
        f = self.gate(inputs, "forget", c)
        i = nn.Sub(scalar(1, f), f).output if self.op.input_forget else self.gate(inputs, "input", c)
        c = nn.Add(nn.Mul(f, c).output, nn.Mul(i, nn.Tanh(inputs["cell"]).output).output).output
        if self.op.cell_clip is not None:
            limit = self.op.cell_clip * _parameters(self.op.initial_c).scale[0]
            c = nn.Clamp(c, min=-limit, max=limit).output
        c = _rounded(c, self.op.initial_c.type)
        h = nn.Mul(self.gate(inputs, "output", c), nn.Tanh(c).output).output
        return _rounded(self.projected(h), self.op.initial_h.type), c

    def gate(self, inputs: dict[str, ir.Value], name: str, c: ir.Value) -> ir.Value:
        """What a gate with a sigmoid lets through."""
        seen = inputs[name]
        if name in self.peepholes:
            seen = _saturated(nn.Add(seen, nn.Mul(self.peepholes[name], c).output).output)
        return nn.Sigmoid(seen).output

    def projected(self, h: ir.Value) -> ir.Value:
        """Hidden states, of what the output gate lets through."""
        op, kept = self.op, _parameters(self.op.initial_h)
        if op.projection is None:
            return h
        type_ = nn.quantized_tensor_type(shape_of(h), (op.hidden_scale,), (op.hidden_zero_point,), -1, np.int8)
        result = nn.Matmul(_rounded(h, type_), _turned(op.projection)).output
        result = _plus_integers(result, op.projection_bias, op.projection, op.hidden_scale)
        if op.projection_clip is None:
            return result
        low, high = ((sign * op.projection_clip - kept.zero_point[0]) * kept.scale[0] for sign in (-1, 1))
        return nn.Clamp(result, min=low, max=high).output


@pattern(nn.IntegerLstm)
def unroll_rounded_lstm(op: nn.IntegerLstm, rewriter: Rewriter) -> Match:
    """h, c of every step from those of the step before, as real numbers that are rounded."""
    if not is_short(op):
        return NO_MATCH
    results = zip(_Layer(op).run(), op.operation.results, strict=True)
    return rewriter.replace(op, *(nn.Quantize(real, ties=None, results=[value.type]).output for real, value in results))
