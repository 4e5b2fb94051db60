"""ONNX's MelWeightMatrix: which frequencies of a transform belong to which bin of the mel scale."""

import math
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import require
from ...dialects.tensors import Array, element_type
from .elementwise import cast_to
from .node import MOST_ELEMENTS, Node, Output, converter, mlir_element_type

SCALE, CORNER = 2595.0, 700.0
"""mel = SCALE * log10(1 + hertz / CORNER)"""
FREQUENCIES = (nn.Div, nn.Add, nn.Log, nn.Mul, nn.Sub, nn.Exp, nn.Floor)
TRIANGLES = (nn.Slice, nn.Equal, nn.Cast, nn.Maximum, nn.Minimum, nn.Clamp)


@converter("MelWeightMatrix", forms={"edges that are computed": (*FREQUENCIES, *TRIANGLES)})
def mel_weight_matrix(node: Node) -> Output:
    """Counts and the sample rate must be constant. A column is a triangle; the corners are evenly spaced in mel."""
    names = ("num_mel_bins", "dft_length", "sample_rate")
    count, length, rate = (int(node.constant_scalar(index, name)) for index, name in enumerate(names))
    require(min(count, length, rate) > 0, f"{count} bins, length {length} and rate {rate} must be positive")
    rows = length // 2 + 1
    require(rows * count < MOST_ELEMENTS, f"a matrix of {rows}x{count} is too large")
    lower, upper, rows_per_hertz = node.constant(3), node.constant(4), (length + 1) / rate
    if lower is None or upper is None:
        corners = _computed_corners(node, count, rows_per_hertz)
    else:
        corners = node.new_constant(_corners(lower.item(), upper.item(), count, rows_per_hertz), np.float32)
    low, middle, high = (
        _made(node, nn.Slice, corners, starts=(start,), ends=(start + count,), axes=(0,), steps=(1,))
        for start in range(3)
    )
    numbers = node.new_constant(np.arange(rows)[:, None], np.float32)
    rise = _side(node, _made(node, nn.Sub, numbers, low), _made(node, nn.Sub, middle, low))
    fall = _side(node, _made(node, nn.Sub, high, numbers), _made(node, nn.Sub, high, middle))
    weights = _made(node, nn.Clamp, _made(node, nn.Minimum, rise, fall), min=0.0, max=1.0)
    return cast_to(weights, mlir_element_type(node.attribute("output_datatype", 1)))


def _made(node: Node, op: Any, *operands: ir.Value, **attributes: Any) -> ir.Value:
    """The result of an operation; a constant if the operands are."""
    return node.builder.folded(op(*operands, **attributes).output)


def _corners(lower: float, upper: float, count: int, rows_per_hertz: float) -> Array:
    """The rows at which triangles begin, are highest, or end."""
    low, high = (SCALE * np.log10(1 + edge / CORNER) for edge in (lower, upper))
    mel = np.arange(count + 2) * ((high - low) / (count + 2)) + low
    rows: Array = np.floor(CORNER * (np.power(10, mel / SCALE) - 1) * rows_per_hertz)
    return rows


def _computed_corners(node: Node, count: int, rows_per_hertz: float) -> ir.Value:
    """The same, of edges that a run decides."""
    octave = SCALE / math.log(10)

    def number(value: float) -> ir.Value:
        return node.new_constant(value, np.float32)

    edges = (cast_to(node.input(index), element_type(np.float32)) for index in (3, 4))
    ratios = (nn.Add(nn.Div(edge, number(CORNER)).output, number(1)).output for edge in edges)
    low, high = (nn.Mul(nn.Log(ratio).output, number(octave)).output for ratio in ratios)
    parts = node.new_constant(np.arange(count + 2) / (count + 2), np.float32)
    mel = nn.Add(nn.Mul(parts, nn.Sub(high, low).output).output, low).output
    growth = nn.Sub(nn.Exp(nn.Div(mel, number(octave)).output).output, number(1)).output
    return nn.Floor(nn.Mul(growth, number(CORNER * rows_per_hertz)).output).output


def _side(node: Node, away: ir.Value, width: ir.Value) -> ir.Value:
    """From 0 at the foot of a side to 1, and more behind; a side of no width is 1 where it stands."""
    upright = _made(node, nn.Equal, width, node.like(0, width))
    step = _made(node, nn.Cast, upright, to=element_type(np.float32), saturate=True)
    height = _made(node, nn.Add, away, step)
    return _made(node, nn.Div, height, _made(node, nn.Maximum, width, step))
