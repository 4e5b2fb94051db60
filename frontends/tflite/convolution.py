"""Convolutions, pooling, resizing and matrix products."""

import math
import struct
from typing import Any

import tflite

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn import extents
from ...dialects.nn.extents import as_int64, dims_of, ints
from ...dialects.tensors import is_static, shape_of
from ..builder import Unsupported
from .loader import guarded
from .node import Node, Output, activated, converter, same_padding, to_nchw, to_nhwc

NO_PADDING = (0, 0, 0, 0)
HYBRID = {"real data, weights of 8 bits": nn.RoundDynamically}
"""Which form rounds its data, too."""


def _windows(
    node: Node,
    image: ir.Value,
    kind: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int] = (1, 1),
    fill: float = 0.0,
) -> tuple[ir.Value, tuple[int, ...]]:
    """What windows slide over, channels first, and its padding; of unknown sizes it is padded by computed amounts."""
    value, sizes = to_nchw(image), shape_of(image)[1:3]
    if kind != tflite.Padding.SAME:
        return value, NO_PADDING
    if all(size is not None or stride == 1 for size, stride in zip(sizes, strides, strict=True)):
        return value, same_padding(sizes, kernel, strides, dilations)
    begins, ends = extents.same_padding(dims_of(value, (2, 3)), kernel, strides, dilations)
    amounts = nn.concat([ints([0, 0]), begins, ints([0, 0]), ends], 0)
    return nn.DynamicPad(value, amounts, node.like(fill, value), None, mode="constant").output, NO_PADDING


def _channels(node: Node) -> int:
    """How many channels the input has, which says how they are grouped."""
    channels = node.shape()[3]
    if channels is None:
        raise Unsupported("the number of channels is not known", "give it with --shape")
    return channels


@converter("CONV_2D", builds=nn.Conv, forms=HYBRID)
def conv(node: Node) -> Output:
    names = ("StrideH", "StrideW", "DilationHFactor", "DilationWFactor", "Padding", "FusedActivationFunction")
    sh, sw, dh, dw, padding, activation = node.options("Conv2DOptions", *names)
    weight = node.transposed(1, (0, 3, 1, 2))
    _, per_group, kh, kw = shape_of(weight)
    channels = _channels(node)
    groups = channels // (per_group or 1)
    value, amounts = _windows(node, node.input(0), padding, (kh or 0, kw or 0), (sh, sw), (dh, dw))
    as_product = (kh, kw, sh, sw, groups) == (1, 1, 1, 1, 1)
    result = nn.Conv(
        node.rounded_data(value, (1,) if as_product else (1, 2, 3)),
        weight,
        node.optional(2),
        strides=(sh, sw),
        dilations=(dh, dw),
        padding=amounts,
        groups=groups,
    ).output
    return to_nhwc(activated(result, activation))


@converter("DEPTHWISE_CONV_2D", builds=nn.Conv, forms=HYBRID)
def depthwise_conv(node: Node) -> Output:
    names = ("StrideH", "StrideW", "DilationHFactor", "DilationWFactor", "Padding", "FusedActivationFunction")
    sh, sw, dh, dw, padding, activation = node.options("DepthwiseConv2DOptions", *names)
    weight = node.transposed(1, (3, 0, 1, 2))
    _, _, kh, kw = shape_of(weight)
    value, amounts = _windows(node, node.input(0), padding, (kh or 0, kw or 0), (sh, sw), (dh, dw))
    result = nn.Conv(
        node.rounded_data(value, (1, 2, 3)),
        weight,
        node.optional(2),
        strides=(sh, sw),
        dilations=(dh, dw),
        padding=amounts,
        groups=_channels(node),
    ).output
    return to_nhwc(activated(result, activation))


def _transposed(
    node: Node,
    data: int,
    bias: ir.Value | None,
    strides: tuple[int, int],
    padding: int,
    extents: tuple[int, int],
) -> ir.Value:
    """A transposed convolution of an input, whose result has the given height and width; weights are O x H x W x I."""
    kernel, value = node.transposed(1, (3, 0, 1, 2)), node.input(data)
    _, _, *spans = shape_of(kernel)
    sizes = shape_of(value)[1:3]
    if None in sizes:
        raise Unsupported("a transposed convolution needs known sizes", "give them with --shape")
    full = [((n or 0) - 1) * s + (k or 0) for n, s, k in zip(sizes, strides, spans, strict=True)]
    totals = [f - e if padding == tflite.Padding.SAME else 0 for f, e in zip(full, extents, strict=True)]
    begins = [max(total, 0) // 2 for total in totals]
    ends = [max(f - b - e, 0) for f, b, e in zip(full, begins, extents, strict=True)]
    extra = [max(e + b - f, 0) for f, b, e in zip(full, begins, extents, strict=True)]
    result = nn.ConvTranspose(
        node.rounded_data(to_nchw(value), (1, 2, 3), data),
        kernel,
        bias,
        strides=strides,
        dilations=(1, 1),
        padding=(*begins, *ends),
        output_padding=extra,
        groups=1,
    ).output
    return to_nhwc(result)


@converter("TRANSPOSE_CONV", builds=nn.ConvTranspose, forms=HYBRID)
def transpose_conv(node: Node) -> Output:
    sh, sw, padding, activation = node.options(
        "TransposeConvOptions", "StrideH", "StrideW", "Padding", "FusedActivationFunction"
    )
    _, height, width, _ = node.ints(0)
    result = _transposed(node, 2, node.optional(3), (sh, sw), padding, (height, width))
    return activated(result, activation)


@converter("CUSTOM Convolution2DTransposeBias", builds=nn.ConvTranspose)
def transpose_conv_bias(node: Node) -> Output:
    """MediaPipe's transposed convolution with bias; its options are padding (1 same, 2 valid), stride width, height."""
    with guarded(node.builder.model):
        padding, sw, sh = struct.unpack("<3i", bytes(node.table.CustomOptionsAsNumpy()))
    extents = node.outputs[0].shape[1:3]
    kind = tflite.Padding.SAME if padding == 1 else tflite.Padding.VALID
    return _transposed(node, 0, node.optional(2), (sh, sw), kind, (extents[0], extents[1]))


@converter(
    "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
    "L2_POOL_2D",
    builds={
        "MAX_POOL_2D": nn.MaxPool,
        "AVERAGE_POOL_2D": nn.AvgPool,
        "L2_POOL_2D": (nn.Square, nn.AvgPool, nn.Sqrt),
    },
)
def pool(node: Node) -> Output:
    names = ("FilterHeight", "FilterWidth", "StrideH", "StrideW", "Padding", "FusedActivationFunction")
    kh, kw, sh, sw, padding, activation = node.options("Pool2DOptions", *names)
    fill = -math.inf if node.operator == "MAX_POOL_2D" else 0.0
    value, amounts = _windows(node, node.input(0), padding, (kh, kw), (sh, sw), fill=fill)
    attributes: dict[str, Any] = {
        "kernel": (kh, kw),
        "strides": (sh, sw),
        "dilations": (1, 1),
        "padding": amounts,
        "ceil_mode": False,
    }

    def mean(of: ir.Value) -> ir.Value:
        average = nn.AvgPool(of, count_include_pad=False, **attributes).output
        if padding != tflite.Padding.SAME or amounts != NO_PADDING or is_static(node.input(0)):
            return average
        # what was padded by computed amounts does not count: the mean is divided by the share that is not padding
        ones = nn.DynamicExpand(node.like(1, value), dims_of(node.input(0), range(4))).output
        share, _ = _windows(node, ones, padding, (kh, kw), (sh, sw))
        return nn.Div(average, nn.AvgPool(share, count_include_pad=False, **attributes).output).output

    if node.operator == "MAX_POOL_2D":
        result = nn.MaxPool(value, **attributes).output
    elif node.operator == "AVERAGE_POOL_2D":
        result = mean(value)
    else:
        result = nn.Sqrt(mean(nn.Square(value).output)).output
    return to_nhwc(activated(result, activation))


@converter("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", builds=nn.Resize)
def resize(node: Node) -> Output:
    linear = node.operator == "RESIZE_BILINEAR"
    table = "ResizeBilinearOptions" if linear else "ResizeNearestNeighborOptions"
    align, half = node.options(table, "AlignCorners", "HalfPixelCenters")
    if align and half:
        raise Unsupported("aligned corners and half-pixel centres exclude each other", "choose one of them")
    value = to_nchw(node.input(0))
    shape = shape_of(value)
    coordinate = "align_corners" if align else "half_pixel" if half else "asymmetric"
    if half and not linear:
        coordinate = "tf_half_pixel_for_nn"
    how: dict[str, Any] = {
        "mode": "linear" if linear else "nearest",
        "coordinate": coordinate,
        "nearest_mode": "round_prefer_ceil" if align else "floor",
        "cubic_coeff_a": -0.75,
        "exclude_outside": False,
        "antialias": False,
    }
    known = nn.constant_ints(node.input(1))
    if None in shape or known is None:
        wanted = nn.concat([dims_of(value, (0, 1)), as_int64(node.input(1))], 0)
        return to_nhwc(nn.DynamicResize(value, wanted, scales=None, **how).output)
    sizes = (shape[0] or 0, shape[1] or 0, *known)
    scales = [size / (dim or 1) for size, dim in zip(sizes, shape, strict=True)]
    return to_nhwc(nn.Resize(value, sizes=sizes, scales=scales, extrapolation_value=0.0, **how).output)


@converter("FULLY_CONNECTED", builds=(nn.Matmul, nn.Add), forms={"inputs of other ranks than 2": nn.Reshape, **HYBRID})
def fully_connected(node: Node) -> Output:
    activation, keep = node.options("FullyConnectedOptions", "FusedActivationFunction", "KeepNumDims")
    weight = node.transposed(1, (1, 0))
    value, shape = node.input(0), node.shape()
    columns = shape_of(weight)[0]
    if columns is None:
        raise Unsupported("the shape of the weight is not known", "give it with --shape")
    if not keep and (len(shape) != 2 or shape[1] != columns):
        value = nn.Reshape(value, shape=(-1, columns)).output
    result = nn.Matmul(node.rounded_data(value, (len(shape_of(value)) - 1,)), weight).output
    if node.optional(2) is not None:
        result = nn.Add(result, node.input(2)).output
    return activated(result, activation)


@converter("BATCH_MATMUL", builds=nn.Matmul, forms=HYBRID)
def batch_matmul(node: Node) -> Output:
    flips = node.options("BatchMatMulOptions", "AdjX", "AdjY")
    sides = []
    for index, flip in enumerate(flips):
        value, rank = node.input(index), node.rank(index)
        order = (*range(rank - 2), rank - 1, rank - 2)
        sides.append(node.builder.folded(nn.Transpose(value, permutation=order).output) if flip else value)
    data, weight = sides
    rounded = data if flips[0] else node.rounded_data(data, (len(shape_of(data)) - 1,))
    return nn.Matmul(rounded, weight).output
