"""Windows of any rank, and the operators of StableHLO; those that run other graphs are networks."""

import numpy as np
from flatbuffers import flexbuffers
from single_operator import case, flags, i32, integers, normal, table_of
from stateful_cases import Network
from tflite_writer import GraphSpec, OperatorSpec, TensorSpec

ADD, MUL, MINIMUM, MAXIMUM = range(1, 5)
NUMBERS = ("ADD", "MULTIPLY", "MAXIMUM", "MINIMUM")


def i64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def pair(operator, array):
    return case(f"STABLEHLO_{operator}", array, array[::-1].copy())


def window(function, value, first, sizes, strides=None, dilations=None):
    """A reduction of windows; its first element has the value's type."""
    one = (1,) * value.ndim
    numbers = [i64(*sizes), i64(*(strides or one)), i64(*(dilations or one))]
    inputs = (value, np.asarray(first, value.dtype), *numbers)
    return case("REDUCE_WINDOW", *inputs, constant=(1, 2, 3, 4), reduce_function=function)


def pad(value, low, high, between, fill):
    amounts = {"edge_padding_low": i64(*low), "edge_padding_high": i64(*high), "interior_padding": i64(*between)}
    return case("STABLEHLO_PAD", value, np.asarray(fill, value.dtype), constant=(1,), **amounts)


def gather(value, starts, shape, sizes, offsets, collapsed, named, axis, constant=()):
    """Slices of `sizes`; the result has a shape."""
    lists = {"offset_dims": offsets, "collapsed_slice_dims": collapsed, "start_index_map": named, "slice_sizes": sizes}
    options = {name: i64(*numbers) for name, numbers in lists.items()}
    kind = value.dtype.name
    return case(
        "STABLEHLO_GATHER",
        value,
        starts,
        constant=constant,
        outputs=kind,
        shapes=(shape,),
        index_vector_dim=axis,
        **options,
    )


PAIRS = i32(0, 1, 1, 0, 2, 9, 1, 1, 0, -3, 2, 2).reshape(2, 3, 2)
"""Some are outside of 4 x 3 places."""
CASES = [
    gather(normal(5, 4), i32(3, 0, 9).reshape(3, 1), (3, 4), (1, 4), (1,), (0,), (0,), 1),
    gather(normal(5, 4), i32(3, 0, 1).reshape(3, 1), (3, 4), (1, 4), (1,), (0,), (0,), 1, (1,)),
    gather(normal(3, 4, 2), PAIRS, (2, 3, 2, 2), (1, 2, 2), (2, 3), (0,), (1, 0), 2),
    gather(normal(3, 4, 2), PAIRS, (2, 2, 3, 2), (1, 2, 2), (1, 3), (0,), (1, 0), 2),
    gather(normal(5, 6), i64(4, 1), (2, 3), (2, 3), (0, 1), (), (0, 1), 0),
    gather(integers(-9, 9, 6), i32(1, 5, 0, 2).reshape(1, 4), (4,), (1,), (), (0,), (0,), 0),
    gather(normal(5, 4), i32(3, 0).reshape(1, 2), (2, 2), (1, 2), (1,), (0,), (0,), 0),
    *(pair(operator, normal(4, 3)) for operator in NUMBERS),
    *(pair(operator, integers(-9, 9, 4, 3)) for operator in (*NUMBERS, "AND")),
    *(pair(operator, flags(4, 3)) for operator in (*NUMBERS, "AND")),
    *(
        case("STABLEHLO_SHIFT_LEFT", integers(-9, 9, 6, dtype=t), integers(0, 5, 6, dtype=t))
        for t in (np.int32, np.int8)
    ),
    *(
        case("DILATE", value, i32(*steps), np.asarray(fill, value.dtype), constant=(1, 2))
        for value, steps, fill in (
            (normal(5), (3,), 0),
            (normal(2, 3, 4), (2, 1, 3), 7),
            (normal(1, 3), (2, 2), -1),
            (integers(-9, 9, 3, 2), (2, 2), 5),
            (normal(2, 2), (1, 1), 5),
        )
    ),
    *(window(function, normal(6, 7), 0.5, (2, 3), (2, 1)) for function in (ADD, MUL, MINIMUM, MAXIMUM)),
    *(window(function, integers(-9, 9, 8), 1, (3,), (2,), (2,)) for function in (ADD, MINIMUM, MAXIMUM)),
    window(ADD, normal(6), 0, (6,)),
    window(MAXIMUM, normal(2, 7, 6, 3), -np.inf, (1, 3, 3, 1), (1, 2, 2, 1)),
    window(ADD, normal(5), 0, (1,), (2,)),
    pad(normal(3, 4), (1, 0), (2, 1), (0, 0), 2),
    pad(normal(3, 4), (1, 0), (2, 1), (2, 1), -1),
    pad(normal(3, 4), (-1, 2), (1, -2), (1, 1), 3),
    pad(integers(-9, 9, 5), (2,), (-1,), (0,), 4),
]


def combination(operator, kind="float32"):
    """A graph that makes one scalar of two."""
    tensors = [TensorSpec(name, kind, ()) for name in "abc"]
    return GraphSpec(tensors, [OperatorSpec(f"STABLEHLO_{operator}", [0, 1], [2])], [0, 1], [2])


def windows(name, operator, value, first, shape, sizes, **options):
    """STABLEHLO_REDUCE_WINDOW, whose result has a shape; options that are not given are those of plain windows."""
    one = (1,) * value.ndim
    defaults = {"WindowStrides": one, "BaseDilations": one, "WindowDilations": one, "Padding": (0,) * 2 * value.ndim}
    fields = {key: i64(*numbers) for key, numbers in {"WindowDimensions": sizes, **defaults, **options}.items()}
    kind = value.dtype.name
    tensors = [
        TensorSpec("x", kind, value.shape),
        TensorSpec("first", kind, (), np.asarray(first, kind)),
        TensorSpec("y", kind, shape),
    ]
    table = "StablehloReduceWindowOptions"
    node = OperatorSpec("STABLEHLO_REDUCE_WINDOW", [0, 1], [2], table, {**fields, "BodySubgraphIndex": 1})
    return Network(f"windows-{name}", (GraphSpec(tensors, [node], [0], [2]), combination(operator, kind)), [[value]])


def scatter(name, operator, value, places, updates, inner, inserted, named, axis, known=False):
    """STABLEHLO_SCATTER; without an operator, updates replace what was there."""
    lists = {"UpdateWindowDims": inner, "InsertedWindowDims": inserted, "ScatterDimsToOperandDims": named}
    fields = {key: i64(*numbers) for key, numbers in lists.items()}
    kind = value.dtype.name
    tensors = [
        TensorSpec("x", kind, value.shape),
        TensorSpec("i", places.dtype.name, places.shape, places if known else None),
        TensorSpec("u", kind, updates.shape),
        TensorSpec("y", kind, value.shape),
    ]
    fields |= {"IndexVectorDim": axis, "UpdateComputationSubgraphIndex": 1}
    node = OperatorSpec("STABLEHLO_SCATTER", [0, 1, 2], [3], "StablehloScatterOptions", fields)
    inputs = [0, 2] if known else [0, 1, 2]
    graph = (
        combination(operator, kind) if operator else GraphSpec([TensorSpec(n, kind, ()) for n in "ab"], [], [0, 1], [1])
    )
    feed = [value, updates] if known else [value, places, updates]
    return Network(f"scatter-{name}", (GraphSpec(tensors, [node], inputs, [3]), graph), [feed])


def composite():
    """-|x|, which is called something else, of half of the input."""
    attributes = np.frombuffer(flexbuffers.Dumps({}), np.uint8)
    tensors = [TensorSpec(name, "float32", (3,)) for name in ("x", "half", "y", "z")]
    half = TensorSpec("c", "float32", (3,), np.full(3, 0.5, np.float32))
    nodes = [
        OperatorSpec("MUL", [0, 4], [1], "MulOptions"),
        OperatorSpec(
            "STABLEHLO_COMPOSITE",
            [1],
            [2],
            "StableHLOCompositeOptions",
            {"Name": "test.down", "DecompositionSubgraphIndex": 1, "CompositeAttributes": attributes},
        ),
        OperatorSpec("ADD", [2, 0], [3], "AddOptions"),
    ]
    inner = [TensorSpec(name, "float32", (3,)) for name in "abc"]
    steps = [OperatorSpec("ABS", [0], [1], table_of("ABS")), OperatorSpec("NEG", [1], [2], table_of("NEG"))]
    main = GraphSpec([*tensors, half], nodes, [0], [3])
    return Network("composite", (main, GraphSpec(inner, steps, [0], [2])), [[normal(3)]])


ROWS = (1,), (0,), (0,), 1
NETWORKS = [
    *(
        windows(operator, operator, normal(6, 7), 0.5, (3, 5), (2, 3), WindowStrides=(2, 1))
        for operator in ("ADD", "MULTIPLY", "MAXIMUM", "MINIMUM")
    ),
    windows("padded", "ADD", normal(4, 5), 0, (4, 3), (3, 3), WindowStrides=(1, 2), Padding=(1, 1, 1, 1)),
    windows("first-in-padding", "ADD", normal(4), 2, (6,), (2,), Padding=(2, 1)),
    windows("cropped", "MAXIMUM", normal(6), -9, (3,), (2,), Padding=(-1, -1)),
    windows("apart", "MAXIMUM", normal(5), -2, (7,), (3,), BaseDilations=(2,)),
    windows("dilated", "MINIMUM", normal(3, 7), 9, (3, 3), (1, 3), WindowDilations=(1, 2)),
    windows("cumsum", "ADD", normal(8), 0, (8,), (8,), Padding=(7, 0)),
    composite(),
    scatter("rows", "", normal(5, 3), i32(4, 0, 7).reshape(3, 1), normal(3, 3, seed=1), (1,), (0,), (0,), 1),
    scatter("known", "", normal(5, 3), i32(4, 0, 7).reshape(3, 1), normal(3, 3, seed=1), (1,), (0,), (0,), 1, True),
    scatter("box", "", normal(5, 6), i64(2, 1), normal(2, 3, seed=1), (0, 1), (), (0, 1), 0),
    scatter("box-outside", "", normal(5, 6), i64(4, 4), normal(2, 3, seed=1), (0, 1), (), (0, 1), 0),
    scatter("columns", "", normal(3, 5), i32(4, 0).reshape(1, 2), normal(2, 3, seed=1), (1,), (1,), (1,), 0),
    scatter(
        "scalars", "", integers(-9, 9, 6), i32(1, 3).reshape(2, 1), integers(-9, 9, 2, seed=1), (), (0,), (0,), 1, True
    ),
    *(
        scatter(operator, operator, normal(5, 3), i32(4, 0, 4).reshape(3, 1), normal(3, 3, seed=1), *ROWS, True)
        for operator in NUMBERS
    ),
]
