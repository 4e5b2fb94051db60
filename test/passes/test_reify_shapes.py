"""Shapes as arithmetic on the shapes of inputs: networks in which shapes are computed, and what cannot be told."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from kpuc.dialects import mlir
from kpuc.dialects.sizes import (
    bounds,
    choose,
    dimension,
    equal,
    larger,
    less,
    rounded_up,
    smaller,
    value_of,
)
from kpuc.errors import UnsupportedError
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.nn.reify_shapes import ReifiedShapes

F32 = TensorProto.FLOAT
N, M = dimension("n"), dimension("m", 5)


def network(nodes, shape, constants):
    """A network of one input x, with dimensions that are names or numbers, and one output y."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", F32, shape)],
        [helper.make_tensor_value_info("y", F32, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def reified(model):
    with mlir.context():
        (shape,) = ReifiedShapes(import_onnx(model)).results()
    return shape


@pytest.mark.parametrize(
    "nodes, constants",
    [
        (  # x.reshape(batch, -1, width // 2): as exporters write views
            [
                helper.make_node("Shape", ["x"], ["s"]),
                helper.make_node("Gather", ["s", "zero"], ["batch"]),
                helper.make_node("Gather", ["s", "three"], ["width"]),
                helper.make_node("Div", ["width", "two"], ["half"]),
                helper.make_node("Unsqueeze", ["batch", "axis"], ["b"]),
                helper.make_node("Unsqueeze", ["half", "axis"], ["h"]),
                helper.make_node("Concat", ["b", "rest", "h"], ["t"], axis=0),
                helper.make_node("Reshape", ["x", "t"], ["y"]),
            ],
            {
                "zero": np.int64(0), "three": np.int64(3), "two": np.int64(2),
                "axis": np.array([0]), "rest": np.array([-1]),
            },
        ),
        (  # x[..., width // 2:]
            [
                helper.make_node("Shape", ["x"], ["w"], start=3),
                helper.make_node("Div", ["w", "two"], ["half"]),
                helper.make_node("Slice", ["x", "half", "most", "axes"], ["y"]),
            ],
            {"two": np.array([2]), "most": np.array([2**63 - 1]), "axes": np.array([-1])},
        ),
        (  # padded to a multiple of 4
            [
                helper.make_node("Shape", ["x"], ["w"], start=3),
                helper.make_node("Mod", ["w", "four"], ["over"]),
                helper.make_node("Sub", ["four", "over"], ["missing"]),
                helper.make_node("Mod", ["missing", "four"], ["amount"]),
                helper.make_node("Concat", ["none", "amount"], ["pads"], axis=0),
                helper.make_node("Pad", ["x", "pads"], ["y"]),
            ],
            {"four": np.array([4]), "none": np.zeros(7, np.int64)},
        ),
        (  # every other column from behind, then pooled with windows that hang over the end
            [
                helper.make_node("Slice", ["x", "last", "first", "axes", "steps"], ["r"]),
                helper.make_node("MaxPool", ["r"], ["y"], kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1),
            ],
            {"last": np.array([-1]), "first": np.array([-(2**62)]), "axes": np.array([3]), "steps": np.array([-2])},
        ),
        (  # expanded to twice the rows by a shape that is computed, where a condition chooses
            [
                helper.make_node("Shape", ["x"], ["s"]),
                helper.make_node("Equal", ["s", "ones"], ["is_one"]),
                helper.make_node("Where", ["is_one", "three", "s"], ["t"]),
                helper.make_node("Expand", ["x", "t"], ["y"]),
            ],
            {"ones": np.ones(4, np.int64), "three": np.int64(3)},
        ),
    ],
    ids=["view", "half", "multiple", "backwards", "expand"],
)  # fmt: skip
def test_computed_shapes(nodes, constants):
    model = network(nodes, ["n", 3, "h", "w"], constants)
    shape = reified(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for n, h, w in ((1, 4, 8), (2, 7, 8), (1, 6, 14), (3, 9, 20)):
        (expected,) = session.run(None, {"x": np.zeros((n, 3, h, w), np.float32)})
        symbols = {"x[0]": n, "x[2]": h, "x[3]": w}
        assert tuple(value_of(extent, symbols) for extent in shape) == expected.shape


def test_one_symbol_is_one_size():
    """Two dimensions of one name are the same expression: their sum needs no comparison."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["y"])],
        "network",
        [helper.make_tensor_value_info(name, F32, ["n"]) for name in "ab"],
        [helper.make_tensor_value_info("y", F32, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    with mlir.context():
        module = import_onnx(model)
        assert ReifiedShapes(module, {(0, 0): N, (1, 0): N}).results() == [(N,)]
        (apart,) = ReifiedShapes(module).results()
    pairs = ((3, 3), (1, 4), (5, 1))
    assert [value_of(apart[0], {"a[0]": a, "b[0]": b}) for a, b in pairs] == [3, 4, 5]


def test_elements_decide():
    nodes = [helper.make_node("NonZero", ["x"], ["z"]), helper.make_node("Cast", ["z"], ["y"], to=F32)]
    with pytest.raises(UnsupportedError, match=r"K0605.*NonZero.*depend on the values"):
        reified(network(nodes, ["n"], {}))
    nodes = [
        helper.make_node("Cast", ["x"], ["s"], to=TensorProto.INT64),
        helper.make_node("ConstantOfShape", ["s"], ["y"]),
    ]
    with pytest.raises(UnsupportedError, match=r"K0605.*depend on the values of tensor<2xf32>"):
        reified(network(nodes, [2], {}))


@pytest.mark.parametrize(
    "extent, function",
    [
        (N + 3 - 3, lambda n, m: n),
        (5 - N, lambda n, m: 5 - n),
        ((N * 6) // 3 * M, lambda n, m: 2 * n * m),
        (N * 3 * 4, lambda n, m: 12 * n),
        (N * 3 * (M * 4), lambda n, m: 12 * n * m),
        ((N * 6) // 12, lambda n, m: n // 2),
        ((N * 6) // 4, lambda n, m: 6 * n // 4),
        (N // 2 // 3, lambda n, m: n // 6),
        (100 // M, lambda n, m: 100 // m),
        (larger(N, M), max),
        (smaller(N + 1, M), lambda n, m: min(n + 1, m)),
        (smaller(M, 7), lambda n, m: min(m, 7)),
        (equal(N, M), lambda n, m: n == m),
        (less(M, N), lambda n, m: m < n),
        (choose(less(N, 6), M, N), lambda n, m: m if n < 6 else n),
        (N % M, lambda n, m: n % m),
        (rounded_up(N, 4), lambda n, m: -(-n // 4)),
    ],
)
def test_arithmetic(extent, function):
    for n in range(1, 20):
        for m in range(5, 20):
            value = value_of(extent, {"n": n, "m": m})
            assert value == function(n, m)
            low, high = bounds(extent)
            assert low <= value <= high


@pytest.mark.parametrize(
    "extent, simple",
    [
        (N - N, 0),
        (N - (N - 3), 3),
        (N + 2 - (N + 5), -3),
        (N * 1, N),
        (N * 0, 0),
        (N * 4 // 4, N),
        (larger(N, 1), N),
        (less(M, 5), 0),
        (M % 4 // 4, 0),
        (equal(M, 4), 0),
        (smaller(N, 2**31 - 1), N),
        (smaller(M, 5), 5),
    ],
)
def test_what_is_known_at_once(extent, simple):
    assert extent == simple
