"""Operators that put elements at places, count, look up and convolve volumes."""

import numpy as np
from single_operator import case, flags, i32, integers, normal

NONE, RELU, RELU_N1_TO_1, RELU6, TANH = range(5)
SAME, VALID = 0, 1
SEGMENTS = ("SUM", "PROD", "MAX", "MIN")


def bools(operator, shape, *axes, keep=False):
    return case(operator, flags(*shape), i32(*axes), constant=(1,), keep_dims=keep)


def sparse(places, shape, values, default):
    return case("SPARSE_TO_DENSE", places, shape, values, default, constant=(0, 1), outputs=default.dtype.name)


def volume(image, kernel, bias=True, **options):
    """A convolution of a volume, its weights depth x height x width x input x output."""
    options = {"stride_d": 1, "stride_h": 1, "stride_w": 1, **options}
    inputs = [normal(*image), normal(*kernel, scale=0.3), *([normal(kernel[4])] if bias else [])]
    return case("CONV_3D", *inputs, constant=(1, 2)[: len(inputs) - 1], **options)


def transposed_volume(result, image, kernel, **options):
    """Its transposed form, weights depth x height x width x output x input."""
    options = {"stride_d": 1, "stride_h": 1, "stride_w": 1, **options}
    inputs = (i32(*result), normal(*kernel, scale=0.3), normal(*image))
    return case("CONV_3D_TRANSPOSE", *inputs, constant=(0, 1), outputs="float32", **options)


def pool(padding, activation, strides=(2, 1)):
    return case(
        "L2_POOL_2D",
        normal(2, 7, 6, 3, scale=2),
        filter_height=3,
        filter_width=2,
        stride_h=strides[0],
        stride_w=strides[1],
        padding=padding,
        fused_activation_function=activation,
    )


CASES = [
    *(
        case("SCATTER_ND", places, values, i32(9, *values.shape[1:]), constant=constant, outputs=kind)
        for values, kind in ((normal(4), "float32"), (normal(4, 3), "float32"), (integers(-9, 9, 4, 2), "int32"))
        for places, constant in (
            (i32(4, 1, 7, 1).reshape(4, 1), (2,)),
            (i32(4, 1, 7, 2).reshape(4, 1), (0, 2)),
        )
    ),
    case("SCATTER_ND", i32(0, 1, 2, 0).reshape(2, 2), normal(2, 2), i32(3, 2, 2), constant=(0, 2), outputs="float32"),
    *(
        sparse(i32(*places).reshape(shape), i32(*result), values, default)
        for places, shape, result, values, default in (
            ((3,), (), (5,), np.float32(2), np.float32(-1)),
            ((0, 2, 3), (3,), (6,), normal(3), np.float32(0)),
            ((0, 1, 2, 0), (2, 2), (3, 2), normal(2), np.float32(7)),
            ((0, 1, 2, 0), (2, 2), (3, 2), np.int32(5), np.int32(1)),
        )
    ),
    case("SEGMENT_SUM", normal(5, 3), i32(0, 0, 1, 2, 2), constant=(1,)),
    case("SEGMENT_SUM", integers(-9, 9, 4), i32(0, 1, 1, 2), constant=(1,)),
    *(
        case(f"UNSORTED_SEGMENT_{kind}", values, ids, i32(4).reshape(()), constant=constant)
        for kind in SEGMENTS
        for values in (normal(5, 3), integers(-9, 9, 5, 2))
        for ids in (i32(2, 0, 2, -1, 3),)
        for constant in ((2,), (1, 2))
    ),
    *(
        case("DYNAMIC_UPDATE_SLICE", values, values[:2, 1:3] * 2, i32(*start), constant=constant)
        for values in (normal(4, 5), integers(-9, 9, 4, 5))
        for start in ((1, 2), (3, 4), (-2, 0))
        for constant in ((), (2,))
    ),
    *(case("MATRIX_DIAG", values) for values in (normal(3), normal(2, 4), integers(-9, 9, 2, 3))),
    *(
        case("MATRIX_SET_DIAG", normal(*shape), normal(*shape[:-2], min(shape[-2:]), seed=1))
        for shape in ((3, 3), (2, 3, 4), (2, 4, 3))
    ),
    *(
        case("REVERSE_SEQUENCE", normal(3, 4, 2), lengths, seq_dim=time, batch_dim=batch)
        for lengths, time, batch in (
            (i32(1, 3, 4), 1, 0),
            (integers(1, 3, 4, dtype=np.int64), 0, 1),
            (i32(2, 1, 2), 2, 0),
        )
    ),
    *(
        bools(op, (3, 4, 2), *axes, keep=k)
        for op in ("REDUCE_ANY", "REDUCE_ALL")
        for axes in ((1,), (0, -1))
        for k in (0, 1)
    ),
    *(case(op, flags(3, 1), i32(1), constant=(1,), keep_dims=False) for op in ("REDUCE_ANY", "REDUCE_ALL")),
    *(pool(padding, activation) for padding in (SAME, VALID) for activation in (NONE, RELU6)),
    *(
        case("LOCAL_RESPONSE_NORMALIZATION", normal(1, 3, 4, 7, scale=2), radius=radius, bias=b, alpha=0.3, beta=beta)
        for radius, b, beta in ((1, 1.0, 0.5), (2, 2.0, 0.75), (9, 1.0, 1.0))
    ),
    *(
        case("FAKE_QUANT", normal(3, 40, scale=3), min=low, max=high, num_bits=bits)
        for low, high in ((-4.0, 4.0), (0.0, 6.0), (-0.3, 5.0))
        for bits in (4, 8)
    ),
    case("ATAN2", normal(5, 6), normal(5, 6, seed=1)),
    case("ATAN2", np.float32([0, 1, -1, 1, -1, 0]), np.float32([1, 0, 0, -1, -1, -2])),
    *(case("BITWISE_XOR", *(integers(0, 99, 2, 5, dtype=d, seed=s) for s in (0, 1))) for d in (np.int32, np.uint8)),
    *(case("RIGHT_SHIFT", integers(0, 99, 7, dtype=d), integers(0, 5, 7, dtype=d)) for d in (np.int32, np.uint8)),
    case("RIGHT_SHIFT", integers(-99, 99, 7), integers(0, 5, 7)),
    case("WHERE", flags(3, 4), outputs="int64"),
    case("WHERE", np.float32([0, 1, 0, -2, 3]), outputs="int64"),
    case("BROADCAST_ARGS", i32(3, 1), i32(2, 1, 5), constant=(0, 1)),
    *(
        case("BUCKETIZE", values, outputs="int32", boundaries=np.float32([-1, 0, 0.5, 2]))
        for values in (normal(4, 5), integers(-3, 4, 9), np.float32([-1, 0, 0.5, 2, 3, -9]))
    ),
    volume((1, 4, 5, 6, 2), (2, 3, 2, 2, 3)),
    volume((2, 5, 5, 5, 2), (3, 3, 3, 2, 4), bias=False, padding=SAME, stride_d=2, stride_h=2, stride_w=2),
    volume(
        (1, 6, 6, 6, 2), (2, 2, 2, 2, 3), padding=VALID, dilation_d_factor=2, dilation_h_factor=2, dilation_w_factor=2
    ),
    volume((1, 4, 4, 4, 2), (2, 2, 2, 2, 3), padding=VALID, fused_activation_function=RELU),
    transposed_volume(
        (1, 6, 6, 8, 3), (1, 3, 3, 4, 2), (2, 2, 2, 3, 2), padding=SAME, stride_d=2, stride_h=2, stride_w=2
    ),
    transposed_volume((1, 5, 5, 5, 3), (1, 3, 3, 3, 2), (3, 3, 3, 3, 2), padding=VALID),
]
