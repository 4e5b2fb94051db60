"""Convolutions over any number of spatial dimensions."""

from ..mlir import ir
from ..ods import I64, F64Array, I64Array, Operand, Result, require
from ..tensors import Shape, shape_of, static_shape, tensor_type
from .base import NNOp, require_length, require_rank, require_same_elements
from .window import window_extents


class Conv(NNOp, name="conv"):
    """Convolution over N spatial dimensions.

        y[n, o, i] = bias[o] + sum over c, k of x[n, c, i * stride + k * dilation - padding_begin] * w[o, c, k]

    Input N x C x spatial, weight O x C/groups x kernel, bias O. `groups` splits input and output channels alike;
    depthwise is `groups == C`. `padding` holds all begins, then all ends. With `clamp` the result is limited to
    [low, high]. Source: ONNX Conv-22.
    """

    input: Operand
    weight: Operand
    bias: Operand | None
    output: Result
    strides: I64Array
    dilations: I64Array
    padding: I64Array
    groups: I64
    clamp: F64Array | None

    @property
    def kernel(self) -> Shape:
        """The spatial extents of the weight."""
        return shape_of(self.weight)[2:]

    def infer(self) -> ir.Type:
        require_convolution(self.input, self.weight, self.bias, self.groups, self.clamp)
        batch, channels, *sizes = shape_of(self.input)
        outputs, per_group, *kernel = static_shape(self.weight)
        require(
            channels is None or channels == per_group * self.groups,
            f"input has {channels} channels, weight expects {per_group} x {self.groups} groups",
        )
        require(outputs % self.groups == 0, f"{outputs} output channels do not split into {self.groups} groups")
        require_bias(self.bias, outputs)
        extents = window_extents(sizes, kernel, self.strides, self.dilations, self.padding)
        return tensor_type((batch, outputs, *extents), self.input)


class ConvTranspose(NNOp, name="conv_transpose"):
    """The gradient of a convolution with respect to its input, used to enlarge images.

        y[n, o, i * stride + k * dilation - padding_begin] += x[n, c, i] * w[c, o, k]   (then + bias[o])

    Input N x C x spatial, weight C x O/groups x kernel, bias O. Each spatial extent is
    (size - 1) * stride + output_padding + dilation * (kernel - 1) + 1 - padding_begin - padding_end.
    Source: ONNX ConvTranspose-22.
    """

    input: Operand
    weight: Operand
    bias: Operand | None
    output: Result
    strides: I64Array
    dilations: I64Array
    padding: I64Array
    output_padding: I64Array
    groups: I64
    clamp: F64Array | None

    def infer(self) -> ir.Type:
        require_convolution(self.input, self.weight, self.bias, self.groups, self.clamp)
        batch, channels, *sizes = shape_of(self.input)
        inputs, per_group, *kernel = static_shape(self.weight)
        rank = len(sizes)
        for name in ("strides", "dilations", "output_padding"):
            require_length(getattr(self, name), rank, name)
        require_length(self.padding, 2 * rank, "padding")
        for name, least in (("strides", 1), ("dilations", 1), ("output_padding", 0)):
            values = getattr(self, name)
            require(min(values) >= least, f"{name} {values} must be {'positive' if least else 'not negative'}")
        require(min(self.padding[:rank]) >= 0, f"padding {self.padding} must not begin with negative numbers")
        require(channels in (None, inputs), f"input has {channels} channels, weight expects {inputs}")
        require(inputs % self.groups == 0, f"{inputs} input channels do not split into {self.groups} groups")
        require_bias(self.bias, per_group * self.groups)
        extents = [
            None
            if size is None
            else (size - 1) * self.strides[i]
            + self.output_padding[i]
            + self.dilations[i] * (kernel[i] - 1)
            + 1
            - self.padding[i]
            - self.padding[rank + i]
            for i, size in enumerate(sizes)
        ]
        require(all(extent is None or extent > 0 for extent in extents), f"result extents {extents} are not positive")
        return tensor_type((batch, per_group * self.groups, *extents), self.input)


def require_convolution(
    input: ir.Value, weight: ir.Value, bias: ir.Value | None, groups: int, clamp: tuple[float, ...] | None
) -> None:
    """What both kinds of convolution demand of their operands."""
    require_same_elements(input, weight, bias)
    rank = len(shape_of(input))
    require(rank >= 3, f"input has rank {rank}, expected N x C x spatial dimensions")
    require_rank(weight, rank, "weight")
    require(None not in shape_of(weight), f"weight {weight.type} must have a static shape")
    require(groups > 0, f"groups is {groups}, expected a positive number")
    require(clamp is None or (len(clamp) == 2 and clamp[0] <= clamp[1]), f"clamp is {clamp}, expected (low, high)")


def require_bias(bias: ir.Value | None, channels: int) -> None:
    """A bias has one value an output channel."""
    require(
        bias is None or shape_of(bias) == (channels,),
        f"bias is {bias.type if bias is not None else None}, expected {channels} values",
    )
