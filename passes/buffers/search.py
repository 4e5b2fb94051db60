"""Exact search for a plan that fits: every buffer rests on the floor or on another one, lowest first.

Any plan can be pushed down until each buffer rests on the floor or on a buffer that is alive together with it, so only
such plans are searched. A buffer that no other waiting one fits under either rests on what is placed already, or on
something that still waits: the two branches at each node, which leave no plan out and find none twice. The second
branch raises the lowest offset that the buffer can have, which raises those of others, until some step of time needs
more than there is. Which branch is taken first is a matter of luck, so the search starts anew after some failures with
another rule, and remembers at which steps it failed.

Ideas: canonical plans and the inference over sections of time are from M. D. Moffitt, "MiniMalloc", ASPLOS 2023;
restarts and weights of failures from constraint programming (Boussemart et al., ECAI 2004).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lifetimes import Problem

Integers = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FIRST_FAILURES = 200
"""Failures before the search starts anew with another rule."""
GROWTH = 1.3
"""How much longer each round of all rules is than the last."""
NOISE = 0.3
"""How much chance changes the ranks of buffers after the first round."""
FAILURE_WEIGHT, DEADLINE_WEIGHT = 1.0, 0.2
"""What a failure adds to the weights of the sections that are too full, or of a buffer that came to lie too high."""


class Infeasible(Exception):
    """No plan fits: the whole tree was searched."""


@dataclass(frozen=True)
class _State:
    """Where the search is: nothing in it is ever changed.

    support: for each waiting buffer, the top of what is placed under it.   low: no plan below this node has it lower.
    waiting: not placed yet.
    """

    support: Integers
    low: Integers
    waiting: Flags


@dataclass(frozen=True)
class _View:
    """What holds at a node.

    rest: for each buffer, the lowest place on top of another waiting one.   floor: for each section, the lowest place
    of a waiting buffer in it.   demand: sizes of what waits, for each section.
    """

    state: _State
    rest: Integers
    floor: Integers
    demand: Floats


@dataclass(frozen=True)
class _Choice:
    """A node to come back to: `buffer` was placed, as the last after `placed` others."""

    view: _View
    buffer: int
    placed: int


class Search:
    """A search for plans of one problem of at most `most` units; weights of failures are kept from fit to fit.

    Every buffer has a size. Offsets are counted in the largest unit that divides all, so that they are small numbers:
    numpy is fast with int16.
    """

    def __init__(self, problem: Problem, most: int) -> None:
        self.scale = math.gcd(*problem.sizes, *problem.alignments)
        limit = 4 * (most + max(problem.alignments)) // self.scale + 4
        kinds: list[type[np.signedinteger[Any]]] = [np.int16, np.int32, np.int64]
        self.integer = next(kind for kind in kinds if limit < np.iinfo(kind).max)
        self.never = np.iinfo(self.integer).max // 2
        self.real: type[np.floating[Any]] = np.float32 if limit < 2**24 else np.float64
        self.sizes = self._integers(problem.sizes)
        self.alignments = self._integers(problem.alignments)
        self.aligned = bool((self.alignments > 1).any())
        self.together = np.zeros((len(problem), len(problem)), bool)
        for buffer, neighbours in enumerate(problem.neighbours):
            self.together[buffer, neighbours] = True
        self.apart = np.where(self.together, 0, self.never).astype(self.integer)
        self.alive = sections(problem)
        self.absent = np.where(self.alive, 0, self.never).astype(self.integer)
        self.members = np.ascontiguousarray(self.alive.T, self.real)
        self.weights = np.ones(len(self.alive))
        self.ranks = self._ranks()
        self.random = np.random.default_rng(0)
        self.restarts = 0

    def fit(self, capacity: int, deadline: float) -> list[int] | None:
        """Offsets in units whose peak is at most `capacity`; None when every rule failed once, or the time is over.

        Each call tries longer.   deadline: of `time.monotonic`.   Raises Infeasible when there is no such plan.
        """
        strategies = len(RULES) * len(self.ranks)
        for _ in range(strategies):
            if time.monotonic() > deadline:
                break
            turn, rule = divmod(self.restarts, strategies)
            self.restarts += 1
            rank = self.ranks[rule // len(RULES)]
            if turn:
                rank = rank * (1 + NOISE * self.random.random(len(rank)))
            failures = int(FIRST_FAILURES * GROWTH**turn)
            offsets = self._descend(capacity // self.scale, rank, RULES[rule % len(RULES)], failures, deadline)
            if offsets is not None:
                return [offset * self.scale for offset in offsets]
        return None

    def round_down(self, capacity: int) -> int:
        """The most units, up to `capacity`, that a plan can fill."""
        return capacity // self.scale * self.scale

    def _integers(self, values: list[int]) -> Integers:
        return (np.array(values, np.int64) // self.scale).astype(self.integer)

    def _ranks(self) -> list[Floats]:
        """What to place first: the longest, the largest, that of most area, that in the fullest section."""
        sizes = self.sizes.astype(np.float64)
        duration = self.alive.sum(axis=0).astype(np.float64)
        load = (self.alive * (self.alive @ sizes)[:, None]).max(axis=0)
        relative_size, relative_duration = sizes / sizes.max(), duration / duration.max()
        long = duration + relative_size
        ranks = [
            long,
            sizes + relative_duration,
            duration * sizes,
            load + relative_duration + relative_size / len(self.alive),
        ]
        return [rank / rank.max() for rank in ranks]

    def _descend(self, capacity: int, rank: Floats, rule: str, failures: int, deadline: float) -> list[int] | None:
        """One search in depth that gives up after so many failures."""
        count = len(self.sizes)
        floor = np.zeros(count, self.integer)
        state = _State(floor, floor, np.ones(count, bool))
        choices: list[_Choice] = []
        placed: list[tuple[int, int]] = []
        while True:
            view = self._infer(state, capacity)
            if view is None:
                failures -= 1
                if not choices:
                    raise Infeasible
                if failures < 0 or time.monotonic() > deadline:
                    return None
                choice = choices.pop()
                del placed[choice.placed :]
                state = self._exclude(choice.view, choice.buffer)
                continue
            buffer = self._choose(view, capacity, rank, rule)
            choices.append(_Choice(view, buffer, len(placed)))
            placed.append((buffer, int(view.state.low[buffer])))
            if len(placed) == count:
                return [offset for _, offset in sorted(placed)]
            state = self._place(view.state, buffer)

    def _infer(self, state: _State, capacity: int) -> _View | None:
        """Raise what does not rest on placed buffers onto waiting ones; None when some section is too full then."""
        low, waiting = state.low, state.waiting
        while True:
            tops = np.where(waiting, low + self.sizes, self.never)
            rest = self._align(np.maximum(self.apart, tops).min(axis=1))
            raised = waiting & (low > state.support) & (rest > low)
            if not raised.any():
                break
            low = np.where(raised, rest, low)
            high = raised & (low + self.sizes > capacity)
            if high.any():
                self.weights[self.alive[:, high].any(axis=1)] += DEADLINE_WEIGHT
                return None
        levels = np.unique(low[waiting])[:, None]
        above = np.where(waiting & (low >= levels), self.sizes, 0).astype(self.real) @ self.members
        full = (np.where(above > 0, above + levels, 0) > capacity).any(axis=0)
        if full.any():
            self.weights[full] += FAILURE_WEIGHT
            return None
        floor = np.maximum(self.absent, np.where(waiting, low, self.never)).min(axis=1)
        return _View(_State(state.support, low, waiting), rest, floor, above[0])

    def _choose(self, view: _View, capacity: int, rank: Floats, rule: str) -> int:
        """The buffer to branch on: of the highest rank at the bottom of the section that the rule prefers."""
        state = view.state
        can_rest = state.waiting & (state.low == state.support) & (state.low < view.rest)
        bottoms = (np.maximum(self.absent, state.low) == view.floor[:, None]) & can_rest
        slack = capacity - view.demand - view.floor
        if rule == "fullest":
            score = -view.demand
        elif rule == "lowest":
            score = view.floor + (slack + 1) / self.weights / (capacity + 1)
        else:
            rivals = (np.maximum(self.absent, state.low) <= (view.floor + slack)[:, None]).sum(axis=1)
            score = rivals * (1 + slack / (capacity + 1)) / self.weights
        section = int(np.where(bottoms.any(axis=1), score, np.inf).argmin())
        candidates = np.flatnonzero(bottoms[section])
        return int(candidates[rank[candidates].argmax()])

    def _place(self, state: _State, buffer: int) -> _State:
        """The first branch: the buffer rests on its support, and all that wait and meet it are above."""
        waiting = state.waiting.copy()
        waiting[buffer] = False
        top = state.low[buffer] + self.sizes[buffer]
        above = np.where(self.together[buffer] & waiting, self._align(np.full_like(self.sizes, top)), 0)
        support = np.maximum(state.support, above).astype(self.integer)
        return _State(support, np.maximum(state.low, support), waiting)

    def _exclude(self, view: _View, buffer: int) -> _State:
        """The second branch: the buffer rests on something that waits, and not on its support."""
        low = view.state.low.copy()
        low[buffer] = view.rest[buffer]
        return _State(view.state.support, low, view.state.waiting)

    def _align(self, offsets: Integers) -> Integers:
        """Each buffer's offset, rounded up to where it may begin."""
        return -(-offsets // self.alignments) * self.alignments if self.aligned else offsets


RULES = ("fullest", "lowest", "fewest rivals")
"""Which section of time to decide first: with most to place, with the lowest free place, or with least choice."""


def sections(problem: Problem) -> Flags:
    """Sets of buffers alive together, as rows of flags; only those that are not part of another such set."""
    starts, ends = np.array(problem.starts), np.array(problem.ends)
    steps = np.unique(starts)[:, None]
    alive = (starts <= steps) & (steps < ends)
    # Were a row part of any other, it would be part of the next: every row begins a buffer that those before lack.
    part_of_next = (alive[:-1] <= alive[1:]).all(axis=1)
    kept: Flags = alive[np.append(~part_of_next, True)]
    return kept
