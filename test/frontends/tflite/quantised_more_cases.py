"""Quantised operators that compute single numbers, move them or compare them."""

import numpy as np
from quantised_cases import (
    EVERY,
    IMAGE,
    SYMMETRIC,
    TABLES,
    TEN_BITS,
    TWICE,
    UNIT,
    parameters,
    quantised,
    same,
    stored,
    weights_of,
)
from single_operator import case, flags, i32, normal, positive
from tflite_writer import Quantization

BYTES = ("int8", "uint8")
HALVES = 0.9
"""The share of equal averages of real numbers, whose halves are not exact; kmodels add the integers."""
PAIRS = i32(0, 0, 1, 1, 2, 1, 0, 0).reshape(4, 2)
BLOCKS = (i32(2, 2), i32(0, 0, 0, 0).reshape(2, 2))
VECTOR = normal(3, 40, scale=2)


def moved(operator, dtype, image, *others, **options):
    return same(operator, dtype, image, others=others, **options)


def split(operator, dtype, image, count, *others, axis=None, before=False, **options):
    """An operator with several results; `before`: its data is the last input."""
    one = parameters(float(image.min()), float(image.max()), dtype)
    inputs = (*others, stored(image, one, dtype)) if before else (stored(image, one, dtype), *others)
    data = len(inputs) - 1 if before else 0
    extra = {} if axis is None else {"axis": axis}
    return case(
        operator,
        *inputs,
        constant=tuple(k for k in range(len(inputs)) if k != data),
        outputs=(dtype,) * count,
        quantised={data: one},
        results=dict.fromkeys(range(count), one),
        **extra,
        **options,
    )


def found(operator, dtype, *images, **options):
    """An operator whose results are not quantised."""
    whole = np.concatenate([image.reshape(-1) for image in images])
    one = parameters(float(whole.min()), float(whole.max()), dtype)
    others = options.pop("others", ())
    count = len(images)
    return case(
        operator,
        *(stored(image, one, dtype) for image in images),
        *others,
        constant=tuple(range(count, count + len(others))),
        quantised=dict.fromkeys(range(count), one),
        **options,
    )


def transposed(dtype, extent, image, kernel, bias=True, **options):
    """A transposed convolution; kernels are output x height x width x input."""
    reals = normal(*image)
    source = parameters(float(reals.min()), float(reals.max()), dtype)
    weights, scales = weights_of(normal(*kernel, scale=0.3), dtype, 0)
    products = Quantization(tuple(source.scale[0] * one for one in scales.scale), (0,) * len(scales.scale))
    inputs = [i32(image[0], *extent, kernel[0]), weights, stored(reals, source, dtype)]
    if bias:
        inputs.append(stored(normal(kernel[0], scale=0.5), products, "int64" if dtype == "int16" else "int32"))
    return case(
        "TRANSPOSE_CONV",
        *inputs,
        constant=(0, 1, 3)[: 2 + bias],
        outputs=dtype,
        quantised={1: scales, 2: source, 3: products},
        results={0: parameters(-4, 4, dtype)},
        **{"stride_h": 2, "stride_w": 2, "version": 3, **options},
    )


def prelu(dtype):
    image, slopes = normal(1, 4, 5, 3, scale=2), normal(1, 1, 3, scale=0.3)
    return quantised("PRELU", dtype, image, slopes, to=(-2, 5), constant=(1,), exact=TWICE)


def pool(operator, dtype, padding):
    options = {"filter_height": 2, "filter_width": 3, "stride_h": 2, "stride_w": 1, "padding": padding}
    return same(operator, dtype, normal(1, 9, 8, 3), evaluated=HALVES, **options)


CASES = [
    *(quantised("ABS", dtype, IMAGE, to=(0, 6)) for dtype in ("int8", "int16")),
    quantised("RSQRT", "int8", positive(4, 30), to=(0, 2)),
    quantised("EXP", "int8", VECTOR, to=(0, 9)),
    quantised("EXP", "int16", VECTOR, to=(0, 9), **TABLES),
    quantised("LOG", "int8", positive(4, 30), to=(-3, 2)),
    quantised("ELU", "int8", IMAGE, to=(-1, 5)),
    quantised("GELU", "int8", IMAGE, to=(-1, 5)),
    quantised("GELU", "uint8", IMAGE, to=(-1, 5), approximate=True),
    *(quantised("HARD_SWISH", dtype, IMAGE, to=(-1, 5)) for dtype in BYTES),
    *(quantised("LOGISTIC", "int16", normal(3, 40, scale=s), to=UNIT["int16"], **TABLES) for s in (1, 3)),
    *(quantised("TANH", "int16", normal(3, 40, scale=s), to=UNIT["int16"], **TABLES) for s in (1, 3)),
    *(prelu(dtype) for dtype in BYTES),
    *(quantised(f"RELU_{kind}", dtype, IMAGE, to=(-1, 1)) for kind in ("N1_TO_1", "0_TO_1") for dtype in BYTES),
    *(quantised("RELU6", dtype, normal(3, 9, scale=4), to=(0, 6)) for dtype in ("uint8", "int16")),
    *(quantised("SQUARED_DIFFERENCE", "int8", IMAGE, normal(4, 1, seed=1), to=(0, 20)) for _ in (0,)),
    quantised("DIV", "uint8", IMAGE, positive(4, 3), to=(-5, 5)),
    *(quantised("L2_NORMALIZATION", dtype, normal(2, 9), to=SYMMETRIC[dtype]) for dtype in BYTES),
    *(
        quantised("LOG_SOFTMAX", dtype, normal(3, 9), to=Quantization((16 / 256,), (zero,)))
        for dtype, zero in (("int8", 127), ("uint8", 255))
    ),
    *(
        same(operator, dtype, normal(3, 7), normal(3, 7, seed=1))
        for operator in ("MAXIMUM", "MINIMUM")
        for dtype in ("uint8", "int16")
    ),
    *(pool(op, dtype, padding) for op in ("MAX_POOL_2D", "AVERAGE_POOL_2D") for dtype in EVERY for padding in (0, 1)),
    *(
        quantised("SUM", dtype, IMAGE, to=(-9, 9), others=(i32(1, 2),), keep_dims=keep)
        for dtype in EVERY
        for keep in (False, True)
    ),
    *(
        same(f"REDUCE_{kind}", dtype, IMAGE, others=(i32(1, 2),), keep_dims=True)
        for kind in ("MAX", "MIN")
        for dtype in EVERY
    ),
    quantised("REDUCE_PROD", "int8", normal(60, 4), to=(-4, 4), others=(i32(1),), exact=TWICE),
    # LiteRT rounds behind every factor
    quantised("REDUCE_PROD", "int16", normal(60, 4), to=(-4, 4), others=(i32(1),), exact=0.85, steps=2),
    *(transposed(dtype, (8, 10), (1, 4, 5, 3), (2, 3, 3, 3), padding=0) for dtype in EVERY),
    *(transposed(dtype, (9, 11), (1, 4, 5, 3), (2, 3, 3, 3), padding=1, bias=False) for dtype in EVERY),
    *(
        quantised("BATCH_MATMUL", dtype, normal(2, 3, 5), normal(2, 5, 4, seed=1), to=(-6, 6))
        for dtype in ("int8", "int16")
    ),
    quantised("BATCH_MATMUL", "int8", normal(2, 3, 5), normal(2, 4, 5, seed=1), to=(-6, 6), adj_y=True),
    *(moved("GATHER", dtype, normal(4, 5), i32(2, 0, 2), axis=0) for dtype in EVERY),
    *(moved("GATHER_ND", dtype, normal(4, 5), i32(2, 0, 3, 1).reshape(2, 2)) for dtype in EVERY),
    *(moved("SLICE", dtype, IMAGE, i32(0, 1, 0, 0), i32(2, 3, -1, 2)) for dtype in EVERY),
    *(moved("EXPAND_DIMS", dtype, IMAGE, i32(-1).reshape(())) for dtype in EVERY),
    *(moved("SQUEEZE", dtype, normal(1, 4, 1), squeeze_dims=(0,)) for dtype in EVERY),
    *(moved("REVERSE_V2", dtype, IMAGE, i32(1)) for dtype in EVERY),
    *(moved("TILE", dtype, normal(2, 3), i32(2, 1)) for dtype in BYTES),
    *(moved("BROADCAST_TO", dtype, normal(1, 3), i32(4, 3), version=3) for dtype in EVERY),
    *(moved("DEPTH_TO_SPACE", dtype, normal(1, 2, 3, 8), block_size=2) for dtype in BYTES),
    *(moved("SPACE_TO_DEPTH", dtype, normal(1, 4, 6, 2), block_size=2) for dtype in BYTES),
    *(moved("SPACE_TO_BATCH_ND", dtype, normal(1, 4, 6, 2), *BLOCKS) for dtype in BYTES),
    *(
        moved("SPACE_TO_BATCH_ND", dtype, normal(1, 3, 5, 2), i32(2, 2), i32(1, 0, 0, 1).reshape(2, 2))
        for dtype in BYTES
    ),
    *(moved("BATCH_TO_SPACE_ND", dtype, normal(4, 2, 3, 2), *BLOCKS) for dtype in BYTES),
    *(moved("MIRROR_PAD", dtype, IMAGE, PAIRS, mode=mode) for dtype in BYTES for mode in (0, 1)),
    *(same("PACK", dtype, normal(2, 3), normal(2, 3, seed=1), axis=1, values_count=2) for dtype in EVERY),
    *(split("UNPACK", dtype, normal(3, 4), 3, axis=0, num=3) for dtype in BYTES),
    *(split("SPLIT", dtype, normal(4, 6), 2, i32(1).reshape(()), before=True, num_splits=2) for dtype in EVERY),
    *(split("SPLIT_V", dtype, normal(4, 6), 2, i32(2, 4), i32(1).reshape(()), num_splits=2) for dtype in EVERY),
    *(
        found(op, dtype, normal(4, 9), others=(i32(1).reshape(()),), outputs="int32", output_type=2)
        for op in ("ARG_MAX", "ARG_MIN")
        for dtype in BYTES
    ),
    *(
        found(op, dtype, VECTOR, normal(3, 40, seed=1), outputs="bool")
        for op in ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
        for dtype in BYTES
    ),
    *(
        same(f"RESIZE_{kind}", dtype, IMAGE, others=(i32(7, 9),), **options)
        for kind, options in (
            ("NEAREST_NEIGHBOR", {"align_corners": True}),
            ("NEAREST_NEIGHBOR", {}),
        )
        for dtype in EVERY
    ),
    *(same("RESIZE_BILINEAR", d, IMAGE, others=(i32(7, 9),), align_corners=True, exact=TEN_BITS) for d in BYTES),
    case(
        "SELECT_V2",
        flags(3, 4),
        *(stored(normal(3, 4, seed=s), parameters(-3, 3, "int8"), "int8") for s in (0, 1)),
        outputs="int8",
        quantised=dict.fromkeys((1, 2), parameters(-3, 3, "int8")),
        results={0: parameters(-3, 3, "int8")},
    ),
]
