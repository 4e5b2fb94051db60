"""ONNX graphs to `nn`.

Shapes come from the operations' own inference, never from the file's value_info. Operations on small constants are
computed on the spot, so that shape arithmetic on static shapes does not reach the network.
"""

from collections.abc import Mapping, Sequence

import onnx

from ...dialects.mlir import file_loc, ir
from ...dialects.tensors import Dim, tensor_type
from ...errors import ModelError, OptionError, ShapeError, UnsupportedError
from ..builder import NetworkBuilder
from . import convolution, elementwise, indexing, quantization, recurrent, reduction, resize, shape
from .loader import Source, load, node_name, sorted_nodes
from .node import REGISTRY, Node, Unsupported, mlir_element_type, tensor_elements

__all__ = ["convolution", "elementwise", "import_onnx", "indexing", "quantization", "recurrent", "reduction"]
__all__ += ["resize", "shape", "supported_operators"]

OLDEST_OPSET = 7
CONTROL_FLOW = {"If", "Loop", "Scan"}


def import_onnx(
    source: Source,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    dims: Mapping[str, int] | None = None,
    external_data: str | None = None,
) -> ir.Module:
    """The network as a module with one function `@main`, in the current context.

    `shapes` gives whole shapes of inputs, `dims` values of symbolic dimensions. Raises `ModelError` (K0100-K0103),
    `OptionError` K0105 for shapes that do not fit, and one `UnsupportedError` K0110 that lists all nodes that cannot
    be imported.
    """
    model, name = load(source, external_data)
    opset = _opset(model, name)
    nodes = sorted_nodes(model, name)
    with file_loc(name, ""):
        return _build(NetworkBuilder(name), model, opset, nodes, dict(shapes or {}), dict(dims or {}))


def _build(
    builder: NetworkBuilder,
    model: onnx.ModelProto,
    opset: int,
    nodes: Sequence[onnx.NodeProto],
    shapes: dict[str, Sequence[int]],
    dims: dict[str, int],
) -> ir.Module:
    name = builder.model
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initializers]
    types = _input_types(inputs, shapes, dims, name)
    values: dict[str, ir.Value | None] = {"": None}
    values.update(zip((value.name for value in inputs), builder.start(types), strict=True))
    for tensor_name, tensor in initializers.items():
        with builder.node(tensor_name):
            values[tensor_name] = builder.constant(tensor_elements(tensor, f"{name}: {tensor_name}"))
    for node in nodes:
        _convert(builder, node, opset, values)
    builder.raise_problems("K0110")
    outputs = []
    for output in model.graph.output:
        value = values.get(output.name)
        if value is None:
            raise ModelError("K0103", where=name, cause=f"output '{output.name}' is not defined")
        outputs.append((output.name, value))
    return builder.finish(outputs)


def supported_operators() -> list[dict[str, object]]:
    """One row an operator, for the supported-operators page."""
    return [
        {"operator": entry.operator, "since": max(entry.since, OLDEST_OPSET), "note": entry.note}
        for entry in sorted(REGISTRY.values(), key=lambda entry: entry.operator)
    ]


def _opset(model: onnx.ModelProto, name: str) -> int:
    versions = {entry.domain: entry.version for entry in model.opset_import}
    opset = versions.get("", versions.get("ai.onnx", 0))
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        raise UnsupportedError(
            "K0112",
            where=name,
            cause=f"the model uses opset {opset}, supported are {OLDEST_OPSET} to {newest}",
            remedy="convert it with onnx.version_converter.convert_version",
        )
    return int(opset)


def _input_types(
    inputs: Sequence[onnx.ValueInfoProto], shapes: dict[str, Sequence[int]], dims: dict[str, int], model: str
) -> list[tuple[str, ir.Type]]:
    """Names and types of the inputs, with the caller's shapes and dimensions applied."""
    types, symbols = [], set()
    for value in inputs:
        tensor = value.type.tensor_type
        if not value.type.HasField("tensor_type") or not tensor.HasField("shape"):
            raise UnsupportedError(
                "K0113", where=f"{model}: {value.name}", cause="only tensors of known rank can be inputs"
            )
        shape: list[Dim] = []
        for dim in tensor.shape.dim:
            symbols.add(dim.dim_param)
            shape.append(dim.dim_value if dim.dim_value > 0 else dims.get(dim.dim_param or "?"))
        if value.name in shapes:
            shape = _override(value.name, shape, shapes.pop(value.name), model)
        try:
            types.append((value.name, tensor_type(shape, mlir_element_type(tensor.elem_type))))
        except Unsupported as error:
            raise UnsupportedError("K0113", where=f"{model}: {value.name}", cause=error.reason) from None
    for wrong, valid, what in (
        (shapes, [v.name for v in inputs], "input"),
        (dims.keys() - symbols, symbols - {""}, "dim"),
    ):
        if wrong:
            raise OptionError(
                "K0105",
                where=model,
                cause=f"there is no {what} '{next(iter(wrong))}'; there are: {', '.join(sorted(valid)) or 'none'}",
            )
    return types


def _override(name: str, declared: list[Dim], given: Sequence[int], model: str) -> list[Dim]:
    fits = len(declared) == len(given) and all(d in (None, g) and g > 0 for d, g in zip(declared, given, strict=True))
    if not fits:
        text = ",".join("?" if dim is None else str(dim) for dim in declared)
        raise OptionError(
            "K0105", where=model, cause=f"shape {','.join(map(str, given))} does not fit input '{name}' ({text})"
        )
    return list(given)


def _convert(builder: NetworkBuilder, proto: onnx.NodeProto, opset: int, values: dict[str, ir.Value | None]) -> None:
    """Append the operations of one node and define its outputs; remember the problem when it cannot be imported."""
    name = node_name(proto)
    inputs = [values.get(value) for value in proto.input]
    if any(value is None and text for value, text in zip(inputs, proto.input, strict=True)):
        return  # depends on a node that could not be imported: that one is reported
    entry = REGISTRY.get(proto.op_type) if proto.domain in ("", "ai.onnx") else None
    if entry is None:
        operator = proto.op_type if proto.domain in ("", "ai.onnx") else f"{proto.domain}.{proto.op_type}"
        reason = "control flow is not supported" if proto.op_type in CONTROL_FLOW else "the operator is not supported"
        builder.unsupported(name, operator, reason, "see the supported operators: kpuc ops")
        return
    with builder.node(name):
        try:
            results = entry.convert(Node(builder, proto, opset, inputs))
        except Unsupported as error:
            builder.unsupported(name, proto.op_type, error.reason, error.remedy)
            return
        except ShapeError as error:
            raise ModelError(
                "K0104", where=f"{builder.model}: {name}", cause=error.cause, remedy=error.remedy
            ) from error
        results = [results] if isinstance(results, ir.Value) else list(results)
        results = [builder.folded(value) for value in results]
    values.update(zip((text for text in proto.output if text), results, strict=False))
