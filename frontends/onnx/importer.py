"""ONNX graphs to `nn`.

Shapes come from the operations' own inference, never from the file's value_info. Operations on small constants are
computed on the spot, so that shape arithmetic on static shapes does not reach the network.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import onnx

from ...dialects.mlir import error_from, file_loc, ir
from ...dialects.ods import Violation, require
from ...dialects.tensors import dtype_of
from ...errors import ModelError, ShapeError, UnsupportedError
from ..builder import InputSpec, NetworkBuilder, Unsupported, resolve_inputs
from . import convolution, elementwise, indexing, quantization, recurrent, reduction, resize, shape
from .loader import Source, load, node_name, sorted_nodes
from .node import REGISTRY, Converter, Node, mlir_element_type, tensor_elements, type_name

__all__ = ["convolution", "elementwise", "import_onnx", "indexing", "quantization", "recurrent", "reduction"]
__all__ += ["resize", "shape", "supported_operators"]

OLDEST_OPSET = 7

FAMILIES = (
    (("If", "Loop", "Scan"), "control flow is not supported yet"),
    (("Sequence", "Optional", "SplitToSequence", "ConcatFromSequence"), "sequences and optionals are not supported"),
    (("String", "Regex", "TfIdfVectorizer"), "strings are not supported"),
)
"""How the names of operators begin that are refused as a family, and the reason."""


def import_onnx(
    source: Source,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    dims: Mapping[str, int] | None = None,
    external_data: str | Path | None = None,
) -> ir.Module:
    """The network as a module with one function `@main`, in the current context.

    `shapes` gives whole shapes of inputs, `dims` values of symbolic dimensions, `external_data` the folder of the
    weights that are not in the file. Raises `ModelError` (K0100-K0104), `OptionError` K0105 for shapes that do not
    fit, `UnsupportedError` K0111-K0113 for tensors, opsets and inputs that are not supported, and one K0110 that lists
    all nodes that cannot be imported.
    """
    model, name = load(source, external_data)
    opset = _opset(model, name)
    nodes = sorted_nodes(model, name)
    with file_loc(name, ""):
        graph = _Graph(NetworkBuilder(name), model, opset)
        graph.add_inputs(shapes or {}, dims or {})
        for node in nodes:
            graph.add_node(node)
        return graph.finish()


def supported_operators() -> list[dict[str, object]]:
    """One row an operator, for the supported-operators page; `until` is the last opset that has it, or None."""
    return [
        {
            "operator": entry.operator,
            "since": max(_first_opset(entry.operator), OLDEST_OPSET),
            "until": _last_opset(entry.operator),
            "note": entry.note,
        }
        for entry in sorted(REGISTRY.values(), key=lambda entry: entry.operator)
    ]


def _first_opset(operator: str) -> int:
    """The opset that introduced an operator."""
    version = onnx.defs.get_schema(operator).since_version
    while version > 1 and onnx.defs.has(operator, version - 1):
        version = onnx.defs.get_schema(operator, version - 1).since_version
    return int(version)


def _last_opset(operator: str) -> int | None:
    """The opset before the one that deprecated an operator."""
    schema = onnx.defs.get_schema(operator)
    return schema.since_version - 1 if schema.deprecated else None


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


class _Graph:
    """A graph on its way into a function: which ONNX name is which value."""

    def __init__(self, builder: NetworkBuilder, model: onnx.ModelProto, opset: int) -> None:
        self.builder, self.proto, self.opset = builder, model.graph, opset
        self.initializers = {tensor.name: tensor for tensor in model.graph.initializer}
        self.values: dict[str, ir.Value | None] = {"": None}
        self.checks = onnx.checker.C.CheckerContext()
        self.checks.ir_version = onnx.IR_VERSION

    def add_inputs(self, shapes: Mapping[str, Sequence[int]], dims: Mapping[str, int]) -> None:
        """Begin the function; inputs with an initializer are constants."""
        model = self.builder.model
        specs = [
            _input_spec(value, shapes.get(value.name), model)
            for value in self.proto.input
            if value.name not in self.initializers
        ]
        types = resolve_inputs(specs, shapes, dims, model)
        self.values.update(zip((spec.name for spec in specs), self.builder.start(types), strict=True))
        for tensor in self.proto.sparse_initializer:
            name = tensor.values.name
            self.builder.unsupported(name, "initializer", "sparse tensors are not supported", "store them densely")

    def value(self, name: str) -> ir.Value | None:
        """The value of a name, None when it is absent or could not be imported; initializers appear on first use."""
        if name not in self.values and name in self.initializers:
            with self.builder.node(name):
                elements = tensor_elements(self.initializers[name], f"{self.builder.model}: {name}")
                self.values[name] = self.builder.constant(elements)
        return self.values.get(name)

    def add_node(self, proto: onnx.NodeProto) -> None:
        """Append the operations of one node and define its outputs; remember the problem when it cannot be imported."""
        name = node_name(proto)
        where = f"{self.builder.model}: {name}"
        entry = self._converter(proto, name)
        if entry is None:
            return
        self._check(proto, where)
        inputs = [self.value(text) for text in proto.input]
        if any(value is None and text for value, text in zip(inputs, proto.input, strict=True)):
            return  # depends on a node that could not be imported: that one is reported
        with self.builder.node(name):
            try:
                _require_types(proto, self.opset, inputs)
                results = entry.convert(Node(self.builder, proto, self.opset, inputs))
                results = [results] if isinstance(results, ir.Value) else list(results)
                results = [self.builder.folded(value) for value in results]
            except Unsupported as error:
                self.builder.unsupported(name, proto.op_type, error.reason, error.remedy)
                return
            except ShapeError as error:
                raise ModelError("K0104", where=where, cause=error.cause, remedy=error.remedy) from error
            except ir.MLIRError as error:
                found = error_from(error, "K0104", proto.op_type)
                raise ModelError("K0104", where=where, cause=found.cause) from error
            except Violation as error:
                raise ModelError("K0104", where=where, cause=f"{proto.op_type}: {error}") from error
        extra = next((text for text in proto.output[len(results) :] if text), None)
        if extra is not None:
            self.builder.unsupported(name, proto.op_type, f"its output '{extra}' is not supported")
        self.values.update((text, value) for text, value in zip(proto.output, results, strict=False) if text)

    def _converter(self, proto: onnx.NodeProto, name: str) -> Converter | None:
        """The converter of a node's operator; without one the problem is remembered."""
        if proto.domain not in ("", "ai.onnx"):
            reason = f"operators of domain '{proto.domain}' are not supported"
            self.builder.unsupported(name, proto.op_type, reason, "export the network with standard operators only")
            return None
        if proto.op_type not in REGISTRY:
            family = (reason for begins, reason in FAMILIES if proto.op_type.startswith(begins))
            reason = next(family, "the operator is not supported")
            self.builder.unsupported(name, proto.op_type, reason, "see the supported operators: kpuc ops")
            return None
        return REGISTRY[proto.op_type]

    def _check(self, proto: onnx.NodeProto, where: str) -> None:
        """The node has the inputs and attributes that its opset prescribes."""
        if proto.op_type == "Constant":
            return  # may hold more than protobuf can serialise; its converter looks at what it has
        self.checks.opset_imports = {"": _schema_opset(proto.op_type, self.opset)}
        try:
            onnx.checker.check_node(proto, self.checks)
        except (onnx.checker.ValidationError, UnicodeDecodeError) as error:  # the latter: its message quotes bytes
            cause = str(error).strip().split("\n")[0]
            raise ModelError("K0103", where=where, cause=f"{proto.op_type} is malformed: {cause}") from error

    def finish(self) -> ir.Module:
        """The verified module; raises what was remembered."""
        builder = self.builder
        outputs = [(output.name, self.value(output.name)) for output in self.proto.output]
        builder.raise_problems("K0110")
        defined = []
        for name, value in outputs:
            if value is None:
                raise ModelError("K0103", where=builder.model, cause=f"output '{name}' is not defined")
            defined.append((name, value))
        return builder.finish(defined)


def _schema_opset(operator: str, opset: int) -> int:
    """The opset whose schema describes an operator.

    GroupNormalization was deprecated by the very opset 18 that introduced it; files have it, and it has the form of 21.
    """
    return max(opset, 21) if operator == "GroupNormalization" and opset >= 18 else opset


def _require_types(proto: onnx.NodeProto, opset: int, inputs: Sequence[ir.Value | None]) -> None:
    """Every input has one of the element types that the operator takes in this opset."""
    formal = onnx.defs.get_schema(proto.op_type, _schema_opset(proto.op_type, opset)).inputs
    for index, value in enumerate(inputs):
        if value is None:
            continue
        kind = type_name(onnx.helper.np_dtype_to_tensor_dtype(dtype_of(value))).lower()
        types = formal[min(index, len(formal) - 1)].types
        require(f"tensor({kind})" in types, f"input {index} is of type {kind}; opset {opset} takes {_names(types)}")


def _names(types: Iterable[str]) -> str:
    return ", ".join(sorted(text[len("tensor(") : -1] for text in types if text.startswith("tensor(")))


def _input_spec(value: onnx.ValueInfoProto, given: Sequence[int] | None, model: str) -> InputSpec:
    """An input as the file declares it; when that leaves the rank open, the caller's shape decides it."""
    where, kind, tensor = f"{model}: {value.name}", value.type.WhichOneof("value"), value.type.tensor_type
    if kind != "tensor_type":
        what = (kind or "value of no type").removesuffix("_type").replace("_", " ")
        raise UnsupportedError("K0113", where=where, cause=f"the input is a {what}; only tensors are supported")
    if tensor.HasField("shape"):
        shape = tuple(dim.dim_value if dim.dim_value > 0 else dim.dim_param for dim in tensor.shape.dim)
    elif given is not None:
        shape = ("",) * len(given)
    else:
        remedy = f"give its shape, e.g. --shape {value.name}=1,3,224,224"
        raise UnsupportedError("K0113", where=where, cause="the input's rank is not known", remedy=remedy)
    try:
        return InputSpec(value.name, shape, mlir_element_type(tensor.elem_type))
    except Unsupported as error:
        raise UnsupportedError("K0113", where=where, cause=error.reason) from None
