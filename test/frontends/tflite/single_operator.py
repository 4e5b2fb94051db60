"""TFLite networks of one operator, described in a line, imported and evaluated beside LiteRT."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from networks import relative_error
from tflite_writer import GraphSpec, OperatorSpec, Quantization, TensorSpec, write

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.frontends.tflite import import_tflite
from kpuc.passes.pipeline import parse_pipeline
from kpuc.pipelines import PIPELINE, STACKVM_PIPELINE

BOUND = 1e-5
"""Largest difference relative to an output's largest magnitude: some float32 roundings in a different order."""
EXACT = 0.99
"""Smallest share of the elements of a quantised result that are equal; the others differ by `steps`."""

KERNELS = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
"""LiteRT's own kernels for the machine."""

_TABLES = {
    "ADD_N": "AddNOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "BITWISE_XOR": "BitwiseXorOptions",
    "CONV_3D": "Conv3DOptions",
    "CONV_3D_TRANSPOSE": "Conv3DOptions",
    "BIDIRECTIONAL_SEQUENCE_LSTM": "BidirectionalSequenceLSTMOptions",
    "BIDIRECTIONAL_SEQUENCE_RNN": "BidirectionalSequenceRNNOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "LSTM": "LSTMOptions",
    "REDUCE_ALL": "ReducerOptions",
    "REDUCE_ANY": "ReducerOptions",
    "RIGHT_SHIFT": "RightShiftOptions",
    "RNN": "RNNOptions",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "SequenceRNNOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MEAN": "ReducerOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "PADV2": "PadV2Options",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_PROD": "ReducerOptions",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
    "SUM": "ReducerOptions",
    "SVDF": "SVDFOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "TOPK_V2": "TopKV2Options",
}
"""Option tables whose names do not follow from the operator's."""

_WITHOUT_OPTIONS = ("CEIL", "ELU", "FLOOR", "LOG", "LOGISTIC", "PRELU", "RELU", "RELU6", "RELU_0_TO_1", "CUSTOM")
_WITHOUT_OPTIONS += (
    "RELU_N1_TO_1",
    "ATAN2",
    "BITCAST",
    "BROADCAST_ARGS",
    "EMBEDDING_LOOKUP",
    "HASHTABLE_LOOKUP",
    "ROUND",
    "RSQRT",
    "SIN",
    "SQRT",
    "TANH",
    *(f"STABLEHLO_{name}" for name in ("ADD", "AND", "MAXIMUM", "MINIMUM", "MULTIPLY")),
)


@dataclass(frozen=True)
class Case:
    """One operator: its inputs (None: absent), which of them are constants, the types of its results, its options.

    `quantised` are the parameters of inputs by position, `results` those of outputs. `exact` is the share of equal
    quantised results, `evaluated` an even smaller one of the import's own.
    """

    operator: str
    inputs: tuple[np.ndarray | None, ...]
    constant: tuple[int, ...] = ()
    outputs: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    quantised: dict[int, Quantization] = field(default_factory=dict)
    results: dict[int, Quantization] = field(default_factory=dict)
    variables: tuple[int, ...] = ()
    table: bool = True
    custom: tuple[str, bytes] = ("", b"")
    intermediates: tuple[tuple[str, Quantization | None], ...] = ()
    bound: float = BOUND
    exact: float = EXACT
    evaluated: float = 1.0
    steps: int = 1
    version: int = 1
    delegate: bool = False
    shapes: tuple[tuple[int, ...], ...] | None = None

    def __str__(self) -> str:
        shapes = "_".join("x".join(map(str, i.shape)) or "scalar" for i in self.inputs if i is not None)
        extra = "_".join(f"{k}{v}" for k, v in self.options.items())
        kind = next((i.dtype.name for i in self.inputs if i is not None), "")
        return "-".join(filter(None, [self.operator, self.custom[0], kind, shapes[:40], extra[:60]])).replace(" ", "")

    @property
    def name(self) -> str:
        """The operator as `supported_operators` calls it."""
        return f"CUSTOM {self.custom[0]}" if self.custom[0] else self.operator


def case(operator: str, *inputs: Any, **settings: Any) -> Case:
    """A case; settings that are not fields of `Case` are the operator's options, `stride_h` for `StrideH`."""
    known = {item.name for item in dataclasses.fields(Case)}
    fields = {key: value for key, value in settings.items() if key in known}
    options = {
        "".join(part.capitalize() for part in key.split("_")): value
        for key, value in settings.items()
        if key not in known
    }
    arrays = tuple(None if item is None else np.asarray(item) for item in inputs)
    if "outputs" not in fields:
        first = next((array.dtype.name for array in arrays if array is not None), "float32")
        fields["outputs"] = (first,)
    elif isinstance(fields["outputs"], str):
        fields["outputs"] = (fields["outputs"],)
    return Case(operator, arrays, options=options, **fields)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """Float32 noise, the same in every run."""
    return (np.random.default_rng([seed, *shape]).standard_normal(shape) * scale).astype(np.float32)


def positive(*shape: int) -> np.ndarray:
    """Float32 between 0.1 and 3."""
    return np.random.default_rng([7, *shape]).uniform(0.1, 3, shape).astype(np.float32)


def integers(low: int, high: int, *shape: int, dtype: Any = np.int32, seed: int = 0) -> np.ndarray:
    """Integers in low..high-1."""
    return np.random.default_rng([seed, *shape]).integers(low, high, shape).astype(dtype)


def flags(*shape: int, seed: int = 0) -> np.ndarray:
    """Booleans."""
    return integers(0, 2, *shape, seed=seed).astype(bool)


def i32(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def table_of(operator: str) -> str | None:
    """The name of an operator's option table."""
    if operator in _WITHOUT_OPTIONS:
        return None
    return _TABLES.get(operator, "".join(part.capitalize() for part in operator.split("_")) + "Options")


def graph_of(item: Case, shapes: tuple[tuple[int, ...], ...] | None = None) -> GraphSpec:
    """The case as a graph; the results have `shapes`, or none that are stated."""
    tensors, numbers, inputs = [], [], []
    for k, array in enumerate(item.inputs):
        if array is None:
            numbers.append(-1)
            continue
        data = array if k in item.constant else None
        numbers.append(len(tensors))
        if k not in item.constant and k not in item.variables:
            inputs.append(len(tensors))
        tensors.append(
            TensorSpec(
                f"i{k}", array.dtype.name, array.shape, data, item.quantised.get(k), variable=k in item.variables
            )
        )
    outputs = []
    for k, dtype in enumerate(item.outputs):
        outputs.append(len(tensors))
        shape = () if shapes is None else shapes[k]
        tensors.append(TensorSpec(f"o{k}", dtype, shape, None, item.results.get(k)))
    between = list(range(len(tensors), len(tensors) + len(item.intermediates)))
    tensors += [TensorSpec(f"t{k}", t, (), None, q) for k, (t, q) in enumerate(item.intermediates)]
    table = table_of(item.operator) if item.table else None
    operator = OperatorSpec(item.operator, numbers, outputs, table, item.options, *item.custom, between, item.version)
    return GraphSpec(tensors, [operator], inputs, outputs)


def feed_of(item: Case) -> list[np.ndarray]:
    """What goes into the network: the inputs that are neither constant nor state."""
    skipped = {*item.constant, *item.variables}
    return [a for k, a in enumerate(item.inputs) if a is not None and k not in skipped]


def reference(model: bytes, feeds: list[list[np.ndarray]], resolver: Any = KERNELS) -> list[list[np.ndarray]]:
    """LiteRT's outputs for each feed in turn."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    results = []
    for feed in feeds:
        for details, array in zip(interpreter.get_input_details(), feed, strict=True):
            interpreter.set_tensor(details["index"], array)
        interpreter.invoke()
        results.append([interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()])
    return results


def ours(model: bytes, feed: list[np.ndarray], *pipelines: str) -> list[list[np.ndarray]]:
    """The evaluator's outputs: of the import, and after each pipeline on top."""
    with mlir.context():
        module = import_tflite(model)
        results = [evaluate(module, feed)]
        for text in pipelines:
            parse_pipeline(text).run(module)
            results.append(evaluate(module, feed))
        return results


def assert_close(expected: np.ndarray, actual: np.ndarray, bound: float) -> None:
    """Same type and shape; integers equal, floats within the bound, the same ones not finite."""
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected)
        return
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite])
    assert relative_error(expected[finite], actual[finite]) <= bound


def assert_equal_but_for_steps(expected: np.ndarray, actual: np.ndarray, exact: float, steps: int = 1) -> None:
    """Same type and shape; integers differ by at most so many steps, most of them not at all."""
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    differences = np.abs(expected.astype(np.int64) - actual.astype(np.int64))
    assert differences.max(initial=0) <= steps
    assert np.mean(differences == 0) >= exact


def expectation(item: Case) -> tuple[GraphSpec, list[np.ndarray]]:
    """The case as a graph that states its shapes, and what LiteRT computes: quantised, as it does by default."""
    feed = feed_of(item)
    resolver = OpResolverType.BUILTIN if item.delegate or item.results else KERNELS
    shapes = tuple(array.shape for array in reference(write(graph_of(item, item.shapes)), [feed], resolver)[0])
    graph = graph_of(item, shapes)
    (expected,) = reference(write(graph), [feed], resolver)
    return graph, expected


def assert_like(item: Case, expected: list[np.ndarray], actual: list[np.ndarray]) -> None:
    """Outputs are what the case allows."""
    for k, (theirs, mine) in enumerate(zip(expected, actual, strict=True)):
        if k in item.results:
            assert_equal_but_for_steps(theirs, mine, item.exact, item.steps)
        else:
            assert_close(theirs, mine, item.bound)


def assert_as_litert(item: Case) -> None:
    """The import, and what the pipelines make of it, compute what LiteRT computes."""
    graph, expected = expectation(item)
    lenient = dataclasses.replace(item, exact=min(item.exact, item.evaluated))
    for actual in ours(write(graph), feed_of(item), PIPELINE, STACKVM_PIPELINE):
        assert_like(lenient, expected, actual)


def side_by_side(graphs: Sequence[GraphSpec]) -> GraphSpec:
    """One graph of several, which have nothing to do with each other."""
    tensors: list[TensorSpec] = []
    operators: list[OperatorSpec] = []
    inputs: list[int] = []
    outputs: list[int] = []
    for number, graph in enumerate(graphs):
        start = len(tensors)

        def moved(numbers: Sequence[int], start: int = start) -> list[int]:
            return [index + start if index >= 0 else index for index in numbers]

        tensors += [dataclasses.replace(one, name=f"{number}_{one.name}") for one in graph.tensors]
        operators += [
            dataclasses.replace(
                one, inputs=moved(one.inputs), outputs=moved(one.outputs), intermediates=moved(one.intermediates)
            )
            for one in graph.operators
        ]
        inputs, outputs = inputs + moved(graph.inputs), outputs + moved(graph.outputs)
    return GraphSpec(tensors, operators, inputs, outputs)
