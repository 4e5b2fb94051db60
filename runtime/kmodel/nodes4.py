"""The kinds of nodes of kmodel version 4, one class each: fields in the order of the file, then arrays.

Shapes are NCHW and always of rank 4, unless a class says otherwise; `low`, `high` is the fused clamp.
Source: kmodel v4 as written by nncase 0.2.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ...errors import KmodelError
from ..kpu.registers import LayerArguments
from ..kpu.stored import weights_shape
from ..kpu.tables import ACTIVATION_BYTES
from .bodies import Shape, Tail
from .fields4 import Node, Range, Rescaled, Windowed, nodes
from .struct import F32, I32, U8, U32, I32x4, I32x8, Raw3, Raw4, U64x12, struct

RESIZES = ("bilinear", "nearest")
UNARIES = ("abs", "ceil", "cos", "exp", "floor", "log", "neg", "rsqrt", "sin", "square")
REDUCTIONS = ("mean", "min", "max", "sum")
BINARIES = ("add", "sub", "mul", "div", "min", "max")


def _per_group(it: Any) -> int:
    """Input channels of a group."""
    if it.groups < 1 or it.shape[1] % it.groups:
        raise KmodelError("K0402", cause=f"{it.shape[1]} channels cannot be split into {it.groups} groups")
    return int(it.shape[1] // it.groups)


def _weights(dtype: str) -> Tail:
    return Tail("weights", dtype, lambda it: (it.channels, _per_group(it), *it.window.kernel))


def _bias(dtype: str) -> Tail:
    return Tail("bias", dtype, lambda it: (it.channels,))


@nodes.kind(0x00, "binary")
@struct(size=108)
class Binary(Node):
    """Float arithmetic; an index beyond the end of an operand's dimension counts as 0, which broadcasts."""

    input_a: Range
    input_b: Range
    output: Range
    operation: U32
    shape_a: I32x4
    shape_b: I32x4
    shape: I32x4
    low: F32
    high: F32

    def result(self) -> Shape:
        return self.shape


@nodes.kind(
    0x01, "concat",
    Tail("inputs", "<u4", lambda it: (it.count, 4)),
    Tail("dims", "<i4", lambda it: (it.count,)),
)  # fmt: skip
@struct(size=28)
class Concat(Node):
    """`outer` times: `inner` * dims[i] bytes of each input i. A row of `inputs` is a MemoryRange."""

    output: Range
    inner: U32
    outer: U32
    count: U32


@nodes.kind(0x02, "conv2d", _weights("<f4"), _bias("<f4"))
@struct(size=104)
class Conv2D(Node):
    """Float; weights OIHW."""

    input: Range
    output: Range
    shape: I32x4
    groups: I32
    channels: I32
    window: Windowed
    low: F32
    high: F32

    def result(self) -> Shape:
        return self.shape[0], self.channels, *self.window.over(self.shape[2:])


@nodes.kind(0x03, "dequantize")
@struct(size=40)
class Dequantize(Node):
    """(q - zero_point) / scale: scale is levels per unit."""

    input: Range
    output: Range
    zero_point: I32
    scale: F32


@nodes.kind(0x04, "matmul", Tail("bias", "<f4", lambda it: (it.columns,)))
@struct(size=68)
class Matmul(Node):
    """rows x inner times inner x columns, float."""

    input_a: Range
    input_b: Range
    output: Range
    rows: I32
    inner: I32
    columns: I32
    low: F32
    high: F32

    def result(self) -> Shape:
        return self.rows, self.columns


@nodes.kind(0x05, "pad")
@struct(size=88)
class Pad(Node):
    """Constant padding; `padding` is (before, after) of each dimension, `value` one element in its first bytes."""

    input: Range
    output: Range
    shape: I32x4
    padding: I32x8
    value_element: U32
    value: Raw4

    def result(self) -> Shape:
        return tuple(dim + sum(self.padding[2 * axis : 2 * axis + 2]) for axis, dim in enumerate(self.shape))


@nodes.kind(0x06, "quantize")
@struct(size=40)
class Quantize(Node):
    """clamp(round(x * scale + zero_point)), halves away from zero."""

    input: Range
    output: Range
    zero_point: I32
    scale: F32


@nodes.kind(0x07, "reduce")
@struct(size=72)
class Reduce(Node):
    """Over the dimensions that are 1 in `shape_out`, starting from `init`."""

    input: Range
    output: Range
    operation: U32
    shape: I32x4
    shape_out: I32x4
    init: F32

    def result(self) -> Shape:
        return self.shape_out


@nodes.kind(0x08, "reduce_window2d")
@struct(size=104)
class ReduceWindow2D(Node):
    """Float pooling, starting from `init`; a mean divides by the number of elements inside the image."""

    input: Range
    output: Range
    operation: U32
    shape: I32x4
    window: Windowed
    init: F32
    low: F32
    high: F32

    def result(self) -> Shape:
        return *self.shape[:2], *self.window.over(self.shape[2:])


@nodes.kind(0x09, "memory_copy")
@struct(size=32)
class MemoryCopy(Node):
    """Copies whole 32-bit words."""

    input: Range
    output: Range


@nodes.kind(0x0A, "resize_image")
@struct(size=64)
class ResizeImage(Node):
    """Float or u8; source = index * size in / size out, no half pixel; results of u8 are cut off, not rounded."""

    input: Range
    output: Range
    shape: I32x4
    height: I32
    width: I32
    mode: U32
    align_corners: U8
    reserved: Raw3 = b"\0\0\0"

    def result(self) -> Shape:
        return *self.shape[:2], self.height, self.width


@nodes.kind(0x0B, "softmax")
@struct(size=44)
class Softmax(Node):
    """Over the last `inner` elements, `outer` times."""

    input: Range
    output: Range
    inner: I32
    outer: I32
    beta: F32


@nodes.kind(0x0C, "transpose")
@struct(size=64)
class Transpose(Node):
    """Dimension i of the result is dimension permutation[i] of the input."""

    input: Range
    output: Range
    shape: I32x4
    permutation: I32x4

    def result(self) -> Shape:
        if sorted(self.permutation) != [0, 1, 2, 3]:
            raise KmodelError("K0402", cause=f"{self.permutation} is not a permutation of four dimensions")
        return tuple(self.shape[axis] for axis in self.permutation)


@nodes.kind(0x0D, "strided_slice")
@struct(size=116)
class StridedSlice(Node):
    """From begin to before end; the masks are ignored by every runtime, so begin and end are final."""

    input: Range
    output: Range
    shape: I32x4
    begin: I32x4
    end: I32x4
    strides: I32x4
    begin_mask: I32 = 0
    end_mask: I32 = 0
    ellipsis_mask: I32 = 0
    new_axis_mask: I32 = 0
    shrink_axis_mask: I32 = 0

    def indices(self) -> tuple[range, ...]:
        """Which elements of each dimension are taken."""
        if 0 in self.strides:
            raise KmodelError("K0402", cause="a slice has a stride of 0")
        return tuple(map(range, self.begin, self.end, self.strides))

    def result(self) -> Shape:
        return tuple(map(len, self.indices()))


@nodes.kind(0x0E, "unary")
@struct(size=36)
class Unary(Node):
    """Float, element by element."""

    input: Range
    output: Range
    operation: U32


@nodes.kind(0x0F, "quantized_conv2d", _bias("<i4"), _weights("u1"))
@struct(size=116)
class QuantizedConv2D(Node):
    """The sum is bias + sum (q + input_offset) * (w + weights_offset)."""

    input: Range
    output: Range
    shape: I32x4
    groups: I32
    channels: I32
    window: Windowed
    rescale: Rescaled

    def result(self) -> Shape:
        return self.shape[0], self.channels, *self.window.over(self.shape[2:])


@nodes.kind(0x10, "quantized_matmul", Tail("bias", "<i4", lambda it: (it.columns,)))
@struct(size=80)
class QuantizedMatmul(Node):
    """As quantized_conv2d: the sum is bias + sum (a + offset_a) * (b + offset_b)."""

    input_a: Range
    input_b: Range
    output: Range
    rows: I32
    inner: I32
    columns: I32
    offset_a: I32
    offset_b: I32
    factor: I32
    shift: I32
    output_offset: I32

    def result(self) -> Shape:
        return self.rows, self.columns


@nodes.kind(0x11, "quantized_binary")
@struct(size=136)
class QuantizedBinary(Node):
    """Each operand becomes rounding_shift((q + offset) * factor, shift); the result is scaled the same way."""

    input_a: Range
    input_b: Range
    output: Range
    operation: U32
    shape_a: I32x4
    shape_b: I32x4
    shape: I32x4
    offset_a: I32
    factor_a: I32
    shift_a: I32
    offset_b: I32
    factor_b: I32
    shift_b: I32
    output_offset: I32
    output_factor: I32
    output_shift: I32

    def result(self) -> Shape:
        return self.shape


@nodes.kind(0x12, "table_lookup1d")
@struct(size=48)
class TableLookup1D(Node):
    """u8 through a table of 256 bytes."""

    input: Range
    table: Range
    output: Range


@nodes.kind(
    0x13, "conv2d_transpose",
    Tail("weights", "<f4", lambda it: (it.shape_out[1], _per_group(it), *it.window.kernel)),
    Tail("bias", "<f4", lambda it: (it.shape_out[1],)),
)  # fmt: skip
@struct(size=116)
class Conv2DTranspose(Node):
    """Float; weights as a convolution's, OIHW. The vendor's kernel does not add the bias, so it has to be zeros."""

    input: Range
    output: Range
    shape: I32x4
    shape_out: I32x4
    groups: I32
    window: Windowed
    low: F32
    high: F32

    def result(self) -> Shape:
        self.window.over(self.shape_out[2:])
        return self.shape_out


@nodes.kind(0x14, "nnil_unary_method", Tail("program", "u1", None))
@struct(size=32)
class NnilUnary(Node):
    """A program of a stack machine, run for each element."""

    input: Range
    output: Range


@nodes.kind(
    0x1001, "cpu_conv2d",
    Tail("weights", "<f4", lambda it: (it.channels, *it.window.kernel, it.shape[3])),
    _bias("<f4"),
)  # fmt: skip
@struct(size=100)
class CpuConv2D(Node):
    """Float; images NHWC, weights OHWI."""

    input: Range
    output: Range
    shape: I32x4
    channels: I32
    window: Windowed
    low: F32
    high: F32

    def result(self) -> Shape:
        return self.shape[0], *self.window.over(self.shape[1:3]), self.channels


@nodes.kind(
    0x1002, "cpu_depthwise_conv2d",
    Tail("weights", "<f4", lambda it: (it.shape[3], *it.window.kernel)),
    Tail("bias", "<f4", lambda it: (it.shape[3],)),
)  # fmt: skip
@struct(size=96)
class CpuDepthwiseConv2D(Node):
    """Float; images NHWC, weights CHW."""

    input: Range
    output: Range
    shape: I32x4
    window: Windowed
    low: F32
    high: F32

    def result(self) -> Shape:
        return self.shape[0], *self.window.over(self.shape[1:3]), self.shape[3]


@nodes.kind(0x1003, "cpu_reduce_window2d")
@struct(size=104)
class CpuReduceWindow2D(Node):
    """As reduce_window2d, NHWC."""

    input: Range
    output: Range
    operation: U32
    shape: I32x4
    window: Windowed
    init: F32
    low: F32
    high: F32

    def result(self) -> Shape:
        return self.shape[0], *self.window.over(self.shape[1:3]), self.shape[3]


@nodes.kind(
    0x1004, "cpu_quantized_conv2d",
    Tail("weights", "u1", lambda it: (it.channels, *it.window.kernel, it.shape[3])),
    _bias("<i4"),
)  # fmt: skip
@struct(size=112)
class CpuQuantizedConv2D(Node):
    """As quantized_conv2d, NHWC and OHWI; here the offsets of input and weights are subtracted."""

    input: Range
    output: Range
    shape: I32x4
    channels: I32
    window: Windowed
    rescale: Rescaled

    def result(self) -> Shape:
        return self.shape[0], *self.window.over(self.shape[1:3]), self.channels


@nodes.kind(
    0x1005, "cpu_quantized_depthwise_conv2d",
    Tail("weights", "u1", lambda it: (it.shape[3], *it.window.kernel)),
    Tail("bias", "<i4", lambda it: (it.shape[3],)),
)  # fmt: skip
@struct(size=108)
class CpuQuantizedDepthwiseConv2D(Node):
    """As cpu_quantized_conv2d, one channel at a time; weights CHW."""

    input: Range
    output: Range
    shape: I32x4
    window: Windowed
    rescale: Rescaled

    def result(self) -> Shape:
        return self.shape[0], *self.window.over(self.shape[1:3]), self.shape[3]


@nodes.kind(0x2001, "kpu_upload")
@struct(size=48)
class KpuUpload(Node):
    """Dense u8 in main memory to the rows of KPU RAM."""

    input: Range
    output: Range
    shape: I32x4

    def result(self) -> Shape:
        return self.shape


@nodes.kind(
    0x2002, "kpu_conv2d",
    Tail("batch_norm", "<u8", lambda it: (it.arguments.o_ch_num + 1,), lambda it: it.arguments.bwsx_base_addr),
    Tail("activation", "u1", lambda it: (ACTIVATION_BYTES,), lambda it: it.arguments.active_addr),
    Tail("weights", "u1", lambda it: weights_shape(it.arguments), lambda it: it.arguments.para_start_addr),
)  # fmt: skip
@struct(size=120)
class KpuConv2D(Node):
    """One layer of the KPU; `output` of no bytes: the result stays in KPU RAM.

    In place of three addresses the registers hold how many bytes lie before each array.
    """

    output: Range
    batches: I32 = 1
    reserved: I32 = 0
    registers: U64x12

    @cached_property
    def arguments(self) -> LayerArguments:
        """The registers, decoded."""
        return LayerArguments.unpack(self.registers)

    def result(self) -> Shape:
        return self.arguments.output_shape(self.batches)
