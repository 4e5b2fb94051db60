"""The kinds of layers of kmodel version 3, one class each: fields in the order of the file, then arrays.

Inputs and outputs are byte offsets into main memory, `kpu_output` counts 64-byte lines of KPU RAM; shapes in the file
are width, height, channels. Source: kmodel v3 as read by Kendryte's SDK (its FreeRTOS variant lacks kinds 23 to 25).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .bodies import Catalogue, Fields, Shape, Tail, windowed
from .struct import F32, I32, U32, U32x2, U32x3, align, struct

TO_MAIN = 1
"""Flag: a K210 convolution writes its result to main memory too."""
ACTIVATIONS = ("none", "relu", "relu6")

layers = Catalogue("layer")


@dataclass(frozen=True)
class Span:
    """Elements in main memory."""

    address: int
    element: str
    count: int

    @property
    def end(self) -> int:
        """The first byte behind them."""
        return self.address + self.count * (4 if self.element == "f32" else 1)


class Layer(Fields):
    """Reads `input` (or `input_a`, `input_b`), writes `output`."""

    element: ClassVar[str] = "f32"
    flags: U32
    output: U32

    def elements(self) -> int:
        """How many elements the layer writes."""
        return math.prod(self.result() or ())

    def written(self) -> Span | None:
        """What the layer writes in main memory, if anything."""
        return Span(self.output, self.element, self.elements())

    def source(self) -> int | None:
        """The address of the only or first input."""
        return getattr(self, "input", getattr(self, "input_a", None))


class Counted(Layer):
    """Element by element."""

    count: U32

    def elements(self) -> int:
        return self.count


class Channels(Layer):
    """Over all of its elements."""

    channels: U32

    def elements(self) -> int:
        return self.channels


def _chw(shape: Sequence[int]) -> Shape:
    width, height, channels = shape
    return 1, channels, height, width


@layers.kind(1, "add")
@struct(size=20)
class Add(Counted):
    """Float."""

    flags: U32 = 0
    input_a: U32
    input_b: U32
    output: U32
    count: U32


@layers.kind(2, "quantized_add")
@struct(size=56)
class QuantizedAdd(Counted):
    """u8, in units of 8 elements: (a + offset_a) * factor_a >> shift_a, the same for b, sum scaled with rounding.

    With equal shifts the sum is shifted, not the terms.
    """

    element = "u8"
    flags: U32 = 0
    input_a: U32
    input_b: U32
    output: U32
    count: U32
    offset_a: I32
    factor_a: I32
    shift_a: I32
    offset_b: I32
    factor_b: I32
    shift_b: I32
    output_offset: I32
    output_factor: I32
    output_shift: I32

    def written(self) -> Span:
        return Span(self.output, "u8", align(self.count, 8))


@layers.kind(5, "global_average_pool2d")
@struct(size=20)
class GlobalAveragePool2D(Channels):
    """Float; `kernel_size` is height * width."""

    flags: U32 = 0
    input: U32
    output: U32
    kernel_size: U32
    channels: U32

    def result(self) -> Shape:
        return 1, self.channels, 1, 1


class Pool(Layer):
    """The result has the size that the layer states; windows are cut at the edges."""

    shape: U32x3
    shape_out: U32x3
    kernel: U32x2
    strides: U32x2
    padding: U32x2

    def result(self) -> Shape:
        windowed(self.shape[:2], self.kernel, self.strides, (1, 1), (0, 0), (0, 0))
        return _chw(self.shape_out)


@layers.kind(8, "quantized_max_pool2d")
@struct(size=60)
class QuantizedMaxPool2D(Pool):
    """u8; kernel, strides, padding are (width, height)."""

    element = "u8"
    flags: U32 = 0
    input: U32
    output: U32
    shape: U32x3
    shape_out: U32x3
    kernel: U32x2
    strides: U32x2
    padding: U32x2


@layers.kind(9, "average_pool2d")
@struct(size=64)
class AveragePool2D(Pool):
    """Float, divides by the number of elements inside the image; runtimes ignore `activation`."""

    flags: U32 = 0
    input: U32
    output: U32
    shape: U32x3
    shape_out: U32x3
    kernel: U32x2
    strides: U32x2
    padding: U32x2
    activation: U32 = 0


@layers.kind(11, "quantize")
@struct(size=24)
class Quantize(Counted):
    """clamp(round((x - bias) / scale)), halves away from zero."""

    element = "u8"
    flags: U32 = 0
    input: U32
    output: U32
    count: U32
    scale: F32
    bias: F32


@layers.kind(12, "dequantize")
@struct(size=24)
class Dequantize(Counted):
    """q * scale + bias"""

    flags: U32 = 0
    input: U32
    output: U32
    count: U32
    scale: F32
    bias: F32


@layers.kind(13, "requantize", Tail("table", "u1", lambda it: (256,)))
@struct(size=16)
class Requantize(Counted):
    """u8 through a table."""

    element = "u8"
    flags: U32 = 0
    input: U32
    output: U32
    count: U32


@layers.kind(14, "l2_normalization")
@struct(size=16)
class L2Normalization(Channels):
    """x / sqrt(max(sum x^2, 1e-10))"""

    flags: U32 = 0
    input: U32
    output: U32
    channels: U32


@layers.kind(15, "softmax")
@struct(size=16)
class Softmax(Channels):
    """The maximum that is subtracted is at least the least positive normal number: far below zero, sums reach 0."""

    flags: U32 = 0
    input: U32
    output: U32
    channels: U32


class Joined(Layer):
    """Bytes one after the other; a row of `inputs` is (address, bytes)."""

    count: U32

    def written(self) -> None:
        """Depends on the array: `joined`."""
        return


@layers.kind(16, "concat", Tail("inputs", "<u4", lambda it: (it.count, 2)))
@struct(size=12)
class Concat(Joined):
    """Of floats."""

    flags: U32 = 0
    output: U32
    count: U32


@layers.kind(17, "quantized_concat", Tail("inputs", "<u4", lambda it: (it.count, 2)))
@struct(size=12)
class QuantizedConcat(Joined):
    """Of u8."""

    element = "u8"
    flags: U32 = 0
    output: U32
    count: U32


@layers.kind(
    18, "fully_connected",
    Tail("weights", "<f4", lambda it: (it.outputs, it.inputs)),
    Tail("bias", "<f4", lambda it: (it.outputs,)),
)  # fmt: skip
@struct(size=24)
class FullyConnected(Layer):
    """Float; `activation` is one of ACTIVATIONS."""

    flags: U32 = 0
    input: U32
    output: U32
    inputs: U32
    outputs: U32
    activation: U32 = 0

    def result(self) -> Shape:
        return 1, self.outputs


@layers.kind(20, "tensorflow_flatten")
@struct(size=24)
class TensorflowFlatten(Layer):
    """Float, from channels first to channels last."""

    flags: U32 = 0
    input: U32
    output: U32
    shape: U32x3

    def result(self) -> Shape:
        return 1, self.shape[1], self.shape[0], self.shape[2]


class Resize(Layer):
    """Nearest neighbour, index * size in / size out; runtimes ignore `align_corners`."""

    input: U32
    shape: U32x3
    width: U32
    height: U32

    def result(self) -> Shape:
        return 1, self.shape[2], self.height, self.width


@layers.kind(22, "resize_nearest_neighbor")
@struct(size=36)
class ResizeNearestNeighbor(Resize):
    """Float."""

    flags: U32 = 0
    input: U32
    output: U32
    shape: U32x3
    width: U32
    height: U32
    align_corners: U32 = 0


@layers.kind(23, "quantized_resize_nearest_neighbor")
@struct(size=36)
class QuantizedResizeNearestNeighbor(Resize):
    """u8."""

    element = "u8"
    flags: U32 = 0
    input: U32
    output: U32
    shape: U32x3
    width: U32
    height: U32
    align_corners: U32 = 0


@layers.kind(24, "channelwise_dequantize", Tail("parameters", "<f4", lambda it: (it.channels, 2)))
@struct(size=20)
class ChannelwiseDequantize(Layer):
    """q * scale + bias; a row of `parameters` is (scale, bias) of a channel."""

    flags: U32 = 0
    input: U32
    output: U32
    channels: U32
    channel_size: U32

    def elements(self) -> int:
        return self.channels * self.channel_size


@layers.kind(25, "logistic")
@struct(size=16)
class Logistic(Channels):
    """Float sigmoid."""

    flags: U32 = 0
    input: U32
    output: U32
    channels: U32


@layers.kind(10240, "k210_conv")
@struct(size=24)
class K210Conv(Layer):
    """One layer of the KPU; the four offsets count from the start of the file. `v3.Model` finds the arrays there."""

    element = "u8"
    flags: U32 = 0
    output: U32 = 0
    registers_at: U32
    weights_at: U32
    batch_norm_at: U32
    activation_at: U32

    def written(self) -> None:
        """Depends on the registers."""
        return


class ToKpu(Layer):
    """Writes KPU RAM only."""

    kpu_output: U32

    def written(self) -> None:
        return None


@layers.kind(10241, "k210_add_padding")
@struct(size=16)
class K210AddPadding(ToKpu):
    """Each value becomes the first of a 4x4 map in KPU RAM; the other fifteen keep what they were."""

    flags: U32 = 0
    input: U32
    kpu_output: U32
    channels: U32


@layers.kind(10242, "k210_remove_padding")
@struct(size=16)
class K210RemovePadding(Channels):
    """u8: every sixteenth byte of main memory."""

    element = "u8"
    flags: U32 = 0
    input: U32
    output: U32
    channels: U32

    def result(self) -> Shape:
        return 1, self.channels, 1, 1


@layers.kind(10243, "k210_upload")
@struct(size=24)
class K210Upload(ToKpu):
    """Dense u8 in main memory to the rows of KPU RAM."""

    flags: U32 = 0
    input: U32
    kpu_output: U32
    width: U32
    height: U32
    channels: U32


def joined(fields: Joined, inputs: Any) -> Span:
    """What a concatenation writes."""
    size = sum(inputs[:, 1].tolist())
    return Span(fields.output, fields.element, size // (4 if fields.element == "f32" else 1))
