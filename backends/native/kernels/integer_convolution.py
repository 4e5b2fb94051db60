"""Convolutions of quantised images by quantised weights: direct ones of dot products of bytes, and depthwise ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from ....dialects import nn
from ....dialects.mlir import ir
from ..buffer import Buffer
from ..evaluation import NotSideBySide
from ..group import Group
from ..kernel import Array, Kernel
from ..target import TargetSpec
from .convolution import Direct
from .depthwise import Depthwise
from .epilogue import Finish, as_it_lies, has_room
from .integer import F32, I32, Integers, widened
from .integer_panels import TOGETHER, Fours, WholePanels, rows_a_step
from .panels import Panels
from .requantization import Rescaling
from .windows import finds_zeros, has_constant_bias


def integers_of(group: Group, buffers: Mapping[ir.Value, Buffer]) -> Integers | None:
    """The factors of a convolution of integers whose windows read zero points beside the image; else None."""
    conv = group.anchor
    found = Integers.of(group, conv.input, conv.weight, 0)
    if found is None or not has_constant_bias(conv):
        return None
    image = buffers[found.data]
    return found if image.element == "i8" and finds_zeros(conv, image, found.zero_point) else None


def lower_integer_convolution(
    group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec
) -> list[Kernel] | None:
    """The kernel of a convolution of integers, if it is one that there is a fast kernel for."""
    found = integers_of(group, buffers)
    kind = None if found is None else _kind(group, found, buffers[found.data], spec)
    if found is None or kind is None:
        return None
    try:
        write = partial(kind, group, buffers, spec, integers=found)
        return [as_it_lies(group, buffers, 1, lambda scattered: write(scattered=scattered).write())]
    except NotSideBySide:
        return None


def _kind(
    group: Group, found: Integers, image: Buffer, spec: TargetSpec
) -> type[IntegerConvolution | WideDepthwise] | None:
    """What writes the kernel."""
    channels = image.shape[1]
    if image.inner != 1:
        return None
    if group.anchor.groups == channels == found.weights.shape[0]:
        return WideDepthwise if found.largest < F32 and has_room(image, 1, spec.lanes(4)) else None
    if group.anchor.groups != 1 or found.largest >= I32:
        return None
    aligned = image.extents[1] % TOGETHER == 0 and image.before[1] % TOGETHER == 0
    return ConvolutionByFours if aligned and rows_a_step(spec, found) else WideConvolution


@dataclass
class IntegerConvolution(Direct):
    """Writes the kernel of a direct convolution of integers."""

    integers: Integers = field(kw_only=True)

    def finish(self) -> Finish:
        found = self.integers
        return Rescaling(self.behind(), found.scales, nn.constant_value(self.conv.bias), found.largest, self.lanes)


@dataclass
class WideConvolution(IntegerConvolution):
    """Takes the integers one by one: as f32, which computes faster, where this holds all sums exactly; else as i32."""

    @property
    def element(self) -> str:
        return "f32" if self.integers.largest < F32 else "i32"

    def source(self) -> tuple[Buffer, ir.Value]:
        return self.buffers[self.integers.data], self.integers.data

    def factors(self) -> tuple[Array, Array | None, Callable[..., Panels]]:
        matrix = self.integers.differences().transpose(2, 3, 1, 0).reshape(-1, self.channels)
        starts = self.integers.starts(matrix)
        if self.element == "i32":
            return matrix, starts, WholePanels
        return matrix.astype(np.float32), starts.astype(np.float32), Panels

    def read(self, place: str) -> str:
        return widened(self.text, super().read(place), 1, self.integers.signed, self.element)


@dataclass
class ConvolutionByFours(IntegerConvolution):
    """Takes four channels a step."""

    @property
    def rows_a_step(self) -> int:
        return rows_a_step(self.spec, self.integers)

    @property
    def element(self) -> str:
        return "i32"

    def source(self) -> tuple[Buffer, ir.Value]:
        """The image as one of i32."""
        image = self.buffers[self.integers.data]
        by_four = [(n, c // TOGETHER, h, w) for n, c, h, w in (image.extents, image.before)]
        shape = (image.shape[0], -(-image.shape[1] // TOGETHER), *image.shape[2:])
        buffer = replace(image, element="i32", shape=shape, extents=by_four[0], before=by_four[1])
        return buffer, self.integers.data

    def factors(self) -> tuple[Array, Array | None, Callable[..., Panels]]:
        fours = Fours.of(self.kernel, self.spec, self.integers, lambda weights: weights.transpose(2, 3, 1, 0))
        differences = self.integers.differences().transpose(2, 3, 1, 0).reshape(-1, self.channels)
        return fours.matrix, self.integers.starts(differences, fours.offset), fours.make


@dataclass
class WideDepthwise(Depthwise):
    """Writes the kernel of a depthwise convolution in f32, which holds these sums of integers exactly."""

    integers: Integers = field(kw_only=True)

    def source(self) -> tuple[Buffer, ir.Value]:
        return self.buffers[self.integers.data], self.integers.data

    def factors(self) -> tuple[Array, Array | None]:
        weights = self.integers.differences()
        starts = self.integers.starts(weights.reshape(self.channels, -1).T)
        return weights.astype(np.float32), starts.astype(np.float32)

    def finish(self) -> Finish:
        found = self.integers
        return Rescaling(self.behind(), found.scales, nn.constant_value(self.conv.bias), found.largest, self.lanes)

    def read(self, place: str) -> str:
        return widened(self.text, super().read(place), self.lanes, self.integers.signed, "f32")
