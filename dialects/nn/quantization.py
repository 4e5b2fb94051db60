"""Between real numbers and their quantised storage.

A quantised tensor's element type says everything: `!quant.uniform<u8:f32, 0.05:128>` stores q for (q - 128) * 0.05,
the per-axis form has a scale and zero point an entry of one dimension.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..mlir import ir, quant
from ..ods import I64Array, Operand, Result, Violation, require
from ..tensors import Array, Shape, dtype_of, shape_of, tensor_type
from .base import NNOp, compatible_shapes, normalize_axes

LEAST_SPAN = 1e-30
"""The least difference of extremes that `nn.round_dynamically` spreads steps over: 0, if all numbers are."""


@dataclass(frozen=True)
class QuantizationParameters:
    """What a quantised element type states; `axis` is -1 for one scale for all."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int
    dtype: np.dtype[Any]


def quantization_parameters(type_: ir.Type) -> QuantizationParameters | None:
    """The parameters in an element or tensor type, or None when it is not quantised."""
    if isinstance(type_, ir.ShapedType):
        type_ = type_.element_type
    if isinstance(type_, quant.UniformQuantizedPerAxisType):
        return QuantizationParameters(
            tuple(type_.scales), tuple(type_.zero_points), type_.quantized_dimension, dtype_of(type_)
        )
    if isinstance(type_, quant.UniformQuantizedType):
        return QuantizationParameters((type_.scale,), (type_.zero_point,), -1, dtype_of(type_))
    return None


def stored_number(type_: ir.Type, number: float, *, ties: str = "even") -> float:
    """The integer that stands for a number, or is nearest to it, in a type with one scale; in others, the number."""
    from ...runtime import kernels  # see `NNOp.evaluator`

    parameters = quantization_parameters(type_)
    if parameters is None:
        return number
    return float(kernels.quantize(np.asarray(number, np.float32), **vars(parameters), ties=ties))


def represented_number(type_: ir.Type, number: float) -> float:
    """The number nearest to another that a type with one scale has; in others, the number itself."""
    from ...runtime import kernels  # see `NNOp.evaluator`

    parameters = quantization_parameters(type_)
    if parameters is None:
        return number
    stored = np.asarray(stored_number(type_, number), parameters.dtype)
    return float(kernels.dequantize(stored, scale=parameters.scale, zero_point=parameters.zero_point, axis=-1))


def require_represented(type_: ir.Type, number: float, what: str) -> None:
    """A quantised type must have this number exactly."""
    if quantization_parameters(type_) is not None:
        nearest = represented_number(type_, number)
        require(np.float32(number) == np.float32(nearest), f"'{what}' is {number}, but next to it is {nearest}")


class Quantize(NNOp, name="quantize"):
    """q = saturate(round(x / scale) + zero_point); the result type holds the parameters.

    `ties` says where halves are rounded to: to `even` numbers, which is also what is done without it; `away` from the
    number zero; or `outwards`, away from the integer zero: q = saturate(round(x / scale + zero_point)).
    Source: ONNX QuantizeLinear-24.
    """

    input: Operand
    output: Result
    ties: Literal["even", "away", "outwards"] | None

    def verify(self) -> None:
        if quantization_parameters(self.output.type) is None:
            raise Violation(f"result {self.output.type} is not quantised")
        if shape_of(self.input) != shape_of(self.output):
            raise Violation(f"input {self.input.type} and result {self.output.type} differ in shape")

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        parameters = quantization_parameters(self.output.type)
        assert parameters is not None
        return {**vars(parameters), "ties": self.ties or "even"}


class Dequantize(NNOp, name="dequantize"):
    """x = (q - zero_point) * scale, as f32; the operand's type holds the parameters.

    Source: ONNX DequantizeLinear-24.
    """

    input: Operand
    output: Result

    def verify_elements(self, elements: ir.Type) -> None:
        """Any number of scales."""

    def infer(self) -> ir.Type:
        if quantization_parameters(self.input.type) is None:
            raise Violation(f"operand {self.input.type} is not quantised")
        return tensor_type(shape_of(self.input), "float32")

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        parameters = quantization_parameters(self.input.type)
        assert parameters is not None
        return {"scale": parameters.scale, "zero_point": parameters.zero_point, "axis": parameters.axis}


class RoundDynamically(NNOp, name="round_dynamically"):
    """Each number rounded to one of 256 that are evenly spaced between the extremes over `axes`, 0 included.

        f = 255 / (max - min);  z = round(-128 - min * f);  y = (clamp(round(x * f) + z, -128, 127) - z) / f

    TFLite does that to what goes into layers of which the weights alone are integers: dynamic range quantisation.
    """

    input: Operand
    output: Result
    axes: I64Array

    def infer(self) -> ir.Type:
        normalize_axes(self.axes, len(shape_of(self.input)))
        return self.input.type


class StorageCast(NNOp, name="storage_cast"):
    """Between a quantised tensor and the plain integers that store it; the bits stay.

    Without a stated result type a quantised operand becomes its storage. Source: upstream `quant.scast`.
    """

    input: Operand
    output: Result

    def verify_elements(self, elements: ir.Type) -> None:
        """Any number of scales."""

    def infer(self) -> ir.Type:
        if quantization_parameters(self.input.type) is None:
            return self.output.type
        return tensor_type(shape_of(self.input), dtype_of(self.input))

    def verify(self) -> None:
        stored, result = dtype_of(self.input), dtype_of(self.output)
        if stored != result or not compatible_shapes(shape_of(self.input), shape_of(self.output)):
            raise Violation(f"operand {self.input.type} and result {self.output.type} are not stored alike")

    @property
    def evaluator(self) -> Callable[..., Array]:
        return lambda stored: stored


def quantized_tensor_type(
    shape: Shape, scale: Sequence[float], zero_point: Sequence[int], axis: int, dtype: Any
) -> ir.RankedTensorType:
    """The tensor type of integers that stand for (q - zero_point) * scale; several scales go along `axis`."""
    dtype = np.dtype(dtype)
    info = np.iinfo(dtype)
    storage = ir.IntegerType.get_signless(dtype.itemsize * 8)
    flags = 1 if dtype.kind == "i" else 0
    expressed = ir.F32Type.get()
    if len(scale) == 1:
        elements = quant.UniformQuantizedType.get(
            flags, storage, expressed, float(scale[0]), int(zero_point[0]), info.min, info.max
        )
    else:
        elements = quant.UniformQuantizedPerAxisType.get(
            flags, storage, expressed, list(scale), list(zero_point), axis, info.min, info.max
        )
    return tensor_type(shape, elements)
