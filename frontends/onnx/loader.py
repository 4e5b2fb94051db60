"""From a path, bytes or a stream to a checked `ModelProto`.

On exit the model parses, model-local functions are written out, external data is loaded, names are unique and defined,
and graphs are not nested deeper than `DEPTH`. The caller's own `ModelProto` is never changed.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import onnx
import onnx.inliner
from google.protobuf.message import DecodeError
from onnx.external_data_helper import load_external_data_for_tensor, uses_external_data

from ...errors import ModelError
from ..builder import DEPTH

Source = str | Path | bytes | bytearray | memoryview | BinaryIO | onnx.ModelProto

PROTOBUF_LIMIT = 2**31 - 1
"""Bytes of the largest message that protobuf reads or writes."""

OTHER_FORMATS = (
    (4, b"TFL3", "a TFLite model", ""),
    (0, b"LDMK", "a kmodel, which is compiled already", "run it with: kpuc run"),
    (0, b"PK\x03\x04", "a zip archive (PyTorch and Keras files are)", "export the network with torch.onnx or tf2onnx"),
    (0, b"\x89HDF", "an HDF5 file (Keras files are)", "export the network with tf2onnx"),
)
"""Offset and bytes that tell other formats, what such a file is, and what to do."""


def load(source: Source, external_data: str | Path | None = None) -> tuple[onnx.ModelProto, str]:
    """The model and the name that errors shall call it.

    `external_data` is the folder of external tensors, by default the model file's own. Raises `ModelError`: K0100
    unreadable, K0101 not ONNX, K0102 external data missing or outside its folder, K0103 inconsistent graph.
    """
    folder = None if external_data is None else Path(external_data)
    if isinstance(source, onnx.ModelProto):
        model, name = source, source.graph.name or "model"
    else:
        data, name, beside = _read(source)
        folder = folder or beside
        model = _parse(data, name)
    if not model.HasField("graph") or not model.graph.output:
        raise ModelError("K0101", where=name, cause="the file holds no ONNX graph with outputs")
    _require_text(model, name)
    model = _inlined(model, name)
    if any(map(uses_external_data, _tensors(model, name))):
        model = _with_external_data(model, folder, name, copy=model is source)
    for graph in graphs([model.graph], name):
        _require_unique_names(graph, name)
    _require_defined_names(model.graph, name)
    return model, name


def _read(source: str | Path | bytes | bytearray | memoryview | BinaryIO) -> tuple[bytes, str, Path | None]:
    """The bytes, the name for errors, and the folder of the file if there is one."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), "model.onnx", None
    if isinstance(source, str | Path):
        path = Path(source)
        try:
            return path.read_bytes(), path.name, path.parent
        except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ModelError("K0100", where=str(path), cause=f"cannot be read: {reason}") from error
    name = Path(str(getattr(source, "name", "model.onnx"))).name
    try:
        data = source.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError("K0100", where=name, cause=f"cannot be read: {error}") from error
    if not isinstance(data, bytes):
        raise ModelError("K0100", where=name, cause="the stream gives text", remedy='open the file with mode "rb"')
    return data, name, None


def _parse(data: bytes, name: str) -> onnx.ModelProto:
    if not data:
        raise ModelError("K0101", where=name, cause="the file is empty")
    for offset, magic, what, remedy in OTHER_FORMATS:
        if data[offset : offset + len(magic)] == magic:
            raise ModelError("K0101", where=name, cause=f"this is {what}, not an ONNX model", remedy=remedy)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        cause, remedy = "this is not an ONNX model, or it is truncated", ""
        if len(data) > PROTOBUF_LIMIT:
            cause, remedy = "the file is larger than 2 GiB", "save it with external data: onnx.save_as_external_data"
        raise ModelError("K0101", where=name, cause=cause, remedy=remedy) from error
    return model


def _require_text(model: onnx.ModelProto, name: str) -> None:
    """Every name is text: protobuf gives damaged UTF-8 as bytes."""
    texts: list[object] = [entry.domain for entry in model.opset_import]
    nodes = [node for function in model.functions for node in function.node]
    for graph in graphs([model.graph, *_run_by(nodes)], name):
        texts.append(graph.name)
        for value in (*graph.input, *graph.output):
            texts += [value.name, *(dim.dim_param for dim in value.type.tensor_type.shape.dim)]
        texts += [tensor.name for tensor in graph.initializer]
        nodes += graph.node
    for node in nodes:
        texts += [node.name, node.op_type, node.domain, *node.input, *node.output]
        for attribute in node.attribute:
            texts += [attribute.name, attribute.t.name]
    damaged = next((text for text in texts if not isinstance(text, str)), None)
    if damaged is not None:
        raise ModelError("K0101", where=name, cause=f"the name {damaged!r} is not UTF-8: the file is damaged")


def graphs(outermost: Sequence[onnx.GraphProto], name: str) -> Iterator[onnx.GraphProto]:
    """The graphs and all those that their nodes run; raises `ModelError` K0103 when they are nested too deep."""
    level = list(outermost)
    for _ in range(1 + DEPTH):
        yield from level
        level = [inner for graph in level for inner in _run_by(graph.node)]
    if level:
        raise ModelError("K0103", where=name, cause=f"graphs are nested in graphs more than {DEPTH} deep")


def _run_by(nodes: Iterable[onnx.NodeProto]) -> list[onnx.GraphProto]:
    """The graphs among the attributes of nodes: branches and bodies of loops."""
    return [attribute.g for node in nodes for attribute in node.attribute if attribute.HasField("g")]


def _inlined(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The model with the bodies of its own functions in place of their calls."""
    if not model.functions:
        return model
    try:
        inlined: onnx.ModelProto = onnx.inliner.inline_local_functions(model)
    except (RuntimeError, ValueError, onnx.checker.ValidationError) as error:
        raise ModelError("K0103", where=name, cause=f"its functions cannot be inlined: {error}") from error
    return inlined


def _tensors(model: onnx.ModelProto, name: str) -> Iterator[onnx.TensorProto]:
    """All tensors of a model: initializers, and attributes of nodes."""
    for graph in graphs([model.graph], name):
        yield from graph.initializer
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t


def _with_external_data(model: onnx.ModelProto, folder: Path | None, name: str, copy: bool) -> onnx.ModelProto:
    """The model with all its tensors in memory."""
    if folder is None:
        raise ModelError(
            "K0102",
            where=name,
            cause="weights are in external files",
            remedy="give the model's path instead of its bytes, or the files' folder as external_data",
        )
    if copy:
        own = onnx.ModelProto()
        own.CopyFrom(model)
        model = own
    for tensor in filter(uses_external_data, _tensors(model, name)):
        try:
            load_external_data_for_tensor(tensor, str(folder))
        except (OSError, ValueError, onnx.checker.ValidationError) as error:
            cause = f"external data of '{tensor.name}' cannot be loaded: {error}"
            raise ModelError("K0102", where=name, cause=cause) from error
    return model


def _require_unique_names(graph: onnx.GraphProto, name: str) -> None:
    """Every value is defined once; initializers may give defaults to inputs (as files of before IR version 4 do)."""
    initializers = [tensor.name for tensor in graph.initializer]
    initializers += [tensor.values.name for tensor in graph.sparse_initializer]
    inputs = [value.name for value in graph.input]
    for names, what in (
        (initializers, "initializer"),
        (inputs, "input"),
        ([value.name for value in graph.output], "output"),
    ):
        for text in names:
            if not text:
                raise ModelError("K0103", where=name, cause=f"an {what} has no name")
        twice = next((text for text in names if names.count(text) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            raise ModelError("K0103", where=name, cause=f"there are two {what}s '{twice}'")
    defined = {*initializers, *inputs}
    for node in graph.node:
        for text in filter(None, node.output):
            if text in defined:
                raise ModelError("K0103", where=f"{name}: {node_name(node)}", cause=f"'{text}' is defined twice")
            defined.add(text)


def _require_defined_names(graph: onnx.GraphProto, name: str) -> None:
    """Every name that a node of the main graph or of the graphs inside takes is defined somewhere around it."""
    defined = _defined_names(graph)
    for node in graph.node:
        missing = next((text for text in needed_names(node) if text and text not in defined), None)
        if missing is not None:
            where = f"{name}: {node_name(node)}"
            raise ModelError("K0103", where=where, cause=f"input '{missing}' is not defined")


def _defined_names(graph: onnx.GraphProto) -> set[str]:
    names = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    names |= {tensor.values.name for tensor in graph.sparse_initializer}
    return names | {text for node in graph.node for text in node.output}


def needed_names(node: onnx.NodeProto) -> list[str]:
    """What a node takes: its inputs, and the names that the graphs it runs take from around them."""
    names = list(node.input)
    for graph in _run_by([node]):
        taken = [text for inner in graph.node for text in needed_names(inner)]
        taken += [output.name for output in graph.output]
        defined = _defined_names(graph)
        names += dict.fromkeys(text for text in taken if text not in defined)
    return names


def sorted_nodes(graph: onnx.GraphProto, name: str) -> list[onnx.NodeProto]:
    """A graph's nodes so that producers come first, otherwise in the file's order.

    Raises `ModelError` K0103 on cycles.
    """
    nodes = list(graph.node)
    needed = [needed_names(node) for node in nodes]
    producer = {text: index for index, node in enumerate(nodes) for text in node.output if text}
    if all(producer.get(text, -1) < index for index, names in enumerate(needed) for text in names):
        return nodes
    missing = [{producer[text] for text in names if text in producer} for names in needed]
    users: list[list[int]] = [[] for _ in nodes]
    for index, others in enumerate(missing):
        for other in others:
            users[other].append(index)
    ready = deque(index for index, others in enumerate(missing) if not others)
    order = []
    while ready:
        index = ready.popleft()
        order.append(index)
        for user in users[index]:
            missing[user].discard(index)
            if not missing[user]:
                ready.append(user)
    if len(order) < len(nodes):
        stuck = next(index for index, others in enumerate(missing) if others)
        raise ModelError("K0103", where=f"{name}: {node_name(nodes[stuck])}", cause="the graph has a cycle")
    return [nodes[index] for index in order]


def node_name(node: onnx.NodeProto) -> str:
    """How messages call a node: its name, or its operator and output."""
    return node.name or f"{node.op_type}({node.output[0] if node.output else ''})"
