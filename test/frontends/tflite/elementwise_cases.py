"""Element-wise operators: every type that LiteRT computes, broadcasting, fused activations."""

import numpy as np
from single_operator import case, flags, i32, integers, normal, positive

NONE, RELU, RELU_N1_TO_1, RELU6, TANH = range(5)
FLOAT32, FLOAT16, INT32, UINT8, INT64, _, BOOL, INT16, _, INT8 = range(10)

ANY_FLOAT = ("ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "HARD_SWISH", "LOGISTIC", "NEG", "RELU", "RELU6")
ANY_FLOAT += ("RELU_0_TO_1", "RELU_N1_TO_1", "ROUND", "SIGN", "SIN", "SQUARE", "TANH", "ZEROS_LIKE")
COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
ARITHMETIC = ("ADD", "SUB", "MUL", "DIV")
EXTREMES = ("MAXIMUM", "MINIMUM")
BROADCASTS = (((2, 3, 4), (4,)), ((1, 4), (3, 1)), ((2, 1, 3, 1), (4, 1, 5)), ((), (2, 3)), ((1, 2, 3, 4, 5), (4, 1)))

CASES = [
    *(case(operator, normal(2, 3, 5, scale=3)) for operator in ANY_FLOAT),
    *(case(operator, positive(4, 5)) for operator in ("LOG", "RSQRT", "SQRT")),
    case("LOG", np.array([0, -1, 1, np.inf], np.float32)),
    case("ROUND", np.array([0.5, 1.5, 2.5, -0.5, -1.5, 7.49], np.float32)),
    case("RELU", normal(1, 2, 3, 2, 2)),
    case("ABS", integers(-9, 9, 4, 3)),
    case("NEG", integers(-9, 9, 4, 3)),
    case("NEG", integers(-9, 9, 4, 3, dtype=np.int64)),
    case("SIGN", integers(-2, 2, 7)),
    case("ZEROS_LIKE", integers(-9, 9, 4, 3, dtype=np.int64)),
    case("ZEROS_LIKE", integers(-9, 9, 4)),
    case("LOGICAL_NOT", flags(3, 4)),
    case("LEAKY_RELU", normal(3, 5), alpha=0.3),
    case("LEAKY_RELU", normal(7), alpha=1.5),
    case("GELU", normal(3, 5)),
    case("GELU", normal(3, 5), approximate=True),
    *(case("PRELU", normal(1, 3, 4, 2), normal(*shape), constant=(1,)) for shape in ((2,), (1, 1, 2), (3, 4, 2))),
    *(case(op, normal(2, 3), normal(2, 3, seed=1)) for op in (*ARITHMETIC, *EXTREMES, "SQUARED_DIFFERENCE")),
    *(
        case(op, normal(*left), normal(*right, seed=1))
        for op in (*ARITHMETIC, *EXTREMES, "SQUARED_DIFFERENCE")
        for left, right in BROADCASTS
        if op not in ("DIV", "SQUARED_DIFFERENCE") or len(left) < 5
    ),
    *(
        case(op, normal(2, 3, scale=5), normal(3, seed=1, scale=5), fused_activation_function=activation)
        for op in ARITHMETIC
        for activation in (RELU, RELU_N1_TO_1, RELU6)
    ),
    *(case(op, integers(-99, 99, 2, 4), integers(1, 9, 4)) for op in (*ARITHMETIC, *EXTREMES, "SQUARED_DIFFERENCE")),
    *(
        case(op, integers(-99, 99, 2, 4, dtype=np.int64), integers(1, 9, 4, dtype=np.int64))
        for op in ("ADD", "SUB", "MUL", *EXTREMES)
    ),
    case("ADD", integers(-9, 9, 2, 4), integers(1, 9, 2, 4), fused_activation_function=RELU6),
    case("ADD", normal(2, 3), normal(3, seed=1), table=False),
    case("ATAN2", np.float32([1, 1, 0, -1, -1, -1, 0, 1, 0, 5]), np.float32([0, 1, 1, 1, 0, -1, -1, -1, 0, 1e-9])),
    case("ATAN2", normal(2, 5), normal(2, 5, seed=1)),
    case("DIV", i32(-7, 7, -8, 9), i32(2, -2, 3, -4)),
    *(case("ADD_N", *(normal(2, 3, seed=k) for k in range(count))) for count in (2, 5)),
    case("ADD_N", integers(0, 9, 3), integers(0, 9, 3, seed=1)),
    *(
        case(operator, left, right)
        for operator in ("FLOOR_DIV", "FLOOR_MOD")
        for left, right in (
            (normal(2, 4, scale=5), normal(2, 4, seed=1)),
            (normal(2, 1, 4, scale=5), normal(3, 1, seed=1)),
            (integers(-20, 20, 3, 5), integers(1, 7, 3, 5)),
            (integers(-20, 20, 3, 5), integers(-7, 0, 5)),
        )
    ),
    case("FLOOR_MOD", integers(-20, 20, 9, dtype=np.int64), integers(1, 7, 9, dtype=np.int64)),
    case("POW", positive(2, 4), normal(4)),
    case("POW", integers(-4, 4, 2, 4), integers(0, 4, 4)),
    *(case(operator, normal(2, 3), normal(3, seed=1), outputs="bool") for operator in COMPARISONS),
    *(case(op, integers(0, 3, 9), integers(0, 3, 9, seed=1), outputs="bool") for op in COMPARISONS),
    *(case(op, *(integers(0, 3, 2, 3, dtype=np.int64, seed=s) for s in (0, 1)), outputs="bool") for op in COMPARISONS),
    *(case(op, flags(8), flags(8, seed=1), outputs="bool") for op in ("EQUAL", "NOT_EQUAL")),
    *(case(op, flags(2, 4), flags(4, seed=1)) for op in ("LOGICAL_AND", "LOGICAL_OR")),
    *(
        case(op, flags(2, 3), values, values + values, outputs=values.dtype.name)
        for op in ("SELECT", "SELECT_V2")
        for values in (normal(2, 3), integers(0, 9, 2, 3), integers(0, 9, 2, 3, dtype=np.int64))
    ),
    case("SELECT", flags(3), normal(3, 4), normal(3, 4, seed=1), outputs="float32"),
    case("SELECT", np.array(True), normal(3, 4), normal(3, 4, seed=1), outputs="float32"),
    case("SELECT_V2", flags(2, 1), normal(3), normal(1, 1, seed=1), outputs="float32"),
    case("SELECT_V2", flags(4), normal(2, 3, 1), normal(seed=1), outputs="float32"),
    *(
        case("CAST", values, outputs=name, in_data_type=source, out_data_type=target)
        for values, source in (
            (normal(3, 4, scale=40), FLOAT32),
            (integers(-100, 100, 3, 4), INT32),
            (integers(-100, 100, 3, 4, dtype=np.int64), INT64),
            (integers(0, 100, 3, 4, dtype=np.uint8), UINT8),
            (integers(-100, 100, 3, 4, dtype=np.int8), INT8),
            (flags(3, 4), BOOL),
        )
        for name, target in (("float32", FLOAT32), ("int32", INT32), ("int64", INT64), ("bool", BOOL))
    ),
    case("CAST", positive(9), outputs="uint8", in_data_type=FLOAT32, out_data_type=UINT8),
    case("CAST", normal(9), outputs="float16", in_data_type=FLOAT32, out_data_type=FLOAT16),
    *(
        case("BITCAST", values, outputs=name)
        for values, name in (
            (normal(3, 4), "float32"),
            (normal(3, 4), "int32"),
            (normal(), "int32"),
            (integers(-100, 100, 3, 4), "float32"),
            (integers(-100, 100, 3, 4), "uint32"),
            (integers(-100, 100, 9, dtype=np.int8), "uint8"),
            (integers(0, 3, 9, dtype=np.uint8), "bool"),
            (flags(9), "int8"),
        )
    ),
    case("DEQUANTIZE", normal(3, 4).astype(np.float16), outputs="float32"),
    case("DEQUANTIZE", normal(3, 4).astype(np.float16), constant=(0,), outputs="float32"),
    *(case("L2_NORMALIZATION", normal(*shape)) for shape in ((2, 5), (1, 3, 4, 6))),
]
