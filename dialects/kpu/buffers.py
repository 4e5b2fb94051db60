"""The buffer level: memory by address, and operations that write where they are told.

A buffer is a memref in one of the memories that `Mem` names. Nothing is allocated: `kpu.buffer` says where a buffer is,
and an argument of the function is where the caller has put it. Operations of the host still compute with tensors; each
operand is loaded right before, each result stored right behind.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal

from .. import ods
from ..mlir import ir
from ..nn.constant import constant_value
from ..ods import I64, Bool, BufferOperand, BufferOperands, BufferResult, Op, Operand, Result, Violation, require
from ..tensors import dtype_of, element_type, is_static, shape_of, static_shape
from .base import KPU, PoolName, layer_type, require_map
from .quantized import require_tables

OFFSET = "kpu.offset"
"""Where in its memory an argument is, if it is not in one of the caller's own."""
BYTES = "ui8"
"""The elements of maps in KPU memory."""


class Mem(ods.Attribute, dialect=KPU, name="mem"):
    """The memory that a memref is in.

    `main` is what the host computes in, or the caller's; its buffers are dense. `ram` is the KPU's memory, 2 MiB in
    lines of 64 bytes, where only maps 1 x C x H x W of bytes are: every row begins a line, or shares it with the same
    row of other channels (up to width 16 four, up to width 32 two). `const` is the file itself.

    It would be `#kpu.mem<ram>`, but IRDL prints and reads parameters as attributes: a word needs its quotes.
    """

    space: Literal["main", "ram", "const"]


def buffer_type(shape: Sequence[int], dtype: Any, space: str) -> ir.MemRefType:
    """The memref type of `shape` elements of a numpy dtype in a memory."""
    return ir.MemRefType.get(list(shape), element_type(dtype), memory_space=Mem.get(ir.StringAttr.get(space)))


def space_of(buffer: ir.Value | ir.Type) -> str:
    """The memory that a buffer is in. Raises `Violation` for memrefs that are not static and dense in one of ours."""
    type_ = buffer.type if isinstance(buffer, ir.Value) else buffer
    if not isinstance(type_.memory_space, Mem):
        raise Violation(f"{type_} is in no memory, expected #kpu.mem<...>")
    if not is_static(type_) or type_.affine_map != ir.AffineMap.get_identity(type_.rank):
        raise Violation(f"{type_} is not static and dense")
    return str(type_.memory_space.space)


def require_space(buffer: ir.Value, what: str, *spaces: str) -> None:
    """A buffer must be in one of these memories."""
    if space_of(buffer) not in spaces:
        raise Violation(f"{what} is {buffer.type}, expected one in {' or '.join(spaces)}")


def require_ram_map(buffer: ir.Value, what: str) -> None:
    """A buffer must be a map of bytes in KPU memory."""
    require_space(buffer, what, "ram")
    require_map(buffer, what)
    if str(buffer.type.element_type) != BYTES:
        raise Violation(f"{what} is {buffer.type}, expected elements of {BYTES}")


def bytes_of(value: ir.Value) -> int:
    """Bytes of a tensor, or of a buffer as if it were dense."""
    return math.prod(static_shape(value)) * dtype_of(value).itemsize


def offset_of(buffer: ir.Value) -> int | None:
    """The byte of its memory at which a buffer begins; None if that is the caller's business, or in the file."""
    if isinstance(buffer, ir.OpResult):
        op = buffer.owner.opview
        return op.offset if isinstance(op, Buffer) else None
    function = buffer.owner.owner
    if "arg_attrs" not in function.attributes:
        return None
    stated = function.attributes["arg_attrs"][buffer.arg_number]
    return stated[OFFSET].value if OFFSET in stated else None


class BufferOp(Op, dialect=KPU, traits=[ods.MemoryEffects]):
    """Base class of the operations that read and write buffers."""


class Buffer(Op, dialect=KPU, name="buffer", traits=[ods.Pure]):
    """The buffer that begins at byte `offset` of its memory.

    In `ram` it begins a line, is a map, and ends within the 2 MiB; in `main` it begins at a whole number of elements.
    """

    output: BufferResult
    offset: I64

    def verify(self) -> None:
        from ...runtime.kpu.layout import LINE, RAM_BYTES, Layout  # only now, because most runs meet no buffer

        require_space(self.output, "result", "main", "ram")
        unit = dtype_of(self.output).itemsize
        if space_of(self.output) == "ram":
            require_ram_map(self.output, "result")
            batch, channels, height, width = static_shape(self.output)
            unit, end = LINE, self.offset + Layout((batch, channels, height, width)).bytes
            require(end <= RAM_BYTES, f"ends at byte {end} of {RAM_BYTES}")
        if self.offset < 0 or self.offset % unit:
            raise Violation(f"offset is {self.offset}, expected a multiple of {unit}")


class Constant(Op, dialect=KPU, name="constant", traits=[ods.Pure]):
    """The elements of a `nn.constant`, where they are in the file."""

    value: Operand
    output: BufferResult

    def infer(self) -> ir.Type:
        return buffer_type(static_shape(self.value), dtype_of(self.value), "const")

    def verify(self) -> None:
        require(constant_value(self.value) is not None, "value is not that of a constant")

    @property
    def evaluator(self) -> Callable[..., Any]:
        from ...runtime.kernels.memory import Region

        return Region.of


class Load(BufferOp, name="load"):
    """What a buffer holds, as a tensor of as many bytes: of any shape, and of elements that are stored alike."""

    source: BufferOperand
    output: Result

    def verify(self) -> None:
        require_space(self.source, "source", "main")
        if bytes_of(self.source) != bytes_of(self.output):
            raise Violation(f"result is {self.output.type}, source {self.source.type} has other bytes")

    @property
    def evaluator(self) -> Callable[..., Any]:
        from ...runtime.kernels.memory import load

        return load

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        return {"dtype": dtype_of(self.output), "shape": static_shape(self.output)}


class Store(BufferOp, name="store"):
    """Lets a buffer hold a tensor: the operation that computes `value` writes it to `target`, if it is not a copy.

    `working` is memory which that operation may use meanwhile.
    """

    value: Operand
    working: BufferOperand | None
    target: BufferOperand

    def verify(self) -> None:
        require_space(self.target, "target", "main")
        if self.working is not None:
            require_space(self.working, "working", "main")
        if bytes_of(self.value) != bytes_of(self.target):
            raise Violation(f"value is {self.value.type}, target {self.target.type} has other bytes")

    @property
    def evaluator(self) -> Callable[..., Any]:
        from ...runtime.kernels.memory import store

        return store


class TransferInto(BufferOp):
    """Base of the ways between the memories: the bytes stay."""

    source: BufferOperand
    target: BufferOperand

    def verify(self) -> None:
        if bytes_of(self.source) != bytes_of(self.target):
            raise Violation(f"target is {self.target.type}, source {self.source.type} has other bytes")

    @property
    def evaluator(self) -> Callable[..., Any]:
        from ...runtime.kernels.memory import copy

        return copy


class UploadInto(TransferInto, name="upload_into"):
    """A map from main memory or the file into KPU memory; the bytes stay."""

    def verify(self) -> None:
        require_space(self.source, "source", "main", "const")
        require_ram_map(self.target, "target")
        super().verify()


class DownloadInto(TransferInto, name="download_into"):
    """A map from KPU memory into main memory; the bytes stay."""

    def verify(self) -> None:
        require_ram_map(self.source, "source")
        require_space(self.target, "target", "main")
        super().verify()


class Conv2DInto(BufferOp, name="conv2d_into"):
    """One layer as `kpu.conv2d` computes it, from maps in KPU memory into one that is there, too.

    `inputs` lie one behind the other, each from the line on behind which the one before it ends. `input_zero` is what
    pads them. Weights and tables are constants, of which each kmodel version has its own form in the file.
    """

    inputs: BufferOperands
    weight: Operand
    norm: Operand
    lines: Operand
    target: BufferOperand
    depthwise: Bool
    pool: PoolName
    input_zero: I64
    weight_zero: I64

    @property
    def kernel(self) -> int:
        """1 or 3."""
        return shape_of(self.weight)[2] or 0

    def verify(self) -> None:
        for value in self.inputs:
            require_ram_map(value, "input")
        require_ram_map(self.target, "target")
        for name, value in (("input_zero", self.input_zero), ("weight_zero", self.weight_zero)):
            require(0 <= value <= 255, f"{name} is {value}, expected a byte")
        require_tables(self.weight, self.norm, self.lines)
        expected = static_shape(layer_type(self.inputs, self.weight, self.depthwise, self.pool, self.weight))
        if static_shape(self.target) != expected:
            raise Violation(f"target is {self.target.type}, expected {' x '.join(map(str, expected))}")
        self._require_neighbours()

    def _require_neighbours(self) -> None:
        from ...runtime.kpu.layout import Layout

        places = [(offset_of(value), static_shape(value)) for value in self.inputs]
        for (first, (batch, channels, height, width)), (second, _) in pairwise(places):
            end = (first or 0) + Layout((batch, channels, height, width)).bytes
            require(second == end, f"an input begins at byte {second}, the one before it ends at {end}")

    @property
    def evaluator(self) -> Callable[..., Any]:
        from ...runtime.kernels.memory import conv2d_into

        return conv2d_into
