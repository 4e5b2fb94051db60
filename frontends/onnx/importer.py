"""ONNX graphs to `nn`.

Shapes come from the operations' own inference, never from the file's value_info. Operations on small constants are
computed on the spot, so that shape arithmetic on static shapes does not reach the network.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx

from ...dialects.mlir import file_loc, ir
from ...dialects.tensors import Dim
from ...errors import UnsupportedError
from ..builder import InputSpec, NetworkBuilder, Unsupported, resolve_inputs
from . import (
    contrib,
    contrib_attention,
    contrib_quantized,
    control,
    convolution,
    counting,
    elementwise,
    functions,
    indexing,
    mel,
    quantization,
    recurrent,
    reduction,
    resize,
    sampling,
    shape,
    signal,
    unique,
)
from .cut import cut
from .graph import GraphImporter
from .loader import Source, graphs, load
from .node import REGISTRY, mlir_element_type
from .opsets import CONVERT, NEWEST, OLDEST, element_types, opsets

__all__ = [
    "contrib",
    "contrib_attention",
    "contrib_quantized",
    "control",
    "convolution",
    "counting",
    "elementwise",
    "functions",
    "import_onnx",
    "indexing",
    "mel",
    "quantization",
    "recurrent",
]
__all__ += ["reduction", "resize", "sampling", "shape", "signal", "supported_operators", "unique"]


def import_onnx(
    source: Source,
    *,
    shapes: Mapping[str, Sequence[Dim]] | None = None,
    dims: Mapping[str, Dim] | None = None,
    external_data: str | Path | None = None,
    outputs: Sequence[str] = (),
    ends: Sequence[str] = (),
    values: dict[str, ir.Value] | None = None,
) -> ir.Module:
    """The network as a module with one function `@main`, in the current context.

    `shapes` gives whole shapes of inputs, `dims` values of symbolic dimensions, None being for what stays open;
    `external_data` is the folder of the weights that are not in the file, `outputs` are the values to return instead of
    all outputs, `ends` those where this network is to end, with all its inputs. `values` is filled with those that
    either may name. Raises `ModelError` (K0100-K0104), `OptionError` K0105 for shapes that do not fit, K0106 for
    unknown outputs, `UnsupportedError` K0111-K0113 for tensors, opsets and inputs that are not supported, and one K0110
    that lists all nodes that cannot be imported.
    """
    model, name = load(source, external_data)
    if outputs:
        model = cut(model, outputs, name)
    if ends:
        model = cut(model, ends, name, inputs_stay=True)
    opset = _opset(model, name)
    builder = NetworkBuilder(name)
    with file_loc(name, ""):
        graph = GraphImporter(builder, model.graph, opset)
        specs = [_input_spec(value, (shapes or {}).get(value.name), name) for value in graph.inputs]
        arguments = builder.start(resolve_inputs(specs, shapes or {}, dims or {}, name))
        builder.name_dimensions(specs, dims or {})
        graph.run(arguments)
        builder.raise_problems("K0110")
        if values is not None:
            builder.tell(values, graph.values)
        names = [output.name for output in model.graph.output]
        return builder.finish(list(zip(names, graph.outputs(), strict=True)))


def supported_operators() -> list[dict[str, Any]]:
    """One row an operator: `Converter.row`, the first and last opset imported, and the types of its first input."""
    rows = []
    for operator in sorted(REGISTRY):
        first, last = opsets(operator)
        rows.append({**REGISTRY[operator].row(), "since": first, "until": last, "types": element_types(operator)})
    return rows


def _opset(model: onnx.ModelProto, name: str) -> int:
    versions = {entry.domain: entry.version for entry in model.opset_import}
    opset = versions.get("", versions.get("ai.onnx", 0))
    if 1 <= opset < OLDEST and _is_unchanged(model, opset, name):
        return OLDEST
    if not OLDEST <= opset <= NEWEST:
        raise UnsupportedError(
            "K0112",
            where=name,
            cause=f"the model uses opset {opset}, supported are {OLDEST} to {NEWEST}",
            remedy=CONVERT,
        )
    return int(opset)


def _is_unchanged(model: onnx.ModelProto, opset: int, name: str) -> bool:
    """Whether all operators of a model are what they still are in the oldest opset that is supported."""
    nodes = [node for graph in graphs([model.graph], name) for node in graph.node]
    return all(
        not node.domain
        and onnx.defs.has(node.op_type, OLDEST)
        and onnx.defs.get_schema(node.op_type, OLDEST).since_version <= opset
        for node in nodes
    )


def _input_spec(value: onnx.ValueInfoProto, given: Sequence[Dim] | None, model: str) -> InputSpec:
    """An input as the file declares it; when that leaves the rank open, the caller's shape decides it."""
    where, kind, tensor = f"{model}: {value.name}", value.type.WhichOneof("value"), value.type.tensor_type
    if kind != "tensor_type":
        what = (kind or "value of no type").removesuffix("_type").replace("_", " ")
        raise UnsupportedError("K0113", where=where, cause=f"the input is a {what}; only tensors are supported")
    if tensor.HasField("shape"):
        shape = tuple(
            dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else dim.dim_param
            for dim in tensor.shape.dim
        )
    elif given is not None:
        shape = ("",) * len(given)
    else:
        remedy = f"give its shape, e.g. --shape {value.name}=1,3,224,224"
        raise UnsupportedError("K0113", where=where, cause="the input's rank is not known", remedy=remedy)
    try:
        return InputSpec(value.name, shape, mlir_element_type(tensor.elem_type))
    except Unsupported as error:
        raise UnsupportedError("K0113", where=where, cause=error.reason) from None
