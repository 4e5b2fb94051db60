"""Activations of any form: results by looking places up in a table.

The values that an activation tells apart are cut into buckets; a place is a bucket's number. A bucket has a result if
the activation is the same for all values in it, and for all others that the error of places can bring there. It has an
edge if results rise by one in it: then the batch norm's value is computed in integers and compared. With neither, the
result is computed in integers. Entry and exit as in `shortcut`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .arithmetic import activated
from .shortcut import Scaling, Shortcut, Sums, first_above, rising
from .tables import Activation

Array = np.ndarray[Any, np.dtype[Any]]
COARSE = 1 << 10
BUCKETS = 1 << 14
MARGIN = 0.25
"""The largest error, in buckets, with which looking up pays."""
NARROWEST = 8
"""Values of a bucket, at least; so that the batch norm's shift is a small part of it."""
UNKNOWN = int(np.iinfo(np.int16).min)


@dataclass(frozen=True)
class Lookup(Shortcut):
    """`table[i]`: the result of bucket i, or -1 - e, or UNKNOWN.

    In a bucket with edge e, the result is `before[e]`, or one more for values of at least `edges[e]`.
    """

    table: Array
    edges: Array
    before: Array

    @classmethod
    def of(cls, sums: Sums, activation: Activation) -> Lookup | None:
        """None: it is not possible for these."""
        values = sums.values(activation)
        if values is None:
            return None
        low, high = values
        first, last, outside = _varying(activation, low, high)
        width = max(NARROWEST, (last - first) / (BUCKETS - 4))
        origin, count = first - 2 * width, int((last - first) / width) + 5
        scaling = Scaling.of(sums, origin, width, count)
        if scaling.margin > MARGIN:
            return None
        at = np.arange(count)
        begin = np.clip(np.floor(origin + (at - scaling.margin) * width).astype(np.int64), low, high)
        end = np.clip(np.ceil(origin + (at + 1 + scaling.margin) * width).astype(np.int64), low, high)
        table = _results(activation, begin, end)
        edges, before = _mark_edges(table, activation, begin, end)
        table[[0, -1]] = outside
        return cls(sums, activation, scaling, table, edges, before)

    def _block(self, sums: Array, first: int, results: Array) -> None:
        # places are clipped already: a table clips more slowly, and wraps fastest
        found = self.table.take(self._places(sums, first, 0, len(self.table) - 1).astype(np.intp), mode="wrap")
        results[...] = found
        at = (found.reshape(-1) < 0).nonzero()[0]
        if at.size:
            results.reshape(-1)[at] = self._decided(found.reshape(-1)[at], self._values(sums, first, at))

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
    some = ((table == UNKNOWN) & rising(activation, begin, end)).nonzero()[0]
    before = activated(begin[some], activation)
    risen = activated(end[some], activation) - before.astype(np.int16)
    some, before, risen = (one[risen <= 1] for one in (some, before, risen))
    table[some] = np.invert(np.arange(len(some)))
    upper = end[some]
    upper += risen == 0  # where two lines meet without a change
    upper = first_above(activation, begin[some], upper, before)
    if not len(some):  # entries of no bucket, so that something can be taken
        return np.zeros(1, np.int64), np.zeros(1, np.uint8)
    return upper, before
