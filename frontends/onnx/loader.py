"""From a path, bytes or a stream to a checked `ModelProto`.

On exit the model parses, every node's inputs are produced before it, names are unique, and external data is loaded.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import onnx
from google.protobuf.message import DecodeError
from onnx.external_data_helper import load_external_data_for_model

from ...errors import ModelError

Source = str | Path | bytes | BinaryIO | onnx.ModelProto


def load(source: Source, external_data: str | Path | None = None) -> tuple[onnx.ModelProto, str]:
    """The model and the name that errors shall call it.

    `external_data` is the folder of external tensors, by default the model file's own. Raises `ModelError`: K0100
    unreadable, K0101 not ONNX, K0102 external data missing or outside its folder, K0103 inconsistent graph.
    """
    if isinstance(source, onnx.ModelProto):
        model, name = source, source.graph.name or "model"
        folder = external_data
    else:
        data, name, folder = _read(source)
        folder = external_data or folder
        model = _parse(data, name)
    if not model.HasField("graph") or not model.graph.output:
        raise ModelError("K0101", where=name, cause="the file holds no ONNX graph with outputs")
    if folder is not None:
        try:
            load_external_data_for_model(model, str(folder))
        except (OSError, ValueError, onnx.checker.ValidationError) as error:
            raise ModelError("K0102", where=name, cause=f"external data cannot be loaded: {error}") from error
    elif any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ModelError(
            "K0102", where=name, cause="weights are in external files", remedy="give their folder, or the model's path"
        )
    return model, name


def _read(source: str | Path | bytes | BinaryIO) -> tuple[bytes, str, Path | None]:
    if isinstance(source, bytes):
        return source, "model.onnx", None
    if isinstance(source, str | Path):
        path = Path(source)
        try:
            return path.read_bytes(), path.name, path.parent
        except OSError as error:
            raise ModelError("K0100", where=str(path), cause=f"cannot be read: {error.strerror}") from error
    return source.read(), Path(str(getattr(source, "name", "model.onnx"))).name, None


def _parse(data: bytes, name: str) -> onnx.ModelProto:
    if not data:
        raise ModelError("K0101", where=name, cause="the file is empty")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ModelError("K0101", where=name, cause="this is not an ONNX model, or it is truncated") from error
    return model


def sorted_nodes(model: onnx.ModelProto, name: str) -> list[onnx.NodeProto]:
    """The graph's nodes so that producers come first. Raises `ModelError` K0103 on cycles and undefined names."""
    graph = model.graph
    defined = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer} | {""}
    defined |= {tensor.values.name for tensor in graph.sparse_initializer}
    produced = _producers(graph.node, name)
    for node in graph.node:
        for value in node.input:
            if value not in defined and value not in produced:
                raise ModelError("K0103", where=f"{name}: {node_name(node)}", cause=f"input '{value}' is not defined")
    result: list[onnx.NodeProto] = []
    waiting = list(graph.node)
    while waiting:
        later = []
        for node in waiting:
            if all(value in defined for value in node.input):
                result.append(node)
                defined.update(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise ModelError("K0103", where=f"{name}: {node_name(later[0])}", cause="the graph has a cycle")
        waiting = later
    return result


def _producers(nodes: Iterable[onnx.NodeProto], name: str) -> dict[str, onnx.NodeProto]:
    produced: dict[str, onnx.NodeProto] = {}
    for node in nodes:
        for value in node.output:
            if value in produced:
                raise ModelError("K0103", where=f"{name}: {node_name(node)}", cause=f"'{value}' is defined twice")
            if value:
                produced[value] = node
    return produced


def node_name(node: onnx.NodeProto) -> str:
    """How messages call a node: its name, or its operator and output."""
    return node.name or f"{node.op_type}({node.output[0] if node.output else ''})"
