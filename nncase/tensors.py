"""The tensors of a network's file: what they are called, what each node results in, and the weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..lowering import is_tflite


@dataclass(frozen=True)
class Tensors:
    """`names` of all tensors, `results` of each node by its name in errors, `weights` of products by name: arrays with
    output channels first; `weight_of` is the weight's name by that of the node whose result, but for what is done to it
    channel by channel, is the product."""

    names: frozenset[str]
    results: Mapping[str, Sequence[str]] = field(default_factory=dict)
    weights: Mapping[str, Any] = field(default_factory=dict)
    weight_of: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, model: bytes, folder: Path | None) -> "Tensors":
        """Of an ONNX or TFLite network; `folder` has external weights. Raises `ModelError`."""
        return _of_tflite(model) if is_tflite(model) else _of_onnx(model, folder)


PRODUCTS = {"Conv": 0, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1}
"""ONNX operators that multiply with a weight, their second input, and its axis of output channels."""
TFLITE_PRODUCTS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 0}
"""Those of TFLite."""


def _of_onnx(model: bytes, folder: Path | None) -> Tensors:
    from onnx import numpy_helper

    from ..frontends.onnx.loader import load, node_name

    graph = load(model, folder)[0].graph
    stored = {one.name: one for one in graph.initializer}
    names = {*stored, *(one.name for one in graph.input), *(name for node in graph.node for name in node.output)}
    weights, weight_of = {}, {}
    products: dict[str, str] = {}
    for node in graph.node:
        axis = _channel_axis(node)
        computed = [name for name in node.input if name and name not in stored]
        if axis is not None and node.input[1] in stored:
            weight = node.input[1]
            weights[weight] = np.moveaxis(numpy_helper.to_array(stored[weight]), axis, 0)
        elif axis is None and len(computed) == 1 and computed[0] in products:
            weight = products[computed[0]]
        else:
            continue
        products[node.output[0]] = weight_of[node_name(node)] = weight
    return Tensors(frozenset(names), {node_name(node): list(node.output) for node in graph.node}, weights, weight_of)


def _channel_axis(node: Any) -> int | None:
    """The axis of output channels of a product's weight."""
    turned = any(one.name == "transB" and one.i for one in node.attribute)
    return 0 if node.op_type == "Gemm" and turned else PRODUCTS.get(node.op_type)


def _of_tflite(model: bytes) -> Tensors:
    """Nodes are called after the tensors that they result in."""
    from ..frontends.tflite.loader import load

    graph = load(model).graphs[0]
    weights, weight_of = {}, {}
    for operator in graph.operators:
        tensor = graph.tensors[operator.inputs[1]] if operator.name in TFLITE_PRODUCTS else None
        if tensor is not None and tensor.reals is not None:
            weights[tensor.name] = np.moveaxis(tensor.reals, TFLITE_PRODUCTS[operator.name], 0)
            weight_of[graph.tensors[operator.outputs[0]].name] = tensor.name
    return Tensors(frozenset(tensor.name for tensor in graph.tensors), {}, weights, weight_of)
