"""ONNX operators that read images between their pixels: at places that are computed."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Literal, get_args

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import require
from ...dialects.tensors import element_type, shape_of
from ..builder import Unsupported
from .elementwise import cast_to
from .node import Node, Output, converter

Padding = Literal["zeros", "border", "reflection"]
MOST_PIXELS = 1 << 24
"""Of an image: places are computed in float32, which has no larger whole numbers without gaps."""


MOST_PLACES = 1 << 28
"""Of one node: a few bytes of a file shall not ask for all memory."""


def known_shape(node: Node, index: int, rank: int | None = None) -> tuple[int, ...]:
    """The shape of an input, all of which must be known; of this rank, or of at least three dimensions."""
    shape = node.shape(index)
    fits = len(shape) >= 3 if rank is None else len(shape) == rank
    require(fits, f"input {index} is of rank {len(shape)}, expected {rank or 'at least 3'}")
    if None in shape:
        raise Unsupported(f"the shape of input {index} is not known", "give it with --shape or --dim")
    return tuple(dim or 0 for dim in shape)


@dataclass
class Sampler:
    """Reads images N x C x D1 x D2 ... at P places each; `low` and `high` are what places are reflected at.

    A place is one tensor N x P x 1 of float32 a spatial dimension, a result is N x P x C.
    """

    node: Node
    image: ir.Value
    padding: Padding
    edge: float = 0.0

    def __post_init__(self) -> None:
        batch, channels, *sizes = [dim or 0 for dim in shape_of(self.image)]
        require(self.padding in get_args(Padding), f"padding_mode '{self.padding}' is unknown")
        require(math.prod(sizes) < MOST_PIXELS, f"images of {nn.shape_text(tuple(sizes))} pixels are too large")
        self.sizes = sizes
        flat = nn.Reshape(self.image, shape=(batch, channels, -1)).output
        self.pixels = nn.Transpose(flat, permutation=(0, 2, 1)).output

    def number(self, value: float) -> ir.Value:
        return self.node.new_constant(value, np.float32)

    def pixel(self, places: Sequence[ir.Value]) -> ir.Value:
        """The pixels at whole places; outside of the image `padding` says what there is."""
        if self.padding == "reflection":
            places = [self.reflected(place, size) for place, size in zip(places, self.sizes, strict=True)]
        inside = [nn.Clamp(one, min=0, max=size - 1).output for one, size in zip(places, self.sizes, strict=True)]
        index = inside[0]
        for one, size in zip(inside[1:], self.sizes[1:], strict=True):
            index = nn.Add(nn.Mul(index, self.number(size)).output, one).output
        found = nn.GatherNd(self.pixels, cast_to(index, element_type(np.int64)), batch_dims=1).output
        if self.padding != "zeros":
            return found
        hits = [nn.Equal(one, place).output for one, place in zip(inside, places, strict=True)]
        return reduce(lambda value, hit: nn.Mul(value, cast_to(hit, value.type.element_type)).output, hits, found)

    def reflected(self, place: ir.Value, size: int) -> ir.Value:
        """The place, or its mirror image at the edges, which lie `edge` beyond the outermost pixels."""
        span = size - 1 + 2 * self.edge
        if span == 0:
            return nn.Mul(place, self.number(0)).output
        far = nn.Abs(nn.Add(place, self.number(self.edge)).output).output
        periods = nn.Floor(nn.Div(far, self.number(2 * span)).output).output
        rest = nn.Sub(far, nn.Mul(periods, self.number(2 * span)).output).output
        back = nn.Abs(nn.Sub(rest, self.number(span)).output).output
        return nn.Sub(self.number(span - self.edge), back).output

    def terms(self, places: Sequence[ir.Value], taps: int) -> Iterator[ir.Value]:
        """The pixels around places, times their weights: two in each dimension, or four."""
        floors = [nn.Floor(place).output for place in places]
        weights = [
            (linear if taps == 2 else cubic)(self, nn.Sub(place, floor).output)
            for place, floor in zip(places, floors, strict=True)
        ]
        for steps in product(range(taps), repeat=len(places)):
            shifts = [self.number(step - (taps // 2 - 1)) for step in steps]
            found = self.pixel([nn.Add(floor, shift).output for floor, shift in zip(floors, shifts, strict=True)])
            weight = reduce(lambda a, b: nn.Mul(a, b).output, (one[k] for one, k in zip(weights, steps, strict=True)))
            yield nn.Mul(found, cast_to(weight, found.type.element_type)).output

    def interpolated(self, places: Sequence[ir.Value], taps: int) -> ir.Value:
        """The weighted sum of the pixels around places."""
        return reduce(lambda a, b: nn.Add(a, b).output, self.terms(places, taps))


def linear(sampler: Sampler, part: ir.Value) -> list[ir.Value]:
    """The weights of two pixels, `part` of a pixel behind the first one."""
    return [nn.Sub(sampler.number(1), part).output, part]


def cubic(sampler: Sampler, part: ir.Value) -> list[ir.Value]:
    """The weights of four pixels, `part` of a pixel behind the second one: Keys' polynomials for -0.75."""

    def polynomial(x: ir.Value, *factors: float) -> ir.Value:
        start = sampler.number(factors[0])
        return reduce(lambda sum_, k: nn.Add(nn.Mul(sum_, x).output, sampler.number(k)).output, factors[1:], start)

    rest = nn.Sub(sampler.number(1), part).output
    far, near = (-0.75, 1.5, -0.75, 0.0), (1.25, -2.25, 0.0, 1.0)
    return [polynomial(part, *far), polynomial(part, *near), polynomial(rest, *near), polynomial(rest, *far)]


READING = (nn.Reshape, nn.Transpose, nn.Slice, nn.Floor, nn.Add, nn.Sub, nn.Mul, nn.Clamp, nn.Cast, nn.GatherNd)
"""What places between pixels take."""
TAPS = {"nearest": 1, "linear": 2, "bilinear": 2, "cubic": 4, "bicubic": 4}
"""How many pixels in each dimension a mode looks at."""


@converter(
    "GridSample",
    builds=(*READING, nn.Equal),
    forms={"mode nearest": nn.Round, "reflected places": (nn.Abs, nn.Div)},
)
def grid_sample(node: Node) -> Output:
    """Shapes must be known."""
    (batch, channels, *sizes), grid = known_shape(node, 0), known_shape(node, 1)
    require(grid[-1] == len(sizes), f"places in the grid have {grid[-1]} numbers, expected {len(sizes)}")
    mode = node.attribute("mode", "linear")
    require(mode in TAPS, f"mode '{mode}' is unknown")
    aligned = bool(node.attribute("align_corners", 0))
    sampler = Sampler(node, node.input(0), node.attribute("padding_mode", "zeros"), 0.0 if aligned else 0.5)
    flat = nn.Reshape(cast_to(node.input(1), element_type(np.float32)), shape=(batch, -1, len(sizes))).output
    taps, places = TAPS[mode], []
    for i, size in enumerate(sizes):
        last = len(sizes) - 1 - i
        part = nn.Slice(flat, starts=(last,), ends=(last + 1,), axes=(2,), steps=(1,)).output
        extent = size - 1 if aligned else size
        scaled = nn.Mul(nn.Add(part, sampler.number(1)).output, sampler.number(extent / 2)).output
        place = scaled if aligned else nn.Sub(scaled, sampler.number(0.5)).output
        place = nn.Round(place).output if taps == 1 else place
        places.append(sampler.reflected(place, size) if sampler.padding == "reflection" else place)
    result = sampler.pixel(places) if taps == 1 else sampler.interpolated(places, taps)
    return nn.Reshape(nn.Transpose(result, permutation=(0, 2, 1)).output, shape=(batch, channels, *grid[1:-1])).output


@converter(
    "RoiAlign",
    builds=(*READING, nn.Equal, nn.Expand, nn.Gather, nn.Reduce),
    forms={"mode max, or without half pixels": nn.Maximum},
)
def roi_align(node: Node) -> Output:
    """Shapes must be known, and `sampling_ratio` be given."""
    (_, channels, *sizes), (count, numbers) = known_shape(node, 0, 4), known_shape(node, 1, 2)
    require(numbers == 4, f"regions have {numbers} numbers, expected 4")
    require(known_shape(node, 2, 1) == (count,), f"{count} regions, but {node.shape(2)[0]} numbers of images")
    samples = node.attribute("sampling_ratio", 0)
    if samples <= 0:
        raise Unsupported("the number of samples depends on the sizes of regions", "export it with a sampling_ratio")
    extents = [node.attribute("output_height", 1), node.attribute("output_width", 1)]
    require(min(extents) > 0, f"a result of {extents[0]}x{extents[1]} is none")
    require(
        count * extents[0] * extents[1] * samples**2 < MOST_PLACES, f"{samples} samples in each direction are too many"
    )
    half = node.attribute("coordinate_transformation_mode", "half_pixel" if node.opset >= 16 else "") == "half_pixel"
    sampler = Sampler(node, nn.Gather(node.input(0), node.input(2), axis=0, batch_dims=0).output, "border")
    regions = nn.Mul(
        cast_to(node.input(1), element_type(np.float32)), sampler.number(node.attribute("spatial_scale", 1.0))
    )
    corners = [nn.Slice(regions.output, starts=(i,), ends=(i + 1,), axes=(1,), steps=(1,)).output for i in (1, 0, 3, 2)]
    places, valid = [], []
    for i, (size, extent) in enumerate(zip(sizes, extents, strict=True)):
        length = nn.Sub(corners[2 + i], corners[i]).output
        if not half:
            length = nn.Maximum(length, sampler.number(1)).output
        first = nn.Sub(corners[i], sampler.number(0.5 if half else 0.0)).output
        steps = node.new_constant((np.arange(extent * samples) + 0.5)[None] / (samples * extent), np.float32)
        line = nn.Add(first, nn.Mul(length, steps).output).output
        shape = (count, -1, 1) if i == 0 else (count, 1, -1)
        grid = nn.Expand(
            nn.Reshape(line, shape=shape).output, shape=(count, *(samples * one for one in extents))
        ).output
        place = nn.Reshape(grid, shape=(count, -1, 1)).output
        near = nn.Clamp(place, min=-1, max=size).output
        valid.append(nn.Equal(near, place).output)
        places.append(nn.Clamp(place, min=0, max=size - 1).output)
    combine: type[nn.Maximum] | type[nn.Add] = nn.Maximum if node.attribute("mode", "avg") == "max" else nn.Add
    result = reduce(lambda a, b: combine(a, b).output, sampler.terms(places, 2))
    for one in valid:
        result = nn.Mul(result, cast_to(one, result.type.element_type)).output
    split = nn.Reshape(result, shape=(count, extents[0], samples, extents[1], samples, channels)).output
    kind = "max" if combine is nn.Maximum else "mean"
    pooled = nn.Reduce(split, kind=kind, axes=(2, 4), keepdims=False).output
    return nn.Transpose(pooled, permutation=(0, 3, 1, 2)).output


@converter("DeformConv", builds=(*READING, nn.Equal, nn.Matmul), forms={"several sets of places": nn.Concat})
def deform_conv(node: Node) -> Output:
    """Images of known shapes."""
    batch, channels, *_ = known_shape(node, 0, 4)
    outputs, _, *kernel = known_shape(node, 1, 4)
    *_, rows, columns = known_shape(node, 2, 4)
    strides, dilations = node.ints_of("strides", 2, 1), node.ints_of("dilations", 2, 1)
    begins = node.ints_of("pads", 4, 0)[:2]
    groups, sets, taps = node.attribute("group", 1), node.attribute("offset_group", 1), kernel[0] * kernel[1]
    require(
        min(groups, sets) > 0 and channels % groups == channels % sets == outputs % groups == 0, "groups do not fit"
    )
    require(taps * rows * columns < MOST_PLACES, f"{taps} places for each of {rows}x{columns} results are too many")
    base = [
        stride * np.arange(extent) + dilation * np.arange(size)[:, None] - begin
        for stride, dilation, size, begin, extent in zip(
            strides, dilations, kernel, begins, (rows, columns), strict=True
        )
    ]
    shape = (1, taps * rows * columns, 1)
    grids = [
        np.broadcast_to(base[0][:, None, :, None], (*kernel, rows, columns)).reshape(shape),
        np.broadcast_to(base[1][None, :, None, :], (*kernel, rows, columns)).reshape(shape),
    ]
    offsets = nn.Reshape(node.input(2), shape=(batch, sets, taps, 2, rows * columns)).output
    parts = []
    for number in range(sets):
        width = channels // sets
        image = _part(node.input(0), 1, number * width, width)
        sampler = Sampler(node, image, "zeros")
        chosen = _part(offsets, 1, number, 1)
        moved = [nn.Reshape(_part(chosen, 3, i, 1), shape=(batch, -1, 1)).output for i in (0, 1)]
        places = [
            nn.Add(one, node.new_constant(grid, np.float32)).output for one, grid in zip(moved, grids, strict=True)
        ]
        found = sampler.interpolated(places, 2)
        mask = node.optional(4)
        if mask is not None:
            weights = nn.Reshape(mask, shape=(batch, sets, taps * rows * columns)).output
            found = nn.Mul(found, nn.Reshape(_part(weights, 1, number, 1), shape=(batch, -1, 1)).output).output
        parts.append(nn.Transpose(found, permutation=(0, 2, 1)).output)
    gathered = parts[0] if sets == 1 else nn.concat(parts, 1)
    stacked = nn.Reshape(gathered, shape=(batch, groups, channels // groups * taps, rows * columns)).output
    weight = nn.Reshape(node.input(1), shape=(1, groups, outputs // groups, channels // groups * taps)).output
    result = nn.Reshape(nn.Matmul(weight, stacked).output, shape=(batch, outputs, rows, columns)).output
    bias = node.optional(3)
    return result if bias is None else nn.Add(result, nn.Reshape(bias, shape=(-1, 1, 1)).output).output


def _part(value: ir.Value, axis: int, start: int, count: int) -> ir.Value:
    """`count` elements along an axis, from `start` on."""
    return nn.Slice(value, starts=(start,), ends=(start + count,), axes=(axis,), steps=(1,)).output
