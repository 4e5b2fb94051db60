"""From a path, bytes or a stream to a TFLite model whose tables can be read.

The flatbuffer library trusts its input: whatever it raises on damaged files is turned into `ModelError` here, by
`guarded`, and nowhere else.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tflite

from ...dialects.tensors import Array
from ...errors import ModelError
from .sparse import dense

Source = str | Path | bytes | BinaryIO

BUILTINS = {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}
DTYPES = {
    tflite.TensorType.FLOAT32: "float32",
    tflite.TensorType.FLOAT16: "float16",
    tflite.TensorType.FLOAT64: "float64",
    tflite.TensorType.INT8: "int8",
    tflite.TensorType.INT16: "int16",
    tflite.TensorType.INT32: "int32",
    tflite.TensorType.INT64: "int64",
    tflite.TensorType.UINT8: "uint8",
    tflite.TensorType.UINT32: "uint32",
    tflite.TensorType.UINT64: "uint64",
    tflite.TensorType.BOOL: "bool",
}
NAMES = {number: name.lower() for name, number in vars(tflite.TensorType).items() if isinstance(number, int)}
"""What the schema calls types, those too that `nn` does not have."""
RESOURCE = "resource"
"""The type of handles of variables."""
STORAGE = {"int8", "uint8", "int16", "int32", "int64"}
"""Integers that stand for real numbers when the tensor has a scale."""


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Around code that only reads a flatbuffer: what goes wrong there means that the file is damaged."""
    try:
        yield
    except (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError("K0140", where=name, cause=f"the TFLite file is damaged: {error}") from error


@dataclass(frozen=True)
class Quantization:
    """Integers stand for (q - zero_point) * scale; several scales go along `axis`, which is -1 for one."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int

    def dequantize(self, stored: Array) -> Array:
        """What stored integers stand for, as float32."""
        shape = [-1 if i == self.axis else 1 for i in range(stored.ndim)]
        scale, zero = np.asarray(self.scale).reshape(shape), np.asarray(self.zero_point).reshape(shape)
        reals: Array = (stored.astype(np.float64) - zero) * scale
        return reals.astype(np.float32)

    def permuted(self, permutation: Sequence[int]) -> "Quantization":
        """The parameters of the tensor after a transposition."""
        axis = permutation.index(self.axis) if self.axis >= 0 else -1
        return Quantization(self.scale, self.zero_point, axis)


@dataclass(frozen=True)
class Tensor:
    """One tensor of the graph; `signature` has -1 where `shape` may change, `data` is None for what is computed."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    data: Array | None
    quantization: Quantization | None
    variable: bool

    @property
    def reals(self) -> Array | None:
        """The constant as real numbers: of a quantised one, what its integers stand for, as float32."""
        if self.data is None or self.quantization is None:
            return self.data
        return self.quantization.dequantize(self.data)


@dataclass(frozen=True)
class Operator:
    """One operator: its name ("CUSTOM x" for custom ones), tensor numbers (-1 for an absent one), and its table.

    `intermediates` are tensors that only say how what is inside of the operator is quantised.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    table: Any


@dataclass(frozen=True)
class Graph:
    """One sub-graph of a file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Model:
    """The sub-graphs of a file, the main one first; `name` is what errors shall call it."""

    name: str
    graphs: tuple[Graph, ...]


def load(source: Source) -> Model:
    """Read a file. Raises `ModelError`: K0100 unreadable, K0140 not TFLite or damaged, K0142 quantised wrongly."""
    if isinstance(source, str | Path):
        path = Path(source)
        try:
            data, name = path.read_bytes(), path.name
        except OSError as error:
            raise ModelError("K0100", where=str(path), cause=f"cannot be read: {error.strerror}") from error
    elif isinstance(source, bytes):
        data, name = source, "model.tflite"
    else:
        data, name = source.read(), Path(str(getattr(source, "name", "model.tflite"))).name
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise ModelError("K0140", where=name, cause="this is not a TFLite file, or it is empty")
    with guarded(name):
        model = _read(data, name)
    if not model.graphs or not model.graphs[0].outputs:
        raise ModelError("K0140", where=name, cause="the TFLite file is damaged: it has no outputs")
    for graph in model.graphs:
        _check(graph, name)
    return model


def _check(graph: Graph, name: str) -> None:
    """Raise `ModelError` for a graph that speaks of tensors that there are not (K0140), or whose parameters cannot be
    those of a quantised tensor (K0142)."""
    count = len(graph.tensors)
    numbers = [n for one in graph.operators for n in (*one.inputs, *one.outputs, *one.intermediates)]
    dims = [dim for tensor in graph.tensors for dim in tensor.shape]
    if any(dim < 0 for dim in dims):
        raise ModelError("K0140", where=name, cause="the TFLite file is damaged: a dimension is negative")
    if any(not -1 <= n < count for n in (*numbers, *graph.inputs, *graph.outputs)):
        raise ModelError("K0140", where=name, cause="the TFLite file is damaged: it has unknown tensors")
    for tensor in graph.tensors:
        problem = _problem(tensor)
        if problem:
            raise ModelError("K0142", where=f"{name}: {tensor.name}", cause=problem)


def _problem(tensor: Tensor) -> str:
    """What is wrong with the parameters of a tensor, or nothing."""
    if tensor.quantization is None:
        return ""
    parameters, shape, info = tensor.quantization, tensor.shape, np.iinfo(tensor.dtype)
    scale, zero_point, axis = parameters.scale, parameters.zero_point, parameters.axis
    wrong = next((item for item in scale if not 0 < item < math.inf), None)
    if wrong is not None:
        return f"scale {wrong} is not a positive number"
    outside = next((item for item in zero_point if not info.min <= item <= info.max), None)
    if outside is not None:
        return f"zero point {outside} does not fit {tensor.dtype}"
    if len(zero_point) != len(scale):
        return f"there are {len(scale)} scales, but {len(zero_point)} zero points"
    if len(scale) > 1 and not 0 <= axis < len(shape):
        return f"scales along dimension {axis} of a tensor with {len(shape)}"
    if len(scale) > 1 and shape[axis] != len(scale):
        return f"there are {len(scale)} scales along dimension {axis}, which has {shape[axis]} elements"
    return ""


def _read(data: bytes, name: str) -> Model:
    model = tflite.Model.GetRootAs(data)
    return Model(name, tuple(_graph(model, data, model.Subgraphs(i), i) for i in range(model.SubgraphsLength())))


def _graph(model: Any, data: bytes, graph: Any, number: int) -> Graph:
    return Graph(
        tuple(_distinct([_tensor(model, data, graph.Tensors(i), i) for i in range(graph.TensorsLength())], number)),
        tuple(_operator(model, graph.Operators(i)) for i in range(graph.OperatorsLength())),
        tuple(graph.Inputs(i) for i in range(graph.InputsLength())),
        tuple(graph.Outputs(i) for i in range(graph.OutputsLength())),
    )


def _distinct(tensors: Sequence[Tensor], graph: int) -> Iterator[Tensor]:
    """The tensors of a graph, each with a name of its own; a variable's is its own in the whole file."""
    seen: set[str] = set()
    for number, tensor in enumerate(tensors):
        name = f"graph{graph}/{tensor.name}" if tensor.variable and graph else tensor.name
        while name in seen:
            name = f"{name}#{number}"
        seen.add(name)
        yield tensor if name == tensor.name else replace(tensor, name=name)


def _operator(model: Any, table: Any) -> Operator:
    code = model.OperatorCodes(table.OpcodeIndex())
    builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name = BUILTINS.get(builtin, f"BUILTIN {builtin}")
    if name == "CUSTOM":
        name = f"CUSTOM {(code.CustomCode() or b'').decode('latin-1')}"
    inputs = tuple(table.Inputs(i) for i in range(table.InputsLength()))
    outputs = tuple(table.Outputs(i) for i in range(table.OutputsLength()))
    between = tuple(table.Intermediates(i) for i in range(table.IntermediatesLength()))
    return Operator(name, inputs, outputs, between, table)


def _tensor(model: Any, data: bytes, table: Any, number: int) -> Tensor:
    shape = tuple(int(dim) for dim in table.ShapeAsNumpy()) if table.ShapeLength() else ()
    signature = tuple(int(dim) for dim in table.ShapeSignatureAsNumpy()) if table.ShapeSignatureLength() else shape
    dtype = NAMES.get(table.Type(), f"type {table.Type()}")
    name = (table.Name() or b"").decode("utf-8", "replace") or f"tensor{number}"
    parameters = _quantization(table.Quantization(), shape) if dtype in STORAGE else None
    raw = _buffer(model.Buffers(table.Buffer()), data)
    elements = None
    if raw is None and 0 in shape and table.Buffer() > 0:
        raw = b""
    if raw is not None and dtype in DTYPES.values():
        sparsity, kind = table.Sparsity(), np.dtype(dtype)
        elements = np.frombuffer(raw, kind).reshape(shape) if sparsity is None else dense(sparsity, raw, kind, shape)
    return Tensor(name, dtype, shape, signature, elements, parameters, bool(table.IsVariable()))


def _quantization(table: Any, shape: tuple[int, ...]) -> Quantization | None:
    """A tensor's parameters, or None when it has no scale."""
    if table is None or table.ScaleLength() == 0:
        return None
    scale = tuple(float(item) for item in table.ScaleAsNumpy())
    zero_point = tuple(int(item) for item in table.ZeroPointAsNumpy()) if table.ZeroPointLength() else (0,)
    if len(zero_point) == 1:
        zero_point *= len(scale)
    axis = int(table.QuantizedDimension()) if len(scale) > 1 else -1
    if len(shape) == 1 and axis > 0:
        axis = 0  # old converters number a bias's dimension as that of its weights
    return Quantization(scale, zero_point, axis)


def _buffer(table: Any, data: bytes) -> bytes | None:
    """A buffer's bytes, which in large files lie behind the tables; None for an empty one."""
    if table is None:
        return None
    if table.Offset() > 1:
        if table.Offset() + table.Size() > len(data):
            raise ValueError("a buffer lies beyond the end")
        return data[table.Offset() : table.Offset() + table.Size()]
    return bytes(table.DataAsNumpy().tobytes()) if table.DataLength() else None
