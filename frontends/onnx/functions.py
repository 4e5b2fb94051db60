"""ONNX operators that the standard defines as functions of others: they are imported as what they stand for."""

from typing import Any

import onnx
import onnx.inliner

from ...dialects import nn
from ...dialects.ods import require
from ...dialects.tensors import dtype_of, shape_of
from ..builder import Unsupported
from ..converter import Ops
from .node import Node, Output, Value, converter
from .opsets import PREVIEW

ATTENTION = (nn.Matmul, nn.Mul, nn.Softmax)
SHARED = {"heads that share keys and values": (nn.Expand, nn.Reshape, nn.Transpose, nn.Unsqueeze)}
MASKED = {"a mask or a bias": (nn.Add, nn.Where)}
OTHERS: dict[str, Ops] = {"a soft cap": (nn.Div, nn.Tanh), "softmax in another type": nn.Cast}
WINDOW = (nn.Range, nn.Cast, nn.Add, nn.Sub, nn.Mul, nn.Div, nn.Cos)
LOSS = (nn.GatherElements, nn.Neg, nn.Slice, nn.Squeeze)
REDUCED: dict[str, Ops] = {
    "a sum or a mean as result": nn.Reduce,
    "weights": (nn.Mul, nn.Div, nn.Reduce, nn.Gather),
    "an index to ignore": (nn.Where, nn.Mul, nn.Div, nn.Reduce),
    "more than two dimensions": nn.Unsqueeze,
}


@converter(
    "Bernoulli",
    "CenterCropPad",
    "SwiGLU",
    builds={
        "Bernoulli": (nn.RandomUniform, nn.Greater, nn.Cast),
        "CenterCropPad": (nn.Pad, nn.Slice),
        "SwiGLU": (nn.Silu, nn.Mul),
    },
)
@converter("BlackmanWindow", "HammingWindow", "HannWindow", forms={"a size that is computed": WINDOW})
@converter(
    "AffineGrid",
    builds=(nn.Matmul, nn.Reshape, nn.Transpose),
    forms={"images": (nn.Concat, nn.GatherElements, nn.Slice, nn.Split, nn.Squeeze, nn.Unsqueeze)},
)
@converter(
    "Attention",
    builds=(*ATTENTION, nn.Add, nn.Where),
    forms={"heads side by side": (nn.Reshape, nn.Transpose), "what is past": nn.Concat, **SHARED, **OTHERS},
)
@converter(f"{PREVIEW}.FlexAttention", builds=ATTENTION, forms={**SHARED, **MASKED, **OTHERS})
@converter(
    "CausalConvWithState",
    builds=(nn.Concat, nn.Conv, nn.Slice),
    forms={"an activation": (nn.Mul, nn.Sigmoid), "an activation in another type": nn.Cast},
)
@converter(
    "LinearAttention",
    builds=(nn.Matmul, nn.Mul, nn.Reshape, nn.Slice, nn.Squeeze, nn.Transpose, nn.Unsqueeze, nn.Concat),
    forms={"arithmetic in another type": nn.Cast, "decay": nn.Exp, "deltas": (nn.Sub, nn.Add)},
)
@converter(
    "RotaryEmbedding",
    builds=(nn.Split, nn.Mul, nn.Sub, nn.Add, nn.Concat, nn.Reshape),
    forms={"heads in front": nn.Transpose, "pairs side by side": (nn.Slice, nn.Unsqueeze)},
)
@converter("NegativeLogLikelihoodLoss", builds=LOSS, forms=REDUCED)
@converter("SoftmaxCrossEntropyLoss", builds=(*LOSS, nn.LogSoftmax, nn.Reshape, nn.Transpose), forms=REDUCED)
def function(node: Node) -> Output:
    """Imported as the operators that the standard says it stands for."""
    graph = function_body(node)
    return node.surroundings.body(graph).call([value for value in node.inputs if value is not None], node.name)


def function_body(node: Node) -> onnx.GraphProto:
    """The graph that computes what a node does, for the types of its inputs; it takes those that are there."""
    call = onnx.NodeProto(op_type=node.operator, domain=node.proto.domain, attribute=node.proto.attribute)
    call.input.extend("" if value is None else f"input{index}" for index, value in enumerate(node.inputs))
    call.output.extend(f"output{index}" for index in range(len(node.proto.output)))
    schema = onnx.defs.get_schema(node.operator, node.version, node.proto.domain)
    given = {attribute.name for attribute in call.attribute}
    defaults = {name: one.default_value for name, one in schema.attributes.items() if one.default_value.type}
    call.attribute.extend(value for name, value in defaults.items() if name not in given)
    inputs = [_declared(name, value) for name, value in zip(call.input, node.inputs, strict=True)]
    outputs = [onnx.ValueInfoProto(name=name) for name in call.output]
    graph = onnx.helper.make_graph([call], node.operator, [one for one in inputs if one.name], outputs)
    function = _function(schema, call, [one.type for one in inputs], node.version)
    model = onnx.helper.make_model(graph, opset_imports=function.opset_import, functions=[function])
    inlined = onnx.inliner.inline_local_functions(model).graph
    require(all(one.op_type != node.operator for one in inlined.node), "it cannot be expressed by other operators")
    return inlined


def _function(schema: Any, call: onnx.NodeProto, types: list[onnx.TypeProto], opset: int) -> onnx.FunctionProto:
    """The function that the standard gives for a call: the newest that the opset has."""
    if schema.has_context_dependent_function:
        version = max(one for one in schema.context_dependent_function_opset_versions if one <= opset)
        packed = [one.SerializeToString() for one in types]
        text = schema.get_context_dependent_function_with_opset_version(version, call.SerializeToString(), packed)
    else:
        version = max(one for one in schema.function_opset_versions if one <= opset)
        text = schema.get_function_with_opset_version(version)
    if not text:
        raise Unsupported("the standard does not say what it stands for with these inputs and attributes")
    function = onnx.FunctionProto()
    function.ParseFromString(text)
    return function


def _declared(name: str, value: Value | None) -> onnx.ValueInfoProto:
    if value is None:
        return onnx.ValueInfoProto()
    elements = onnx.helper.np_dtype_to_tensor_dtype(dtype_of(value))
    return onnx.helper.make_tensor_value_info(name, elements, shape_of(value))
