"""Imports the graphs of one file into one function, operator by operator."""

from collections.abc import Sequence

from ...dialects.mlir import ir
from ...errors import ModelError, ShapeError, UnsupportedError
from ..builder import DEPTH, NetworkBuilder, Unsupported
from . import quantization
from .loader import DTYPES, RESOURCE, Model, Operator, Tensor
from .node import REGISTRY, Node
from .refusals import refusal
from .spectra import MOVING, OF_COMPLEX
from .state import States

MALFORMED = (ValueError, TypeError, IndexError, OverflowError, MemoryError, ir.MLIRError)
"""What numpy and MLIR raise on constants and options that no converter produced: a damaged file's."""


WEIGHED = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 0, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 2}
"""Where operators that multiply by weights have their data; the weights are input 1, the bias is behind both."""
TIES: dict[str, quantization.Ties] = {"AVERAGE_POOL_2D": "outwards", "RESIZE_BILINEAR": "outwards"}
"""How LiteRT rounds halves of operators that have a way of their own."""


def checked(tensor: Tensor, model: str) -> Tensor:
    """The tensor, if it is of a type that `nn` has. Raises `UnsupportedError` K0151."""
    if tensor.dtype not in DTYPES.values():
        raise UnsupportedError(
            "K0151",
            where=f"{model}: {tensor.name}",
            cause=f"the tensor is of {tensor.dtype}, which is not supported",
            remedy=f"use one of {', '.join(sorted(set(DTYPES.values())))}",
        )
    return tensor


class GraphImporter:
    """Imports one graph; `values` holds what stands for each tensor, `reals` what quantised ones dequantise to."""

    def __init__(self, builder: NetworkBuilder, model: Model, number: int, states: States, depth: int = 0) -> None:
        self.builder, self.model, self.states, self.depth = builder, model, states, depth
        self.graph = model.graphs[number]
        self.values: dict[int, ir.Value] = {}
        self.reals: dict[int, ir.Value] = {}
        self.handles: dict[int, str] = {}
        self.imaginary: dict[int, ir.Value] = {}
        self.computed = {index for operator in self.graph.operators for index in operator.outputs}
        self._note_assignments()

    def run(self, arguments: Sequence[ir.Value]) -> None:
        """Append the operations of the whole graph; quantised arguments may be plain integers."""
        for index, argument in zip(self.graph.inputs, arguments, strict=True):
            tensor = self.graph.tensors[index]
            with self.builder.node(tensor.name):
                self.values[index] = quantization.quantise(argument, tensor)
        for operator in self.graph.operators:
            self._convert(operator)

    def outputs(self) -> list[ir.Value]:
        """The results of the graph; raises `ModelError` K0141 when one is not computed."""
        values = []
        for index in self.graph.outputs:
            if index in self.imaginary:
                raise UnsupportedError(
                    "K0151",
                    where=f"{self.model.name}: {self.graph.tensors[index].name}",
                    cause="the tensor is made of complex numbers, which no output is",
                    remedy="let REAL, IMAG or COMPLEX_ABS make real ones of them",
                )
            value = self._value(index)
            if value is None:
                cause = f"output '{self.graph.tensors[index].name}' is not computed"
                raise ModelError("K0141", where=self.model.name, cause=cause)
            values.append(value)
        return values

    def call(self, graph: int, arguments: Sequence[ir.Value]) -> list[ir.Value]:
        """The results of another graph of the file for these arguments, its operations appended here."""
        if not 0 <= graph < len(self.model.graphs) or self.depth == DEPTH:
            raise Unsupported(f"there is no graph {graph}, or it runs itself")
        taken = len(self.model.graphs[graph].inputs)
        if taken != len(arguments):
            raise Unsupported(f"graph {graph} takes {taken} inputs, {len(arguments)} are given")
        inner = GraphImporter(self.builder, self.model, graph, self.states, self.depth + 1)
        count = len(self.builder.problems)
        inner.run(arguments)
        if len(self.builder.problems) > count:
            raise Unsupported("an operator in its graph cannot be imported")
        return inner.outputs()

    def initialise(self, graph: int) -> None:
        """Take the first values of variables from a graph that assigns constants to them."""
        if not 0 <= graph < len(self.model.graphs):
            raise Unsupported(f"there is no graph {graph}")
        source = self.model.graphs[graph]
        inner = GraphImporter(self.builder, self.model, graph, States(self.builder), self.depth + 1)
        for operator in source.operators:
            if operator.name == "VAR_HANDLE":
                inner._convert(operator)
            elif operator.name == "ASSIGN_VARIABLE":
                handle, value = operator.inputs
                name, first = inner.handles.get(handle), source.tensors[value].data if value >= 0 else None
                if name is None or first is None:
                    raise Unsupported("the first value of a variable is not a constant")
                self.states.initial[name] = first
            else:
                raise Unsupported(f"{operator.name} cannot run before the network does")

    def _note_assignments(self) -> None:
        """Tell the states which variables the graph changes."""
        for operator in self.graph.operators:
            if operator.name == "VAR_HANDLE":
                self._convert(operator)
        for operator in self.graph.operators:
            if operator.name == "ASSIGN_VARIABLE" and operator.inputs[0] in self.handles:
                self.states.assigned.add(self.handles[operator.inputs[0]])

    def _value(self, index: int) -> ir.Value | None:
        """The value of a tensor: computed, or a constant of the file; None when it is neither."""
        if index >= 0 and index not in self.values:
            if self.graph.tensors[index].dtype == RESOURCE or index in self.computed:
                return None
            tensor = checked(self.graph.tensors[index], self.model.name)
            if tensor.data is None:
                return None
            with self.builder.node(tensor.name):
                self.values[index] = quantization.constant(self.builder, tensor)
        return self.values.get(index)

    def _real(self, index: int) -> ir.Value | None:
        """The value of a tensor as operators compute with it."""
        value = self._value(index)
        if value is None or not quantization.is_quantised(value):
            return value
        if index not in self.reals:
            with self.builder.node(self.graph.tensors[index].name):
                self.reals[index] = quantization.real(value)
        return self.reals[index]

    def _shorten_factors(
        self, operator: str, sources: list[Tensor | None], inputs: list[ir.Value | None], result: Tensor
    ) -> None:
        """Scale weights and bias of an operator as LiteRT does it for results of 16 bits."""
        data = WEIGHED[operator]
        given, weight = sources[data], sources[1]
        factors = quantization.short_factors(given, weight, result) if given and weight else None
        if factors is None:
            return
        for index in (1, max(data, 1) + 1):
            tensor = sources[index] if index < len(sources) else None
            if tensor is not None and tensor.data is not None and tensor.quantization is not None:
                sources[index] = tensor = quantization.rescaled(tensor, factors)
                inputs[index] = quantization.real(quantization.constant(self.builder, tensor))

    def _convert(self, operator: Operator) -> None:
        """Append the operations of one operator and define its outputs."""
        builder, tensors = self.builder, self.graph.tensors
        node = tensors[operator.outputs[0]].name if operator.outputs else operator.name
        entry = REGISTRY.get(operator.name)
        if entry is None:
            builder.unsupported(node, operator.name, *refusal(operator.name))
            return
        inputs = [self._real(index) for index in operator.inputs]
        for index, value in zip(operator.inputs, inputs, strict=True):
            if value is None and index >= 0 and not tensors[index].variable and tensors[index].dtype != RESOURCE:
                return  # depends on an operator that could not be imported: that one is reported
        with builder.node(node):
            try:
                sources, between = (
                    [tensors[index] if index >= 0 else None for index in numbers]
                    for numbers in (operator.inputs, operator.intermediates)
                )
                outputs = [tensors[index] for index in operator.outputs]
                if operator.name in WEIGHED:
                    self._shorten_factors(operator.name, sources, inputs, outputs[0])
                self._move_imaginary(operator, Node(self, operator, sources, inputs, outputs, between))
                values = entry.convert(Node(self, operator, sources, inputs, outputs, between))
                values = [values] if isinstance(values, ir.Value) else list(values)
                for index, value in zip(operator.outputs, values, strict=False):
                    with builder.node(tensors[index].name):
                        value = builder.folded(value)
                        self.values[index] = quantization.quantise(value, tensors[index], TIES.get(operator.name))
            except Unsupported as error:
                builder.unsupported(node, operator.name, error.reason, error.remedy)
            except ShapeError as error:
                place = f"{builder.model}: {node}"
                raise ModelError("K0141", where=place, cause=error.cause, remedy=error.remedy) from error
            except MALFORMED as error:
                raise ModelError("K0141", where=f"{builder.model}: {node}", cause=f"is malformed: {error}") from error

    def _move_imaginary(self, operator: Operator, node: Node) -> None:
        """Do to the imaginary part of complex numbers what is going to be done to the real one."""
        places = [place for place, index in enumerate(operator.inputs) if index in self.imaginary]
        if not places or (places == [0] and operator.name in OF_COMPLEX):
            return
        if places != [0] or operator.name not in MOVING:
            raise Unsupported(
                "complex numbers are not supported", f"only {', '.join((*OF_COMPLEX, *MOVING))} take them"
            )
        node.inputs = [self.imaginary[operator.inputs[0]], *node.inputs[1:]]
        moved = REGISTRY[operator.name].convert(node)
        (value,) = [moved] if isinstance(moved, ir.Value) else moved
        self.imaginary[operator.outputs[0]] = self.builder.folded(value)
