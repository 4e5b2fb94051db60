"""Quantised operators: numbers of 8 bits, and of 16 bits with weights of 8 bits.

Inputs are noise, quantised with the range that it has; results get a range that holds most of them, so that some
saturate.
"""

import numpy as np
from single_operator import EXACT, Case, case, i32, normal
from tflite_writer import Quantization

NONE, RELU, RELU_N1_TO_1, RELU6, TANH = range(5)
SAME, VALID = 0, 1


def parameters(low, high, dtype):
    """One scale for a range, which gets to hold zero; integers of 16 bits are symmetric."""
    low, high, info = min(low, 0.0), max(high, 0.0), np.iinfo(dtype)
    if dtype == "int16":
        return Quantization((float(np.float32(max(-low, high) / info.max)),), (0,))
    scale = float(np.float32((high - low) / (info.max - info.min)))
    return Quantization((scale,), (int(np.clip(round(info.min - low / scale), info.min, info.max)),))


def stored(reals, quantization, dtype):
    """Reals as the integers that stand for them."""
    shape = [-1 if len(quantization.scale) > 1 and i == quantization.axis else 1 for i in range(reals.ndim)]
    scale, zero = np.reshape(quantization.scale, shape), np.reshape(quantization.zero_point, shape)
    info = np.iinfo(dtype)
    return np.clip(np.rint(reals / scale + zero), info.min, info.max).astype(dtype)


def weights_of(reals, dtype, axis):
    """Weights and their parameters: a scale for each entry of `axis`, or one for unsigned numbers."""
    if dtype == "uint8":
        one = parameters(reals.min(), reals.max(), dtype)
        return stored(reals, one, dtype), one
    largest = np.abs(reals).max(tuple(i for i in range(reals.ndim) if i != axis), initial=1e-3)
    scales = tuple(float(np.float32(item / 127)) for item in largest)
    many = Quantization(scales, (0,) * len(scales), axis)
    return stored(reals, many, "int8"), many


def quantised(operator, dtype, *inputs, to, constant=(), others=(), **options) -> Case:
    """An operator whose real inputs are quantised to `dtype`; `to` is the range of the result, or its parameters.

    `others` are further inputs, as they are.
    """
    ranges = [parameters(float(array.min()), float(array.max()), dtype) for array in inputs]
    result = to if isinstance(to, Quantization) else parameters(*to, dtype)
    integers = [stored(array, one, dtype) for array, one in zip(inputs, ranges, strict=True)]
    count = len(inputs)
    return case(
        operator,
        *integers,
        *others,
        constant=(*constant, *range(count, count + len(others))),
        outputs=dtype,
        quantised=dict(enumerate(ranges)),
        results={0: result},
        **options,
    )


def same(operator, dtype, *inputs, **options) -> Case:
    """An operator whose inputs and result have the same parameters."""
    whole = np.concatenate([array.reshape(-1) for array in inputs])
    one = parameters(float(whole.min()), float(whole.max()), dtype)
    others = options.pop("others", ())
    count = len(inputs)
    return case(
        operator,
        *(stored(array, one, dtype) for array in inputs),
        *others,
        constant=tuple(range(count, count + len(others))),
        outputs=dtype,
        quantised=dict.fromkeys(range(count), one),
        results={0: one},
        **options,
    )


def weighed(operator, dtype, image, reals, axis, to, **options) -> Case:
    """An operator with weights of 8 bits along whose `axis` results lie, and a bias of the product's scale."""
    source = parameters(float(image.min()), float(image.max()), dtype)
    weights, scales = weights_of(reals, dtype, axis)
    products = tuple(source.scale[0] * scale for scale in scales.scale)
    bias = Quantization(products, (0,) * len(products))
    wide = "int64" if dtype == "int16" else "int32"
    return case(
        operator,
        stored(image, source, dtype),
        weights,
        stored(normal(reals.shape[axis], scale=0.5), bias, wide),
        constant=(1, 2),
        outputs=dtype,
        quantised={0: source, 1: scales, 2: bias},
        results={0: parameters(*to, dtype)},
        **options,
    )


def conv(dtype, image, kernel, **options):
    options = {"stride_h": 1, "stride_w": 1, **options}
    return weighed("CONV_2D", dtype, normal(*image), normal(*kernel, scale=0.3), 0, (-3, 3), **options)


def depthwise(dtype, image, kernel, **options):
    options = {"stride_h": 1, "stride_w": 1, "depth_multiplier": options.pop("multiplier", 1), **options}
    weights = normal(1, *kernel, image[3] * options["depth_multiplier"], scale=0.3)
    return weighed("DEPTHWISE_CONV_2D", dtype, normal(*image), weights, 3, (-2, 2), **options)


def dense(dtype, shape, weights, **options):
    """Weights of fully connected layers have one scale."""
    reals, image = normal(*weights, scale=0.3), normal(*shape)
    if dtype == "uint8":
        return weighed("FULLY_CONNECTED", dtype, image, reals, 0, (-2, 2), **options)
    source = parameters(float(image.min()), float(image.max()), dtype)
    scale = Quantization((float(np.float32(np.abs(reals).max() / 127)),), (0,))
    bias = Quantization((source.scale[0] * scale.scale[0],), (0,))
    wide = "int64" if dtype == "int16" else "int32"
    inputs = (stored(image, source, dtype), stored(reals, scale, "int8"), stored(normal(weights[0]), bias, wide))
    return case(
        "FULLY_CONNECTED",
        *inputs,
        constant=(1, 2),
        outputs=dtype,
        quantised={0: source, 1: scale, 2: bias},
        results={0: parameters(-2, 2, dtype)},
        **options,
    )


def hybrid(operator, image, kernel, axis, scales=1, **options):
    """Real numbers, weights of 8 bits: LiteRT rounds the inputs to 8 bits first, between their extremes."""
    weights, each = weights_of(normal(*kernel, scale=0.3), "int8", axis)
    stated = each if scales > 1 else Quantization((max(each.scale),), (0,))
    inputs = (normal(*image), weights, normal(kernel[axis]))
    return case(operator, *inputs, constant=(1, 2), quantised={1: stated}, delegate=True, **options)


def pool(operator, padding=VALID, activation=NONE):
    return same(
        operator,
        "int8",
        normal(1, 9, 8, 3),
        filter_height=2,
        filter_width=3,
        stride_h=2,
        stride_w=2,
        padding=padding,
        fused_activation_function=activation,
    )


TEN_BITS = 0.88
"""The share of equal elements for resizing, whose weights LiteRT rounds to 10 or 11 bits."""
TWICE = 0.9
"""The same where LiteRT rounds twice: first to halves or quarters."""
TABLES = {"exact": 0.4, "steps": 5}
"""Functions of 16 bits, which LiteRT interpolates in tables."""

EVERY = ("int8", "uint8", "int16")
UNIT = {"int8": Quantization((1 / 256,), (-128,)), "uint8": Quantization((1 / 256,), (0,))}
UNIT["int16"] = Quantization((1 / 32768,), (0,))
SYMMETRIC = {"int8": Quantization((1 / 128,), (0,)), "uint8": Quantization((1 / 128,), (128,))}
IMAGE = normal(2, 5, 4, 3, scale=2)
HALVES = np.arange(-20, 21, dtype=np.float32) / 2
WHOLE = Quantization((1.0,), (3,))
CHANNELS = Quantization((0.1, 0.2, 0.05), (0, 0, 0), 3)

CASES = [
    *(
        conv(dtype, (1, 9, 8, 3), (4, 3, 2, 3), padding=padding, fused_activation_function=activation)
        for dtype in EVERY
        for padding in (SAME, VALID)
        for activation in (NONE, RELU, RELU6)
    ),
    conv("int8", (1, 9, 8, 3), (8, 3, 3, 3), padding=SAME, stride_h=2, stride_w=2),
    conv("int8", (1, 11, 12, 2), (3, 3, 2, 2), dilation_h_factor=2, dilation_w_factor=2),
    *(depthwise(dtype, (1, 9, 8, 3), (3, 3), padding=padding) for dtype in EVERY for padding in (SAME, VALID)),
    *(depthwise(dtype, (1, 6, 6, 2), (3, 3), multiplier=4, stride_h=2, stride_w=2) for dtype in ("int8", "uint8")),
    depthwise("int8", (1, 9, 8, 3), (3, 3), fused_activation_function=RELU6),
    *(dense(dtype, (3, 17), (5, 17), fused_activation_function=f) for dtype in EVERY for f in (NONE, RELU)),
    *(
        quantised(operator, dtype, IMAGE, normal(4, 1, seed=1), to=(-4, 4), fused_activation_function=activation)
        for operator in ("ADD", "SUB", "MUL")
        for dtype in EVERY
        for activation in (NONE, RELU)
    ),
    quantised("ADD", "int8", IMAGE, IMAGE[::-1].copy(), to=(-4, 4), constant=(1,)),
    *(
        pool(op, padding, activation)
        for op in ("MAX_POOL_2D", "AVERAGE_POOL_2D")
        for padding in (0, 1)
        for activation in (0, 1)
    ),
    *(same("CONCATENATION", dtype, IMAGE, normal(2, 5, 4, 2), axis=3) for dtype in EVERY),
    quantised("CONCATENATION", "uint8", IMAGE, normal(2, 5, 4, 2), to=(-2, 2), axis=-1),
    *(quantised("SOFTMAX", dtype, normal(3, 10, scale=3), to=UNIT[dtype], beta=1.0) for dtype in ("int8", "uint8")),
    quantised("SOFTMAX", "int16", normal(3, 10, scale=3), to=UNIT["int16"], beta=1.0, **TABLES),
    *(quantised("LOGISTIC", dtype, normal(3, 40, scale=3), to=UNIT[dtype]) for dtype in ("int8", "uint8")),
    *(quantised("TANH", dtype, normal(3, 40, scale=2), to=SYMMETRIC[dtype]) for dtype in ("int8", "uint8")),
    *(same("RESHAPE", dtype, IMAGE, others=(i32(2, 60),)) for dtype in EVERY),
    *(same("TRANSPOSE", dtype, IMAGE, others=(i32(0, 3, 1, 2),)) for dtype in EVERY),
    *(same("PAD", dtype, IMAGE, others=(i32(0, 0, 1, 2, 0, 1, 0, 0).reshape(4, 2),)) for dtype in EVERY),
    *(same("STRIDED_SLICE", d, IMAGE, others=(i32(0, 1, 0, 0), i32(2, 5, 4, 3), i32(1, 2, 1, 2))) for d in EVERY),
    *(
        quantised("MEAN", dtype, IMAGE, to=(-3, 3), others=(i32(1, 2),), keep_dims=keep)
        for dtype in EVERY
        for keep in (False, True)
    ),
    *(
        same(f"RESIZE_{kind}", "int8", IMAGE, others=(i32(*extent),), exact=TEN_BITS, **options)
        for kind in ("BILINEAR", "NEAREST_NEIGHBOR")
        for extent, options in (((10, 8), {}), ((7, 9), {"half_pixel_centers": True}), ((3, 2), {}))
    ),
    *(same(operator, "int8", normal(3, 7), normal(3, 7, seed=1)) for operator in ("MAXIMUM", "MINIMUM")),
    *(
        quantised("LEAKY_RELU", dtype, IMAGE, to=(-2, 5), alpha=0.2, exact=TWICE if dtype == "int16" else EXACT)
        for dtype in EVERY
    ),
    quantised("HARD_SWISH", "int8", IMAGE, to=(-1, 5)),
    *(quantised("RELU", dtype, IMAGE, to=(0, 4)) for dtype in EVERY),
    quantised("RELU6", "int8", normal(3, 9, scale=4), to=(0, 6)),
    *(quantised("QUANTIZE", dtype, IMAGE, to=(-5, 5)) for dtype in EVERY),
    case("QUANTIZE", HALVES, outputs="int8", results={0: WHOLE}),
    case("QUANTIZE", HALVES, outputs="uint8", results={0: WHOLE}),
    case("QUANTIZE", IMAGE, outputs="int16", results={0: parameters(-5, 5, "int16")}),
    case(
        "QUANTIZE",
        stored(IMAGE, parameters(-5, 5, "int16"), "int16"),
        outputs="int32",
        exact=TWICE,
        quantised={0: parameters(-5, 5, "int16")},
        results={0: Quantization((0.001,), (0,))},
    ),
    case("DEQUANTIZE", stored(IMAGE, CHANNELS, "int8"), outputs="float32", quantised={0: CHANNELS}),
    case("DEQUANTIZE", stored(IMAGE, WHOLE, "int8"), outputs="float32", quantised={0: WHOLE}),
    case("DEQUANTIZE", stored(IMAGE, WHOLE, "int16"), outputs="float32", quantised={0: Quantization((0.1,), (0,))}),
    *(
        hybrid(operator, shape, weights, axis, **options)
        for operator, shape, weights, axis, options in (
            ("CONV_2D", (2, 9, 8, 3), (4, 3, 2, 3), 0, {"stride_h": 1, "stride_w": 1, "scales": 4}),
            ("CONV_2D", (2, 9, 8, 3), (4, 3, 2, 3), 0, {"stride_h": 2, "stride_w": 1}),
            ("CONV_2D", (2, 9, 8, 16), (4, 1, 1, 16), 0, {"stride_h": 1, "stride_w": 1, "scales": 4}),
            ("CONV_2D", (2, 9, 8, 16), (4, 1, 1, 16), 0, {"stride_h": 2, "stride_w": 2}),
            (
                "DEPTHWISE_CONV_2D",
                (2, 9, 8, 4),
                (1, 3, 3, 4),
                3,
                {"stride_h": 1, "stride_w": 1, "depth_multiplier": 1, "scales": 4},
            ),
            ("FULLY_CONNECTED", (3, 17), (5, 17), 0, {}),
            ("FULLY_CONNECTED", (2, 3, 17), (5, 17), 0, {"keep_num_dims": True}),
        )
    ),
    *(
        case(
            "TRANSPOSE_CONV",
            i32(2, *size, 4),
            weights_of(normal(4, 3, 2, 5, scale=0.3), "int8", 0)[0],
            normal(2, 6, 4, 5),
            constant=(0, 1),
            outputs="float32",
            quantised={1: Quantization(scale, (0,) * len(scale))},
            stride_h=stride,
            stride_w=stride,
            padding=padding,
            delegate=True,
        )
        for size, stride, padding, scale in (
            ((8, 5), 1, VALID, (0.01, 0.02, 0.03, 0.04)),
            ((12, 8), 2, SAME, (0.02,)),
        )
    ),
    *(
        case(
            "BATCH_MATMUL",
            normal(2, 3, 6),
            weights_of(normal(*shape, scale=0.3), "int8", 2)[0],
            constant=(1,),
            quantised={1: Quantization((0.02,), (0,))},
            delegate=True,
            adj_y=flip,
        )
        for shape, flip in (((2, 6, 5), False), ((2, 5, 6), True))
    ),
]
