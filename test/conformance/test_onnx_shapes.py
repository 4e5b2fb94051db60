"""Shapes as arithmetic on the shapes of inputs, with every size of onnx's own node tests left open.

All inputs of floats are open, or only the first where an operator wants the others to be known. Expectations are the
shapes that onnx's reference implementation gives.
"""

import re

import onnx
import pytest
from node_cases import as_array, cases, expanded
from onnx import numpy_helper

from kpuc.dialects import mlir
from kpuc.dialects.sizes import value_of
from kpuc.errors import KpucError
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.nn.reify_shapes import ReifiedShapes

SMALL = r"K011[013].* (of type|element type) (U?INT|FLOAT)[248]\w*"
SEQUENCES = "K0110.*: sequences and optionals are not supported"
KNOWN = "K0110.*: the shape of {} is not known"
DATA = "K0605.*shapes depend on the values of tensor<{}>"
OPEN = {
    **dict.fromkeys(("FLOAT8", "FLOAT4", "INT4", "INT2", "float4", "e4m3fn", "e5m2", "int4", "int2"), SMALL),
    **dict.fromkeys(("test_if_seq", "test_if_opt"), SEQUENCES),
    "training_dropout": "K0110.*: dropout in training mode is not supported",
    "_attention_": "K0605.*: the shape or value that 'nn.logical_and' gives cannot be told",
    "linear_attention": "K0110.*: its length depends on the shape of what is computed from input 'query'",
    "bernoulli": "K0110.*: the shape is not known",
    "center_crop_pad": "K0605.*: the shape or value that 'nn.div' gives cannot be told",
    "col2im": KNOWN.format("the columns"),
    "convtranspose_kernel_shape": "K0110.*: output_shape needs known sizes",
    "convtranspose_output_shape": "K0110.*: output_shape needs known sizes",
    "cumprod": "K0110.*: dimension -?[01] is not known",
    "deform_conv": KNOWN.format("input 0"),
    "_dft": "K0110.*: dimension [12] is not known",
    "test_det_": "K0110.*: the size of the matrices is not known",
    "gridsample": KNOWN.format("input 0"),
    "maxunpool": KNOWN.format("the maxima"),
    "nonmaxsuppression": DATA.format(r"\?x3xi64"),
    "quantizelinear_blocked": "K0110.*: blocks along dimension 1, which is not known",
    "range_float": DATA.format("f(16|32)"),
    "roialign": KNOWN.format("input 0"),
    "rotary_embedding": "K0110.*: 'split' is computed by the network",
    "stft": "K0110.*: the length of signal or frames is not known",
    "tensorscatter": "K0110.*: the shapes of caches and updates must be known",
    "unique": DATA.format(r"1x\?xi64"),
    "_not_larger": "K0110.*: keeping the ratio of dimensions needs a known shape",
    "_not_smaller": "K0110.*: keeping the ratio of dimensions needs a known shape",
    "_tf_crop_and_resize": "K0110.*: cropping needs a known shape",
    "scan_sum": "K0110.*: its length depends on the shape of input 'initial'",
}
"""Parts of the names of cases that are refused, and why: for their element types, training and sequences in any shape,
others because they want to know sizes, or have sizes that elements decide."""


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
            reasons = [expected for part, expected in OPEN.items() if part in case.name]
            assert any(re.search(expected, reason, re.DOTALL) for expected in reasons), reason
