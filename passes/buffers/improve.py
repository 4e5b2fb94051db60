"""Makes a plan smaller until it is as small as can be, or time is over."""

from __future__ import annotations

import time
from collections.abc import Sequence

from .lifetimes import Problem
from .search import Infeasible, Search


class Part:
    """Buffers that meet no others: their best plan so far, and what is known about better ones.

    Every plan of the part needs at least `low` units; `offsets` need `high`.
    """

    def __init__(self, problem: Problem, offsets: list[int]) -> None:
        self.offsets = offsets
        self.low = problem.bound()[0]
        self.high = problem.peak(offsets)
        self.aim = self.low
        self._problem = problem
        self._search = Search(problem, self.high)

    def attempt(self, capacity: int, deadline: float) -> bool:
        """Look for a plan of this many units: whether there is one now, or is proven not to be."""
        try:
            offsets = self._search.fit(capacity, deadline)
        except Infeasible:
            self.low = self._search.round_down(capacity) + self._search.scale
            return True
        if offsets is None:
            return False
        self.offsets, self.high = offsets, self._problem.peak(offsets)
        return True

    def advance(self, enough: int, halfway: bool, deadline: float) -> None:
        """Try once what would be enough, and once something between that and the best plan so far."""
        if self.attempt(max(self.low, enough), deadline) or not halfway:
            return
        lowest = max(self.low, enough)
        if not lowest < self.aim < self.high:
            self.aim = (lowest + self.high) // 2
        if not self.attempt(self.aim, deadline):
            self.aim = (self.aim + self.high + 1) // 2


def improve(
    problem: Problem, offsets: Sequence[int], enough: int, seconds: float, *, halfway: bool = True
) -> tuple[list[int], int]:
    """(offsets, bound): a plan that needs no more than `offsets` do, and units that every plan needs.

    Ends when the plan needs `enough` units or is proven optimal, or after so many seconds.
    halfway: a better plan is worth something, even when it needs more than enough.
    """
    deadline = time.monotonic() + seconds
    groups = problem.parts()
    parts = [Part(problem.only(group), [offsets[buffer] for buffer in group]) for group in groups]
    while parts and time.monotonic() < deadline:
        highest = max(parts, key=lambda part: part.high)
        needed = max(enough, *(part.low for part in parts))
        if highest.high <= needed:
            break
        highest.advance(needed, halfway, deadline)
    improved = list(offsets)
    for group, part in zip(groups, parts, strict=True):
        for buffer, offset in zip(group, part.offsets, strict=True):
            improved[buffer] = offset
    return improved, max((part.low for part in parts), default=0)
