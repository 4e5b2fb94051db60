"""TFLite graphs to `nn`: files in float32, with weights of fewer bits, and quantised ones.

The interface keeps the file's NHWC shapes and types. Operations on small constants are computed on the spot, and so is
the widening of float16 weights. Quantised tensors keep their own parameters: see `quantization`. What a network
remembers from one run to the next becomes inputs and outputs, behind those that the file names: see `state`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ...dialects.mlir import file_loc, ir
from ...dialects.tensors import Dim, element_type
from ..builder import InputSpec, NetworkBuilder, resolve_inputs
from . import (
    control,
    convolution,
    detection,
    elementwise,
    lookup,
    quantization,
    recurrent,
    reduction,
    scattering,
    sequences,
    shape,
    slices,
    spectra,
    stablehlo,
    volume,
    windows,
)
from .cut import cut
from .graph import GraphImporter, checked
from .loader import BUILTINS, Model, Source, Tensor, load
from .node import REGISTRY
from .refusals import NO_OPERATORS, refusal
from .state import States

__all__ = [
    "control",
    "convolution",
    "detection",
    "elementwise",
    "import_model",
    "import_tflite",
    "lookup",
    "recurrent",
    "reduction",
    "refused_operators",
    "scattering",
    "sequences",
    "shape",
    "slices",
    "spectra",
    "stablehlo",
    "supported_operators",
    "volume",
    "windows",
]


def import_tflite(
    source: Source,
    *,
    shapes: Mapping[str, Sequence[Dim]] | None = None,
    dims: Mapping[str, Dim] | None = None,
    outputs: Sequence[str] = (),
    ends: Sequence[str] = (),
    values: dict[str, ir.Value] | None = None,
) -> ir.Module:
    """The network as a module with one function `@main`, in the current context.

    `shapes` gives whole shapes of inputs, `dims` the value of the open dimension, which TFLite calls "-1", None being
    for what shall stay open; without them the network has the shapes that the file was converted with; `outputs` are
    the tensors to return instead of all outputs, `ends` those where this network is to end, with all its inputs.
    `values` is filled with those that either may name. Raises `ModelError` (K0100, K0140, K0141, K0142), `OptionError`
    K0105 for shapes that do not fit, K0106 for unknown outputs, `UnsupportedError` K0151 for tensors of types that `nn`
    does not have, and one K0150 that lists all operators that cannot be imported.
    """
    model = load(source)
    model = cut(model, outputs) if outputs else model
    model = cut(model, ends, inputs_stay=True) if ends else model
    return import_model(model, dict(shapes or {}), dict(dims or {}), {} if values is None else values)


def supported_operators() -> list[dict[str, Any]]:
    """One row an operator: `Converter.row`."""
    return [REGISTRY[operator].row() for operator in sorted(REGISTRY)]


def refused_operators() -> dict[str, list[str]]:
    """The other operators of the schema, by the reason why they are refused."""
    found: dict[str, list[str]] = {}
    for operator in sorted({*BUILTINS.values()} - {*REGISTRY, *NO_OPERATORS}):
        found.setdefault(refusal(operator)[0], []).append(operator)
    return found


def import_model(
    model: Model, shapes: Mapping[str, Sequence[Dim]], dims: Mapping[str, Dim], values: dict[str, ir.Value]
) -> ir.Module:
    """The main graph of a file that has been read, and what it runs; `values` is filled with those that have a name."""
    with file_loc(model.name, ""):
        builder = NetworkBuilder(model.name)
        graph = model.graphs[0]
        states = States(builder, {graph.tensors[index].name for index in (*graph.inputs, *graph.outputs)})
        specs = [_spec(checked(graph.tensors[index], model.name), shapes, dims) for index in graph.inputs]
        arguments = builder.start(resolve_inputs(specs, shapes, dims, model.name))
        builder.name_dimensions(specs, dims)
        main = GraphImporter(builder, model, 0, states)
        main.run(arguments)
        builder.raise_problems("K0150")
        given = {main.values[index] for index in graph.inputs}
        computed = {one: main.values[one] for one in main.computed & set(main.values) - set(main.imaginary)}
        builder.tell(values, {graph.tensors[one].name: value for one, value in computed.items() if value not in given})
        outputs = []
        for index, value in zip(graph.outputs, main.outputs(), strict=True):
            with builder.node(graph.tensors[index].name):
                outputs.append((graph.tensors[index].name, quantization.stored(value)))
        return builder.finish([*outputs, *states.outputs()], states.first_values())


def _spec(tensor: Tensor, shapes: Mapping[str, Sequence[Dim]], dims: Mapping[str, Dim]) -> InputSpec:
    """An input: what the file leaves open is as the caller says, else as the file was converted with."""
    asked = tensor.name in shapes or "-1" in dims
    shape = tuple("-1" if s < 0 and asked else d for d, s in zip(tensor.shape, tensor.signature, strict=False))
    return InputSpec(tensor.name, shape, element_type(tensor.dtype))
