"""Quantised TFLite networks against LiteRT's plain kernels: layer by layer, as a whole, as kmodels.

Where the file has integers we have the same ones, but compute in float32 between them and round once. LiteRT
multiplies sums by a factor of 31 bits and rounds twice, to a power of two first: what it gives is at most 3/4 of a step
away from the exact number. Factors of 16-bit tensors have 16 bits: those are up to 5/4 away. Layer by layer, each layer
being given what LiteRT gave to its own, this is what is demanded. As a whole, such differences add up.
"""

from functools import cache

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from networks import SHIPPED, find_quantised, relative_error
from quantised_networks import float_twin, readable, reference
from vendor import run_in_vendor_runtime

import kpuc
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function, initial_states, result_names
from kpuc.dialects.mlir import describe
from kpuc.frontends.tflite import import_tflite
from kpuc.frontends.tflite.loader import load
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.rewriter import producer
from kpuc.pipelines import DROP_PIPELINE, PIPELINE

AWAY = {"int8": 0.75, "uint8": 0.75, "int16": 1.25, "int32": 0.75}
"""How far from the exact number LiteRT's may be, in steps of the tensor's type."""
SLACK = 0.03
"""What float32 adds to that."""
RESIZED = 1
"""The same for resized images, whose weights have 10 bits in LiteRT."""
EXACT = 0.97
"""Share of all elements of a network's layers that are equal; measured: 0.977 to 1."""
STEPS = 3
"""Steps that an output of a whole network may differ by."""
SENSITIVE = {"tflm_mbv2_int8_nchw": 20}
"""Networks whose outputs LiteRT's own sets of kernels compute so many steps apart."""
RELATIVE = 5e-4
"""The largest relative difference of outputs that are dequantised 16-bit numbers."""
FLOAT = 1e-5
"""The same for a network in float32."""

NETWORKS = find_quantised()
HYBRID = [path for path in NETWORKS if "hybrid" in path.stem]
INTEGER = [path for path in NETWORKS if path not in HYBRID]
CONVOLUTIONAL = ("fashion", "fsdd", "cifar10", "resnet8", "vww", "mlperf_kws", "mbv", "person")
CLASSES = ("deeplab",)
"""Networks whose outputs are numbers of classes."""


class Layers:
    """Compares quantised tensors with LiteRT's, and puts LiteRT's in their place.

    Sums that LiteRT's 32 bits cannot hold are left out: the weights of tflm_keyword_svdf are scrambled.
    """

    def __init__(self, path):
        self.graph = load(readable(path.read_bytes())).graphs[0]
        self.numbers = {tensor.name: i for i, tensor in enumerate(self.graph.tensors)}
        self.lstm = {one.outputs[0]: one for one in self.graph.operators if one.name == "UNIDIRECTIONAL_SEQUENCE_LSTM"}
        self.held = {
            one.outputs[0]: 2.0**31 * self.graph.tensors[one.inputs[3]].quantization.scale[0]
            for one in self.graph.operators
            if one.name == "SVDF"
        }
        self.equal = self.count = 0
        self.compared = set()

    def observe(self, tensors, arguments):
        """An observer for one run."""
        values = dict(arguments)

        def observer(op, results):
            values.update(zip(op.operation.results, results, strict=True))
            if not isinstance(op, nn.Quantize | nn.IntegerLstm):
                return None
            number = self.numbers[describe(op.location).split(": ", 1)[1]]
            if isinstance(op, nn.IntegerLstm):
                self._compare_lstm(number, results, tensors)
                return None
            relu = producer(op.input, nn.Relu)
            held = np.abs(values[op.input if relu is None else relu.input]) < self.held.get(number, np.inf)
            assert np.mean(held) >= 0.5
            self._compare(number, values[op.input][held], results[0][held], tensors[number][held], op.output.type)
            return [tensors[number]]

        return observer

    def _compare(self, number, reals, ours, theirs, type_):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        parameters, info = nn.quantization_parameters(type_), np.iinfo(ours.dtype)
        (scale,), (zero,) = parameters.scale, parameters.zero_point
        exact = np.clip(reals.astype(np.float64) / scale + zero, info.min, info.max)
        name = self.graph.tensors[number].name
        away = RESIZED if "ResizeBilinear" in name else AWAY[ours.dtype.name]
        assert np.abs(exact - theirs).max(initial=0) <= away + SLACK, name
        self._count(number, ours, theirs)

    def _compare_lstm(self, number, results, tensors):
        """These are equal to the bit."""
        for index, ours in zip((number, *self.lstm[number].inputs[18:20]), results, strict=True):
            theirs = tensors[index].reshape(ours.shape)  # of one sample
            np.testing.assert_array_equal(ours, theirs)
            self._count(index, ours, theirs)

    def _count(self, number, ours, theirs):
        self.compared.add(number)
        self.equal += np.count_nonzero(ours == theirs)
        self.count += ours.size


@pytest.mark.parametrize("path", INTEGER, ids=lambda path: path.stem)
def test_layers(path):
    layers, expected = Layers(path), reference(path)
    with mlir.context():
        module = import_tflite(path)
        function = entry_function(module)
        states, names = initial_states(function), result_names(function)
        for feed, tensors in zip(expected.feeds, expected.tensors, strict=True):
            given = [*feed, *states.values()]
            arguments = zip(function.regions[0].blocks[0].arguments, given, strict=True)
            results = evaluate(module, given, layers.observe(tensors, arguments))
            states = {name: array for name, array in zip(names, results, strict=True) if name in states}
    computed = {number for operator in layers.graph.operators for number in operator.outputs}
    quantised = {n for n in computed if layers.graph.tensors[n].quantization is not None}
    assert layers.equal / layers.count >= EXACT
    assert len(layers.compared & quantised) >= 0.8 * len(quantised)


def assert_like_litert(path, expected, actual):
    """Outputs of one run. Softmax makes up to a quarter of its input's step of one step: that is its unit."""
    for theirs, ours in zip(expected, actual, strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        if theirs.dtype.kind == "f":
            assert relative_error(theirs, ours) <= RELATIVE
        elif any(part in path.stem for part in CLASSES):
            assert np.mean(theirs == ours) >= EXACT
        else:
            steps = np.abs(theirs.astype(np.int64) - ours.astype(np.int64)).max()
            assert steps <= SENSITIVE.get(path.stem, STEPS) * unit(path)


@cache
def unit(path):
    """How many steps of the output one step of the last layer before a final softmax can make."""
    (graph, *_), factor = load(path).graphs, 1.0
    last = graph.operators[-1]
    if last.name == "SOFTMAX":
        source, result = (graph.tensors[n].quantization.scale[0] for n in (last.inputs[0], last.outputs[0]))
        factor = source / 4 / result
    return max(1.0, factor)


def runs(path, run, states):
    """The expected and actual outputs of every run; `run` takes inputs and states in order, and gives all by name."""
    expected = reference(path)
    for feed, outputs in zip(expected.feeds, expected.outputs, strict=True):
        results = run([*feed, *states.values()])
        states = {name: results.pop(name) for name in states}
        yield outputs, list(results.values())


@pytest.mark.parametrize("path", INTEGER, ids=lambda path: path.stem)
def test_evaluator(path):
    with mlir.context():
        module = import_tflite(path)
        function = entry_function(module)
        names = result_names(function)

        def run(arrays):
            return dict(zip(names, evaluate(module, arrays), strict=True))

        for expected, actual in runs(path, run, initial_states(function)):
            assert_like_litert(path, expected, actual)


@cache
def kmodel(path, target="k230"):
    return kpuc.compile(path, target=target)


@pytest.mark.parametrize("target", ["k230", "k510"])
@pytest.mark.parametrize("path", INTEGER, ids=lambda path: path.stem)
def test_simulator(path, target):
    simulator = kpuc.Simulator(kmodel(path, target))
    for expected, actual in runs(path, lambda arrays: simulator.run(*arrays), simulator.states):
        assert_like_litert(path, expected, actual)


@pytest.mark.parametrize(
    "path", [p for p in INTEGER if any(name in p.stem for name in CONVOLUTIONAL)], ids=lambda path: path.stem
)
def test_convolutional_networks_end_without_transposes_inside(path):
    with mlir.context():
        module = import_tflite(path)
        parse_pipeline(PIPELINE).run(module)
        names = [op.operation.name for op in entry_function(module).regions[0].blocks[0].operations]
    inside = names[names.index("nn.conv") : len(names) - names[::-1].index("nn.conv")]
    assert "nn.transpose" not in inside
    assert "nn.pad" not in inside


@pytest.mark.parametrize("path", HYBRID, ids=lambda path: path.stem)
def test_networks_are_quantised_by_ranges_as_they_were_trained(path):
    """LiteRT rounds the inputs of layers with integer weights anew each time; ranges take the place of that."""
    twin = Interpreter(model_content=float_twin(path))
    twin.allocate_tensors()
    with mlir.context():
        module = import_tflite(path)
        parse_pipeline(DROP_PIPELINE).run(module)
        for feed in reference(path).feeds:
            twin.set_tensor(twin.get_input_details()[0]["index"], feed[0])
            twin.invoke()
            expected = twin.get_tensor(twin.get_output_details()[0]["index"])
            assert relative_error(expected, evaluate(module, feed)[0]) <= FLOAT


@pytest.mark.parametrize("path", HYBRID, ids=lambda path: path.stem)
@pytest.mark.parametrize("target", ["cpu", "k210", "k230"])
def test_ranges_make_of_networks_what_they_make_of_float_ones(path, target):
    samples = np.concatenate([feed[0] for feed in reference(path).feeds])
    ours, twins = (kpuc.compile(one, target=target, calibration=samples) for one in (path, float_twin(path)))
    assert ours.data == twins.data


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.stem, marks=[] if p.parent == SHIPPED else [pytest.mark.slow]) for p in INTEGER],
)
def test_vendor_runtime(path):
    """The same bytes in the vendor's interpreter, which is given the states that our simulator returns."""
    expected, simulator = reference(path), kpuc.Simulator(kmodel(path))
    states, jobs = simulator.states, []
    for feed in expected.feeds:
        given = [*feed, *map(np.ascontiguousarray, states.values())]
        jobs.append((kmodel(path).data, given, len(simulator.outputs)))
        results = simulator.run(*given)
        states = {name: results[name] for name in states}
    for outputs, result in zip(expected.outputs, run_in_vendor_runtime(jobs), strict=True):
        assert not isinstance(result, str), result
        assert_like_litert(path, outputs, result[: len(outputs)])
