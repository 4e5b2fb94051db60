"""What a converter sees of a TFLite operator, and the registry of converters.

Convolutions and their kin live in NHWC there and in NCHW here: `to_nchw` and `to_nhwc` put explicit transposes around
them, which canonicalisation removes again.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import tflite

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.extents import as_int64
from ...dialects.tensors import Array, Shape, dtype_of, shape_of
from ..builder import NetworkBuilder, Unsupported
from ..converter import Registry
from . import quantization
from .loader import Model, Operator, Tensor, guarded
from .state import States

Value: TypeAlias = ir.Value
Output: TypeAlias = Value | Sequence[Value]
Convert = Callable[["Node"], Output]

REGISTRY: Registry[Convert] = Registry()
STATE_LIMIT = 1 << 24
"""Elements of the largest variable."""
_EMPTY_TABLE = (bytes((4, 0, 4, 0, 4, 0, 0, 0)), 4)
"""A table without fields, behind its vtable of four bytes: what an operator without options has."""


converter = REGISTRY.converter


class Surroundings(Protocol):
    """What a converter sees of the network around its operator."""

    builder: NetworkBuilder
    model: Model
    states: States
    handles: dict[int, str]
    """The variable that each handle among the graph's tensors stands for."""
    imaginary: dict[int, Value]
    """The imaginary parts of those among the graph's tensors that hold complex numbers."""

    def call(self, graph: int, arguments: Sequence[Value]) -> list[Value]:
        """The results of another graph of the file for these arguments, its operations appended here."""

    def initialise(self, graph: int) -> None:
        """Take the first values of variables from a graph that assigns constants to them."""


class Node:
    """One TFLite operator with its inputs as values; absent ones are None. Quantised inputs are dequantised."""

    def __init__(
        self,
        surroundings: "Surroundings",
        operator: Operator,
        tensors: Sequence[Tensor | None],
        inputs: Sequence[Value | None],
        outputs: Sequence[Tensor],
        intermediates: Sequence[Tensor | None],
    ) -> None:
        self.surroundings, self.builder = surroundings, surroundings.builder
        self.tensors, self.inputs, self.outputs, self.intermediates = tensors, inputs, outputs, intermediates
        self.operator, self.table = operator.name, operator.table
        self.input_numbers, self.output_numbers = operator.inputs, operator.outputs

    def options(self, name: str, *fields: str) -> list[Any]:
        """Fields of the operator's options table, e.g. of `Conv2DOptions`; their defaults when there is none."""
        with guarded(self.builder.model):
            options = getattr(tflite, name)()
            first = hasattr(tflite.BuiltinOptions, name)
            union = self.table.BuiltinOptions() if first else self.table.BuiltinOptions2()
            options.Init(*(_EMPTY_TABLE if union is None else (union.Bytes, union.Pos)))
            return [getattr(options, field)() for field in fields]

    def vectors(self, name: str, *fields: str) -> list[tuple[int, ...]]:
        """Fields of the operator's options table that hold integers; an absent one has none."""
        arrays = self.options(name, *(f"{field}AsNumpy" for field in fields))
        return [tuple(array.tolist()) if isinstance(array, np.ndarray) else () for array in arrays]

    def input(self, index: int) -> Value:
        """An input that must be there."""
        value = self.optional(index)
        if value is None:
            raise Unsupported(f"input {index} is missing")
        return value

    def optional(self, index: int) -> Value | None:
        """An input, or None when it is absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    def whole(self, index: int) -> Value:
        """An input that must be there, a quantised one as such."""
        value = self.input(index)
        owner = value.owner.opview if isinstance(value, ir.OpResult) else None
        return owner.input if isinstance(owner, nn.Dequantize) else value

    def stored(self, index: int) -> Value:
        """An input that must be there, a quantised one as the integers that store it."""
        return quantization.stored(self.whole(index))

    def state(self, index: int) -> Value:
        """What a variable input holds before this operator; of a quantised one, the numbers that this stands for."""
        return quantization.real(self.whole_state(index))

    def whole_state(self, index: int) -> Value:
        """What a variable input holds before this operator, a quantised one as such."""
        tensor = self._variable(index)
        self.states.declare(tensor.name, _zeros(tensor))
        return self.states.read(tensor.name, tensor)

    def first_state(self, index: int) -> Value:
        """What a variable input holds in the beginning, as a constant; a quantised one as such."""
        tensor = self._variable(index)
        return quantization.quantise(self.new_constant(_zeros(tensor)), tensor)

    def update(self, index: int, value: Value) -> Value:
        """Give a variable input another value; as it can be read from there."""
        tensor = self._variable(index)
        with self.builder.node(tensor.name):
            kept = quantization.quantise(value, tensor)
            self.states.write(tensor.name, kept)
            return quantization.real(kept)

    def rounded_data(self, value: Value, axes: Sequence[int], place: int = 0) -> Value:
        """What the input at a place became, as LiteRT rounds real data before it multiplies it by integer weights.

        The weights are input 1. By default, that is: XNNPACK looks at the extremes over `axes`.
        """
        data, weight = self.tensors[place], self.tensors[1]
        if data is None or data.quantization is not None or weight is None or weight.data is None:
            return value
        is_hybrid = weight.dtype == "int8" and weight.quantization is not None
        return nn.RoundDynamically(value, axes=axes).output if is_hybrid else value

    def _variable(self, index: int) -> Tensor:
        tensor = self.tensors[index] if index < len(self.tensors) else None
        if tensor is None or not tensor.variable:
            raise Unsupported(f"input {index} is not a variable")
        if math.prod(tensor.shape) > STATE_LIMIT:
            raise Unsupported(
                f"variable '{tensor.name}' has {math.prod(tensor.shape)} elements, more than {STATE_LIMIT}"
            )
        return tensor

    @property
    def states(self) -> States:
        """The variables of the network."""
        return self.surroundings.states

    def constant(self, index: int) -> Array:
        """The elements of an input that has to be constant; of a quantised one, the numbers they stand for."""
        tensor = self.tensors[index] if index < len(self.tensors) else None
        array = tensor.reals if tensor is not None else None
        if array is None:
            array = nn.constant_value(self.optional(index))
        if array is None:
            raise Unsupported(f"input {index} is computed by the network; only constants are supported")
        return array

    def transposed(self, index: int, permutation: Sequence[int]) -> Value:
        """An input with its dimensions permuted; constants on the spot, quantised ones with their parameters."""
        tensor = self.tensors[index]
        if tensor is not None and tensor.data is not None:
            return quantization.real(quantization.constant(self.builder, tensor, permutation))
        return self.builder.folded(nn.Transpose(self.input(index), permutation=permutation).output)

    def ints(self, index: int) -> tuple[int, ...]:
        """The elements of a constant input as integers, whatever they stand for."""
        tensor = self.tensors[index] if index < len(self.tensors) else None
        array = self.constant(index) if tensor is None or tensor.data is None else tensor.data
        return tuple(int(item) for item in array.reshape(-1))

    def computed(self, index: int) -> Value | None:
        """An operand that is not constant, as i64; None for a constant one."""
        value = self.input(index)
        return as_int64(value) if nn.constant_value(value) is None else None

    def new_constant(self, array: Any, dtype: Any = None) -> Value:
        """A constant at this operator."""
        return self.builder.constant(np.asarray(array, dtype, order="C"))

    def like(self, number: float, value: Value) -> Value:
        """A scalar constant with the element type of `value`."""
        return self.builder.constant(np.asarray(number, dtype_of(value)))

    def shape(self, index: int = 0) -> Shape:
        """The shape of an input."""
        return shape_of(self.input(index))

    def rank(self, index: int = 0) -> int:
        """The rank of an input."""
        return len(self.shape(index))


def _zeros(tensor: Tensor) -> Array:
    """The number zero in all elements of a tensor, as it stores that."""
    zero = 0 if tensor.quantization is None else tensor.quantization.zero_point[0]
    return np.full(tensor.shape, zero, tensor.dtype)


def to_nchw(value: Value) -> Value:
    """Channels from the end to the second place."""
    rank = len(shape_of(value))
    return nn.Transpose(value, permutation=(0, rank - 1, *range(1, rank - 1))).output


def to_nhwc(value: Value) -> Value:
    """Channels from the second place to the end."""
    rank = len(shape_of(value))
    return nn.Transpose(value, permutation=(0, *range(2, rank), 1)).output


def activated(value: Value, activation: int) -> Value:
    """A value behind the activation that the operator has fused."""
    kinds = tflite.ActivationFunctionType
    if activation == kinds.NONE:
        return value
    if activation == kinds.RELU:
        return nn.Relu(value).output
    if activation in (kinds.RELU6, kinds.RELU_N1_TO_1):
        low, high = (0.0, 6.0) if activation == kinds.RELU6 else (-1.0, 1.0)
        return nn.Clamp(value, min=low, max=high).output
    if activation == kinds.TANH:
        return nn.Tanh(value).output
    raise Unsupported(f"fused activation {activation} is not supported")


def same_padding(
    sizes: Shape, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[int, ...]:
    """The padding (begins, then ends) of TFLite's SAME: the odd element goes to the end.

    Sizes must be known where strides are larger than 1.
    """
    totals = []
    for size, k, s, d in zip(sizes, kernel, strides, dilations, strict=True):
        known = size or 1  # any size is padded alike when every element starts a window
        totals.append(max((-(-known // s) - 1) * s + d * (k - 1) + 1 - known, 0))
    begins = [total // 2 for total in totals]
    return (*begins, *(total - begin for total, begin in zip(totals, begins, strict=True)))
