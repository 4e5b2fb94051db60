"""Convolutions, pooling, resizing and matrix products."""

import itertools
import struct

from single_operator import case, i32, integers, normal

NONE, RELU, RELU_N1_TO_1, RELU6, TANH = range(5)
SAME, VALID = 0, 1
ACTIVATIONS = (NONE, RELU, RELU_N1_TO_1, RELU6)


def conv(image, kernel, **options):
    """A convolution with constant weights and bias."""
    options = {"stride_h": 1, "stride_w": 1, **options}
    weights = normal(*kernel, scale=0.3)
    return case("CONV_2D", normal(*image), weights, normal(kernel[0]), constant=(1, 2), **options)


def depthwise(image, kernel, **options):
    """A depthwise convolution with a kernel of height, width; `multiplier` results per channel."""
    multiplier = options.pop("multiplier", 1)
    options = {"stride_h": 1, "stride_w": 1, **options}
    channels = image[3] * multiplier
    weights, bias = normal(1, *kernel, channels, scale=0.3), normal(channels)
    return case(
        "DEPTHWISE_CONV_2D", normal(*image), weights, bias, constant=(1, 2), depth_multiplier=multiplier, **options
    )


def transposed(extent, image, kernel, **options):
    """A transposed convolution to a given height and width."""
    bias = [normal(kernel[0])] if options.pop("bias", True) else []
    shape = i32(image[0], *extent, kernel[0])
    inputs = (shape, normal(*kernel, scale=0.3), normal(*image), *bias)
    return case("TRANSPOSE_CONV", *inputs, constant=(0, 1, 3)[: 2 + len(bias)], outputs="float32", **options)


def transposed_with_bias(extent, padding):
    """MediaPipe's operator."""
    data = struct.pack("<3i", 1 if padding == SAME else 2, 2, 2)
    inputs = (normal(1, 4, 5, 3), normal(2, 2, 2, 3), normal(2))
    return case(
        "CUSTOM",
        *inputs,
        constant=(1, 2),
        custom=("Convolution2DTransposeBias", data),
        delegate=True,
        shapes=((1, *extent, 2),),
    )


def pool(operator, image, kernel, strides, padding, activation=NONE):
    return case(
        operator,
        normal(*image, scale=4),
        filter_height=kernel[0],
        filter_width=kernel[1],
        stride_h=strides[0],
        stride_w=strides[1],
        padding=padding,
        fused_activation_function=activation,
    )


def resize(operator, image, extent, **options):
    return case(operator, normal(*image), i32(*extent), constant=(1,), **options)


def dense(shape, weights, **options):
    """A fully connected layer; without `bias` the last input is absent."""
    bias = options.pop("bias", True)
    inputs = (normal(*shape), normal(*weights, scale=0.3), normal(weights[0]) if bias else None)
    return case("FULLY_CONNECTED", *inputs, constant=(1, 2) if bias else (1,), **options)


COORDINATES = ({}, {"align_corners": True}, {"half_pixel_centers": True})

CASES = [
    *(
        conv((2, 9, 8, 3), (4, kh, kw, 3), padding=padding, stride_h=sh, stride_w=sw)
        for (kh, kw), padding, (sh, sw) in itertools.product(
            ((1, 1), (3, 3), (2, 5)), (SAME, VALID), ((1, 1), (2, 2), (3, 1))
        )
    ),
    *(
        conv((1, 11, 12, 2), (3, 3, 2, 2), padding=padding, dilation_h_factor=dh, dilation_w_factor=dw)
        for padding, (dh, dw) in itertools.product((SAME, VALID), ((2, 2), (1, 3)))
    ),
    *(conv((1, 5, 5, 2), (3, 3, 3, 2), fused_activation_function=activation) for activation in ACTIVATIONS),
    conv((1, 5, 5, 6), (4, 3, 3, 3)),  # two groups
    conv((1, 5, 5, 6), (6, 1, 1, 1), padding=VALID),  # as many groups as channels
    conv((1, 1, 40, 4), (8, 1, 7, 4), stride_w=2),  # along one dimension
    *(
        depthwise((2, 9, 8, 3), kernel, padding=padding, stride_h=stride, stride_w=stride, multiplier=multiplier)
        for kernel, padding, stride, multiplier in itertools.product(((3, 3), (2, 4)), (SAME, VALID), (1, 2), (1, 2))
    ),
    *(
        depthwise((1, 11, 12, 2), (3, 3), padding=padding, dilation_h_factor=2, dilation_w_factor=3)
        for padding in (0, 1)
    ),
    *(depthwise((1, 5, 5, 4), (3, 3), fused_activation_function=activation) for activation in ACTIVATIONS),
    depthwise((1, 6, 6, 1), (3, 3), multiplier=8),
    *(
        transposed(extent, (1, 4, 5, 3), (2, *kernel, 3), padding=padding, stride_h=2, stride_w=2, bias=bias)
        for extent, kernel, padding, bias in (
            ((8, 10), (3, 3), SAME, True),
            ((7, 9), (3, 3), SAME, False),
            ((8, 10), (2, 2), SAME, True),
            ((8, 10), (4, 4), SAME, True),
            ((9, 11), (3, 3), VALID, True),
            ((8, 10), (2, 2), VALID, False),
            ((8, 10), (1, 1), SAME, True),
        )
    ),
    transposed((4, 15), (2, 4, 5, 3), (2, 3, 4, 3), padding=SAME, stride_h=1, stride_w=3),
    transposed((8, 10), (1, 4, 5, 3), (2, 3, 3, 3), stride_h=2, stride_w=2, fused_activation_function=RELU),
    transposed_with_bias((8, 10), SAME),
    transposed_with_bias((8, 10), VALID),
    *(
        pool(operator, (2, 9, 8, 3), kernel, strides, padding)
        for operator, kernel, strides, padding in itertools.product(
            ("MAX_POOL_2D", "AVERAGE_POOL_2D"), ((2, 2), (3, 4)), ((1, 1), (2, 3)), (SAME, VALID)
        )
    ),
    *(pool("AVERAGE_POOL_2D", (1, 4, 4, 2), (2, 2), (2, 2), VALID, activation) for activation in ACTIVATIONS),
    *(pool("MAX_POOL_2D", (1, 4, 4, 2), (2, 2), (2, 2), VALID, activation) for activation in ACTIVATIONS),
    *(
        resize("RESIZE_BILINEAR", (2, 5, 4, 3), extent, **options)
        for extent, options in itertools.product(((10, 8), (7, 9), (3, 2), (1, 1), (5, 4)), COORDINATES)
    ),
    *(
        resize("RESIZE_NEAREST_NEIGHBOR", (2, 5, 4, 3), extent, **options)
        for extent, options in itertools.product(((10, 8), (7, 9), (3, 2), (1, 1), (5, 4)), COORDINATES)
    ),
    *(dense((3, 5), (4, 5), fused_activation_function=activation) for activation in ACTIVATIONS),
    dense((3, 5), (4, 5), bias=False),
    dense((2, 3, 5), (4, 5)),
    dense((2, 3, 5), (4, 5), keep_num_dims=True),
    dense((2, 3, 5), (4, 15)),
    dense((2, 2, 2, 2), (3, 8), keep_num_dims=False),
    dense((5,), (4, 5)),
    case("FULLY_CONNECTED", normal(3, 5), normal(4, 5), normal(4)),
    *(
        case("BATCH_MATMUL", normal(*left), normal(*right, seed=1), adj_x=x, adj_y=y)
        for left, right, x, y in (
            ((3, 4), (4, 5), False, False),
            ((2, 3, 4), (2, 4, 5), False, False),
            ((2, 4, 3), (2, 4, 5), True, False),
            ((2, 3, 4), (2, 5, 4), False, True),
            ((2, 4, 3), (2, 5, 4), True, True),
            ((2, 1, 3, 4), (5, 4, 2), False, False),
        )
    ),
    case("BATCH_MATMUL", normal(2, 3, 4), normal(4, 5), constant=(1,)),
    *(case("DEPTH_TO_SPACE", normal(2, 3, 4, 4 * block), block_size=2) for block in (1, 3)),
    case("DEPTH_TO_SPACE", integers(0, 9, 1, 2, 2, 9), block_size=3),
    *(case("SPACE_TO_DEPTH", normal(2, 6, 4, channels), block_size=2) for channels in (1, 3)),
    *(
        case("SPACE_TO_BATCH_ND", values, i32(*block), i32(*pads).reshape(-1, 2), constant=(1, 2))
        for values, block, pads in (
            (normal(2, 4, 6, 3), (2, 3), (0, 0, 0, 0)),
            (normal(1, 3, 5, 2), (2, 2), (0, 1, 1, 0)),
            (normal(1, 7, 2), (3,), (1, 1)),
        )
    ),
    *(
        case("BATCH_TO_SPACE_ND", values, i32(*block), i32(*crops).reshape(-1, 2), constant=(1, 2))
        for values, block, crops in (
            (normal(12, 2, 3, 3), (2, 3), (0, 0, 0, 0)),
            (normal(4, 2, 3, 2), (2, 2), (0, 1, 1, 0)),
            (normal(6, 3, 2), (3,), (1, 1)),
        )
    ),
]
