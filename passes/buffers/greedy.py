"""Greedy placement: buffers one after the other in some order, each at the lowest or the tightest place that is free.

No single order is good on every network (by size, the usual rule, is a third above the optimum on the instances
published with MiniMalloc), and each takes milliseconds: so all of them are tried.
"""

from collections.abc import Iterable, Iterator

from .lifetimes import Problem


def place(problem: Problem, order: Iterable[int], *, tightest: bool = False) -> list[int]:
    """Offsets in units, by first fit in this order, or by best fit: the smallest gap that is large enough."""
    sizes, alignments, neighbours = problem.sizes, problem.alignments, problem.neighbours
    offsets = [-1] * len(problem)
    for buffer in order:
        size, alignment = sizes[buffer], alignments[buffer]
        taken = sorted(
            (offsets[other], offsets[other] + sizes[other]) for other in neighbours[buffer] if offsets[other] >= 0
        )
        at, best, best_gap = 0, -1, 0
        for begin, end in taken:
            if begin - at >= size and (best < 0 or begin - at < best_gap):
                best, best_gap = at, begin - at
                if not tightest:
                    break
            if end > at:
                at = -(-end // alignment) * alignment
        offsets[buffer] = at if best < 0 else best
    return offsets


def orders(problem: Problem) -> Iterator[list[int]]:
    """Orders worth trying, each a complete permutation; ties go to what starts first, then to the lower index."""
    sizes, starts, ends = problem.sizes, problem.starts, problem.ends
    load = contention(problem)
    everyone = range(len(problem))
    yield sorted(everyone, key=lambda b: (-sizes[b], starts[b]))
    yield sorted(everyone, key=lambda b: (-sizes[b] * (ends[b] - starts[b]), starts[b]))
    yield sorted(everyone, key=lambda b: (starts[b] - ends[b], -sizes[b]))
    yield sorted(everyone, key=lambda b: (-load[b], -sizes[b], starts[b]))
    yield sorted(everyone, key=lambda b: (-load[b], starts[b] - ends[b], -sizes[b]))
    yield sorted(everyone, key=lambda b: (-load[b], -sizes[b] * (ends[b] - starts[b]), starts[b]))
    yield sorted(everyone, key=lambda b: (starts[b], -sizes[b]))
    yield sorted(everyone, key=lambda b: (-ends[b], -sizes[b]))


def contention(problem: Problem) -> list[int]:
    """For each buffer, the most units alive at one step of its life: where this is high, there is no freedom."""
    steps = sorted({*problem.starts, *problem.ends})
    number = {step: index for index, step in enumerate(steps)}
    change = [0] * (len(steps) + 1)
    for size, start, end in zip(problem.sizes, problem.starts, problem.ends, strict=True):
        change[number[start]] += size
        change[number[end]] -= size
    live, total = [], 0
    for step in range(len(steps)):
        total += change[step]
        live.append(total)
    return [
        max(live[number[start] : number[end]], default=0)
        for start, end in zip(problem.starts, problem.ends, strict=True)
    ]


def best_of_orders(problem: Problem, enough: int) -> list[int]:
    """The offsets of lowest peak among all orders by first and by best fit; ends early at `enough` units."""
    best: list[int] = [0] * len(problem)
    lowest: int | None = None
    for order in orders(problem):
        for tightest in (False, True):
            offsets = place(problem, order, tightest=tightest)
            peak = problem.peak(offsets)
            if lowest is None or peak < lowest:
                best, lowest = offsets, peak
            if lowest <= enough:
                return best
    return best
