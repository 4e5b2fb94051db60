"""Activations that are one straight line between two bounds, nearly: results by rounding places.

Compilers write networks with rectified or no activation so. A place is a result as a real number: the result rises to
k close to the place k - 0.5. `Line` proves how close. Entry and exit as in `shortcut`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .arithmetic import activated
from .shortcut import Scaling, Shortcut, Sums, first_above, rising
from .tables import Activation

Array = np.ndarray[Any, np.dtype[Any]]
STRAIGHT = 2.0**-9
"""How far from k - 0.5 results rise that are on the line."""
BENT = 0.25
"""How far from it any may rise."""
MARGIN = 2.0**-7
"""The largest error of places with which a line pays."""
SHARE = 0.75
"""The part of the results that must be on the line, so that this pays."""


@dataclass(frozen=True)
class Line(Shortcut):
    """Results from `lowest` to `highest`; `edges`: the smallest values of each but the lowest.

    Those from `first` to `last` are on the line: they are what places up to `limit` away are rounded to. Others may be
    bent: only places that are whole numbers are surely their results.
    """

    lowest: int
    highest: int
    first: int
    last: int
    limit: float
    edges: Array

    @classmethod
    def of(cls, sums: Sums, activation: Activation) -> Line | None:
        """None: the activation is not straight enough."""
        values = sums.values(activation)
        if values is None:
            return None
        low, high = np.array(values)[:, None]
        lowest, highest = int(activated(low, activation)[0]), int(activated(high, activation)[0])
        if lowest >= highest or not rising(activation, low, high)[0]:
            return None
        results = np.arange(lowest, highest)
        edges = first_above(activation, low.repeat(len(results)), high.repeat(len(results)), results)
        lines = activation.line_of(edges)
        longest = np.bincount(lines).argmax()
        middle = int(np.median((lines == longest).nonzero()[0]))
        mul, shift = (float(activation.columns[name][longest]) for name in ("mul", "shift"))
        if mul == 0:
            return None
        width = 2.0**shift / mul
        origin = edges[middle] - (results[middle] + 0.5) * width
        deviation = np.abs((edges - origin) / width - (results + 0.5))
        bent = (deviation >= STRAIGHT).nonzero()[0]
        below, above = int(bent[bent < middle].max(initial=-1)), int(bent[bent > middle].min(initial=len(results)))
        scaling = Scaling.of(sums, origin, width, highest + 1)
        if above - below - 1 < SHARE * len(results) or deviation.max() > BENT or scaling.margin > MARGIN:
            return None
        first = lowest if below < 0 else lowest + below + 2
        last = highest if above == len(results) else lowest + above - 1
        limit = 0.5 - float(deviation[below + 1 : above].max()) - scaling.margin
        return cls(sums, activation, scaling, lowest, highest, first, last, limit, edges)

    def _block(self, sums: Array, first: int, results: Array) -> None:
        places = self._places(sums, first, self.lowest, self.highest)
        nearest = np.rint(places)
        results[...] = nearest
        places -= nearest
        away = np.abs(places, out=places)
        doubtful = away > self.limit
        if self.first > self.lowest:
            doubtful |= results < self.first
        if self.last < self.highest:
            doubtful |= results > self.last
        at = doubtful.reshape(-1).nonzero()[0]
        at = at[away.reshape(-1)[at] > 0]
        if at.size:
            results.reshape(-1)[at] = self.lowest + self.edges.searchsorted(self._values(sums, first, at), "right")
