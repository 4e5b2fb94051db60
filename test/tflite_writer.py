"""Writes TFLite files for tests, from plain descriptions of tensors, operators and sub-graphs.

Source of the layout: tensorflow/lite/schema/schema.fbs, whose accessors the `tflite` package holds.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

TYPES = {
    "float32": tflite.TensorType.FLOAT32,
    "float16": tflite.TensorType.FLOAT16,
    "float64": tflite.TensorType.FLOAT64,
    "int8": tflite.TensorType.INT8,
    "int16": tflite.TensorType.INT16,
    "int32": tflite.TensorType.INT32,
    "int64": tflite.TensorType.INT64,
    "uint8": tflite.TensorType.UINT8,
    "uint16": tflite.TensorType.UINT16,
    "uint32": tflite.TensorType.UINT32,
    "bool": tflite.TensorType.BOOL,
    "complex64": tflite.TensorType.COMPLEX64,
    "resource": tflite.TensorType.RESOURCE,
}


@dataclass(frozen=True)
class Quantization:
    """Scales and zero points; several go along `axis`."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True)
class Level:
    """A level of a sparse tensor: all of its places, or lists of some (see SparsityParameters in the schema)."""

    size: int
    segments: Sequence[int] | None = None
    indices: Sequence[int] = ()
    dtype: str = "int32"


@dataclass(frozen=True)
class Sparsity:
    """How the elements in `data` lie in the tensor."""

    order: Sequence[int]
    levels: Sequence[Level]
    blocked: Sequence[int] = ()


@dataclass(frozen=True)
class TensorSpec:
    """A tensor; `data` makes it a constant, -1 in `signature` leaves a dimension open.

    Of a sparse one, `data` is what is stored.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    data: np.ndarray | None = None
    quantization: Quantization | None = None
    variable: bool = False
    signature: tuple[int, ...] | None = None
    sparsity: Sparsity | None = None


@dataclass(frozen=True)
class OperatorSpec:
    """An operator; `options` is the name of its table, or None, and the fields that differ from their defaults."""

    name: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    custom: str = ""
    custom_options: bytes = b""
    intermediates: Sequence[int] = ()
    version: int = 1


@dataclass(frozen=True)
class GraphSpec:
    """A sub-graph: tensors by number, operators in order."""

    tensors: Sequence[TensorSpec]
    operators: Sequence[OperatorSpec]
    inputs: Sequence[int]
    outputs: Sequence[int]


def write(*graphs: GraphSpec) -> bytes:
    """The file of a model; the first graph is the main one."""
    return _Writer().model(graphs)


def _accessors(table: str) -> Any:
    """The module with a table's functions Start, Add... and End."""
    return importlib.import_module(f"tflite.{table}")


class _Writer:
    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1024)
        self.buffers: list[int] = []
        self.codes: list[tuple[str, str, int]] = []

    def model(self, graphs: Sequence[GraphSpec]) -> bytes:
        self._buffer(b"")
        subgraphs = self._offsets([self._graph(graph) for graph in graphs])
        codes = self._offsets([self._code(*code) for code in self.codes])
        buffers = self._offsets(self.buffers)
        root = self._table("Model", Version=3, OperatorCodes=codes, Subgraphs=subgraphs, Buffers=buffers)
        self.builder.Finish(root, file_identifier=b"TFL3")
        return bytes(self.builder.Output())

    def _table(self, table: str, **fields: Any) -> int:
        """A table with the fields that are not None."""
        accessors = _accessors(table)
        accessors.Start(self.builder)
        for name, value in fields.items():
            if value is not None:
                getattr(accessors, f"Add{name}")(self.builder, value)
        return int(accessors.End(self.builder))

    def _offsets(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def _vector(self, values: Sequence[Any], dtype: str) -> int:
        return int(self.builder.CreateNumpyVector(np.asarray(values, dtype)))

    def _buffer(self, data: bytes) -> int:
        content = None
        if data:
            self.builder.StartVector(1, len(data), 16)
            self.builder.head -= len(data)
            self.builder.Bytes[self.builder.head : self.builder.head + len(data)] = data
            content = self.builder.EndVector()
        self.buffers.append(self._table("Buffer", Data=content))
        return len(self.buffers) - 1

    def _code(self, name: str, custom: str, version: int) -> int:
        number = getattr(tflite.BuiltinOperator, name)
        text = self.builder.CreateString(custom) if custom else None
        short = min(number, 127)
        return self._table(
            "OperatorCode", DeprecatedBuiltinCode=short, CustomCode=text, Version=version, BuiltinCode=number
        )

    def _graph(self, graph: GraphSpec) -> int:
        tensors = self._offsets([self._tensor(tensor) for tensor in graph.tensors])
        operators = self._offsets([self._operator(operator) for operator in graph.operators])
        inputs, outputs = self._vector(graph.inputs, "int32"), self._vector(graph.outputs, "int32")
        return self._table("SubGraph", Tensors=tensors, Inputs=inputs, Outputs=outputs, Operators=operators)

    def _tensor(self, tensor: TensorSpec) -> int:
        buffer = 0 if tensor.data is None else self._buffer(np.ascontiguousarray(tensor.data, tensor.dtype).tobytes())
        name, shape = self.builder.CreateString(tensor.name), self._vector(tensor.shape, "int32")
        signature = None if tensor.signature is None else self._vector(tensor.signature, "int32")
        return self._table(
            "Tensor",
            Shape=shape,
            Type=TYPES[tensor.dtype],
            Buffer=buffer,
            Name=name,
            Quantization=self._quantization(tensor.quantization),
            IsVariable=tensor.variable,
            ShapeSignature=signature,
            Sparsity=self._sparsity(tensor.sparsity),
            HasRank=True,
        )

    def _sparsity(self, sparsity: Sparsity | None) -> int | None:
        if sparsity is None:
            return None
        levels = self._offsets([self._level(level) for level in sparsity.levels])
        order, blocked = self._vector(sparsity.order, "int32"), self._vector(sparsity.blocked, "int32")
        return self._table("SparsityParameters", TraversalOrder=order, BlockMap=blocked, DimMetadata=levels)

    def _level(self, level: Level) -> int:
        if level.segments is None:
            return self._table("DimensionMetadata", Format=tflite.DimensionType.DENSE, DenseSize=level.size)
        table = f"{level.dtype.capitalize()}Vector"
        kind = getattr(tflite.SparseIndexVector, table)
        vectors = [self._vector(values, level.dtype) for values in (level.segments, level.indices)]
        segments, indices = (self._table(table, Values=vector) for vector in vectors)
        return self._table(
            "DimensionMetadata",
            Format=tflite.DimensionType.SPARSE_CSR,
            ArraySegmentsType=kind,
            ArraySegments=segments,
            ArrayIndicesType=kind,
            ArrayIndices=indices,
        )

    def _quantization(self, parameters: Quantization | None) -> int | None:
        if parameters is None:
            return None
        scale = self._vector(parameters.scale, "float32")
        zero_point = self._vector(parameters.zero_point, "int64")
        return self._table(
            "QuantizationParameters", Scale=scale, ZeroPoint=zero_point, QuantizedDimension=parameters.axis
        )

    def _operator(self, operator: OperatorSpec) -> int:
        code = (operator.name, operator.custom, operator.version)
        if code not in self.codes:
            self.codes.append(code)
        union = {}
        if operator.options is not None:
            place = "BuiltinOptions" if hasattr(tflite.BuiltinOptions, operator.options) else "BuiltinOptions2"
            union[f"{place}Type"] = getattr(getattr(tflite, place), operator.options)
            union[place] = self._table(operator.options, **{k: self._field(v) for k, v in operator.fields.items()})
        custom = self._vector(list(operator.custom_options), "uint8") if operator.custom_options else None
        between = self._vector(operator.intermediates, "int32") if operator.intermediates else None
        inputs, outputs = self._vector(operator.inputs, "int32"), self._vector(operator.outputs, "int32")
        return self._table(
            "Operator",
            OpcodeIndex=self.codes.index(code),
            Inputs=inputs,
            Outputs=outputs,
            CustomOptions=custom,
            Intermediates=between,
            **union,
        )

    def _field(self, value: Any) -> Any:
        """A scalar as it is, integers or an array as a vector, text as a string."""
        if isinstance(value, str):
            return self.builder.CreateString(value)
        if isinstance(value, np.ndarray):
            return self._vector(value, value.dtype.name)
        return self._vector(value, "int32") if isinstance(value, tuple | list) else value
