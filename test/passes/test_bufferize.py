"""The buffer level computes what the planned tensors do: it has addresses, so that a wrong one is another number."""

from functools import cache

import numpy as np
import pytest
from kpu_networks import FAMILIES, network

import kpuc
from kpuc.backends.k210.emit3 import emit3
from kpuc.backends.k210.emit4 import emit4
from kpuc.backends.k210.portable import emit_portable
from kpuc.backends.stackvm.emit5 import emit5
from kpuc.dialects import kpu, mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import argument_names, entry_function, inputs_of, outputs_of, result_names
from kpuc.dialects.mlir import ir
from kpuc.dialects.tensors import dtype_of, shape_of
from kpuc.frontends.onnx import import_onnx
from kpuc.options import CompileOptions, Quantisation
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibration import annotate
from kpuc.pipelines import BUFFERS_PIPELINE, pipelines
from kpuc.version import PRODUCER

CONFIGURATIONS = {"v5": {}, "v4": {"kmodel": 4}, "v3": {"kmodel": 3}, "portable": {"portable": True}}


@cache
def calibrated(seed):
    """A network, calibration data for it, and the ranges of its values."""
    net, model = network(seed)
    samples = net.samples(2)
    made = kpuc.compile(model, target="k210", calibration=samples, calibration_method="minmax")
    return model, samples, made.calibration


def planned(seed, **options):
    """The network as tensors with a plan."""
    model, samples, calibration = calibrated(seed)
    options = CompileOptions("k210", quantisation=Quantisation("u8", calibration=samples), **options)
    module = import_onnx(model)
    before, (*behind, last) = pipelines(options)
    assert last == BUFFERS_PIPELINE
    for text in before:
        parse_pipeline(text).run(module)
    annotate(module, calibration)
    for text in behind:
        parse_pipeline(text).run(module)
    return module


def feed(module):
    random = np.random.default_rng(0)
    types = [one.type for one in inputs_of(entry_function(module))]
    return [random.integers(0, 200, shape_of(type_)).astype(dtype_of(type_)) for type_ in types]


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@pytest.mark.parametrize("seed", range(len(FAMILIES)), ids=lambda seed: FAMILIES[seed].__name__)
def test_buffers_compute_what_tensors_do(seed, configuration):
    with mlir.context():
        module = planned(seed, **CONFIGURATIONS[configuration])
        function, inputs = entry_function(module), feed(module)
        before, names = evaluate(module, inputs), (argument_names(function), result_names(function))
        types = inputs_of(function), outputs_of(function)
        parse_pipeline(BUFFERS_PIPELINE).run(module)
        assert (argument_names(function), result_names(function)) == names
        assert (inputs_of(function), outputs_of(function)) == types
        for want, have in zip(before, evaluate(module, inputs), strict=True):
            assert have.dtype == want.dtype
            np.testing.assert_array_equal(have, want)


EMITTERS = {
    "v5": lambda module: emit5(module, PRODUCER, "1.6"),
    "v4": emit4,
    "v3": emit3,
    "portable": lambda module: emit_portable(module, PRODUCER),
}


@pytest.mark.parametrize(("seed", "configuration"), [(9, "v5"), (9, "v4"), (0, "v3"), (1, "portable")])
def test_the_text_is_all_that_an_emitter_needs(seed, configuration):
    emit = EMITTERS[configuration]
    with mlir.context():
        module = planned(seed, **CONFIGURATIONS[configuration])
        parse_pipeline(BUFFERS_PIPELINE).run(module)
        data, text = emit(module), module.operation.get_asm(enable_debug_info=True)
    with mlir.context():
        assert emit(ir.Module.parse(text)) == data


def buffers(module, space):
    block = entry_function(module).regions[0].blocks[0]
    return [op for op in block.operations if isinstance(op, kpu.Buffer) and kpu.space_of(op.output) == space]


@pytest.mark.parametrize("space", ["ram", "main"])
def test_a_buffer_in_a_wrong_place_would_be_found(space):
    """A map, or a result of the host, where another one is that is still wanted."""
    with mlir.context():
        module = planned(1, kmodel=4)
        inputs = feed(module)
        parse_pipeline(BUFFERS_PIPELINE).run(module)
        right = evaluate(module, inputs)
        different = 0
        for op in buffers(module, space):
            planned_offset = op.operation.attributes["offset"]
            op.operation.attributes["offset"] = ir.IntegerAttr.get(planned_offset.type, op.offset + 64)
            found = evaluate(module, inputs)
            op.operation.attributes["offset"] = planned_offset
            different += any(not np.array_equal(a, b) for a, b in zip(right, found, strict=True))
        assert different


def test_what_was_never_written_is_no_zero():
    text = """func.func @main(%y: memref<4xui8, #kpu.mem<"main">> {bufferize.result}) {
      %0 = "kpu.buffer"() {offset = 0 : i64} : () -> memref<4xui8, #kpu.mem<"main">>
      %1 = "kpu.load"(%0) : (memref<4xui8, #kpu.mem<"main">>) -> tensor<4xui8>
      "kpu.store"(%1, %y) : (tensor<4xui8>, memref<4xui8, #kpu.mem<"main">>) -> ()
      return }"""
    with mlir.context(), ir.Location.unknown():
        (found,) = evaluate(ir.Module.parse(text), [])
        assert found.all()
