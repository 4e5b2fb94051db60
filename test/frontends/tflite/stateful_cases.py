"""Networks that remember, that choose and that repeat: several graphs, several runs."""

from dataclasses import dataclass

import numpy as np
from accumulator import accumulator
from quantised_cases import parameters, stored
from recurrent_cases import TANH, lstm, one_step, plain, quantised_lstm, step
from single_operator import Case, case, feed_of, graph_of, normal
from tflite_writer import GraphSpec, OperatorSpec, Quantization, TensorSpec

NONE, RELU = 0, 1
SCALAR: tuple[int, ...] = ()


@dataclass(frozen=True)
class Network:
    """The graphs of a file, and what one run after another is given; quantised results may differ by `steps`."""

    name: str
    graphs: tuple[GraphSpec, ...]
    feeds: list[list[np.ndarray]]
    steps: int = 0

    def __str__(self) -> str:
        return self.name

    @property
    def operators(self) -> set[str]:
        return {operator.name for graph in self.graphs for operator in graph.operators}


def unary(operator: str, table: str | None = None) -> GraphSpec:
    """A graph of one operator on three numbers."""
    tensors = [TensorSpec("a", "float32", (3,)), TensorSpec("b", "float32", (3,))]
    return GraphSpec(tensors, [OperatorSpec(operator, [0], [1], table)], [0], [1])


def choice(known: bool | None) -> tuple[GraphSpec, ...]:
    """|x| or -x, by an input, or by a constant."""
    data = None if known is None else np.array(known)
    tensors = [
        TensorSpec("flag", "bool", SCALAR, data),
        TensorSpec("x", "float32", (3,)),
        TensorSpec("y", "float32", (3,)),
    ]
    operator = OperatorSpec("IF", [0, 1], [2], "IfOptions", {"ThenSubgraphIndex": 1, "ElseSubgraphIndex": 2})
    main = GraphSpec(tensors, [operator], [1] if known is not None else [0, 1], [2])
    return main, unary("ABS", "AbsOptions"), unary("NEG", "NegOptions")


def loop(limit: int, start: int | None = 0) -> tuple[GraphSpec, ...]:
    """x += x while the counter is below a limit; without `start` the counter is an input."""
    counter = TensorSpec("i", "int32", SCALAR, None if start is None else np.int32(start))
    x, y = TensorSpec("x", "float32", (3,)), TensorSpec("y", "float32", (3,))
    after = TensorSpec("j", "int32", SCALAR)
    condition = GraphSpec(
        [
            TensorSpec("i", "int32", SCALAR),
            x,
            TensorSpec("limit", "int32", SCALAR, np.int32(limit)),
            TensorSpec("go", "bool", SCALAR),
        ],
        [OperatorSpec("LESS", [0, 2], [3], "LessOptions")],
        [0, 1],
        [3],
    )
    body = GraphSpec(
        [TensorSpec("i", "int32", SCALAR), x, TensorSpec("one", "int32", SCALAR, np.int32(1)), after, y],
        [OperatorSpec("ADD", [0, 2], [3], "AddOptions"), OperatorSpec("ADD", [1, 1], [4], "AddOptions")],
        [0, 1],
        [3, 4],
    )
    operator = OperatorSpec("WHILE", [0, 1], [2, 3], "WhileOptions", {"CondSubgraphIndex": 1, "BodySubgraphIndex": 2})
    return GraphSpec([counter, x, after, y], [operator], [1] if start is not None else [0, 1], [2, 3]), condition, body


def until(limit: int, bound: float) -> tuple[GraphSpec, ...]:
    """x += x while the counter is below a limit and the first number below a bound."""
    scalar = [TensorSpec("i", "int32", SCALAR), TensorSpec("x", "float32", (3,))]
    condition = GraphSpec(
        [
            *scalar,
            TensorSpec("limit", "int32", SCALAR, np.int32(limit)),
            TensorSpec("few", "bool", SCALAR),
            TensorSpec("first", "float32", SCALAR),
            TensorSpec("bound", "float32", SCALAR, np.float32(bound)),
            TensorSpec("low", "bool", SCALAR),
            TensorSpec("go", "bool", SCALAR),
            TensorSpec("zero", "int32", SCALAR, np.int32(0)),
        ],
        [
            OperatorSpec("LESS", [0, 2], [3], "LessOptions"),
            OperatorSpec("GATHER", [1, 8], [4], "GatherOptions", {"Axis": 0}),
            OperatorSpec("LESS", [4, 5], [6], "LessOptions"),
            OperatorSpec("LOGICAL_AND", [3, 6], [7], "LogicalAndOptions"),
        ],
        [0, 1],
        [7],
    )
    main, _, body = loop(limit)
    return main, condition, body


def runs(item: Case, shape: tuple[int, ...], count: int = 4, steps: int = 0) -> Network:
    """One operator, given other noise in each run."""
    (first,) = feed_of(item)
    quantization = item.quantised.get(0)
    feeds = []
    for seed in range(count):
        noise = normal(*first.shape, seed=seed)
        feeds.append([noise if quantization is None else stored(noise, quantization, first.dtype.name)])
    return Network(str(item), (graph_of(item, (shape,)),), feeds, steps)


def svdf(rank: int, activation: int = NONE) -> Case:
    """Filters over three features and four steps, two samples."""
    filters, steps = 4, 4
    return case(
        "SVDF",
        normal(2, 3),
        normal(filters, 3),
        normal(filters, steps),
        normal(filters // rank),
        np.zeros((2, filters * steps), np.float32),
        constant=(1, 2, 3),
        variables=(4,),
        rank=rank,
        fused_activation_function=activation,
    )


def quantised_svdf() -> Case:
    """The same with inputs and weights of 8 bits, weights over time and memory of 16 bits."""
    filters, steps = 4, 4
    source, feature = parameters(-3, 3, "int8"), Quantization((0.02,), (0,))
    over_time, memory = Quantization((0.0001,), (0,)), Quantization((0.001,), (0,))
    bias = Quantization((1e-7,), (0,))
    return case(
        "SVDF",
        stored(normal(2, 3), source, "int8"),
        stored(normal(filters, 3), feature, "int8"),
        stored(normal(filters, steps), over_time, "int16"),
        stored(normal(filters, scale=0.5), bias, "int32"),
        np.zeros((2, filters * steps), np.int16),
        constant=(1, 2, 3),
        variables=(4,),
        outputs="int8",
        quantised={0: source, 1: feature, 2: over_time, 3: bias, 4: memory},
        results={0: parameters(0, 6, "int8")},
        rank=1,
        fused_activation_function=RELU,
    )


X = [normal(3, seed=seed) for seed in range(4)]
EIGHT = parameters(-4, 4, "int8")

NETWORKS = [
    Network("accumulator", accumulator(normal(3, seed=9)), [[x] for x in X]),
    Network(
        "quantised-accumulator",
        accumulator(stored(normal(3, seed=9), EIGHT, "int8"), EIGHT),
        [[stored(x, EIGHT, "int8")] for x in X],
    ),
    *(Network(f"if-{known}", choice(known), [[X[0]]]) for known in (True, False)),
    Network("if", choice(None), [[np.array(True), X[0]], [np.array(False), X[1]]]),
    *(Network(f"while-{limit}", loop(limit), [[X[0]]]) for limit in (0, 1, 5)),
    Network("while-until", until(6, 5.0), [[np.array([first, 1, -2], np.float32)] for first in (0.01, 1, 9, -1)]),
    runs(svdf(1), (2, 4)),
    runs(svdf(2), (2, 2)),
    runs(svdf(2, RELU), (2, 2)),
    runs(quantised_svdf(), (2, 4), steps=1),
    runs(lstm(2, 1, 3, 4), (2, 1, 4)),
    runs(lstm(2, 1, 3, 4, time_major=True), (1, 2, 4)),
    runs(quantised_lstm(2, 1, 3, 4), (2, 1, 4)),
    *(runs(plain("RNN", (2, 3), 4, activation=activation), (2, 4)) for activation in (NONE, RELU, TANH)),
    runs(plain("UNIDIRECTIONAL_SEQUENCE_RNN", (2, 1, 3), 4), (2, 1, 4)),
    runs(step(2, 3, 4), (2, 4)),
    runs(lstm(2, 1, 3, 6, norms=True, outputs=4), (2, 1, 4)),
    runs(step(2, 3, 6, norms=True, outputs=4, peepholes=True), (2, 4)),
    runs(one_step(quantised_lstm(2, 1, 3, 4)), (2, 4)),
]
