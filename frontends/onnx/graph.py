"""Imports the graphs of one file into one function, node by node: its main graph, and those that control flow runs."""

from collections.abc import Iterable, Sequence

import onnx

from ...dialects.mlir import error_from, ir
from ...dialects.ods import Violation, require
from ...dialects.tensors import dtype_of
from ...errors import ModelError, ShapeError
from ..builder import NetworkBuilder, Unsupported
from ..converter import Converter
from .loader import needed_names, node_name, sorted_nodes
from .node import REGISTRY, Convert, Node, Reported, tensor_elements, type_name
from .opsets import CONTRIB, CONVERT, full_name, is_standard, opsets, schema_of

FAMILIES = (
    (("Sequence", "Optional", "SplitToSequence", "ConcatFromSequence"), "sequences and optionals are not supported"),
    (("String", "Regex"), "strings are not supported"),
)
"""How the names of operators begin that are refused as a family, and the reason."""


class GraphImporter:
    """Imports one graph: which ONNX name is which value. Names that it does not define are those of `outer`."""

    def __init__(
        self, builder: NetworkBuilder, graph: onnx.GraphProto, opset: int, outer: "GraphImporter | None" = None
    ) -> None:
        self.builder, self.graph, self.opset, self.outer = builder, graph, opset, outer
        self.nodes = [(node, needed_names(node)) for node in sorted_nodes(graph, builder.model)]
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.inputs = [value for value in graph.input if value.name not in self.initializers]
        self.constants: dict[str, ir.Value] = {}
        self.values: dict[str, ir.Value] = {}
        self.place = ""
        self.checks = onnx.checker.C.CheckerContext()
        self.checks.ir_version = onnx.IR_VERSION
        for tensor in graph.sparse_initializer:
            name = tensor.values.name
            builder.unsupported(name, "initializer", "sparse tensors are not supported", "store them densely")

    def run(self, arguments: Sequence[ir.Value], place: str = "") -> None:
        """Append the operations of the whole graph; its nodes are called by their names below `place`."""
        taken = len(self.inputs)
        require(taken == len(arguments), f"its graph takes {taken} inputs, {len(arguments)} are given")
        self.place = place
        self.values = {value.name: argument for value, argument in zip(self.inputs, arguments, strict=True)}
        for node, needed in self.nodes:
            self._add_node(node, needed)

    def outputs(self) -> list[ir.Value]:
        """The results of the graph; raises `ModelError` K0103 when one is not defined."""
        values = []
        for output in self.graph.output:
            value = self.value(output.name)
            if value is None:
                where = f"{self.builder.model}: {self.place}" if self.place else self.builder.model
                raise ModelError("K0103", where=where, cause=f"output '{output.name}' is not defined")
            values.append(value)
        return values

    def body(self, graph: onnx.GraphProto) -> "GraphImporter":
        """The importer of a graph that a node of this one runs."""
        return GraphImporter(self.builder, graph, self.opset, self)

    def call(self, arguments: Sequence[ir.Value], place: str) -> list[ir.Value]:
        """The results of this graph for these arguments; raises `Reported` when a node cannot be imported."""
        self.builder.count_nodes(1 + len(self.nodes))
        problems = len(self.builder.problems)
        self.run(arguments, place)
        if len(self.builder.problems) > problems:
            raise Reported
        return self.outputs()

    def value(self, name: str) -> ir.Value | None:
        """The value of a name, None when it is absent or could not be imported; initializers appear on first use."""
        if name in self.values:
            return self.values[name]
        if name in self.initializers and name not in self.constants:
            with self.builder.node(name):
                elements = tensor_elements(self.initializers[name], f"{self.builder.model}: {name}")
                self.constants[name] = self.builder.constant(elements)
        if name in self.constants or self.outer is None:
            return self.constants.get(name)
        return self.outer.value(name)

    def _add_node(self, proto: onnx.NodeProto, needed: Sequence[str]) -> None:
        """Append the operations of one node and define its outputs; remember the problem when it cannot be imported."""
        name = node_name(proto)
        if self.place and not name.startswith("/"):
            name = f"{self.place}/{name}"
        where = f"{self.builder.model}: {name}"
        entry = self._converter(proto, name)
        if entry is None:
            return
        self._check(proto, where)
        if any(text and self.value(text) is None for text in needed):
            return  # depends on a node that could not be imported: that one is reported
        inputs = [self.value(text) if text else None for text in proto.input]
        with self.builder.node(name):
            try:
                _require_types(proto, self.opset, inputs)
                results = entry.convert(Node(self, proto, name, inputs))
                results = [results] if isinstance(results, ir.Value) else list(results)
                results = [self.builder.folded(value) for value in results]
            except Unsupported as error:
                self.builder.unsupported(name, full_name(proto), error.reason, error.remedy)
                return
            except Reported:
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
            self.builder.unsupported(name, full_name(proto), f"its output '{extra}' is not supported")
        self.values.update((text, value) for text, value in zip(proto.output, results, strict=False) if text)

    def _converter(self, proto: onnx.NodeProto, name: str) -> Converter[Convert] | None:
        """The converter of a node's operator; without one the problem is remembered."""
        operator = full_name(proto)
        if operator not in REGISTRY:
            family = (reason for begins, reason in FAMILIES if operator.startswith(begins))
            reason = next(family, "the operator is not supported")
            remedy = "see the supported operators: kpuc ops"
            if proto.domain not in ("", "ai.onnx", CONTRIB):
                reason = f"operators of domain '{proto.domain}' are not supported"
                remedy = "export the network with standard operators only"
            self.builder.unsupported(name, operator, reason, remedy)
            return None
        first, last = opsets(operator)
        if is_standard(operator) and not first <= self.opset <= last:
            reason = f"the operator is one of opsets {first} to {last}, the model uses {self.opset}"
            self.builder.unsupported(name, operator, reason, CONVERT)
            return None
        return REGISTRY[operator]

    def _check(self, proto: onnx.NodeProto, where: str) -> None:
        """The node has the inputs and attributes that its opset prescribes."""
        schema = schema_of(full_name(proto), self.opset)
        if proto.op_type == "Constant" or schema is None:
            return  # may hold more than protobuf can serialise; has no schema: converters look at what there is
        self.checks.opset_imports = {schema.domain: schema.since_version}
        try:
            onnx.checker.check_node(_without_graphs(proto), self.checks)
        except (onnx.checker.ValidationError, UnicodeDecodeError) as error:  # the latter: its message quotes bytes
            cause = str(error).strip().split("\n")[0]
            raise ModelError("K0103", where=where, cause=f"{proto.op_type} is malformed: {cause}") from error


def _without_graphs(node: onnx.NodeProto) -> onnx.NodeProto:
    """The node with empty graphs: the checker does not know the names that graphs take from outside."""
    if not any(attribute.HasField("g") for attribute in node.attribute):
        return node
    bare = onnx.NodeProto(
        name=node.name, op_type=node.op_type, domain=node.domain, input=node.input, output=node.output
    )
    for attribute in node.attribute:
        if attribute.HasField("g"):
            bare.attribute.add(name=attribute.name, type=attribute.type, g=onnx.GraphProto(name="graph"))
        else:
            bare.attribute.append(attribute)
    return bare


def _require_types(proto: onnx.NodeProto, opset: int, inputs: Sequence[ir.Value | None]) -> None:
    """Every input has one of the element types that the operator takes in this opset, if the standard says which."""
    schema = schema_of(full_name(proto), opset)
    if schema is None:
        return
    formal = schema.inputs
    for index, value in enumerate(inputs):
        if value is None:
            continue
        kind = type_name(onnx.helper.np_dtype_to_tensor_dtype(dtype_of(value))).lower()
        types = formal[min(index, len(formal) - 1)].types
        require(f"tensor({kind})" in types, f"input {index} is of type {kind}; opset {opset} takes {_names(types)}")


def _names(types: Iterable[str]) -> str:
    return ", ".join(sorted(text[len("tensor(") : -1] for text in types if text.startswith("tensor(")))
