"""Batch norm and activation by looking results up, where that is provably what the integers give.

The values that an activation tells apart are cut into buckets. A bucket has a result if the activation is the same for
all values in it, and for all others that rounding can bring there. It has an edge if results rise by one in it: then
the batch norm's value is computed in integers and compared. With neither, the result is computed in integers.

Entry: sums of a convolution in floating point, exact, with their bounds. Exit: uint8, equal to
`activated(normalised())` in every case. The bucket of a sum is computed as sum * a + b, in float32 or float64, where a
and b contain the batch norm. Multiplying, adding and rounding a and b err by at most 2**-24 (2**-53) each, relative to
what they make; so where the bucket is one of n, the error is less than e * (n + 2 * |b|) with e = 2**-22 (2**-50). The
shift of the batch norm moves values down by less than 1. A bucket's margin is the sum of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .arithmetic import activated, normalised
from .tables import Activation, BatchNorm

Array = np.ndarray[Any, np.dtype[Any]]
BLOCK = 1 << 15
"""Sums that are worked on at a time, so that they stay in the cache."""
COARSE = 1 << 10
BUCKETS = 1 << 14
MARGIN = 0.25
"""The largest error, in buckets, with which looking up pays."""
NARROWEST = 8
"""Values of a bucket, at least; so that the batch norm's shift is a small part of it."""
UNKNOWN = int(np.iinfo(np.int16).min)
LARGEST = 1 << 40
"""Values of this magnitude are left to the integers, since their products may wrap."""
WIDEST = 1 << 62


@dataclass(frozen=True)
class Lookup:
    """`table[i]`: the result of bucket i, or -1 - e, or UNKNOWN. `scale` and `offset` (outputs, 1) lead to the buckets.

    In a bucket with edge e, the result is `before[e]`, or one more for values of at least `edges[e]`.
    """

    table: Array
    edges: Array
    before: Array
    scale: Array
    offset: Array
    constant: Array
    norm: BatchNorm
    activation: Activation

    @classmethod
    def of(cls, bounds: tuple[Array, Array], kind: Any, constant: Array, norm: BatchNorm,
           activation: Activation) -> Lookup | None:  # fmt: skip
        """For sums of dtype `kind` within `bounds` (int64, by channel), to which `constant` is added. None: it is not
        possible for these."""
        largest = max(int(np.abs(one + constant).max()) for one in bounds) * int(np.abs(norm.columns["mul"]).max())
        if largest >= WIDEST:
            return None
        ends = normalised(np.stack([one + constant for one in bounds], axis=1), norm)
        low, high = int(ends.min()), int(ends.max())
        if low <= activation.columns["start"][0] or max(-low, high) >= LARGEST:
            return None
        first, last, outside = _varying(activation, low, high)
        width = max(NARROWEST, (last - first) / (BUCKETS - 4))
        origin = first - 2 * width
        columns = {name: column.astype(np.float64) for name, column in norm.columns.items()}
        scale = columns["mul"] / 2.0 ** columns["shift"] / width
        moved = scale * constant
        offset = moved + (columns["add"] - origin) / width
        count = int((last - first) / width) + 5
        step = 2.0**-22 if kind == np.float32 else 2.0**-50
        margin = 1 / width + step * (count + 2 * np.abs(offset).max()) + 2.0**-50 * np.abs(moved).max()
        if margin > MARGIN:
            return None
        at = np.arange(count)
        begin = np.clip(np.floor(origin + (at - margin) * width).astype(np.int64), low, high)
        end = np.clip(np.ceil(origin + (at + 1 + margin) * width).astype(np.int64), low, high)
        table = _results(activation, begin, end)
        edges, before = _mark_edges(table, activation, begin, end)
        table[[0, -1]] = outside
        scale, offset = scale[:, None].astype(kind), offset[:, None].astype(kind)
        return cls(table, edges, before, scale, offset, constant, norm, activation)

    def run(self, sums: Array) -> Array:
        """uint8 results of sums (outputs, ...)."""
        flat = sums.reshape(len(sums), -1)
        results = np.empty(flat.shape, np.uint8)
        step = max(1, BLOCK // max(1, flat.shape[1]))
        for first in range(0, len(flat), step):
            self._block(flat[first : first + step], first, results[first : first + step])
        return results.reshape(sums.shape)

    def _block(self, sums: Array, first: int, results: Array) -> None:
        some = slice(first, first + len(sums))
        place = sums * self.scale[some]
        place += self.offset[some]
        place.clip(0, len(self.table) - 1, out=place)  # take would do it too, but more slowly
        found = self.table.take(place.astype(np.intp), mode="wrap")
        results[...] = found
        open_ = (found.reshape(-1) < 0).nonzero()[0]
        if open_.size:
            rows = open_ // sums.shape[1] + first
            acc = sums.reshape(-1)[open_].astype(np.int64) + self.constant[rows]
            results.reshape(-1)[open_] = self._decided(found.reshape(-1)[open_], normalised(acc, self.norm, rows))

    def _decided(self, found: Array, values: Array) -> Array:
        """Results of values in buckets whose entries, `found`, are none."""
        edge = np.invert(found)  # -1 - e
        results = self.before.take(edge, mode="clip")
        results += values >= self.edges.take(edge, mode="clip")
        unknown = (found == UNKNOWN).nonzero()[0]
        if unknown.size:
            results[unknown] = activated(values[unknown], self.activation)
        return results


def _varying(activation: Activation, low: int, high: int) -> tuple[int, int, tuple[int, int]]:
    """Where, within low to high, results vary, and the results before and behind that, or UNKNOWN if there are none."""
    edges = np.linspace(low, high, COARSE + 1).astype(np.int64)
    results = _results(activation, edges[:-1], edges[1:])
    before, behind = int(results[0]), int(results[-1])
    first = np.flatnonzero((results != before) | (before == UNKNOWN))
    last = np.flatnonzero((results != behind) | (behind == UNKNOWN))
    if not first.size:
        return high, high, (before, behind)
    return int(edges[first[0]]), int(edges[last[-1] + 1]), (before, behind)


def _results(activation: Activation, begin: Array, end: Array) -> Array:
    """int16 results of the values from `begin` to `end`, or UNKNOWN where they may differ.

    Along a rising line results rise: where they are equal at both ends, they are in between. Along a falling line, odd
    rounding makes them go up and down, but only where the product passes a multiple of half a step.
    """
    columns = activation.columns
    line = activation.line_of(begin)
    made = activated(begin, activation)
    same = (made == activated(end, activation)) & (line == activation.line_of(end))
    start, mul, shift, add = (columns[name][line] for name in ("start", "mul", "shift", "add"))
    products = (begin - start) * mul, (end - start) * mul
    halves = [product >> np.maximum(shift - 1, 0) for product in products]
    beyond = ((products[0] >> shift) + add <= 0) | ((products[1] >> shift) - 1 + add >= 255)
    same &= (mul >= 0) | (halves[0] == halves[1]) | beyond
    return np.where(same, made.astype(np.int16), np.int16(UNKNOWN))


def _mark_edges(table: Array, activation: Activation, begin: Array, end: Array) -> tuple[Array, Array]:
    """The edges of buckets, of the values from `begin` to `end` that have no result, which are entered in `table`.

    Also the results before the edges. Results never fall in these buckets: they change nowhere but at the edge.
    """
    some = ((table == UNKNOWN) & _rising(activation, begin, end)).nonzero()[0]
    before = activated(begin[some], activation)
    risen = activated(end[some], activation) - before.astype(np.int16)
    some, before, risen = (one[risen <= 1] for one in (some, before, risen))
    table[some] = np.invert(np.arange(len(some)))
    lower, upper = begin[some], end[some]
    upper += risen == 0  # where two lines meet without a change
    while (upper - lower > 1).any():
        middle = (lower + upper) // 2
        above = activated(middle, activation) > before
        lower, upper = np.where(above, lower, middle), np.where(above, middle, upper)
    if not len(some):  # entries of no bucket, so that something can be taken
        return np.zeros(1, np.int64), np.zeros(1, np.uint8)
    return upper, before


def _rising(activation: Activation, begin: Array, end: Array) -> Array:
    """Whether results surely do not fall from `begin` to `end`: on a rising line, or two that meet without a fall."""
    first, last = activation.line_of(begin), activation.line_of(end)
    start = activation.columns["start"]
    start = np.maximum(start, start.min() + 1)  # lines that start there meet none
    meets = activated(start, activation) <= activated(start + 1, activation)
    upwards = activation.columns["mul"] >= 0
    rising: Array = upwards[first] & upwards[last] & ((last == first) | (last == first + 1) & meets[last])
    return rising
