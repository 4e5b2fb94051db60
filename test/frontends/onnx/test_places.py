"""Operators that read or write at computed places, and transforms, beside onnxruntime; damaged ones are refused."""

import numpy as np
import onnx
import pytest
from single_node import assert_as_onnxruntime, ints, network, normal, run
from test_graphs import refuse

from kpuc.errors import ModelError, UnsupportedError

IMAGE = normal(2, 3, 5, 4)
GRID = (normal(2, 6, 7, 2) * 1.3).astype(np.float32)
"""About half of the places lie outside of the image."""


@pytest.mark.parametrize("mode", ["linear", "nearest", "cubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [0, 1])
def test_grid_sample(mode, padding, aligned):
    options = {"mode": mode, "padding_mode": padding, "align_corners": aligned}
    assert_as_onnxruntime(*network("GridSample", [IMAGE, GRID], opset=20, **options))


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_grid_sample_of_volumes(padding):
    inputs = [normal(1, 2, 3, 4, 5), normal(1, 2, 3, 4, 3)]
    assert_as_onnxruntime(*network("GridSample", inputs, opset=20, mode="linear", padding_mode=padding))


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("options", [{"coordinate_transformation_mode": "output_half_pixel"}, {"spatial_scale": 0.5}])
def test_roi_align(mode, options):
    regions = np.float32([[0, 0, 3, 4], [1, 1.5, 3.5, 3], [-2, -2, 9, 9]])
    inputs = [IMAGE, regions, ints(1, 0, 1)]
    window = {"output_height": 3, "output_width": 2, "sampling_ratio": 2, "mode": mode}
    assert_as_onnxruntime(*network("RoiAlign", inputs, opset=16, **window, **options))


@pytest.mark.parametrize(
    ("shape", "length", "options"),
    [
        ((2, 8, 1), None, {"onesided": 1}),
        ((2, 8, 2), None, {}),
        ((2, 8, 2), None, {"inverse": 1}),
        ((2, 7, 1), 5, {}),
        ((2, 7, 2), 12, {}),
    ],
)
def test_dft(shape, length, options):
    inputs = [normal(*shape), None if length is None else np.array(length), np.array(1)]
    assert_as_onnxruntime(*network("DFT", inputs, opset=20, constant=(1, 2), **options))


def test_real_numbers_come_back_from_half_of_their_frequencies():
    signal = normal(2, 9)
    frequencies = np.fft.rfft(signal, axis=1)
    inputs = [np.stack([frequencies.real, frequencies.imag], -1).astype(np.float32), np.array(9), np.array(1)]
    (result,) = run(*network("DFT", inputs, opset=20, constant=(1, 2), inverse=1, onesided=1))
    np.testing.assert_allclose(result[..., 0], signal, atol=1e-6)


@pytest.mark.parametrize("window", [None, normal(6)])
def test_stft(window):
    inputs = [normal(2, 20, 1), np.array(3), window, np.array(6)]
    assert_as_onnxruntime(*network("STFT", inputs, constant=(1, 3), onesided=1))


def test_col2im():
    inputs = [normal(2, 3 * 4, 4 * 2), ints(9, 6), ints(2, 2)]
    options = {"strides": [2, 3], "dilations": [2, 1], "pads": [1, 0, 0, 1]}
    assert_as_onnxruntime(*network("Col2Im", inputs, opset=18, constant=(1, 2), **options))


def test_max_unpool():
    values, places = normal(1, 1, 2, 2), ints(1, 3, 9, 14).reshape(1, 1, 2, 2)
    options = {"kernel_shape": [2, 2], "strides": [2, 2]}
    assert_as_onnxruntime(*network("MaxUnpool", [values, places], **options))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_det(size):
    assert_as_onnxruntime(*network("Det", [normal(2, size, size)]))


@pytest.mark.parametrize("axis", [None, 1])
def test_compress(axis):
    options = {} if axis is None else {"axis": axis}
    assert_as_onnxruntime(*network("Compress", [normal(2, 3), np.array([True, False, True])], constant=(1,), **options))


def test_counted_sequences():
    options = {"mode": "TFIDF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 2}
    pool = {"pool_int64s": [2, 3, 5, 4, 5, 6, 7, 8], "ngram_counts": [0, 4], "ngram_indexes": [3, 0, 1, 2, 5, 4]}
    row = ints(5, 4, 5, 6, 7, 8, 6, 7).reshape(2, 4)
    assert_as_onnxruntime(*network("TfIdfVectorizer", [row], opset=9, weights=[1, 2, 3, 4, 5, 6.5], **pool, **options))


@pytest.mark.parametrize("constant", [(), (1, 2)])
def test_blocked_parameters(constant):
    scale, zero = np.abs(normal(2, 3)) + np.float32(0.1), np.arange(6, dtype=np.uint8).reshape(2, 3)
    inputs = [np.arange(20, dtype=np.uint8).reshape(2, 10), scale, zero]
    assert_as_onnxruntime(*network("DequantizeLinear", inputs, opset=21, constant=constant, block_size=4, axis=1))


def test_bfloat16_is_computed_in_float32():
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.BFLOAT16, [2], [1.5, -3.0])
    model, feed = network("Add", [normal(2), normal(2)], constant=(1,))
    model.graph.initializer[0].CopyFrom(tensor)
    model.graph.initializer[0].name = "i1"
    np.testing.assert_array_equal(run(model, feed)[0], feed["i0"] + np.float32([1.5, -3.0]))


@pytest.mark.parametrize("to", ["INT64", "BFLOAT16"])
def test_bits_as_a_type_of_another_width(to):
    model, _ = network("BitCast", [np.zeros(2, np.int16)], opset=26, to=onnx.TensorProto.DataType.Value(to))
    refuse(model, UnsupportedError, r"K0110.*\n.*BitCast at .*i16 as [if]\d+ is not supported: the widths differ")


def test_functions_keep_their_defaults_and_absent_inputs():
    inputs = [normal(1, 2, 3, 8), normal(1, 2, 5, 8), normal(1, 2, 5, 4)]
    (result,) = run(*network("Attention", inputs, opset=23))
    scores = inputs[0] @ inputs[1].swapaxes(-1, -2) / np.sqrt(8)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(result, weights @ inputs[2], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("operator", "inputs", "options", "kind", "match"),
    [
        ("GridSample", [IMAGE, GRID], {"mode": "best"}, ModelError, "mode 'best' is unknown"),
        ("GridSample", [IMAGE, GRID], {"padding_mode": "none"}, ModelError, "padding_mode 'none' is unknown"),
        ("RoiAlign", [IMAGE, normal(1, 4), ints(0)], {}, UnsupportedError, "depends on the sizes of regions"),
        ("Det", [normal(5, 5)], {}, UnsupportedError, "5 rows are not supported"),
    ],
)
def test_refusals(operator, inputs, options, kind, match):
    refuse(network(operator, inputs, opset=20, **options)[0], kind, match)
