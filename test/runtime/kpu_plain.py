"""A KPU layer by its definition, in loops over Python integers: what the fast one must equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kpuc.runtime.kpu.registers import LayerArguments

WINDOWS = {
    1: ("max", 2, 2),
    2: ("mean", 2, 2),
    3: ("max", 4, 4),
    4: ("mean", 4, 4),
    8: ("mean", 2, 1),
    9: ("max", 2, 1),
}
PICKED = {0: (1, 0), 5: (2, 0), 6: (2, 1), 7: (4, 0)}
"""Pool type -> (stride, column)."""


def convolved(maps: np.ndarray, weights: np.ndarray, one: LayerArguments) -> np.ndarray:
    """Python integers (outputs, h, w); weights (outputs, inputs or 1, k, k)."""
    _, height, width = maps.shape
    outputs, summed, size, _ = weights.shape
    made = np.zeros((outputs, height, width), object)
    for o, y, x in np.ndindex(made.shape):
        products = inputs = taps = 0
        for i, ky, kx in np.ndindex(summed, size, size):
            row, column = y + ky - size // 2, x + kx - size // 2
            inside = 0 <= row < height and 0 <= column < width
            value = int(maps[o if one.depth_wise_layer else i, row, column]) if inside else one.pad_value
            products += value * int(weights[o, i, ky, kx])
            inputs += value
            taps += int(weights[o, i, ky, kx])
        sums = (one.arg_x * inputs >> one.shr_x) + (one.arg_w * taps >> one.shr_w)
        made[o, y, x] = products + sums + one.arg_add * summed
    return made


def activated(value: int, lines: Sequence[tuple[int, int, int, int]]) -> int:
    """`lines`: (start, mul, shift, add)."""
    start, mul, shift, add = [line for line in lines if value > line[0]][-1]
    product = (value - start) * mul
    floor, half = product >> shift, (1 << shift) // 2
    fraction = product - (floor << shift)
    if shift and (fraction > half or (fraction == half and floor % 2)):
        floor += 1 if product >= 0 else -1
    return min(max(floor + add, 0), 255)


def pooled(maps: np.ndarray, kind: int) -> np.ndarray:
    channels, height, width = maps.shape
    if kind in PICKED:
        stride, column = PICKED[kind]
        made = np.zeros((channels, height // stride, width // stride), np.uint8)
        for c, y, x in np.ndindex(made.shape):
            made[c, y, x] = maps[c, y * stride, x * stride + column]
        return made
    name, window, stride = WINDOWS[kind]
    made = np.zeros((channels, height // stride, width // stride), np.uint8)
    for c, y, x in np.ndindex(made.shape):
        rows = [y * stride + i for i in range(window)]
        columns = [x * stride + i for i in range(window)]
        if name == "max":
            made[c, y, x] = max(int(maps[c, i, j]) for i in rows for j in columns if i < height and j < width)
        else:
            total = sum(int(maps[c, min(i, height - 1), min(j, width - 1)]) for i in rows for j in columns)
            made[c, y, x] = total // window**2
    return made
