"""Layers as the chip computes them, in integers, and the way into its memory and out of it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..mlir import ir
from ..nn.quantization import quantization_parameters
from ..ods import I64, Bool, Operand, Operands, Result, Violation, require
from ..tensors import dtype_of, shape_of, static_shape, tensor_type
from .base import KPUOp, PoolName, layer_type, require_map

WEIGHT_ZERO = 128
"""The zero point that weights have unless another is better, as in the vendor's compilers always."""


def require_bytes(value: ir.Value, what: str) -> None:
    """The tensor must be quantised to unsigned bytes with one scale."""
    parameters = quantization_parameters(value.type)
    if parameters is None or parameters.dtype != np.uint8 or parameters.axis != -1:
        raise Violation(f"{what} is {value.type}, expected u8 with one scale")


def require_tables(weight: ir.Value, norm: ir.Value, lines: ir.Value) -> None:
    """What a layer computes with must be of the chip's types."""
    outputs = shape_of(weight)[0]
    if dtype_of(weight) != np.uint8:
        raise Violation(f"weight is {weight.type}, expected ui8")
    if shape_of(norm) != (outputs, 3):
        raise Violation(f"norm is {norm.type}, expected {outputs} x 3")
    if shape_of(lines) != (16, 4):
        raise Violation(f"lines are {lines.type}, expected 16 x 4")


class Transfer(KPUOp):
    """Base of the ways between the memories: the bytes stay."""

    input: Operand
    output: Result

    def infer(self) -> ir.Type:
        return self.input.type

    def verify(self) -> None:
        require_map(self.input, "input")
        require_bytes(self.input, "input")

    @property
    def evaluator(self) -> Callable[..., Any]:
        return lambda maps: maps


class Upload(Transfer, name="upload"):
    """A map from main memory into KPU memory; the bytes stay."""


class Download(Transfer, name="download"):
    """A map from KPU memory into main memory; the bytes stay."""


class Select(KPUOp, name="select"):
    """Channels `first` to `first + count` of a map, where they lie.

    `first` is a multiple of the channels that share a line, so that the channels are a map themselves.
    """

    input: Operand
    output: Result
    first: I64
    count: I64

    def infer(self) -> ir.Type:
        from ...runtime.kpu.layout import Layout  # only now, because most runs of nn-opt meet no map

        require_map(self.input, "input")
        batch, channels, height, width = static_shape(self.input)
        groups = Layout((batch, channels, height, width)).groups
        require(self.first % groups == 0, f"first is {self.first}, expected a multiple of {groups}")
        inside = 0 <= self.first < self.first + self.count <= channels
        require(inside, f"channels {self.first} to {self.first + self.count} are not among {channels}")
        return tensor_type((batch, self.count, height, width), self.input)

    @property
    def evaluator(self) -> Callable[..., Any]:
        return lambda maps, first, count: maps[:, first : first + count]


class Conv2D(KPUOp, name="conv2d"):
    """One layer, bit by bit as the chip computes it.

        acc = sum (x - zx) (w - weight_zero)          x outside of the map is zx, the first input's zero point
        v   = (acc * norm.mul >> norm.shift) + norm.add
        y   = saturate(round((v - line.start) * line.mul >> line.shift) + line.add), the last line with start < v

    and then the pooling. `weight` is ui8; `norm` has a row (mul, shift, add) a channel; `lines` are the 16 rows (start,
    mul, shift, add) of the activation table. Source: k210 module of kmodel v5.
    """

    inputs: Operands
    weight: Operand
    norm: Operand
    lines: Operand
    output: Result
    depthwise: Bool
    pool: PoolName
    weight_zero: I64

    @property
    def kernel(self) -> int:
        """1 or 3."""
        return shape_of(self.weight)[2] or 0

    @property
    def input_zero(self) -> int:
        """The zero point of the input, which is also what pads it."""
        parameters = quantization_parameters(self.inputs[0].type)
        assert parameters is not None
        return parameters.zero_point[0]

    def verify(self) -> None:
        for value in self.inputs:
            require_bytes(value, "input")
        require_bytes(self.output, "result")
        require(0 <= self.weight_zero <= 255, f"weight_zero is {self.weight_zero}, expected a byte")
        require_tables(self.weight, self.norm, self.lines)
        expected = layer_type(self.inputs, self.weight, self.depthwise, self.pool, self.output)
        if self.output.type != expected:
            raise Violation(f"result type is {self.output.type}, expected {expected}")

    @property
    def evaluator(self) -> Callable[..., Any]:
        from ...runtime.kernels.kpu import conv2d

        return conv2d

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        return {**super().evaluator_arguments, "input_zero": self.input_zero}
