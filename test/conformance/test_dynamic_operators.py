"""Operators on tensors of open dimensions, with results whose size the data decides among them.

Small networks are run with inputs of several shapes beside onnxruntime, and all node tests of the onnx package with
every dimension open; both in our runtime and, on the same bytes, in the vendor's.
"""

import re
import warnings
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from dynamic_cases import CASES, noise
from node_cases import as_array
from onnx import numpy_helper
from vendor import run_in_vendor_runtime

import kpuc
from kpuc.errors import KpucError
from kpuc.frontends.onnx import supported_operators

HEAD = '<ir_version: 9, opset_import: ["" : %d]> network (%s) => (%s) {%s}'


def network(inputs, outputs, body, opset=18):
    """From onnx's text format."""
    return onnx.parser.parse_model(HEAD % (opset, inputs, outputs, body)).SerializeToString()


@cache
def small(name):
    """The kmodel, the inputs, and what onnxruntime computes for them."""
    inputs, outputs, body, feeds, *opset = CASES[name]
    data = network(inputs, outputs, body, *opset)
    session = onnxruntime.InferenceSession(data)
    names = [one.name for one in session.get_inputs()]
    expected = [session.run(None, dict(zip(names, feed, strict=True))) for feed in feeds]
    return kpuc.compile(data, portable=True).data, feeds, expected


@pytest.mark.parametrize("name", CASES)
def test_small_network(name):
    data, feeds, expected = small(name)
    simulator = kpuc.Simulator(data)
    for feed, wanted in zip(feeds, expected, strict=True):
        assert_near(name, list(simulator.run(*feed).values()), wanted)


def test_small_networks_in_the_vendor_runtime():
    rows = [(name, *small(name)) for name in CASES]
    jobs = [
        (data, [*map(np.ascontiguousarray, feed)], len(wanted[0])) for _, data, feeds, wanted in rows for feed in feeds
    ]
    results = iter(run_in_vendor_runtime(jobs))
    for name, _, _, expected in rows:
        for wanted in expected:
            result = next(results)
            assert not isinstance(result, str), f"{name}: {result}"
            assert_near(name, result, wanted)


def assert_near(name, results, expected):
    """A few units in the last place of float32, accumulated; float16 has 11 bits."""
    for result, wanted in zip(results, expected, strict=True):
        assert (result.dtype, result.shape) == (wanted.dtype, wanted.shape), name
        tolerance = 2e-3 if wanted.dtype == np.float16 else 2e-5
        wide = wanted.astype(np.float64)
        np.testing.assert_allclose(result.astype(np.float64), wide, rtol=tolerance, atol=tolerance, err_msg=name)


def test_squeeze_that_a_shape_decides():
    """As PyTorch exports it: the other branch has another rank, which nothing behind it could take."""
    then = "then_branch = one () => (float[?] a) {a = Squeeze(x, axis)}"
    other = "else_branch = more () => (float[?,?] b) {b = Identity(x)}"
    body = f"""axis = Constant<value_ints=[1]>() size = Shape<start=1>(x) c = Equal(size, axis)
        r = If(c) <{then}, {other}> y = Relu(r)"""
    data = network("float[N,M] x", "float[?] y", body)
    made, feed = kpuc.compile(data), noise(5, 1)
    (expected,) = onnxruntime.InferenceSession(data).run(None, {"x": feed})
    assert np.array_equal(kpuc.Simulator(made).run(feed)["y"], expected)
    with pytest.raises(KpucError, match="the kmodel requires: a dimension that is squeezed is 1"):
        kpuc.Simulator(made).run(noise(5, 2))
    right, wrong = run_in_vendor_runtime([(made.data, [feed], 1), (made.data, [noise(5, 2)], 1)])
    assert np.array_equal(right[0], expected)
    assert wrong == "Invalid argument"


@pytest.mark.parametrize("branches", [("Relu", "Identity"), ("Squeeze", "Neg")])
def test_other_branches_that_a_shape_decides(branches):
    then, other = (f"{name}(x{', axis' * (name == 'Squeeze')})" for name in branches)
    graphs = (
        f"then_branch = one () => (float[?] a) {{a = {then}}}, else_branch = more () => (float[?] b) {{b = {other}}}"
    )
    body = f"""axis = Constant<value_ints=[1]>() size = Shape<start=1>(x) c = Equal(size, axis)
        y = If(c) <{graphs}>"""
    with pytest.raises(KpucError, match="its condition depends on the shape of input 'x'"):
        kpuc.compile(network("float[N,M] x", "float[?] y", body))


LENGTHS = "a recurrent layer over several samples or of unknown length needs constant weights"
VOLUMES = "pooling over 3 dimensions is not supported"
OPEN = {
    "AffineGrid": "its condition depends on the shape of input 'size'",
    "AveragePool": VOLUMES,
    "CausalConvWithState": "the standard does not say what it stands for",
    "Col2Im": "the shape of the columns is not known",
    "ConstantOfShape": "the length of the shape operand must be known",
    "Conv": "the kernel's size is not known",
    "ConvInteger": "a window over .* is not supported, only over floats",
    "ConvTranspose": "the kernel's size is not known|output_shape needs known sizes"
    "|only transposed convolutions over 1 or 2 dimensions",
    "CumProd": "dimension -?[0-9] is not known",
    "DFT": "dimension [0-9] is not known",
    "DeformConv": "the shape of input 0 is not known",
    "DequantizeLinear": "blocks along dimension 1, which is not known",
    "Det": "the size of the matrices is not known",
    "Einsum": "its sizes must be known",
    "Expand": "the length of the shape operand must be known",
    "EyeLike": "it converts float64",
    "GRU": LENGTHS,
    "GatherND": "the last dimension of indices .* must be known",
    "GridSample": "the shape of input 0 is not known",
    "GroupNormalization": "the number of channels is not known",
    "LRN": "its sizes must be known",
    "LSTM": f"{LENGTHS}|an LSTM with peepholes, coupled gates or a limited cell state is not supported",
    "LinearAttention": "its length depends on the shape of what is computed",
    "LpPool": VOLUMES,
    "MaxPool": f"dimension 2 is not known, and a window may lie in its padding altogether|{VOLUMES}",
    "MaxUnpool": "the shape of the maxima is not known",
    "Pad": "padding that wraps around is not supported",
    "QuantizeLinear": "blocks along dimension 1, which is not known",
    "RNN": LENGTHS,
    "Reshape": "the length of the shape operand must be known",
    "Resize": "keeping the ratio of dimensions needs a known shape and constant sizes|scales .* are not whole numbers"
    "|cropping needs a known shape|cubic and antialiased resizing is not supported",
    "RoiAlign": "the shape of input 0 is not known",
    "RotaryEmbedding": "'split' is computed by the network",
    "STFT": "the length of signal or frames is not known",
    "Scan": "its length depends on the shape of input",
    "Scatter": "its sizes must be known",
    "ScatterElements": "its sizes must be known",
    "ScatterND": "index tuples of None do not fit|scattering with reduction '(add|max|min|mul)' is not supported",
    "Slice": "how many dimensions it slices is not known",
    "TensorScatter": "the shapes of caches and updates must be known",
    "TfIdfVectorizer": "the length of rows is not known",
}
"""Why operators are refused when dimensions are open, in the words of the error."""
RUNS = {
    "test_resize_downsample_sizes_linear_pytorch_half_pixel": "a resize changes height and width only, to 2 or more"
}
"""Cases that are refused when they run."""
DIFFERENT = (
    "test_averagepool_2d_ceil_last_window_starts_on_pad",
    "test_resize_downsample_scales_linear_align_corners",
    "test_resize_downsample_scales_cubic_align_corners",
)
"""Cases where onnx's reference computes something else than onnxruntime, and we."""
OTHERWISE = ("test_top_k_same_values", "test_onehot_out_of_range", "empty_set", "scalar", "NCd1d2d3d4d5")
"""Where the vendor's runtime differs, for static shapes too: the order of equal elements, indices out of range, sums of
nothing, and scalars, which come back as vectors; and for open ones: tensors of seven dimensions, which come back with
what was in memory before."""


def opened(model):
    """The model with every dimension of its inputs open."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for number, value in enumerate(result.graph.input):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            dim.dim_param = f"d{number}_{axis}"
    return result


@cache
def by_operator():
    """The onnx package's tests of one node that takes and gives tensors, of operators that kpuc imports."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    imported = {row["operator"] for row in supported_operators()}
    found = {}
    for case in cases:
        nodes, (inputs, outputs) = case.model.graph.node, case.data_sets[0]
        whole = all(isinstance(one, np.ndarray | np.generic | onnx.TensorProto) for one in (*inputs, *outputs))
        if whole:  # bfloat16, which numpy does not have, is float32 in kmodels
            whole = all(as_array(one).dtype.isbuiltin == 1 for one in (*inputs, *outputs))
        if len(nodes) == 1 and nodes[0].op_type in imported and whole and case.name not in DIFFERENT:
            found.setdefault(nodes[0].op_type, []).append(case)
    return found


def with_constants(model, arrays):
    """The model with all inputs but the first as initializers, and the first input."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.input[1:]
    for value, array in zip(model.graph.input[1:], arrays[1:], strict=True):
        result.graph.initializer.append(numpy_helper.from_array(array, value.name))
    return result, arrays[:1]


def compiled(model):
    """The kmodel, or the error."""
    try:
        return kpuc.compile(model, portable=True).data
    except KpucError as error:
        return error


@cache
def of_operator(operator):
    """(case, kmodel or error, its inputs, expected): of each case two forms, all inputs but the first being constants,
    or none; those that are refused for static shapes as well left out."""
    found = []
    for case in by_operator()[operator]:
        arrays = [as_array(value) for value in case.data_sets[0][0]]
        expected = [as_array(value) for value in case.data_sets[0][1]]
        for model, feed in (with_constants(case.model, arrays), (case.model, arrays)):
            made = compiled(opened(model)) if feed else None
            if made is not None and (isinstance(made, bytes) or isinstance(compiled(model), bytes)):
                found.append((case, made, feed, expected))
    return found


@pytest.mark.parametrize("operator", sorted(by_operator()))
def test_node_of_open_dimensions(operator):
    for case, made, feed, expected in of_operator(operator):
        if isinstance(made, KpucError):
            assert re.search(OPEN.get(operator, "$^"), str(made)), f"{case.name}: {made}"
        elif case.name in RUNS:
            with pytest.raises(KpucError, match=RUNS[case.name]):
                kpuc.Simulator(made).run(*feed)
        else:
            assert_near(case.name, kpuc.Simulator(made).run(*feed).values(), expected)


def test_no_operator_is_said_to_be_refused_that_is_not():
    for operator in OPEN:
        assert any(isinstance(made, KpucError) for _, made, _, _ in of_operator(operator)), operator


@pytest.mark.slow
def test_nodes_of_open_dimensions_in_the_vendor_runtime():
    rows = [row for operator in by_operator() for row in of_operator(operator) if isinstance(row[1], bytes)]
    rows = [row for row in rows if row[0].name not in RUNS and not any(part in row[0].name for part in OTHERWISE)]
    jobs = [(made, [*map(np.ascontiguousarray, feed)], len(expected)) for _, made, feed, expected in rows]
    assert len(jobs) > 1000
    portions = (jobs[first : first + 100] for first in range(0, len(jobs), 100))
    results = [result for portion in portions for result in run_in_vendor_runtime(portion)]
    for (case, *_, expected), result in zip(rows, results, strict=True):
        assert not isinstance(result, str), f"{case.name}: {result}"
        assert_near(case.name, result, expected)
