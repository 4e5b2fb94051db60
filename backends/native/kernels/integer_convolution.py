"""Direct convolutions of quantised images by quantised weights, with instructions for dot products of bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..buffer import Buffer
from ..evaluation import NotSideBySide
from ..group import Group
from ..kernel import Array, Kernel
from ..target import TargetSpec
from .convolution import Direct
from .dot import TOGETHER, by_fours, dot_panels, offset
from .epilogue import Finish, side_by_side
from .integer import Integers, sums_fit
from .panels import Panels
from .requantization import Rescaling
from .windows import Window


def integers_of(group: Group, buffers: Mapping[ir.Value, Buffer]) -> Integers | None:
    """The factors of a convolution of integers whose windows read zero points beside the image; else None."""
    conv = group.anchor
    found = Integers.of(group, conv.input, conv.weight, 0)
    if found is None or (conv.bias is not None and nn.constant_value(conv.bias) is None):
        return None
    image, counts = buffers[found.data], static_shape(conv.output)[2:]
    window = Window.of(conv.kernel, conv.strides, conv.dilations, conv.padding)
    zeros = image.fill == found.zero_point or window.within_image(image.shape, counts)
    return found if image.element == "i8" and zeros and window.inside(image, counts) else None


def lower_integer_convolution(
    group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec
) -> list[Kernel] | None:
    """The kernels of a convolution of integers, if it is one that there are fast kernels for."""
    found = integers_of(group, buffers)
    if found is None or group.anchor.groups != 1:
        return None
    if not DotConvolution.suits(found, buffers[found.data], spec):
        return None
    for scattered in (False, True):
        if scattered or side_by_side(group, buffers, group.anchor.output, 1):
            try:
                return [DotConvolution(group, buffers, spec, scattered, integers=found).write()]
            except NotSideBySide:
                continue
    return None


@dataclass
class DotConvolution(Direct):
    """Writes the kernel of a direct convolution whose steps take four channels."""

    element: ClassVar[str] = "i32"
    integers: Integers = field(kw_only=True)

    @staticmethod
    def suits(found: Integers, image: Buffer, spec: TargetSpec) -> bool:
        """Whether there is an instruction for it, and four channels can be read at once."""
        aligned = image.inner == 1 and image.extents[1] % TOGETHER == 0 and image.before[1] % TOGETHER == 0
        return spec.dot is not None and aligned and not found.zeros.any() and sums_fit(found.weights[0].size)

    def source(self) -> tuple[Buffer, ir.Value]:
        """The image as one of i32."""
        image = self.buffers[self.integers.data]
        by_four = [(n, c // TOGETHER, h, w) for n, c, h, w in (image.extents, image.before)]
        shape = (image.shape[0], -(-image.shape[1] // TOGETHER), *image.shape[2:])
        buffer = replace(image, element="i32", shape=shape, extents=by_four[0], before=by_four[1])
        return buffer, self.integers.data

    def factors(self) -> tuple[Array, Array | None, Callable[..., Panels]]:
        found, dot = self.integers, self.spec.dot
        assert dot is not None
        weights = found.weights.transpose(2, 3, 1, 0)
        starts = found.starts(weights.reshape(-1, self.channels), offset(dot, found.signed))
        matrix = by_fours(weights).reshape(-1, self.channels)
        return matrix, starts, dot_panels(dot, found.signed)

    def finish(self) -> Finish:
        found = self.integers
        return Rescaling(self.behind(), found.scales, nn.constant_value(self.conv.bias), self.lanes)
