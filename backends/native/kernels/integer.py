"""Products of integers: what a convolution or matrix product of quantised values is made of.

    sum of (x - zx) * sx * w * sw  =  sx * sw * (sum of x * w  -  zx * sum of w)

The sum of x * w is one of integers, and exact. It starts with the second term, which is known when the network is
compiled; only what comes out is scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of
from ..arithmetic import Arithmetic
from ..evaluation import Scalars
from ..group import Group
from ..kernel import Array
from ..text import Text

F32, I32 = 1 << 24, 1 << 31
"""Integers of smaller magnitude are exact."""


@dataclass(frozen=True)
class Integers:
    """The factors of an anchor that multiplies quantised data by constant quantised weights.

    data: what is stored in memory. zero_point, signed: of the data. weights: integers in the shape of the anchor's
    operand, of which `axis` goes along the output channels. zeros, scales: for each of these, the zero point of its
    weights and the scale of its sums.
    """

    data: ir.Value
    zero_point: int
    signed: bool
    weights: Array
    axis: int
    zeros: Array
    scales: Array

    @classmethod
    def of(cls, group: Group, data: ir.Value, weight: ir.Value, axis: int) -> Integers | None:
        """The factors of two operands of a group's anchor, if they are such; weights have scales along `axis` only."""
        first, second = _dequantised(group, data), _dequantised(group, weight)
        if first is None or second is None or first.input in group.inside:
            return None
        given, kept = (nn.quantization_parameters(op.input.type) for op in (first, second))
        stored = nn.constant_value(second.input)
        if given is None or kept is None or stored is None or nn.constant_value(first.input) is not None:
            return None
        if given.axis >= 0 or kept.axis not in (-1, axis) or stored.dtype != np.int8 or given.dtype.itemsize != 1:
            return None
        count = stored.shape[axis]
        zeros = np.broadcast_to(np.array(kept.zero_point, np.int32), count)
        scales = np.broadcast_to(np.array(kept.scale) * given.scale[0], count)
        return cls(first.input, given.zero_point[0], dtype_of(first.input).kind == "i", stored, axis, zeros, scales)

    @cached_property
    def largest(self) -> int:
        """What the magnitude of no sum exceeds, on its way either."""
        others = tuple(axis for axis in range(self.weights.ndim) if axis != self.axis)
        return int(np.abs(self.differences()).sum(others).max()) * (255 + abs(self.zero_point))

    def differences(self) -> Array:
        """The weights less their zero points."""
        zeros = np.expand_dims(self.zeros, [axis for axis in range(self.weights.ndim) if axis != self.axis])
        result: Array = self.weights.astype(np.int32) - zeros
        return result

    @cached_property
    def parts(self) -> tuple[Array, ...] | None:
        """The differences as one array of signed bytes, or the sum of two; None if that is not enough."""
        differences = self.differences()
        first = np.clip(differences, -128, 127)
        second = differences - first
        if second.max() > 127:
            return None
        return tuple(part.astype(np.int8) for part in ((first, second) if second.any() else (first,)))

    def starts(self, matrix: Array, offset: int = 0) -> Array:
        """What sums over the rows of a matrix of weights start with, if `offset` is added to all data."""
        sums: Array = matrix.sum(0, dtype=np.int32)
        return -(self.zero_point + offset) * sums


def _dequantised(group: Group, value: ir.Value) -> Any:
    """What dequantises a value inside a group."""
    op = value.owner.opview if value in group.inside else None
    return op if isinstance(op, nn.Dequantize) else None


def widened(text: Text, stored: str, lanes: int, signed: bool, element: str) -> str:
    """Bytes as f32 or i32."""
    scalars = Scalars(text, lanes)
    return Arithmetic(scalars, "i8", signed).convert(stored, Arithmetic(scalars, element))
