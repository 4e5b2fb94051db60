"""What a converter sees of an ONNX node, and the registry of converters."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import onnx
from onnx import numpy_helper

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import require
from ...dialects.tensors import Array, Shape, dtype_of, element_type, shape_of
from ...errors import ModelError, UnsupportedError
from ..builder import NetworkBuilder, Unsupported
from ..converter import Registry
from .opsets import PREVIEW

Value: TypeAlias = ir.Value
Output: TypeAlias = Value | Sequence[Value]
Convert = Callable[["Node"], Output]

REGISTRY: Registry[Convert] = Registry()
converter = REGISTRY.converter

MOST_ELEMENTS = 2**31
"""Of a tensor that a converter makes: a few bytes of a file shall not ask for all memory."""


class Reported(Exception):
    """Raised by a converter: a graph that this node runs has a node that cannot be imported, which is remembered."""


class Graph(Protocol):
    """What a converter sees of a graph: the one around its node, or one that the node runs."""

    builder: NetworkBuilder
    graph: onnx.GraphProto
    opset: int

    def body(self, graph: onnx.GraphProto) -> "Graph":
        """The importer of a graph that a node of this one runs."""

    def call(self, arguments: Sequence[Value], place: str) -> list[Value]:
        """The results of this graph for these arguments, its operations appended; its nodes' names are below `place`.

        Raises `Reported`.
        """


class Node:
    """One ONNX node with its inputs as values; `name` is what messages call it."""

    def __init__(self, surroundings: Graph, proto: onnx.NodeProto, name: str, inputs: Sequence[Value | None]) -> None:
        self.surroundings, self.builder, self.opset = surroundings, surroundings.builder, surroundings.opset
        self.proto, self.name, self.inputs = proto, name, inputs
        self.attributes = {attribute.name: attribute for attribute in proto.attribute}

    @property
    def where(self) -> str:
        """The node as the place of an error."""
        return f"{self.builder.model}: {self.name}"

    @property
    def version(self) -> int:
        """The version of the operators of the node's domain: the opset, or 1 of what is in preview."""
        return 1 if self.proto.domain == PREVIEW else self.opset

    @property
    def operator(self) -> str:
        """The ONNX operator's name."""
        return self.proto.op_type

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute as a Python value: int, float, str, list of these, or the proto's own object.

        Raises `Violation` when it is of another kind than the default.
        """
        if name not in self.attributes:
            return default
        value = onnx.helper.get_attribute_value(self.attributes[name])
        if isinstance(value, bytes):
            value = value.decode(errors="replace")
        if isinstance(value, list) and value and isinstance(value[0], bytes):
            value = [item.decode(errors="replace") for item in value]
        same = default is None or type(value) is type(default)
        if same and isinstance(default, list) and default:
            same = all(type(item) is type(default[0]) for item in value)
        require(same, f"attribute '{name}' is {value!r}, expected {type(default).__name__}")
        return value

    def ints_of(self, name: str, length: int, default: int) -> tuple[int, ...]:
        """A list of integers of a length that the node's rank prescribes; all `default` when absent."""
        values = tuple(self.attribute(name, [default] * length))
        require(len(values) == length, f"attribute '{name}' has {len(values)} entries, expected {length}")
        return values

    def floats(self, name: str) -> list[float]:
        """A list of floats of any length; empty when absent."""
        values: list[float] = self.attribute(name, [])
        require(all(isinstance(value, float) for value in values), f"attribute '{name}' is {values}, expected floats")
        return values

    def has_output(self, index: int) -> bool:
        """Whether the node names this output."""
        return index < len(self.proto.output) and bool(self.proto.output[index])

    def axis(self, name: str, default: int, rank: int) -> int:
        """An attribute that names a dimension, counted from the front; `rank` itself is allowed to pass."""
        value = int(self.attribute(name, default))
        require(-rank <= value <= rank, f"'{name}' {value} is out of range for rank {rank}")
        return value + rank if value < 0 else value

    def input(self, index: int) -> Value:
        """An input that must be there."""
        value = self.optional(index)
        if value is None:
            raise Unsupported(f"input {index} is missing")
        return value

    def optional(self, index: int) -> Value | None:
        """An input, or None when it is absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    def constant(self, index: int) -> Array | None:
        """The elements of an input that is constant, else None."""
        return nn.constant_value(self.optional(index))

    def ints(self, index: int, attribute: str) -> tuple[int, ...] | None:
        """Integers that are an attribute in old opsets and a constant input in newer ones; None when absent."""
        if attribute in self.attributes:
            return tuple(self.attribute(attribute))
        if self.optional(index) is None:
            return None
        return self.constant_ints(index, attribute)

    def constant_ints(self, index: int, what: str) -> tuple[int, ...]:
        """The elements of an input that has to be constant."""
        array = self.constant(index)
        if array is None:
            raise Unsupported(
                f"'{what}' is computed by the network; only constant ones are supported",
                "fix the input shapes with --shape or --dim so that it becomes constant",
            )
        return tuple(int(item) for item in array.reshape(-1))

    def scalar(self, index: int, default: float) -> float:
        """The element of a constant scalar input, or the default when it is absent."""
        if self.optional(index) is None:
            return default
        array = self.constant(index)
        if array is None or array.size != 1:
            raise Unsupported(f"input {index} must be a constant scalar")
        return float(array.reshape(-1)[0])

    def constant_scalar(self, index: int, what: str) -> float:
        """The only element of an input that has to be constant."""
        numbers = self.constant_ints(index, what)
        require(len(numbers) == 1, f"'{what}' has {len(numbers)} elements, expected one")
        return numbers[0]

    def known(self, value: Value, what: str) -> int:
        """The number that a value of one element, one of this node's or of its graphs', is known to hold."""
        array = nn.constant_value(value)
        if array is None:
            origin = self.builder.origin(value)
            raise Unsupported(
                f"its {what} depends on {origin}; it must be known when the network is compiled",
                self.remedy(origin, what),
            )
        require(array.size == 1, f"its {what} has {array.size} elements, expected one")
        return int(array.reshape(-1)[0])

    @staticmethod
    def remedy(origin: str, what: str) -> str:
        """How a value that has this origin becomes known."""
        if origin.startswith("the shape"):
            return "fix the input shapes with --shape or --dim"
        return f"export the network with a constant {what}"

    def new_constant(self, array: Any, dtype: Any = None) -> Value:
        """A constant at this node."""
        return self.builder.constant(np.asarray(array, dtype))

    def like(self, number: float, value: Value) -> Value:
        """A scalar constant with the element type of `value`."""
        return self.new_constant(number, dtype_of(value))

    def shape(self, index: int = 0) -> Shape:
        """The shape of an input, None for each dimension that is not known."""
        return shape_of(self.input(index))

    def rank(self, index: int = 0) -> int:
        """The rank of an input."""
        return len(self.shape(index))


def tensor_elements(tensor: onnx.TensorProto, where: str) -> Array:
    """The elements of an ONNX tensor.

    Raises `UnsupportedError` K0111 for strings and exotic types, `ModelError` K0103 when they do not fit the shape.
    """
    kind = type_name(tensor.data_type)
    try:
        dtype = dtype_of_number(tensor.data_type)
        element_type(dtype)
    except (TypeError, KeyError) as error:
        cause = f"tensor '{tensor.name}' is of type {kind}, which is not supported"
        raise UnsupportedError("K0111", where=where, cause=cause) from error
    try:
        if any(dim < 0 for dim in tensor.dims):
            raise ValueError("negative dimensions")
        return numpy_helper.to_array(tensor).astype(dtype, copy=False)
    except (TypeError, ValueError) as error:
        shape = "x".join(map(str, tensor.dims))
        cause = f"the data of tensor '{tensor.name}' is not that of {shape or 'a scalar'} {kind}: {error}"
        raise ModelError("K0103", where=where, cause=cause) from error


def type_name(data_type: int) -> str:
    """The name of an ONNX data type number."""
    names = onnx.TensorProto.DataType
    return str(names.Name(data_type)) if data_type in names.values() else f"number {data_type}"


def dtype_of_number(data_type: int) -> np.dtype[Any]:
    """The numpy dtype that stands for an ONNX data type number: that of bfloat16 is float32, which holds all of it."""
    if data_type == onnx.TensorProto.BFLOAT16:
        return np.dtype(np.float32)
    return onnx.helper.tensor_dtype_to_np_dtype(data_type)


def mlir_element_type(data_type: int) -> ir.Type:
    """The MLIR element type of an ONNX data type number; raises `Unsupported`."""
    try:
        return element_type(dtype_of_number(data_type))
    except (TypeError, KeyError) as error:
        raise Unsupported(f"element type {type_name(data_type)} is not supported") from error
