"""From sums of integers to what is stored: the numbers that they stand for, or at once the integers of another type.

The sums s of an output channel stand for y = s * scale + bias, computed in f32 with one rounding. Where y is only
limited and then quantised (scale S, zero point Z), which is the usual case, the limits become integers and

    q = limit(round(s * (scale / S) + bias / S)) + Z

is what is computed: two roundings less than of what the operations say one by one. A bias that is a whole number of
`scale`, as those of quantised networks are, joins the sum as such:

    q = limit(round((s + bias / scale) * (scale / S))) + Z

whose only roundings are those of s + bias / scale to f32, if it has more than 24 bits, of the factor, and of the
product: XNNPACK, LiteRT's default, computes the same. The results differ from what the operations say one by one where
y / S is within a few ulp of a half, and there by one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Scalars
from ..group import Group
from ..kernel import Array, load, splat
from ..rounding import HALF, MAGIC, SMALL, rounded_away, rounded_to_even
from ..text import Index
from .epilogue import Epilogue
from .integer import I32
from .panels import constant_row


@dataclass(frozen=True)
class Requantization:
    """Limits and quantisation, to a type with one scale and of 8 bits, of an anchor's results with a bias.

    low, high: what results are limited to, in steps from the zero point; natural: which of them the type has anyway.
    """

    output: ir.Value
    bias: Array
    scale: float
    zero_point: int
    low: int
    high: int
    natural: tuple[bool, bool]
    away: bool

    @classmethod
    def of(
        cls, group: Group, start: ir.Value, axis: int, bias: Array, clamp: Sequence[float] | None
    ) -> Requantization | None:
        """What lies behind an anchor's result, if it is nothing but this; else None."""
        value, limits = start, [tuple(clamp or (-math.inf, math.inf))]
        while True:
            behind = [op for op in group.operations if value in list(op.operation.operands)]
            if len(behind) != 1 or value in group.results:
                return None
            (op,) = behind
            if isinstance(op, nn.Quantize):
                break
            if isinstance(op, nn.Relu):
                limits.append((0.0, math.inf))
            elif isinstance(op, nn.Clamp):
                limits.append((op.min, op.max))
            elif isinstance(op, nn.Add) and len(limits) == 1 and clamp is None:
                more = _row(op, value, axis)
                if more is None:
                    return None
                bias = bias + more
            else:
                return None
            value = op.operation.results[0]
        parameters = nn.quantization_parameters(op.output.type)
        assert parameters is not None
        if parameters.axis >= 0 or parameters.dtype.itemsize != 1 or op.ties == "outwards":
            return None
        low, high, away = -math.inf, math.inf, op.ties == "away"
        for least, most in limits:
            low, high = (min(max(bound, least), most) for bound in (low, high))
        zero_point, info = parameters.zero_point[0], np.iinfo(parameters.dtype)
        least, most = (int(nn.stored_number(op.output.type, bound, ties=op.ties or "even")) for bound in (low, high))
        natural = (least == info.min, most == info.max)
        return cls(
            op.output, bias, parameters.scale[0], zero_point, least - zero_point, most - zero_point, natural, away
        )

    @property
    def signed(self) -> bool:
        """Whether what is stored is."""
        return dtype_of(self.output).kind == "i"

    @property
    def upwards(self) -> bool:
        """Whether no negative number is rounded, except to be limited."""
        return self.away and self.low >= 0


def _row(op: nn.Add, value: ir.Value, axis: int) -> Array | None:
    """What an addition adds to a value, if that is one constant number for each index of an axis."""
    array = nn.constant_value(op.rhs if op.lhs == value else op.lhs)
    shape = static_shape(op.output)
    if array is None or shape != static_shape(value):
        return None
    whole = array.reshape((1,) * (len(shape) - array.ndim) + array.shape)
    if whole.size != whole.shape[axis]:
        return None
    return np.broadcast_to(whole.reshape(-1), shape[axis])


def _is_whole(numbers: Array) -> bool:
    """Whether f32 numbers are integers, but for their rounding."""
    return bool(np.all(np.abs(numbers - np.rint(numbers)) <= np.abs(numbers) * 2.0**-22))


class Rescaling:
    """Finishes sums of integers, of which there are `lanes` in a vector.

    behind: what would finish the numbers that they stand for. scales, bias: for each index of its axis, what sums are
    multiplied by, and what is added then. largest: what no sum's magnitude exceeds.
    """

    def __init__(self, behind: Epilogue, scales: Array, bias: Array | None, largest: int, lanes: int) -> None:
        self.text, self.axis, self.lanes = behind.kernel.text, behind.axis, lanes
        bias = np.zeros(scales.size) if bias is None else bias
        found = Requantization.of(behind.group, behind.anchor, behind.axis, bias, behind.clamp)
        self.requantization: Requantization | None = found
        self.behind, self.limited = behind, (False, False)
        self.whole = False
        if found is not None:
            self.behind = replace(behind, anchor=found.output, clamp=None)
            wholes = np.rint(found.bias / scales)
            self.whole = _is_whole(found.bias / scales) and largest + np.abs(wholes).max() < I32
            bias = found.bias / found.scale
            scales = scales.astype(np.float32) / np.float32(found.scale)
            small = largest * np.abs(scales).max() + np.abs(bias).max() < SMALL
            self.limited = (not (small and found.natural[0]), not (small and found.natural[1]))
            self.limits = behind.kernel.constant(np.array([found.low, found.high], np.float32))
            start = 0 if found.away else int(MAGIC.view(np.int32))
            self.zero_point = behind.kernel.constant(np.array([found.zero_point - start], np.int32))
            if self.whole:
                bias = wholes
            elif found.upwards and not any(self.limited):
                bias = bias + HALF
        arrays = (scales.astype(np.float32), bias.astype(np.int32 if self.whole else np.float32))
        rows = (constant_row(behind.kernel, array, lanes) for array in arrays)
        self.rows = [row for row in rows if row is not None]

    def roomy(self, lanes: int) -> bool:
        """Whether whole vectors fit into every buffer."""
        return self.behind.roomy(lanes)

    def store(self, values: Sequence[tuple[str, tuple[Index, ...]]], lanes: int, element: str = "i32") -> None:
        """Finish vectors of sums, i32 or f32, of which each begins at a place of the tensor (see `Epilogue.store`)."""
        starts = dict.fromkeys(place[self.axis] for _, place in values)
        rows = {start: [self._load(row, start) for row in self.rows] for start in starts}
        finished = [(self._finished(total, element, *rows[place[self.axis]]), place) for total, place in values]
        self.behind.store(finished, lanes, "f32" if self.requantization is None else "i8")

    def _load(self, row: tuple[str, Buffer], start: Index) -> str:
        return load(self.text, *row, self.text.index(start), self.lanes)

    def _finished(self, total: str, element: str, factor: str, summand: str) -> str:
        """What sums stand for: numbers, or integers that are stored."""
        scalars = Scalars(self.text, self.lanes)
        real = Arithmetic(scalars, "f32")
        sums = Arithmetic(scalars, element)
        if self.whole:
            summand = Arithmetic(scalars, "i32").convert(summand, sums)
            number = real.mul(sums.convert(sums.add(total, summand), real), factor)
        else:
            number = real.fma(sums.convert(total, real), factor, summand)
        return number if self.requantization is None else self._quantised(self.requantization, scalars, number)

    def _quantised(self, found: Requantization, scalars: Scalars, number: str) -> str:
        """Steps from 0 as what is stored: limited before they are rounded, or by what the type has anyway."""
        real, whole = Arithmetic(scalars, "f32"), Arithmetic(scalars, "i32")
        if self.limited[0]:
            number = real.at_least(number, self._one(self.limits, 0))
        if self.limited[1]:
            number = real.at_most(number, self._one(self.limits, 1))
        if not found.away:
            steps = rounded_to_even(scalars, number)
        elif not found.upwards:
            steps = rounded_away(scalars, number)
        else:
            if self.whole or any(self.limited):
                number = real.add(number, real.number(float(HALF)))
            steps = real.cast("arith.fptosi", number, whole)
        steps = whole.add(steps, self._one(self.zero_point, 0))
        if not all(self.limited):
            info = np.iinfo(dtype_of(found.output))
            steps = whole.minimum(whole.maximum(steps, whole.number(info.min)), whole.number(info.max))
        return whole.convert(steps, Arithmetic(scalars, "i8"))

    def _one(self, array: tuple[str, Buffer], index: int) -> str:
        """An element in every lane."""
        return splat(self.text, load(self.text, *array, self.text.index(index)), self.lanes, array[1].element)
