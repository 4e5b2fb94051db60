"""Quantised networks in the form that machine code multiplies integers from: the same numbers, to the bit."""

import numpy as np
import onnxruntime
import pytest
from networks import SHIPPED, find_quantised, relative_error
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from quantised_networks import given

from kpuc.backends.native.emit import pipeline
from kpuc.backends.native.target import SPECS
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.dialects.mlir import ir
from kpuc.dialects.tensors import dtype_of, static_shape
from kpuc.frontends.onnx import import_onnx
from kpuc.frontends.tflite import import_tflite
from kpuc.frontends.tflite.loader import load
from kpuc.passes.nn.move_quantized import average_of_integers
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.rewriter import producer, rewrite_module, users
from kpuc.pipelines import INTEGER_PIPELINE, MOVE_PIPELINE, PIPELINE

FITTING = 1 << 22
"""Biases up to which the float32 number that they stand for tells all integers apart."""
CELLS = ("tflm_dtln_int8",)
"""Networks whose cells have weights of several scales."""
SCRAMBLED = ("tflm_keyword_svdf",)
"""Networks whose biases are larger than that."""

BYTES = [
    path for path in find_quantised() if not any(part in path.stem for part in ("16x8", "hybrid", "lstm", "deeplab"))
]


def lowered(path, *texts):
    module = import_tflite(path)
    for text in texts:
        parse_pipeline(text).run(module)
    return module


def products_of_integers(module):
    """How many products there are, all of dequantised data with constants of i8; nothing moves dequantised data."""
    products = 0
    for op in entry_function(module).regions[0].blocks[0].operations:
        if isinstance(op, nn.Dequantize):
            assert not [user for user in users(op.output) if isinstance(user, nn.NNOp) and user.on_storage]
        if isinstance(op, nn.Conv | nn.ConvTranspose | nn.Matmul):
            data, weight = (producer(value, nn.Dequantize) for value in list(op.operation.operands)[:2])
            assert data is not None
            assert dtype_of(weight.input) == np.int8
            assert producer(producer(weight.input, nn.StorageCast).input, nn.Constant) is not None
            products += 1
    return products


@pytest.mark.parametrize("path", BYTES, ids=lambda path: path.stem)
def test_nothing_changes(path):
    with mlir.context():
        plain, integers = import_tflite(path), lowered(path, INTEGER_PIPELINE, MOVE_PIPELINE)
        rewrite_module(plain, (average_of_integers,))
        parse_pipeline(PIPELINE).run(plain)
        arguments = entry_function(plain).regions[0].blocks[0].arguments
        details = [{"shape": static_shape(value), "dtype": dtype_of(value)} for value in arguments]
        inputs = [given(path, detail, 0).astype(detail["dtype"]) for detail in details]
        for expected, actual in zip(evaluate(plain, inputs), evaluate(integers, inputs), strict=True):
            np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("path", [path for path in BYTES if path.stem not in CELLS], ids=lambda path: path.stem)
def test_products_are_of_integers_and_moves_too(path):
    with mlir.context():
        assert products_of_integers(lowered(path, INTEGER_PIPELINE, MOVE_PIPELINE))


CONV1D = """
func.func @main(%x: tensor<1x2x8x!quant.uniform<u8:f32, 0.5:3>>) -> tensor<1x2x8x!quant.uniform<u8:f32, 0.5:3>> {
  %0 = "nn.dequantize"(%x) : (tensor<1x2x8x!quant.uniform<u8:f32, 0.5:3>>) -> tensor<1x2x8xf32>
  %1 = "nn.constant"() {value = dense<3> : tensor<2x2x1xi8>} : () -> tensor<2x2x1xi8>
  %2 = "nn.storage_cast"(%1) : (tensor<2x2x1xi8>) -> tensor<2x2x1x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %3 = "nn.dequantize"(%2) : (tensor<2x2x1x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<2x2x1xf32>
  %4 = "nn.conv"(%0, %3) {strides = array<i64: 1>, dilations = array<i64: 1>, padding = array<i64: 0, 0>,
    groups = 1 : i64} : (tensor<1x2x8xf32>, tensor<2x2x1xf32>) -> tensor<1x2x8xf32>
  %5 = "nn.quantize"(%4) : (tensor<1x2x8xf32>) -> tensor<1x2x8x!quant.uniform<u8:f32, 0.5:3>>
  return %5 : tensor<1x2x8x!quant.uniform<u8:f32, 0.5:3>>
}
"""


def test_convolutions_over_one_dimension_become_images_of_integers():
    with mlir.context():
        module = ir.Module.parse(CONV1D)
        parse_pipeline(pipeline(SPECS["x86-64-v3"])).run(module)
        assert products_of_integers(module) == 1
        assert "tensor<1x2x1x8xf32>" in str(module)


class Noise(CalibrationDataReader):
    """Samples for onnxruntime to calibrate with."""

    def __init__(self):
        images = np.random.default_rng(0).uniform(-1, 1, (4, 1, 1, 28, 28)).astype(np.float32)
        self.left = iter([{"input": one} for one in images])

    def get_next(self):
        return next(self.left, None)


@pytest.mark.parametrize("per_channel", [True, False])
def test_networks_that_onnxruntime_quantised(per_channel, tmp_path):
    file = tmp_path / "int8.onnx"
    quantize_static(
        SHIPPED / "fashion_dscnn.onnx",
        file,
        Noise(),
        quant_format=QuantFormat.QDQ,
        per_channel=per_channel,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    image = np.random.default_rng(1).uniform(-1, 1, (1, 1, 28, 28)).astype(np.float32)
    (expected,) = onnxruntime.InferenceSession(file, options).run(None, {"input": image})
    with mlir.context():
        module = import_onnx(file)
        for text in (INTEGER_PIPELINE, MOVE_PIPELINE):
            parse_pipeline(text).run(module)
        assert products_of_integers(module) == 8
        (actual,) = evaluate(module, [image])
    assert relative_error(expected, actual) <= 0.01  # a step of the logits


@pytest.mark.parametrize("path", [path for path in BYTES if path.stem not in SCRAMBLED], ids=lambda path: path.stem)
def test_biases_are_whole_steps_of_the_products(path):
    """A bias divided by the scales of data and weights is the integer of the file, where float32 has it."""
    count = 0
    for tensors, operator in [(graph.tensors, one) for graph in load(path).graphs for one in graph.operators]:
        if operator.name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED") or len(operator.inputs) < 3:
            continue
        data, weight, bias = (tensors[number] for number in operator.inputs[:3])
        if bias.data is None or bias.quantization is None:
            continue
        unit = np.float64(data.quantization.scale[0]) * np.asarray(weight.quantization.scale)
        small = np.abs(bias.data.astype(np.int64)) < FITTING
        np.testing.assert_array_equal(np.rint(bias.reals / unit)[small], bias.data[small])
        count += np.count_nonzero(small)
    assert count
