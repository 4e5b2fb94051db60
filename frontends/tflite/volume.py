"""Convolutions of volumes, which have a depth before height and width."""

from ...dialects import nn
from ...dialects.tensors import shape_of, static_shape
from ..builder import Unsupported
from .node import Node, Output, activated, converter, same_padding, to_nchw, to_nhwc

_STRIDES = ("StrideD", "StrideH", "StrideW")
_DILATIONS = ("DilationDFactor", "DilationHFactor", "DilationWFactor")
_REST = ("Padding", "FusedActivationFunction")


@converter("CONV_3D", builds=nn.Conv)
def conv_3d(node: Node) -> Output:
    """Weights are depth x height x width x input x output."""
    options = node.options("Conv3DOptions", *_STRIDES, *_DILATIONS, *_REST)
    strides, dilations, (padding, activation) = options[:3], options[3:6], options[6:]
    weight = node.transposed(1, (4, 3, 0, 1, 2))
    _, per_group, *kernel = static_shape(weight)
    same = padding == 0
    result = nn.Conv(
        to_nchw(node.input(0)),
        weight,
        node.optional(2),
        strides=strides,
        dilations=dilations,
        padding=same_padding(node.shape()[1:4], kernel, strides, dilations) if same else (0,) * 6,
        groups=(node.shape()[4] or per_group) // per_group,
    ).output
    return to_nhwc(activated(result, activation))


@converter("CONV_3D_TRANSPOSE", builds=nn.ConvTranspose)
def conv_3d_transpose(node: Node) -> Output:
    """Weights are depth x height x width x output x input; the result's shape is the first input."""
    options = node.options("Conv3DOptions", *_STRIDES, *_DILATIONS, *_REST)
    strides, dilations, (padding, activation) = options[:3], options[3:6], options[6:]
    weight = node.transposed(1, (4, 3, 0, 1, 2))
    extents, kernel, sizes = node.ints(0)[1:4], shape_of(weight)[2:], node.shape(2)[1:4]
    if None in sizes or None in kernel:
        raise Unsupported("the shape is not known", "give it with --shape")
    sides = zip(sizes, strides, dilations, kernel, strict=True)
    full = [((n or 0) - 1) * s + d * ((k or 0) - 1) + 1 for n, s, d, k in sides]
    totals = [max(f - e, 0) if padding == 0 else 0 for f, e in zip(full, extents, strict=True)]
    begins = [total // 2 for total in totals]
    ends = [max(f - b - e, 0) for f, b, e in zip(full, begins, extents, strict=True)]
    extra = [max(e + b - f, 0) for f, b, e in zip(full, begins, extents, strict=True)]
    result = nn.ConvTranspose(
        to_nchw(node.input(2)),
        weight,
        node.optional(3),
        strides=strides,
        dilations=dilations,
        padding=(*begins, *ends),
        output_padding=extra,
        groups=1,
    ).output
    return to_nhwc(activated(result, activation))
