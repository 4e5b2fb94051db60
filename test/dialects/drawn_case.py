"""One operation of `nn` on random operands, beside an engine that is not ours.

A strategy draws a `Case`; `check` builds the operation as the only one of a network and compares the types that are
inferred, with all dimensions known and with some of them open, and the numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import onnxruntime
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from tflite_writer import GraphSpec, OperatorSpec, Quantization, TensorSpec, write

from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.mlir import file_loc, ir
from kpuc.dialects.ods import Op
from kpuc.dialects.tensors import dtype_of, shape_of, tensor_type
from kpuc.frontends.builder import NetworkBuilder

Array = np.ndarray
Draw = Callable[[st.SearchStrategy[Any]], Any]
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-30, 3e38)


@dataclass(frozen=True)
class Case:
    """An operation, its operands (None: absent; a list for a variadic one) and attributes, and what others compute.

    `constant` operands are constants of the network; `static` ones keep their shapes known; `open_result`: the result's
    shape depends on values. `input_type` and `result_type` make quantised types from a shape.
    """

    op: type[Op]
    operands: Sequence[Any]
    expected: Callable[[], Sequence[Array]]
    attributes: dict[str, Any] = field(default_factory=dict)
    constant: tuple[int, ...] = ()
    static: tuple[int, ...] = ()
    open_result: bool = False
    input_type: Callable[[Sequence[int | None]], ir.Type] | None = None
    result_type: Callable[[Sequence[int | None]], ir.Type] | None = None
    bound: float = 1e-5

    def groups(self) -> list[list[Array]]:
        """The arrays of each operand."""
        return [list(o) if isinstance(o, list) else [] if o is None else [o] for o in self.operands]

    def feed(self) -> list[Array]:
        """The arrays that the network takes as inputs."""
        return [a for i, group in enumerate(self.groups()) if i not in self.constant for a in group]


def build(case: Case, is_open: Callable[[], bool] = lambda: False) -> ir.Module:
    """A network of the operation alone; `is_open` decides of every dimension of its inputs whether it is `?`."""
    types = []
    for i, group in enumerate(case.groups()):
        for array in group if i not in case.constant else ():
            dims = [None if i not in case.static and is_open() else dim for dim in array.shape]
            make = case.input_type if i == 0 else None
            types.append((f"input{len(types)}", make(dims) if make else tensor_type(dims, array.dtype)))
    builder = NetworkBuilder("case")
    with file_loc("case", ""):
        arguments = iter(builder.start(types))
        with builder.node("operation"):
            values: list[Any] = []
            for i, (operand, group) in enumerate(zip(case.operands, case.groups(), strict=True)):
                made = [builder.constant(array) if i in case.constant else next(arguments) for array in group]
                values.append(made if isinstance(operand, list) else made[0] if made else None)
            results = None
            if case.result_type is not None:
                results = [case.result_type(shape_of(values[0]))]
            op = case.op(*values, results=results, **case.attributes)
        return builder.finish([(f"output{i}", value) for i, value in enumerate(op.operation.results)])


def check(case: Case, is_open: Callable[[], bool]) -> None:
    """Inferred types hold for what is computed, and that is what the other engine computes."""
    expected = case.expected()
    for unknown in (lambda: False, is_open):
        module = build(case, unknown)
        returned = next(iter(module.body.operations)).type.results
        actual = evaluate(module, case.feed())
        assert len(actual) == len(expected) == len(returned)
        for type_, ours, theirs in zip(returned, actual, expected, strict=True):
            shape = shape_of(type_)
            assert dtype_of(type_) == ours.dtype
            assert len(shape) == ours.ndim
            assert all(dim in (None, n) for dim, n in zip(shape, ours.shape, strict=True)), (shape, ours.shape)
            assert unknown is is_open or case.open_result or None not in shape
            assert_close(ours, np.asarray(theirs), case.bound)


def assert_close(ours: Array, theirs: Array, bound: float) -> None:
    """Same dtype and shape; integers equal, floats within the bound (near zero absolute), NaN where NaN is."""
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    if ours.dtype.kind != "f":
        np.testing.assert_array_equal(ours, theirs)
    else:
        bound = max(bound, 2e-3) if ours.dtype == np.float16 else bound
        np.testing.assert_allclose(ours.astype(np.float64), theirs.astype(np.float64), rtol=bound, atol=bound)


def node(
    operator: str,
    *inputs: Array | None,
    opset: int = 21,
    outputs: int = 1,
    engine: str = "onnxruntime",
    **attributes: Any,
) -> Callable[[], Sequence[Array]]:
    """What an ONNX node computes, by onnxruntime or onnx's "reference" evaluator."""
    given = {f"i{k}": np.asarray(array) for k, array in enumerate(inputs) if array is not None}

    def run() -> Sequence[Array]:
        names = [f"i{k}" if array is not None else "" for k, array in enumerate(inputs)]
        results = [f"o{k}" for k in range(outputs)]
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node(operator, names, results, **attributes)],
            "case",
            [
                onnx.helper.make_tensor_value_info(k, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
                for k, a in given.items()
            ],
            [onnx.ValueInfoProto(name=name) for name in results],
        )
        return run_model(
            onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=10),
            given,
            engine,
        )

    return run


def run_model(model: onnx.ModelProto, feed: dict[str, Array], engine: str) -> Sequence[Array]:
    """The outputs of an ONNX model."""
    if engine == "reference":
        with np.errstate(all="ignore"):
            return [np.asarray(array) for array in ReferenceEvaluator(model).run(None, feed)]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feed))


def litert(
    operator: str,
    *inputs: Array,
    constant: tuple[int, ...] = (),
    table: str | None = None,
    output: str | None = None,
    quantised: Mapping[int, Quantization] = MappingProxyType({}),
    kernels: OpResolverType = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    **options: Any,
) -> Callable[[], Sequence[Array]]:
    """What LiteRT computes for a TFLite operator, of which some inputs are quantised; its spatial ones are NHWC."""

    def run() -> Sequence[Array]:
        tensors = [
            TensorSpec(f"i{k}", array.dtype.name, array.shape, array if k in constant else None, quantised.get(k))
            for k, array in enumerate(inputs)
        ]
        tensors.append(TensorSpec("o", output or inputs[0].dtype.name))
        feeds = [k for k in range(len(inputs)) if k not in constant]
        spec = OperatorSpec(operator, list(range(len(inputs))), [len(inputs)], table, options)
        interpreter = Interpreter(
            model_content=write(GraphSpec(tensors, [spec], feeds, [len(inputs)])),
            experimental_op_resolver_type=kernels,
        )
        interpreter.allocate_tensors()
        for details, k in zip(interpreter.get_input_details(), feeds, strict=True):
            interpreter.set_tensor(details["index"], inputs[k])
        interpreter.invoke()
        return [interpreter.get_tensor(interpreter.get_output_details()[0]["index"])]

    return run


def shape(draw: Draw, low: int = 0, high: int = 4, least: int = 0, most: int = 4) -> tuple[int, ...]:
    """A shape of rank `low` to `high` with extents `least` to `most`."""
    return tuple(draw(st.lists(st.integers(least, most), min_size=low, max_size=high)))


def random(draw: Draw) -> np.random.Generator:
    """Numbers that belong to the example."""
    return np.random.default_rng(draw(st.integers(0, 2**31)))


def floats(
    draw: Draw,
    shape: Sequence[int],
    low: float = -4,
    high: float = 4,
    dtype: Any = np.float32,
    special: bool = False,
) -> Array:
    """Floats between the bounds, with `special` also zeros, infinities and NaN among them."""
    rng = random(draw)
    array = rng.uniform(low, high, tuple(shape)).astype(dtype)
    if special and draw(st.booleans()):
        with np.errstate(over="ignore"):
            array = np.where(rng.random(array.shape) < 0.3, rng.choice(SPECIAL, array.shape), array).astype(dtype)
    return array


def integers(draw: Draw, shape: Sequence[int], low: int, high: int, dtype: Any = np.int64) -> Array:
    """Integers from `low` to `high`, both included."""
    return np.asarray(random(draw).integers(low, high, tuple(shape), endpoint=True)).astype(dtype)


def flags(draw: Draw, shape: Sequence[int]) -> Array:
    """Booleans."""
    return integers(draw, shape, 0, 1).astype(bool)


def axis_of(draw: Draw, rank: int) -> int:
    """An axis, counted from either end."""
    return int(draw(st.integers(-rank, rank - 1)))


def some_axes(draw: Draw, rank: int, least: int = 0) -> list[int]:
    """Different axes, counted from either end, in any order."""
    chosen = draw(st.lists(st.integers(0, rank - 1), unique=True, min_size=least, max_size=rank)) if rank else []
    return [axis - rank if draw(st.booleans()) else axis for axis in chosen]
