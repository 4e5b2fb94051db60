"""The onnx package's own node tests: every case of an operator that kpuc imports, and every network with control flow.

Inputs but the first are made constants, as a network's parameters are. Expectations come from onnx's reference
implementation. A case is either computed to within float rounding, or refused with a sentence.
"""

import warnings
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.errors import KpucError
from kpuc.frontends.onnx import import_onnx, supported_operators

DIFFERENT = {
    "test_averagepool_2d_ceil_last_window_starts_on_pad": "onnxruntime drops a last window that only covers padding",
    "test_resize_downsample_scales_linear_align_corners": "onnxruntime aligns corners of the rounded size",
    "test_resize_downsample_scales_cubic_align_corners": "onnxruntime aligns corners of the rounded size",
}
"""Cases where onnxruntime computes something else than onnx's reference: compared with onnxruntime instead."""

EXOTIC = (
    "FLOAT8",
    "FLOAT4",
    "BFLOAT16",
    "INT4",
    "INT2",
    "E8M0",
    "e8m0",
    "float8",
    "float4",
    "e4m3fn",
    "e5m2",
    "int4",
    "int2",
    "bfloat16",
)
REFUSED = (
    *EXOTIC,
    "_string",
    "training",
    "_blocked",
    "test_identity_sequence",
    "test_identity_opt",
    "test_not_",
    "test_if_seq",
    "test_if_opt",
    "test_loop13_seq",
    "test_loop16_seq_none",
    "test_sequence_map",
    "test_range_float_type_positive_delta_expanded",
    "test_range_float16_type_positive_delta_expanded",
)
"""Parts of the names of cases that are refused: element types, training, sequences, opset 1, and rounds that an input
decides."""

CONTROL = {"If", "Loop", "Scan"}


@cache
def collected():
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return collect_testcases(None)


@cache
def cases():
    imported = {row["operator"] for row in supported_operators()} - {
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    }
    return [
        case
        for case in collected()
        if len(case.model.graph.node) == 1
        and case.model.graph.node[0].op_type in imported
        and not case.model.graph.node[0].domain
    ]


def expanded():
    """Functions of the standard that are written out as several nodes, control flow among them."""
    graphs = [(case, case.model.graph.node) for case in collected()]
    return [case for case, nodes in graphs if len(nodes) > 1 and CONTROL & {node.op_type for node in nodes}]


def as_array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def with_constants(model, arrays, kinds="f"):
    """The model with all inputs as initializers but a first one that holds floats, or other `kinds` of numbers; the
    inputs that are left."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    names = [value.name for value in model.graph.input]
    kept = [name for name in names[:1] if arrays[0].dtype.kind in kinds]
    del result.graph.input[:]
    result.graph.input.extend(value for value in model.graph.input if value.name in kept)
    for name, array in zip(names, arrays, strict=True):
        if name not in kept:
            result.graph.initializer.append(numpy_helper.from_array(array, name))
    return result, arrays[: len(kept)]


@pytest.mark.parametrize("case", [*cases(), *expanded()], ids=lambda case: case.name)
def test_node(case):
    for inputs, outputs in case.data_sets:
        if case.name in DIFFERENT:
            session = onnxruntime.InferenceSession(case.model.SerializeToString())
            names = [value.name for value in case.model.graph.input]
            outputs = session.run(None, dict(zip(names, inputs, strict=True)))
        try:
            model, feed = with_constants(case.model, [as_array(value) for value in inputs])
            with mlir.context():
                actual = evaluate(import_onnx(model), feed)
        except KpucError as error:
            assert any(part in case.name for part in REFUSED), str(error)
            return
        except (TypeError, AttributeError, ValueError):
            # the case's own inputs are no tensors: sequences, optionals
            assert case.name.startswith(("test_identity_sequence", "test_identity_opt", "test_sequence_map"))
            return
        for result, expected in zip(actual, map(as_array, outputs), strict=True):
            assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
            if expected.dtype.kind != "f":
                np.testing.assert_array_equal(result, expected)
                continue
            # a few units in the last place of float32, accumulated; float16 has 11 bits
            tolerance = 2e-3 if expected.dtype == np.float16 else 1e-5
            wide = expected.astype(np.float64)
            np.testing.assert_allclose(result.astype(np.float64), wide, rtol=tolerance, atol=tolerance)
