"""What the KPU can compute, as sentences: a rule is a function, its docstring is what the user reads.

A rule looks at an operation of `nn` and says what it got, or that all is well. An operation that breaks a rule stays on
the host, with the first broken rule recorded on it (`REASON`); reports, warnings and the reference page come from here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.ods import MEMBERS, Op
from ...dialects.ranges import value_range
from ...dialects.tensors import is_static, shape_of, static_shape
from ...runtime.cycles import CALL, DOWNLOAD, MULTIPLY_ADD
from ...runtime.kpu.registers import CHANNELS
from ..rewriter import producer, users
from .activation import POINTWISE
from .geometry import Axis

REASON = "kpu.reason"
"""On operations that stay on the host: code, sentence, what was found, what would help."""
REAL = "kpu.real"
"""Marks convolutions whose input or weight shall stay real."""
LEAST = 4
"""Rows and columns of the smallest map that the vendor's compilers give to the chip."""
IN = 30
"""Cycles a byte on the way in: the copy that pads a map to 4x4, and the upload."""
ROWS, COLUMNS = 256, 512
"""Of the largest that it computes at once."""


@dataclass(frozen=True)
class Verdict:
    """Why an operation is not legal: what was found, and what would help."""

    got: str
    remedy: str


@dataclass(frozen=True)
class Rule:
    """A limit of the chip for operations of one class."""

    code: str
    op: type[Op]
    check: Callable[[Any], Verdict | None]

    @property
    def sentence(self) -> str:
        """What the user reads."""
        return " ".join((self.check.__doc__ or "").split())


RULES: list[Rule] = []


def rule(code: str, op: type[Op]) -> Callable[[Callable[[Any], Verdict | None]], Callable[[Any], Verdict | None]]:
    """Register a function as a rule for an op class."""

    def register(check: Callable[[Any], Verdict | None]) -> Callable[[Any], Verdict | None]:
        RULES.append(Rule(code, op, check))
        return check

    return register


def broken_rule(op: Op) -> tuple[Rule, Verdict] | None:
    """The first rule that an operation breaks, with what it got."""
    for item in RULES:
        if isinstance(op, item.op):
            verdict = item.check(op)
            if verdict is not None:
                return item, verdict
    return None


def record(op: ir.OpView, code: str, sentence: str, verdict: Verdict) -> None:
    """Note on an operation why it stays on the host."""
    texts = (code, sentence, verdict.got, verdict.remedy)
    op.operation.attributes[REASON] = ir.ArrayAttr.get([ir.StringAttr.get(text) for text in texts])


def axes_of(op: nn.Conv) -> tuple[Axis, Axis]:
    """Rows and columns of a convolution of images."""
    sizes, outputs = static_shape(op.input)[2:], static_shape(op.output)[2:]
    rows, columns = (
        Axis(sizes[i], op.kernel[i] or 0, op.strides[i], op.dilations[i], op.padding[i], outputs[i]) for i in range(2)
    )
    return rows, columns


def is_map(value: ir.Value) -> bool:
    """Whether the KPU can hold a tensor as a map."""
    shape = shape_of(value)
    if len(shape) != 4 or not is_static(value):
        return False
    batch, channels, height, width = static_shape(value)
    return batch == 1 and channels <= CHANNELS and height >= LEAST and LEAST <= width <= COLUMNS


def is_bounded(value: ir.Value) -> bool:
    """Whether the range of a value is known, so that bytes can stand for it."""
    return value_range(value) is not None


@rule("K210-CONV-IMAGE", nn.Conv)
def is_image(op: nn.Conv) -> Verdict | None:
    """The KPU convolves single images: four dimensions, all known, the first of them 1."""
    shape = shape_of(op.input)
    if len(shape) == 4 and is_static(op.input) and shape[0] == 1:
        return None
    return Verdict(f"an input of {nn.shape_text(shape)}", "give the batch 1 with --shape or --dim")


@rule("K210-CONV-CONSTANT", nn.Conv)
def is_constant(op: nn.Conv) -> Verdict | None:
    """The KPU reads weights and biases from the file: they must be constant."""
    if nn.constant_value(op.weight) is not None and (op.bias is None or nn.constant_value(op.bias) is not None):
        return None
    return Verdict("weights that are computed", "export the network with its weights as constants")


@rule("K210-CONV-CHANNELS", nn.Conv)
def has_few_channels(op: nn.Conv) -> Verdict | None:
    """A layer has at most 1024 input channels; constant convolutions of more are computed in parts."""
    inputs = static_shape(op.input)[1]
    if inputs <= CHANNELS:
        return None
    return Verdict(f"{inputs} channels", "split the convolution in two over its input channels")


@rule("K210-CONV-SIZE", nn.Conv)
def fits_size(op: nn.Conv) -> Verdict | None:
    """Maps have at most 512 columns; those of more than 256 rows are computed in stripes."""
    height, width = static_shape(op.input)[2:]
    if width <= COLUMNS:
        return None
    return Verdict(f"{height} x {width}", "give the network a smaller input, or exchange its rows and columns")


@rule("K210-CONV-COPIES", nn.Conv)
def needs_few_copies(op: nn.Conv) -> Verdict | None:
    """Kernels are 1x1 or 3x3; larger ones read shifted copies of the map, 32 at most, which must have 1024 channels
    at most together (depthwise ones are done in blocks of channels)."""
    copies = math.prod(len({centre for centre, _ in axis.reads()}) for axis in axes_of(op))
    channels = static_shape(op.input)[1]
    least = 4 if op.groups == channels == static_shape(op.output)[1] else channels
    if copies == 1 or (copies <= MEMBERS and copies * least <= CHANNELS):
        return None
    return Verdict(
        f"{copies} copies of {channels} channels",
        "two stacked 3x3 layers see as much as one 5x5, with fewer weights",
    )


@rule("K210-CONV-COST", nn.Conv)
def is_worth_the_way(op: nn.Conv) -> Verdict | None:
    """What computes less than it costs to bring a 4x4 map to the KPU and back stays on the host."""
    inputs, height, width = static_shape(op.input)[1:]
    outputs = static_shape(op.output)[1]
    if height >= LEAST and width >= LEAST:
        return None
    weight = nn.constant_value(op.weight)
    assert weight is not None
    work = round(MULTIPLY_ADD.cycles) * weight.size * int(np.prod(static_shape(op.output)[2:]))
    pixels = max(height, LEAST) * max(width, LEAST)
    there = 0 if is_convolved(op.input) else round(CALL.cycles) + pixels * IN * inputs
    back = 0 if is_for_convolutions(op.output) else pixels * round(DOWNLOAD.cycles) * outputs
    way = there + back + inputs * outputs
    if work > way:
        return None
    return Verdict(f"about {work} cycles of work for {way} of transport", "nothing: this is the faster way")


@rule("K210-CONV-REAL", nn.Conv)
def may_be_rounded(op: nn.Conv) -> Verdict | None:
    """The KPU computes with 8 bits: what reads a value or weight that shall stay real is computed in floating point."""
    if REAL not in op.attributes:
        return None
    return Verdict(
        "an input or weight that is too sensitive for 8 bits, or was said to be", "accept more noise with --mixed"
    )


@rule("K210-CONV-RANGE", nn.Conv)
def has_ranges(op: nn.Conv) -> Verdict | None:
    """What the KPU reads and makes are bytes: ranges must be known, from calibration, or from a quantised network that
    rounds to 8 bits there."""
    unknown = [what for what, value in (("the input", op.input), ("the result", op.output)) if not is_bounded(value)]
    if not unknown:
        return None
    return Verdict(
        f"no range of {' and '.join(unknown)}",
        "give calibration data (--calibration); of a network that rounds to 16 bits, --quant u8 takes its own ranges",
    )


LAYERS: dict[type[Op], str] = {
    nn.Conv: "of an image, with constant weights: see the rules",
    nn.ConvTranspose: "of an image, with constant weights",
    nn.Matmul: "of many rows, with a constant matrix",
    nn.BatchNorm: "behind a convolution",
    nn.Add: "of two maps, or of a map and constants",
    nn.Sub: "of a map and constants",
    nn.Mul: "of a map and constants",
    nn.MaxPool: "of a layer's result",
    nn.AvgPool: "of squares of 2x2 or 4x4 pixels of a layer's result",
    nn.Prelu: "behind a layer",
    **dict.fromkeys(POINTWISE, "behind a layer"),
}
"""What the KPU computes in a layer, and under which condition. (What only moves bytes between layers the host does.)"""
THROUGH = (nn.Reshape, nn.Relu, nn.Clamp, nn.Slice, nn.Pad, nn.Quantize, nn.Dequantize)
"""What may stand between two layers that follow each other on the KPU."""


def is_convolved(value: ir.Value) -> bool:
    """Whether a value comes from a convolution, so that it may be in KPU memory already."""
    while isinstance(value, ir.OpResult) and isinstance(value.owner.opview, THROUGH):
        value = value.owner.operands[0]
    return producer(value, nn.Conv) is not None or producer(value, kpu.Layer) is not None


def is_for_convolutions(value: ir.Value) -> bool:
    """Whether only convolutions use a value, so that it may stay in KPU memory."""
    found = users(value)
    return bool(found) and all(
        isinstance(user, nn.Conv | kpu.Layer) or (isinstance(user, THROUGH) and is_for_convolutions(user.output))
        for user in found
    )
