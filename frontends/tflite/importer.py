"""TFLite graphs to `nn`: float32 files, with weights in float32 or float16.

The interface keeps the file's NHWC shapes. Operations on small constants are computed on the spot, and so is the
widening of float16 weights.
"""

from collections.abc import Mapping, Sequence

from ...dialects.mlir import file_loc, ir
from ...dialects.tensors import element_type
from ...errors import ModelError, ShapeError, UnsupportedError
from ..builder import InputSpec, NetworkBuilder, Unsupported, resolve_inputs
from . import convolution, elementwise, reduction, shape
from .loader import DTYPES, Graph, Operator, Source, Tensor, load
from .node import REGISTRY, Node

__all__ = ["convolution", "elementwise", "import_tflite", "reduction", "shape", "supported_operators"]


MALFORMED = (ValueError, TypeError, IndexError, OverflowError, MemoryError, ir.MLIRError)
"""What numpy and MLIR raise on constants and options that no converter produced: a damaged file's."""


def import_tflite(
    source: Source, *, shapes: Mapping[str, Sequence[int]] | None = None, dims: Mapping[str, int] | None = None
) -> ir.Module:
    """The network as a module with one function `@main`, in the current context.

    `shapes` gives whole shapes of inputs, `dims` the value of the open dimension, which TFLite calls "-1"; without
    them the network has the shapes that the file was converted with. Raises
    `ModelError` (K0100, K0140, K0141), `OptionError` K0105 for shapes that do not fit, `UnsupportedError` K0151 for
    quantised tensors, and one K0150 that lists all operators that cannot be imported.
    """
    graph = load(source)
    with file_loc(graph.model, ""):
        return _Importer(graph).run(dict(shapes or {}), dict(dims or {}))


def supported_operators() -> list[dict[str, object]]:
    """One row an operator, for the supported-operators page."""
    return [{"operator": operator} for operator in sorted(REGISTRY)]


class _Importer:
    """Imports one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.builder = graph, NetworkBuilder(graph.model)
        self.values: dict[int, ir.Value] = {}

    def run(self, shapes: Mapping[str, Sequence[int]], dims: Mapping[str, int]) -> ir.Module:
        graph, name = self.graph, self.graph.model
        specs = [self._spec(self._tensor(index), shapes, dims) for index in graph.inputs]
        arguments = self.builder.start(resolve_inputs(specs, shapes, dims, name))
        self.values.update(zip(graph.inputs, arguments, strict=True))
        for operator in graph.operators:
            self._convert(operator)
        self.builder.raise_problems("K0150")
        outputs = []
        for index in graph.outputs:
            value = self._value(index)
            if value is None:
                cause = f"output '{graph.tensors[index].name}' is not computed"
                raise ModelError("K0141", where=name, cause=cause)
            outputs.append((graph.tensors[index].name, value))
        return self.builder.finish(outputs)

    def _tensor(self, index: int) -> Tensor:
        """A tensor that is not quantised."""
        tensor = self.graph.tensors[index]
        if tensor.quantised or tensor.dtype not in DTYPES.values():
            kind = "quantised" if tensor.quantised else f"of {tensor.dtype}"
            raise UnsupportedError(
                "K0151",
                where=f"{self.graph.model}: {tensor.name}",
                cause=f"the tensor is {kind}; TFLite files in float32, or with float16 weights, are supported",
                remedy="convert the network without quantisation",
            )
        return tensor

    def _spec(self, tensor: Tensor, shapes: Mapping[str, Sequence[int]], dims: Mapping[str, int]) -> InputSpec:
        """An input: what the file leaves open is as the caller says, else as the file was converted with."""
        asked = tensor.name in shapes or "-1" in dims
        shape = tuple("-1" if s < 0 and asked else d for d, s in zip(tensor.shape, tensor.signature, strict=False))
        return InputSpec(tensor.name, shape, element_type(tensor.dtype))

    def _value(self, index: int) -> ir.Value | None:
        """The value of a tensor: computed, or a constant of the file; None when it is neither."""
        if index >= 0 and index not in self.values:
            tensor = self._tensor(index)
            if tensor.data is None:
                return None
            with self.builder.node(tensor.name):
                self.values[index] = self.builder.constant(tensor.data)
        return self.values.get(index)

    def _convert(self, operator: Operator) -> None:
        """Append the operations of one operator and define its outputs."""
        builder, tensors = self.builder, self.graph.tensors
        node = tensors[operator.outputs[0]].name if operator.outputs else operator.name
        convert = REGISTRY.get(operator.name)
        if convert is None:
            custom = operator.name.startswith("CUSTOM")
            reason = "the custom operator is not known" if custom else "the operator is not supported"
            builder.unsupported(node, operator.name, reason, "see the supported operators: kpuc ops")
            return
        inputs = [self._value(index) for index in operator.inputs]
        for index, value in zip(operator.inputs, inputs, strict=True):
            if value is None and index >= 0 and not tensors[index].variable:
                return  # depends on an operator that could not be imported: that one is reported
        with builder.node(node):
            try:
                shapes = [tensors[index].shape for index in operator.outputs]
                values = convert(Node(builder, operator, inputs, shapes))
            except Unsupported as error:
                builder.unsupported(node, operator.name, error.reason, error.remedy)
                return
            except ShapeError as error:
                place = f"{builder.model}: {node}"
                raise ModelError("K0141", where=place, cause=error.cause, remedy=error.remedy) from error
            except MALFORMED as error:
                raise ModelError("K0141", where=f"{builder.model}: {node}", cause=f"is malformed: {error}") from error
            values = [values] if isinstance(values, ir.Value) else list(values)
            for index, value in zip(operator.outputs, values, strict=False):
                self.values[index] = builder.folded(value)
