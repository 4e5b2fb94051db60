"""Looking up rows by numbers, and the different numbers that there are."""

import numpy as np
from single_operator import case, i32, integers, normal

SUM, MEAN, SQRTN = range(3)
INT32, INT64 = 2, 4
NUMBERS = i32(2, 3, 2, 0, 3, 7)


def sparse(ids, places, shape, rows, combiner, constant=(2,)):
    """Weighted rows at places; what is constant has its position in `constant`."""
    weights = normal(len(ids), seed=4)
    inputs = (i32(*ids), i32(*places).reshape(len(ids), -1), i32(*shape), weights, rows)
    return case("EMBEDDING_LOOKUP_SPARSE", *inputs, constant=constant, outputs="float32", combiner=combiner)


CASES = [
    case("EMBEDDING_LOOKUP", i32(3, 0, 3), normal(5, 4), constant=(1,), outputs="float32"),
    case("EMBEDDING_LOOKUP", i32(3, 0), normal(5, 4, 2), outputs="float32"),
    *(
        sparse((1, 3, 0, 2), (0, 0, 0, 1, 2, 0, 2, 1), (3, 2), rows, combiner, constant)
        for rows in (normal(4, 3), normal(4, 2, 3))
        for combiner in (SUM, MEAN, SQRTN)
        for constant in ((2,), (1, 2, 4))
    ),
    sparse((1, 3, 0), (0, 0, 0, 1, 0, 0, 1, 1, 1), (2, 2, 2), normal(4, 3), MEAN),
    *(
        case("HASHTABLE_LOOKUP", i32(5, 2, 9, -1), i32(-1, 2, 4, 9), rows, constant=constant, outputs=(kind, "uint8"))
        for rows, kind in ((normal(4, 3), "float32"), (integers(-9, 9, 4, 2, 2), "int32"))
        for constant in ((), (1, 2))
    ),
    *(
        case("UNIQUE", values, outputs=(values.dtype.name, name), idx_out_type=kind)
        for values in (NUMBERS, NUMBERS.astype(np.float32), NUMBERS.astype(np.int64))
        for kind, name in ((INT32, "int32"), (INT64, "int64"))
    ),
]
