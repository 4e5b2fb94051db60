"""Quantised networks in the form that machine code multiplies integers from: the same numbers, to the bit."""

import numpy as np
import pytest
from networks import find_quantised
from quantised_networks import given

from kpuc.compiler import INTEGER_PIPELINE, MOVE_PIPELINE, PIPELINE
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.dialects.tensors import dtype_of, static_shape
from kpuc.frontends.tflite import import_tflite
from kpuc.frontends.tflite.loader import load
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.rewriter import producer, users

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


@pytest.mark.parametrize("path", BYTES, ids=lambda path: path.stem)
def test_nothing_changes(path):
    with mlir.context():
        plain, integers = lowered(path, PIPELINE), lowered(path, INTEGER_PIPELINE, MOVE_PIPELINE)
        arguments = entry_function(plain).regions[0].blocks[0].arguments
        details = [{"shape": static_shape(value), "dtype": dtype_of(value)} for value in arguments]
        inputs = [given(path, detail, 0).astype(detail["dtype"]) for detail in details]
        for expected, actual in zip(evaluate(plain, inputs), evaluate(integers, inputs), strict=True):
            np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("path", [path for path in BYTES if path.stem not in CELLS], ids=lambda path: path.stem)
def test_products_are_of_integers_and_moves_too(path):
    with mlir.context():
        module, products = lowered(path, INTEGER_PIPELINE, MOVE_PIPELINE), 0
        for op in entry_function(module).regions[0].blocks[0].operations:
            if isinstance(op, nn.Dequantize):
                assert not [user for user in users(op.output) if isinstance(user, nn.NNOp) and user.on_storage]
            if isinstance(op, nn.Conv | nn.ConvTranspose | nn.Matmul):
                data, weight = (producer(value, nn.Dequantize) for value in list(op.operation.operands)[:2])
                assert data is not None
                assert dtype_of(weight.input) == np.int8
                assert producer(producer(weight.input, nn.StorageCast).input, nn.Constant) is not None
                products += 1
        assert products


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
