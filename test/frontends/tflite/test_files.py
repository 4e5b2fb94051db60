"""Damaged, hostile and unsupported TFLite files."""

import contextlib
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import SHIPPED
from tflite_writer import GraphSpec, OperatorSpec, Quantization, TensorSpec, write

from kpuc.dialects import mlir
from kpuc.errors import KpucError, ModelError, OptionError, UnsupportedError
from kpuc.frontends.tflite import import_tflite

DATA = (SHIPPED / "fsdd_kws_dscnn.tflite").read_bytes()
QUANTISED = (SHIPPED / "fashion_dscnn_int8.tflite").read_bytes()


def load(source, **options):
    with mlir.context():
        import_tflite(source, **options)


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0\0\0\0TFL3", b"\xff" * 64, b"\x1c\0\0\0TFL3" + b"\xff" * 64])
def test_no_tflite(data):
    with pytest.raises(ModelError, match="K0140"):
        load(data)


def test_missing_file():
    with pytest.raises(ModelError, match="K0100"):
        load("nosuch.tflite")


def quantised(parameters, shape=(2, 3), dtype="int8"):
    """A network whose input has these parameters."""
    tensors = [TensorSpec("x", dtype, shape, None, parameters), TensorSpec("y", "float32", shape)]
    return write(GraphSpec(tensors, [OperatorSpec("DEQUANTIZE", [0], [1], "DequantizeOptions")], [0], [1]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (Quantization((0.0,), (0,)), "scale 0.0 is not a positive number"),
        (Quantization((-0.5,), (0,)), "scale -0.5 is not a positive number"),
        (Quantization((math.nan,), (0,)), "scale nan is not a positive number"),
        (Quantization((math.inf,), (0,)), "scale inf is not a positive number"),
        (Quantization((0.5,), (128,)), "zero point 128 does not fit int8"),
        (Quantization((0.5,), (-129,)), "zero point -129 does not fit int8"),
        (Quantization((0.5,), (1 << 40,)), "zero point 1099511627776 does not fit int8"),
        (Quantization((0.5, 0.5, 0.5), (0, 0, 200), 1), "zero point 200 does not fit int8"),
        (Quantization((0.5, 0.5, 0.5), (0, 0), 1), "there are 3 scales, but 2 zero points"),
        (Quantization((0.5,), (0, 0)), "there are 1 scales, but 2 zero points"),
        (Quantization((0.5, 0.5, 0.5), (0,), 0), "there are 3 scales along dimension 0, which has 2 elements"),
        (Quantization((0.5, 0.5, 0.5), (0,), 2), "scales along dimension 2 of a tensor with 2"),
        (Quantization((0.5, 0.5, 0.5), (0,), -1), "scales along dimension -1 of a tensor with 2"),
    ],
)
def test_malformed_parameters_are_a_sentence(parameters, message):
    with pytest.raises(ModelError, match=rf"K0142.*model.tflite: x: {re.escape(message)}"):
        load(quantised(parameters))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(width=32), max_size=4),
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 1), max_size=4),
    st.integers(-(2**31), 2**31 - 1) | st.integers(-1, 2),
    st.lists(st.integers(0, 4), max_size=3).map(tuple),
    st.sampled_from(["int8", "uint8", "int16", "int32", "int64"]),
)
def test_any_parameters_import_or_are_an_error(scale, zero_point, axis, shape, dtype):
    with contextlib.suppress(KpucError):
        load(quantised(Quantization(tuple(scale), tuple(zero_point), axis), shape, dtype))


def test_an_input_of_a_type_that_there_is_not():
    tensors = [TensorSpec("x", "resource", (2,)), TensorSpec("y", "float32", (2,))]
    with pytest.raises(UnsupportedError, match=r"K0151.*model.tflite: x: the tensor is of resource"):
        load(write(GraphSpec(tensors, [OperatorSpec("ABS", [0], [1], "AbsOptions")], [0], [1])))


def test_custom_operators_are_refused_by_name():
    tensors = [TensorSpec("x", "float32", (2,)), TensorSpec("y", "float32", (2,))]
    graph = GraphSpec(tensors, [OperatorSpec("CUSTOM", [0], [1], custom="Mystery")], [0], [1])
    with pytest.raises(UnsupportedError, match=r"K0150.*\n  CUSTOM Mystery at y: it is none of TFLite's own"):
        load(write(graph))


def test_bits_as_a_type_of_another_width():
    tensors = [TensorSpec("x", "float32", (2,)), TensorSpec("y", "int16", (2, 2))]
    with pytest.raises(UnsupportedError, match=r"K0150.*\n  BITCAST at y: f32 as int16, which is of another width"):
        load(write(GraphSpec(tensors, [OperatorSpec("BITCAST", [0], [1])], [0], [1])))


def test_shapes_that_do_not_fit():
    name = "serving_default_input:0"
    with pytest.raises(OptionError, match="K0105"):
        load(DATA, shapes={name: (1, 40, 50, 1)})
    with pytest.raises(OptionError, match="there is no input 'x'"):
        load(DATA, shapes={"x": (1, 40, 49, 1)})


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(8, len(DATA) - 1))
def test_truncation_is_an_error(size):
    with pytest.raises(KpucError):
        load(DATA[:size])


@pytest.mark.parametrize("data", [DATA, QUANTISED], ids=["float", "quantised"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(at=st.integers(8, 12000), value=st.integers(0, 255))
def test_flipped_bytes_never_crash(data, at, value):
    damaged = bytearray(data)
    damaged[-at] = value
    with contextlib.suppress(KpucError):
        load(bytes(damaged))


@pytest.mark.parametrize(
    ("operator", "table", "inputs"),
    [
        ("SCATTER_ND", "ScatterNdOptions", [np.zeros((1, 1), np.int32), np.ones(1, np.float32), [1 << 30]]),
        ("SPARSE_TO_DENSE", "SparseToDenseOptions", [np.int32(0), [1 << 30], np.float32(1), np.float32(0)]),
        ("SEGMENT_SUM", "SegmentSumOptions", [np.ones(1, np.float32), [1 << 30]]),
        ("UNSORTED_SEGMENT_SUM", None, [np.ones(1, np.float32), [0], np.int32(1 << 30)]),
    ],
)
def test_shapes_that_are_too_large_to_be_meant(operator, table, inputs):
    arrays = [np.asarray(array, np.int32) if isinstance(array, list) else np.asarray(array) for array in inputs]
    tensors = [TensorSpec(f"i{k}", array.dtype.name, array.shape, array) for k, array in enumerate(arrays)]
    result = TensorSpec("y", "float32", (1,))
    graph = GraphSpec(
        [*tensors, result], [OperatorSpec(operator, range(len(arrays)), [len(arrays)], table)], [], [len(arrays)]
    )
    with pytest.raises(UnsupportedError, match=r"K0150.*\n.*elements are more than 16777216"):
        load(write(graph))
