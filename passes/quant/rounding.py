"""Which of its two neighbours each weight is rounded to: better than the nearest one, seen over a whole channel.

On entry: a network in which ranges are stated. On exit the weights of products lie on the grid that `nn-quantize`
rounds them to, so that it keeps what was chosen here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.evaluate import Program
from ...dialects.function import argument_names, entry_function, initial_states
from ...dialects.mlir import ir
from ...dialects.ranges import REAL
from ...dialects.tensors import Array, static_shape
from ...runtime.kernels.convolution import sliding_windows
from .affine import asymmetric
from .quantize import WEIGHT_BITS, weight_bits, weight_scales
from .stored import Stored, is_product
from .weights import channel_axis

SAMPLES, ROWS = 32, 2048
"""Samples that AdaRound looks at, and rows of data that it keeps for each product, at most."""
STEPS, RATE, PRESSURE, RIDGE = 500, 0.05, 0.1, 0.1
"""AdaRound: how often it steps, how far, the weight of being decided against being exact, and how much few rows count
for."""
STRETCH = (-0.1, 1.1)
SHARPNESS = (20.0, 2.0)


def round_weights(
    module: ir.Module,
    method: str,
    samples: Iterable[Mapping[str, Array]],
    bits: int = 8,
    weights: str = "int8",
) -> None:
    """Round the weights of all products that `nn-quantize` will quantise; `bits` are those of values.

    `method` is nearest, squant or adaround. Raises, for AdaRound, what iterating `samples` raises.
    """
    stored = Stored.of(module)
    spans, kept = stored.ranges(), stored.bits(bits)
    products = [(op, value) for op, value in stored.readers if is_product(op)]
    patches = {number: partial(_patches, *product) for number, product in enumerate(products)}
    seen = rows_of(module, {value for _, value in products}, patches, samples) if method == "adaround" else {}
    for number, (op, value) in enumerate(products):
        wide = weight_bits(op, WEIGHT_BITS[weights], value)
        if wide == REAL:
            continue
        grid = Grid.of(op, asymmetric(spans[value], kept[value]).scale, wide)
        steps = rounded(method, grid.real, grid.limit, seen.get(number))
        grid.set(np.clip(steps, -grid.limit, grid.limit))


def rounded(method: str, real: Array, limit: int, rows: Array | None) -> Array:
    """A weight in steps, output channels x kernels x elements, rounded by a method; AdaRound needs the rows that it is
    multiplied with, and leaves a weight without them to the nearest steps."""
    if method == "squant":
        return squant(real, limit)
    if method == "adaround" and rows is not None:
        return adaround(real.reshape(len(rows), -1, rows.shape[-1]), rows, limit).reshape(real.shape)
    return np.asarray(np.rint(real))


@dataclass
class Grid:
    """A product's weight in steps of its scales, `real`, as output channels x kernels x elements of a kernel."""

    op: Any
    real: Array
    scales: Array
    limit: int

    @classmethod
    def of(cls, op: Any, scale: float, bits: int) -> "Grid":
        """`scale` is that of the product's data."""
        weight = nn.constant_value(op.operation.operands[1])
        assert weight is not None
        scales = weight_scales(op, scale, bits)
        moved = np.moveaxis(weight.astype(np.float64), channel_axis(op), 0)
        real = moved / scales.reshape(-1, *[1] * (moved.ndim - 1))
        elements = 1 if isinstance(op, nn.Matmul) else int(np.prod(moved.shape[2:]))
        return cls(op, real.reshape(len(moved), -1, elements), scales, 2 ** (bits - 1) - 1)

    def set(self, steps: Array) -> None:
        """Let the product have these steps as its weight."""
        op, old = self.op, nn.constant_value(self.op.operation.operands[1])
        assert old is not None
        axis = channel_axis(op)
        shape = np.moveaxis(old, axis, 0).shape
        values = (steps * self.scales.astype(np.float64).reshape(-1, 1, 1)).astype(np.float32)
        with op.location, ir.InsertionPoint(op):
            weight = np.ascontiguousarray(np.moveaxis(values.reshape(shape), 0, axis))
            op.operation.operands[1] = nn.Constant(value=weight).output


def squant(real: Array, limit: int) -> Array:
    """Rounds so that the errors of each kernel, and then of each channel, cancel: their sums are at most half a step.

    `real` is channels x kernels x elements. Needs no data: neighbouring numbers of an image are alike, so what sums to
    nothing does little. An element moves once at most, to its other neighbour. Source: Guo et al., SQuant: On-the-Fly
    Data-Free Quantization via Diagonal Hessian Approximation (2022), algorithms 1 to 3.
    """
    steps = np.rint(real)
    error = steps - real
    free = np.abs(steps) < limit  # what reaches the end of the grid sets the scale
    for kernels, moved, free_here in zip(error, steps, free, strict=True):
        for kernel, one, open_ in zip(kernels, moved, free_here, strict=True):
            _cancel(kernel, one, open_, kernel.sum())
        sums = kernels.sum(axis=1)
        _cancel_kernels(kernels, moved, free_here, sums)
    return np.asarray(steps)


def _cancel(error: Array, steps: Array, free: Array, total: float) -> None:
    """Move as many elements as the sum of errors has steps, those of the largest errors of its sign."""
    count = round(abs(total))
    sign = np.sign(total)
    order = np.argsort(-error * sign, kind="stable")
    chosen = [i for i in order[: 2 * count] if free[i] and error[i] * sign > 0][:count]
    steps[chosen] -= sign
    error[chosen] -= sign
    free[chosen] = False


def _cancel_kernels(error: Array, steps: Array, free: Array, sums: Array) -> None:
    """The same for a channel: one element each of the kernels whose sums have the largest errors of its sign."""
    total = sums.sum()
    count, sign = round(abs(total)), np.sign(total)
    best = np.where(free & (error * sign > 0), error * sign, -1.0)
    for kernel in np.argsort(-sums * sign, kind="stable"):
        element = int(best[kernel].argmax())
        if count == 0 or sums[kernel] * sign <= 0:
            return
        if best[kernel, element] > 0:
            steps[kernel, element] -= sign
            error[kernel, element] -= sign
            count -= 1


def adaround(real: Array, rows: Array, limit: int) -> Array:
    """Rounds so that what the product makes of `rows` of data changes least.

    `real` is groups x channels x elements, rows are groups x rows x elements. Each weight w is floor(w) + h(v), where h
    is a stretched sigmoid, clipped to 0..1; Adam minimises |(w' - w) x|^2, divided by that of the nearest numbers, plus
    the weight of 1 - |2 h - 1|^b, whose b falls, so that each h is decided at last. Then single changes are made as far
    as they help, and a channel that the nearest numbers are better for keeps them. Few rows say less of each weight, so
    the mean of squares is added to theirs. Source: Nagel et al., Up or Down? Adaptive Rounding for Post-Training
    Quantization (2020).
    """
    count, elements = rows.shape[1:]
    gram = rows.transpose(0, 2, 1) @ rows / max(count, 1)
    power = np.einsum("gkk->g", gram) / elements
    gram += (power * RIDGE * elements / max(count, 1))[:, None, None] * np.eye(elements)
    nearest = np.rint(real)
    fixed = (np.abs(real) > limit - 1e-3) | (real == nearest)  # what reaches the end of the grid sets the scale
    floor = np.where(fixed, nearest, np.floor(real))
    before = _loss(nearest - real, gram)
    weight = 1 / np.maximum(before, 1e-20)[..., None]
    share = np.clip((real - floor - STRETCH[0]) / (STRETCH[1] - STRETCH[0]), 1e-6, 1 - 1e-6)
    v = np.where(fixed, -10.0, np.log(share / (1 - share)))  # sure of h = 0, where no gradient is
    mean, square = np.zeros_like(v), np.zeros_like(v)
    for step in range(1, STEPS + 1):
        gradient = _gradient(v, real, floor, weight, gram, step)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        v -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    chosen = _settled(real, floor + (v > 0), gram, fixed)
    better = _loss(chosen - real, gram) < before
    return np.where(better[..., None], chosen, nearest)


def _gradient(v: Array, real: Array, floor: Array, weight: Array, gram: Array, step: int) -> Array:
    """Of the objective after a number of steps."""
    width = STRETCH[1] - STRETCH[0]
    sigmoid = 1 / (1 + np.exp(-v))
    stretched = sigmoid * width + STRETCH[0]
    h = np.clip(stretched, 0, 1)
    gradient = 2 * weight * ((floor + h - real) @ gram)
    begin = STEPS // 5
    if step > begin:
        b = SHARPNESS[1] + (SHARPNESS[0] - SHARPNESS[1]) * (STEPS - step) / (STEPS - begin)
        off = 2 * h - 1
        gradient -= PRESSURE * 2 * b * np.sign(off) * np.abs(off) ** (b - 1)
    return np.where(h == stretched, gradient * sigmoid * (1 - sigmoid) * width, 0.0)


def _settled(real: Array, steps: Array, gram: Array, fixed: Array) -> Array:
    """Steps from which no other neighbour of a single weight would be better: the best change of each channel is made
    until there is none."""
    error = steps - real
    own = np.einsum("gkk->gk", gram)[:, None]
    for _ in range(real.shape[-1]):
        turn = np.where(error > 0, -1.0, 1.0)
        gain = np.where(fixed, np.inf, 2 * turn * (error @ gram) + own)
        best = gain.argmin(axis=-1)[..., None]
        wanted = np.take_along_axis(gain, best, -1) < 0
        if not wanted.any():
            break
        change = np.where(wanted, np.take_along_axis(turn, best, -1), 0.0)
        np.put_along_axis(error, best, np.take_along_axis(error, best, -1) + change, -1)
    return np.asarray(np.rint(error + real))


def _loss(error: Array, gram: Array) -> Array:
    """What an error of a channel's weights makes of the data, in the mean of squares."""
    return np.asarray(np.einsum("gmk,gmk->gm", error @ gram, error))


Patches = Callable[[Mapping[ir.Value, Array]], "Array | None"]
"""From arrays of values to the rows that a weight is multiplied with, groups x rows x elements; None if that is not
known."""


def rows_of(
    module: ir.Module,
    wanted: Collection[ir.Value],
    patches: Mapping[int, Patches],
    samples: Iterable[Mapping[str, Array]],
) -> dict[int, Array]:
    """Some of the rows that weights are multiplied with over some samples, by the weights' numbers; `wanted` are all
    values that `patches` look at."""
    function = entry_function(module)
    states, names = initial_states(function), argument_names(function)
    program = Program(module)
    random = np.random.default_rng(0)
    found: dict[int, list[Array]] = {}
    for sample in islice(samples, SAMPLES):
        feed = [sample[name] if name in sample else states[name] for name in names]
        held = {value: array for value, array in zip(program.arguments, feed, strict=True) if value in wanted}

        def see(op: ir.OpView, arrays: Any, held: dict[ir.Value, Array] = held) -> None:
            held.update({v: a for v, a in zip(op.operation.results, arrays, strict=True) if v in wanted})

        program.run(feed, see)
        for number, rows_in in patches.items():
            rows = rows_in(held)
            if rows is not None:
                few = random.permutation(rows.shape[1])[: ROWS // SAMPLES]
                found.setdefault(number, []).append(rows[:, few])
    return {number: np.concatenate(parts, axis=1) for number, parts in found.items()}


def _patches(op: Any, value: ir.Value, held: Mapping[ir.Value, Array]) -> Array | None:
    """What the rows of a product's weight are multiplied with; nothing for transposed convolutions."""
    data = held[value]
    if isinstance(op, nn.Matmul):
        return data.reshape(1, -1, data.shape[-1]).astype(np.float64)
    if not isinstance(op, nn.Conv):
        return None
    kernel = static_shape(op.weight)[2:]
    return windows(data, kernel, op.padding, tuple(op.strides), tuple(op.dilations), op.groups)


def windows(
    data: Array,
    kernel: tuple[int, ...],
    padding: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    groups: int,
) -> Array:
    """The rows that a convolution multiplies with, groups x places x elements of a kernel."""
    rank = data.ndim - 2
    pads = [(0, 0), (0, 0), *zip(padding[:rank], padding[rank:], strict=True)]
    found = sliding_windows(np.pad(data, pads), kernel, tuple(strides), tuple(dilations))
    moved = np.moveaxis(found, 1, rank + 1)  # batch, places, channels, kernel
    places = int(np.prod(moved.shape[: rank + 1]))
    return moved.reshape(places, groups, -1).transpose(1, 0, 2).astype(np.float64)
