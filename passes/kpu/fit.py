"""Fit a layer's activation table: 16 lines that take the batch norm's result to an output byte.

A line is y = add + (v - start) * mul / 2^shift for v > start, up to the next line's start; `add` is an integer. So a
line that shall be exact must start where the function passes an integer, and that is where lines start here.

Falling lines are dear: the simulated KPU rounds negative products to the integer below, or the one below that, by
turns. They get 1 more, which makes that right on average; a constant is often the better line.
"""

import math
from dataclasses import dataclass

import numpy as np

from ...dialects.tensors import Array
from ...runtime.kernels.kpu import interpolated
from ...runtime.kpu.tables import HIGHEST, LOWEST, SEGMENTS, SHIFT
from ..quant.affine import Affine
from .activation import FEW

FALLING = 0.5
"""Squared error that a falling line has more than others, per number."""
NEAR = 0.01
"""Bytes that a line may be too high or low."""
CANDIDATES = 192
SAMPLES = 4096
TOP = 255


@dataclass(frozen=True)
class Code:
    """The output byte, before rounding, as a function of v: v * unit is the real number that the activation takes.

    `shift` is added to the result: half of what a mean that rounds down loses.
    """

    unit: float
    output: Affine
    knots: Array
    shift: float = 0.0

    def points(self) -> tuple[Array, Array]:
        """The function's points: v and the byte."""
        x, y = self.knots.astype(np.float64)
        return x / self.unit, y / self.output.scale + self.output.zero_point + self.shift


def activation_lines(code: Code) -> Array:
    """16 rows (start, mul, shift, add), int64."""
    v, y = code.points()
    lines = _exact(v, y) if v.size <= FEW else _approximate(v, y)
    rows = [(LOWEST, 0, 0, lines[0][2])] if lines[0][0] > LOWEST or lines[0][1] else []
    for start, slope, add in lines:
        mul, shift = fixed_point(slope)
        rows.append((min(max(round(start), LOWEST), HIGHEST), mul, shift, add))
    rows += [rows[-1]] * (SEGMENTS - len(rows))
    return np.array(rows, np.int64)


def fixed_point(slope: float) -> tuple[int, int]:
    """mul and shift with mul / 2^shift nearest to a slope, mul in 16 bits with its sign."""
    if slope == 0:
        return 0, 0
    shift = min(SHIFT, 14 - math.frexp(abs(slope))[1] + 1)
    mul = round(math.ldexp(slope, shift))
    if abs(mul) > 32767:
        shift -= 1
        mul = round(math.ldexp(slope, shift))
    return (mul, shift) if shift >= 0 else (int(math.copysign(32767, slope)), 0)


Line = tuple[float, float, int]
"""start, slope, add"""


def _exact(v: Array, y: Array) -> list[Line]:
    """A line for each piece of a function that has few, as far as it is inside of a byte's range, and v in a line's."""
    slopes = np.diff(y) / np.diff(v)
    ends = [*v[1:-1], math.inf]
    lines: list[Line] = []
    begin = float(LOWEST)
    for piece, (slope, end) in enumerate(zip(slopes, ends, strict=True)):
        end = min(end, float(HIGHEST))
        if begin < end:
            before = lines[-1] if lines and lines[-1][1] == 0 else None
            lines += _piece(float(v[piece]), float(y[piece]), float(slope), begin, end, before)
            begin = end
    return _merged(lines)


def _piece(v: float, y: float, slope: float, begin: float, end: float, before: Line | None) -> list[Line]:
    """Lines of y + (x - v) * slope for begin < x <= end; `before` is the constant that they follow, if it is one.

    Up to the first whole byte a constant has to do. A rising line that follows it may start up to half a byte early.
    """
    at = y + (begin - v) * slope
    inside = min(max(at, 0), TOP)
    nearest = round(inside)
    if slope == 0:
        return [(begin, 0.0, nearest)]
    if slope < 0:
        first = min(math.floor(inside + NEAR), TOP - 1)
    elif before is not None and before[2] == nearest and v + (nearest - y) / slope > before[0]:
        return [(v + (nearest - y) / slope, slope, nearest)]
    else:
        first = math.ceil(inside - NEAR)
    start = max(v + (first - y) / slope, begin)
    lines = [(begin, 0.0, nearest)] if start > begin or begin == LOWEST else []
    return [*lines, (start, slope, first + (slope < 0))] if start < end else lines


def _merged(lines: list[Line]) -> list[Line]:
    """Without lines that say what the one before says anyway, or apply to nothing."""
    kept: list[Line] = []
    for line in lines:
        if kept and line[1] == 0 and kept[-1][1] == 0 and line[2] == kept[-1][2]:
            continue
        while kept and line[0] <= kept[-1][0]:
            kept.pop()
        kept.append(line)
    return kept


def _approximate(v: Array, y: Array) -> list[Line]:
    """The best lines, in the least squares' sense over the function's range, that start where it passes an integer.

    Dynamic programming over candidates: the error of one line between two of them follows from running sums.
    """
    x = np.linspace(max(v[0], LOWEST), min(v[-1], HIGHEST), SAMPLES)
    target = np.clip(interpolated(x, np.stack([v, y])), 0, TOP)
    starts, adds = _crossings(x, target)
    slopes, adds, errors = _best_lines(x, target, starts, adds)
    count = len(starts)
    best, back = np.full((SEGMENTS, count + 1), np.inf), np.zeros((SEGMENTS, count + 1), np.int64)
    best[0, 0] = 0
    for used in range(1, SEGMENTS):
        totals = best[used - 1, :-1, None] + errors
        back[used] = totals.argmin(0)
        best[used] = totals[back[used], np.arange(count + 1)]
    used = int(best[:, count].argmin())
    lines: list[Line] = []
    end = count
    while used > 0:
        begin = int(back[used, end])
        lines.append((float(starts[begin]), float(slopes[begin, end]), int(adds[begin, end])))
        used, end = used - 1, begin
    lines.reverse()
    return [(float(LOWEST), 0.0, min(max(round(float(target[0])), 0), TOP)), *lines]


def _crossings(x: Array, target: Array) -> tuple[Array, Array]:
    """Where the function is an integer: places and integers, the first place first, at most CANDIDATES."""
    low, high = np.floor(target[:-1]), np.floor(target[1:])
    (places,) = np.nonzero(low != high)
    values = np.maximum(low[places], high[places])
    steps = target[places + 1] - target[places]
    found = x[places] + (values - target[places]) / steps * (x[1] - x[0])
    starts, adds = np.concatenate([x[:1], found]), np.concatenate([np.rint(target[:1]), values])
    if len(starts) > CANDIDATES:
        chosen = np.unique(np.linspace(0, len(starts) - 1, CANDIDATES).astype(np.int64))
        starts, adds = starts[chosen], adds[chosen]
    return starts, adds


def _best_lines(x: Array, target: Array, starts: Array, adds: Array) -> tuple[Array, Array, Array]:
    """For a line from candidate i up to candidate j, or the end: the best slope, add and squared error, as [i, j]."""
    unit = x[-1] - x[0]
    t = (x - x[0]) / unit
    places = np.concatenate([np.searchsorted(x, starts, side="right"), [x.size]])
    columns = (np.ones_like(t), t, t * t, target, target**2, t * target)
    sums = [np.concatenate([np.zeros(1), np.cumsum(column)])[places] for column in columns]
    n, st, stt, sy, syy, sty = (total[None, :] - total[:-1, None] for total in sums)
    t0, y0 = ((starts - x[0]) / unit)[:, None], adds[:, None]
    dd = stt - 2 * t0 * st + n * t0**2
    de = sty - t0 * sy - y0 * st + n * t0 * y0
    ee = syy - 2 * y0 * sy + n * y0**2
    rising = bool(np.all(np.diff(target) >= 0))
    reach = np.append(adds if rising else np.full(len(starts), np.inf), np.inf)  # what the next line begins with
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.where(dd > 0, de / dd, 0.0)
        steepest = (reach + 0.5 - y0) / (np.append(t0, 1.0) - t0)
        slopes = np.where(slopes > steepest, np.maximum(steepest, 0), slopes)
        flat = np.clip(np.rint(np.where(n > 0, sy / n, y0)), 0, np.minimum(reach, TOP))
    sloped = np.maximum(ee - 2 * slopes * de + slopes**2 * dd, 0)
    sloped += np.where(slopes < 0, np.where(y0 < TOP, FALLING * n, np.inf), 0)
    level = syy - 2 * flat * sy + n * flat**2
    is_flat = (level <= sloped) | (slopes == 0)
    order = np.arange(len(starts))[:, None] < np.arange(len(starts) + 1)[None, :]
    errors = np.where(order, np.where(is_flat, level, sloped), np.inf)
    chosen = np.where(is_flat, flat, y0 + (slopes < 0))
    return np.where(is_flat, 0.0, slopes) / unit, chosen, errors
