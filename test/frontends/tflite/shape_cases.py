"""Operators that rearrange, index, reduce and search."""

import itertools

import numpy as np
from single_operator import case, flags, i32, integers, normal

FLOAT32, _, INT32, _, INT64 = range(5)
REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")


def strided(array, begin, end, stride, **masks):
    return case("STRIDED_SLICE", array, i32(*begin), i32(*end), i32(*stride), constant=(1, 2, 3), **masks)


def gather(array, indices, **options):
    return case("GATHER", array, np.asarray(indices, np.int32), **options)


CASES = [
    case("RESHAPE", normal(2, 3, 4), i32(6, 4), constant=(1,)),
    case("RESHAPE", normal(2, 3, 4), i32(-1, 2), constant=(1,)),
    case("RESHAPE", normal(1, 1), np.zeros(0, np.int32), constant=(1,)),
    case("RESHAPE", normal(2, 3, 4), new_shape=(4, 6)),
    case("RESHAPE", normal(2, 3, 4), new_shape=(4, -1)),
    case("RESHAPE", integers(0, 9, 6), i32(1, 2, 1, 3, 1), constant=(1,)),
    case("SHAPE", normal(2, 3, 4), outputs="int32", out_type=INT32),
    case("SHAPE", normal(2, 3, 4), outputs="int64", out_type=INT64),
    case("RANK", normal(2, 3, 4), outputs="int32"),
    *(case("EXPAND_DIMS", normal(2, 3), i32(axis).reshape(()), constant=(1,)) for axis in (0, 1, 2, -1, -3)),
    case("EXPAND_DIMS", flags(2, 3), i32(1), constant=(1,)),
    *(case("SQUEEZE", normal(1, 2, 1, 3), squeeze_dims=dims) for dims in ((0,), (2,), (-2,), (0, 2))),
    case("SQUEEZE", normal(1, 2, 1, 3)),
    *(
        case("TRANSPOSE", normal(*range(2, 2 + len(order))), i32(*order), constant=(1,))
        for order in ((1, 0), (0, 2, 1), (0, 3, 1, 2), (3, 2, 1, 0), (0, 4, 2, 1, 3))
    ),
    case("TRANSPOSE", integers(0, 9, 2, 3, dtype=np.int64), i32(1, 0), constant=(1,)),
    *(case("CONCATENATION", normal(2, 3, 4), normal(2, 3, 4, seed=1), axis=axis) for axis in (0, 1, 2, -1, -3)),
    case("CONCATENATION", normal(1, 2), normal(3, 2), normal(2, 2), axis=0),
    case("CONCATENATION", integers(0, 9, 2), integers(0, 9, 3), axis=0),
    case("CONCATENATION", normal(2, 2), normal(2, 2, seed=1), constant=(1,), axis=1),
    *(case("PACK", normal(2, 3), normal(2, 3, seed=1), values_count=2, axis=axis) for axis in (0, 1, 2, -1)),
    case("PACK", *(np.int32(k) for k in range(3)), values_count=3, axis=0),
    *(case("UNPACK", normal(3, 2, 3), outputs=("float32",) * 3, num=3, axis=axis) for axis in (0, 2, -1)),
    *(
        case("SPLIT", i32(axis), normal(4, 6), constant=(0,), outputs=("float32",) * 2, num_splits=2)
        for axis in (0, 1, -1)
    ),
    *(
        case(
            "SPLIT_V",
            normal(4, 6),
            i32(*sizes),
            i32(1),
            constant=(1, 2),
            outputs=("float32",) * len(sizes),
            num_splits=len(sizes),
        )
        for sizes in ((1, 5), (2, -1, 3), (6,))
    ),
    *(
        case("SLICE", array, i32(*begin), i32(*size), constant=(1, 2))
        for array, begin, size in (
            (normal(4, 5), (1, 2), (2, -1)),
            (normal(7), (3,), (2,)),
            (normal(2, 3, 4, 5), (0, 1, 0, 2), (-1, 1, 3, 3)),
            (integers(0, 9, 2, 2, 3, 2, 4), (0, 1, 0, 0, 1), (2, 1, -1, 2, 2)),
        )
    ),
    case("SLICE", normal(4, 5), np.int64([1, 2]), np.int64([2, -1]), constant=(1, 2)),
    strided(normal(6, 7), (1, 2), (5, 6), (2, 3)),
    strided(normal(6, 7), (-1, 5), (-7, 0), (-1, -2)),
    strided(normal(6, 7), (4, 1), (0, 100), (-2, 2)),
    strided(normal(6, 7), (3, 3), (2, 5), (1, 1), begin_mask=1, end_mask=2),
    strided(normal(6, 7), (3, 3), (2, 5), (-1, -1), begin_mask=2, end_mask=3),
    *(strided(normal(6, 7), (i, 0), (i + 1, 7), (1, 1), shrink_axis_mask=1) for i in (0, 3, -1, -6)),
    strided(normal(6, 7), (2, -1), (3, 0), (1, 1), shrink_axis_mask=3),
    strided(normal(6), (2,), (3,), (1,), shrink_axis_mask=1),
    strided(normal(2, 3, 4, 5), (0, 1), (0, 3), (1, 2), ellipsis_mask=1),
    strided(normal(2, 3, 4, 5), (1, 0, 1), (2, 0, 3), (1, 1, 1), ellipsis_mask=2),
    strided(normal(2, 3, 4, 5), (1, 0, 1), (2, 0, 3), (1, 1, 1), ellipsis_mask=2, shrink_axis_mask=5),
    strided(normal(2, 3, 4), (1, 0), (2, 0), (1, 1), ellipsis_mask=2),
    strided(normal(4, 5), (0, 1, 0), (0, 3, 2), (1, 1, 1), new_axis_mask=1),
    strided(normal(4, 5), (0, 0, 1), (2, 0, 3), (1, 1, 1), new_axis_mask=2),
    strided(normal(3, 4, 5), (0, 0, 0), (0, 0, 2), (1, 1, 1), ellipsis_mask=1, new_axis_mask=2),
    strided(normal(3, 4, 5), (1, 0, 0, 2), (2, 0, 0, 4), (1, 1, 1, 1), ellipsis_mask=2, new_axis_mask=4),
    strided(normal(3, 4), (1, 0, 0), (2, 0, 4), (1, 1, 1), new_axis_mask=2, shrink_axis_mask=1),
    strided(normal(2, 3, 4, 5), (1,), (2,), (1,)),
    strided(integers(0, 9, 6), (1,), (5,), (1,)),
    *(
        case("PAD", normal(*shape), i32(*pads).reshape(-1, 2), constant=(1,))
        for shape, pads in (((3,), (1, 2)), ((2, 3), (1, 0, 0, 2)), ((1, 2, 3, 2), (0, 0, 1, 1, 2, 0, 0, 0)))
    ),
    case("PAD", normal(1, 2, 1, 2, 3), i32(0, 1, 1, 0, 0, 0, 2, 0, 1, 1).reshape(-1, 2), constant=(1,)),
    case("PAD", normal(2, 3), np.int64([[1, 0], [0, 2]]), constant=(1,)),
    case("PAD", integers(0, 9, 2, 3), i32(1, 0, 0, 2).reshape(-1, 2), constant=(1,)),
    case("PADV2", normal(2, 3), i32(1, 0, 0, 2).reshape(-1, 2), np.float32(-7.5), constant=(1, 2)),
    case("PADV2", integers(0, 9, 2, 3), i32(1, 0, 0, 2).reshape(-1, 2), i32(5), constant=(1, 2)),
    case("PADV2", normal(2, 3), i32(1, 0, 0, 2).reshape(-1, 2), np.float32([-np.inf]), constant=(1, 2)),
    *(
        case("MIRROR_PAD", normal(3, 4), i32(*pads).reshape(-1, 2), constant=(1,), mode=mode)
        for pads, mode in itertools.product(((1, 2, 0, 3), (2, 0, 1, 1)), (0, 1))
    ),
    *(case("TILE", normal(2, 3), i32(*times), constant=(1,)) for times in ((1, 2), (3, 1), (2, 2))),
    case("TILE", integers(0, 9, 2, 1, 3), i32(2, 3, 1), constant=(1,)),
    *(
        case("BROADCAST_TO", normal(*shape), i32(*target), constant=(1,), version=2)
        for shape, target in (((3,), (2, 3)), ((2, 1, 3), (2, 4, 3)), ((1,), (2, 2, 2, 2, 2)))
    ),
    case("BROADCAST_TO", integers(0, 9, 3, dtype=np.int64), np.int64([2, 3]), constant=(1,), version=2),
    case("WHERE", flags(3, 4), outputs="int64"),
    case("WHERE", flags(5, seed=1), outputs="int64"),
    case("WHERE", normal(2, 3), outputs="int64"),
    case("FILL", i32(2, 3), np.float32(1.5), constant=(0,), outputs="float32"),
    case("FILL", i32(2, 3), np.int64(7), constant=(0, 1), outputs="int64"),
    case("FILL", np.int64([4]), np.array(True), constant=(0, 1), outputs="bool"),
    case("RANGE", np.int32(2), np.int32(17), np.int32(4), constant=(0, 1, 2)),
    case("RANGE", np.float32(1), np.float32(-1), np.float32(-0.3), constant=(0, 1, 2)),
    case("RANGE", np.int64(9), np.int64(0), np.int64(-2), constant=(0, 1, 2)),
    gather(normal(4, 5), [2, 0, 3]),
    gather(normal(4, 5), [[2, 0], [3, 1]], axis=1),
    gather(normal(4, 5), 2, axis=-1),
    gather(normal(2, 4, 5), [[2, 0], [3, 1]], axis=1, batch_dims=1),
    gather(normal(2, 3, 4, 5), [[2, 0], [3, 1]], axis=2, batch_dims=1),
    gather(integers(0, 9, 4), [[1], [2]]),
    case("GATHER", normal(4, 5), np.int64([1, 3]), axis=0),
    case("GATHER", normal(4, 5), i32(3, 1, 2), constant=(1,), axis=1),
    case("GATHER_ND", normal(3, 4, 5), i32(0, 1, 2, 3).reshape(2, 2)),
    case("GATHER_ND", normal(3, 4), i32(2, 0).reshape(2, 1)),
    case("GATHER_ND", integers(0, 9, 3, 4), np.int64([[[0, 1]], [[2, 3]]])),
    *(
        case("ONE_HOT", i32(0, 3, -1, 9), np.int32(4), on, off, constant=(1, 2, 3), outputs=on.dtype.name, axis=axis)
        for axis, (on, off) in itertools.product((-1, 0), ((np.float32(2), np.float32(-1)), (np.int32(5), np.int32(1))))
    ),
    case(
        "ONE_HOT",
        np.int64([[0, 1], [2, 1]]),
        np.int32(3),
        np.float32(1),
        np.float32(0),
        constant=(1, 2, 3),
        outputs="float32",
        axis=1,
    ),
    *(case("REVERSE_V2", normal(2, 3, 4), i32(axis), constant=(1,)) for axis in (0, 2)),
    *(
        case(operator, normal(2, 3, 4), i32(*axes), constant=(1,), keep_dims=keep)
        for operator, axes, keep in itertools.product(REDUCTIONS, ((0,), (-1,), (1, 2), (0, 1, 2)), (False, True))
    ),
    *(case(operator, normal(2, 3, 4, 5), i32(1, 2), constant=(1,), keep_dims=True) for operator in REDUCTIONS),
    *(case(operator, normal(2, 3, 4, 5), i32(1, 1, -2), constant=(1,)) for operator in ("MEAN", "SUM")),
    *(case(operator, integers(-3, 4, 3, 4), i32(1), constant=(1,)) for operator in REDUCTIONS),
    case("SUM", integers(-3, 4, 3, 4, dtype=np.int64), np.int32(0), constant=(1,)),
    *(
        case(operator, array, np.int32(axis), constant=(1,), outputs=name, output_type=kind)
        for operator, axis, (name, kind), array in itertools.product(
            ("ARG_MAX", "ARG_MIN"),
            (0, -1),
            (("int32", INT32), ("int64", INT64)),
            (normal(3, 4, 5), integers(0, 3, 3, 9)),
        )
    ),
    *(
        case("SOFTMAX", normal(*shape, scale=3), beta=beta)
        for shape in ((5,), (2, 5), (1, 2, 3, 4))
        for beta in (1.0, 0.5)
    ),
    *(case("LOG_SOFTMAX", normal(*shape, scale=3)) for shape in ((5,), (2, 5), (2, 3, 4))),
    *(
        case("CUMSUM", normal(3, 4), np.int32(axis), constant=(1,), exclusive=exclusive, reverse=reverse)
        for axis, exclusive, reverse in itertools.product((0, -1), (False, True), (False, True))
    ),
    case("CUMSUM", integers(-3, 9, 3, 4, dtype=np.int64), np.int32(1), constant=(1,)),
    *(case("TOPK_V2", normal(3, 7), np.int32(k), constant=(1,), outputs=("float32", "int32")) for k in (1, 3, 7)),
    case("TOPK_V2", integers(0, 3, 2, 9), np.int32(4), constant=(1,), outputs=("int32", "int32")),
]
