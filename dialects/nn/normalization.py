"""Normalisations with learned scale and bias."""

from ..mlir import ir
from ..ods import F64, I64, Operand, Result, require
from ..tensors import shape_of
from .base import NNOp, broadcast, normalize_axis, require_same_elements


def require_channels(input: ir.Value, *parameters: ir.Value) -> None:
    """Every parameter has one value a channel (dimension 1) of the input."""
    shape = shape_of(input)
    require(len(shape) >= 2, f"input is {input.type}, expected N x C x ...")
    for parameter in parameters:
        count = shape_of(parameter)
        require(
            len(count) == 1 and (None in (shape[1], count[0]) or count[0] == shape[1]),
            f"parameter is {parameter.type}, expected {shape[1]} values, one a channel",
        )


class BatchNorm(NNOp, name="batch_norm"):
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias, per channel.  Source: ONNX BatchNormalization-15."""

    input: Operand
    scale: Operand
    bias: Operand
    mean: Operand
    variance: Operand
    output: Result
    epsilon: F64

    def infer(self) -> ir.Type:
        require_channels(self.input, self.scale, self.bias, self.mean, self.variance)
        return self.input.type


class InstanceNorm(NNOp, name="instance_norm"):
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias; mean and variance of each channel of each sample.

    Source: ONNX InstanceNormalization-22.
    """

    input: Operand
    scale: Operand
    bias: Operand
    output: Result
    epsilon: F64

    def infer(self) -> ir.Type:
        require_channels(self.input, self.scale, self.bias)
        return self.input.type


class GroupNorm(NNOp, name="group_norm"):
    """As `instance_norm`, with mean and variance over groups of channels; scale and bias per channel.

    Source: ONNX GroupNormalization-21.
    """

    input: Operand
    scale: Operand
    bias: Operand
    output: Result
    num_groups: I64
    epsilon: F64

    def infer(self) -> ir.Type:
        require_channels(self.input, self.scale, self.bias)
        channels = shape_of(self.input)[1]
        require(
            self.num_groups > 0 and (channels is None or channels % self.num_groups == 0),
            f"{channels} channels do not split into {self.num_groups} groups",
        )
        return self.input.type


class LayerNorm(NNOp, name="layer_norm"):
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias, over the dimensions from `axis` on.

    Scale and bias broadcast to these dimensions. Source: ONNX LayerNormalization-17.
    """

    input: Operand
    scale: Operand
    bias: Operand | None
    output: Result
    axis: I64
    epsilon: F64

    def infer(self) -> ir.Type:
        require_same_elements(self.input, self.scale, self.bias)
        shape = shape_of(self.input)
        normalize_axis(self.axis, len(shape))
        for parameter in [value for value in (self.scale, self.bias) if value is not None]:
            fits = len(broadcast(shape, shape_of(parameter))) == len(shape)
            require(fits, f"{parameter.type} does not broadcast to {self.input.type}")
        return self.input.type


class RmsNorm(NNOp, name="rms_norm"):
    """y = x / sqrt(mean(x^2) + epsilon) * scale, over the dimensions from `axis` on.

    Source: ONNX RMSNormalization-23.
    """

    input: Operand
    scale: Operand
    output: Result
    axis: I64
    epsilon: F64

    def infer(self) -> ir.Type:
        require_same_elements(self.input, self.scale)
        normalize_axis(self.axis, len(shape_of(self.input)))
        return self.input.type
