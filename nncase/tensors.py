"""The tensors of a network's file: what they are called, what each node results in, and the weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..lowering import is_tflite


@dataclass(frozen=True)
class Tensors:
    """`names` of all tensors, `results` of each node by its name in errors, `weights` of products as arrays by name."""

    names: frozenset[str]
    results: Mapping[str, Sequence[str]] = field(default_factory=dict)
    weights: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, model: bytes, folder: Path | None) -> "Tensors":
        """Of an ONNX or TFLite network; `folder` has external weights. Raises `ModelError`."""
        return _of_tflite(model) if is_tflite(model) else _of_onnx(model, folder)


PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def _of_onnx(model: bytes, folder: Path | None) -> Tensors:
    from onnx import numpy_helper

    from ..frontends.onnx.loader import load, node_name

    graph = load(model, folder)[0].graph
    stored = {one.name: one for one in graph.initializer}
    wanted = [node.input[1] for node in graph.node if node.op_type in PRODUCTS and node.input[1] in stored]
    names = {*stored, *(one.name for one in graph.input), *(name for node in graph.node for name in node.output)}
    return Tensors(
        frozenset(names),
        {node_name(node): list(node.output) for node in graph.node},
        {name: numpy_helper.to_array(stored[name]) for name in wanted},
    )


def _of_tflite(model: bytes) -> Tensors:
    """Nodes are called after the tensors that they result in."""
    from tflite.Model import Model

    graph = Model.GetRootAs(model, 0).Subgraphs(0)
    tensors = [graph.Tensors(number) for number in range(graph.TensorsLength())]
    return Tensors(frozenset(tensor.Name().decode() for tensor in tensors))
