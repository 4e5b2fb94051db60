"""Shapes as arithmetic on the shapes of inputs, with every size of onnx's own node tests left open.

All inputs of floats are open, or only the first where an operator wants the others to be known. Expectations are the
shapes that onnx's reference implementation gives.
"""

import onnx
import pytest
from node_cases import as_array, cases, expanded
from onnx import numpy_helper

from kpuc.dialects import mlir
from kpuc.dialects.sizes import value_of
from kpuc.errors import KpucError
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.nn.reify_shapes import ReifiedShapes

REFUSED = (
    "FLOAT8",
    "FLOAT4",
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
    "_string",
    "training",
    "test_not_",
    "test_if_seq",
    "test_if_opt",
    "test_loop13_seq",
    "test_loop16_seq_none",
    "test_sequence_map",
    "test_range_float_type_positive_delta_expanded",
    "test_range_float16_type_positive_delta_expanded",
)
"""Parts of the names of cases that are refused in any shape: element types, training, sequences, opset 1, and rounds
that an input decides."""
OPEN = (
    *REFUSED,
    "attention",
    "bernoulli",
    "center_crop_pad",
    "col2im",
    "compress",
    "convtranspose_kernel_shape",
    "convtranspose_output_shape",
    "cumprod",
    "deform_conv",
    "_dft",
    "test_det_",
    "gridsample",
    "maxunpool",
    "nonmaxsuppression",
    "quantizelinear_blocked",
    "range_float",
    "roialign",
    "rotary_embedding",
    "stft",
    "tensorscatter",
    "unique",
    "_not_larger",
    "_not_smaller",
    "_tf_crop_and_resize",
    "scan_sum",
)
"""Parts of the names of cases that are refused: also what wants to know sizes, and what is decided by elements."""


def open_model(model, arrays, count):
    """The model with the other inputs than its first `count` of floats as initializers, and these of no known size; the
    values of their dimensions."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    pairs = list(zip(model.graph.input, arrays, strict=True))
    kept = [value.name for value, array in pairs[:count] if array.dtype.kind == "f"]
    del result.graph.input[:]
    symbols = {}
    for value, array in pairs:
        if value.name not in kept:
            result.graph.initializer.append(numpy_helper.from_array(array, value.name))
            continue
        result.graph.input.append(value)
        for dim in result.graph.input[-1].type.tensor_type.shape.dim:
            dim.Clear()
        symbols.update({f"{value.name}[{axis}]": size for axis, size in enumerate(array.shape)})
    return result, symbols


def is_tensor(value):
    return isinstance(value, onnx.TensorProto) or (hasattr(value, "dtype") and value.dtype.kind in "fiub")


@pytest.mark.parametrize("case", [*cases(), *expanded()], ids=lambda case: case.name)
def test_shape(case):
    for inputs, outputs in case.data_sets:
        if not all(map(is_tensor, inputs)):
            return  # sequences, optionals, numbers that numpy does not have
        arrays = [as_array(value) for value in inputs]
        expected = [as_array(value).shape for value in outputs]
        for count in (len(arrays), 1):
            model, symbols = open_model(case.model, arrays, count)
            try:
                with mlir.context():
                    shapes = ReifiedShapes(import_onnx(model)).results()
            except KpucError as error:
                reason = str(error)
                continue
            assert [tuple(value_of(extent, symbols) for extent in shape) for shape in shapes] == expected
            break
        else:
            assert any(part in case.name for part in OPEN), reason
