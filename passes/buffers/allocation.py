"""Where each buffer goes in one block of memory, so that the block is as small as can be.

On entry: sizes, alignments and lifetimes. On exit: offsets such that buffers that are ever alive together share no
byte. The result depends on the buffers alone, and on nothing random; with `seconds` also on whether the search
finished in its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import CapacityError
from .greedy import best_of_orders
from .improve import improve
from .lifetimes import Buffer, Problem

__all__ = ["Allocation", "Buffer", "allocate"]

NAMED = 8
"""How many buffers an error message names, the largest first."""


@dataclass(frozen=True)
class Allocation:
    """Where the buffers are, in their order.

    offsets: bytes.   peak: bytes of the whole block.   lower_bound: bytes; no plan needs less.
    The bound is what is alive together at the worst step, or more where the search proved more. Peak and bound are
    multiples of the greatest common divisor of the alignments.
    """

    offsets: tuple[int, ...]
    peak: int
    lower_bound: int

    @property
    def gap(self) -> float:
        """How far the peak is above the lower bound, as a fraction of it: 0.0 is proven optimal."""
        return self.peak / self.lower_bound - 1 if self.lower_bound else 0.0


def allocate(buffers: Sequence[Buffer], *, seconds: float = 0.0, capacity: int | None = None) -> Allocation:
    """Give every buffer an offset.

    seconds: 0 tries greedy orders only, which takes milliseconds; otherwise a search for a better plan ends when one
    is proven to be optimal, or after so long.
    capacity: bytes there are; a plan that fits is good enough, and the search ends with it.

    Raises CapacityError (K0610) when no plan that fits was found; it names the buffers alive at the worst step.
    """
    problem = Problem.of(buffers)
    bound, step = problem.bound()
    enough = max(bound, (capacity or 0) // problem.unit)
    offsets = best_of_orders(problem, enough)
    if seconds > 0:
        offsets, bound = improve(problem, offsets, enough, seconds, halfway=capacity is None)
    peak = problem.peak(offsets)
    plan = Allocation(tuple(offset * problem.unit for offset in offsets), peak * problem.unit, bound * problem.unit)
    if capacity is not None and plan.peak > capacity:
        raise _too_small(buffers, plan, step, capacity)
    return plan


def _too_small(buffers: Sequence[Buffer], plan: Allocation, step: int, capacity: int) -> CapacityError:
    """What to say: the memory is too small for every plan at `step` (the bound says so), or for the best one found."""
    hopeless = plan.lower_bound > capacity
    if not hopeless:
        step = _step_of_peak(buffers, plan)
    alive = sorted((b for b in buffers if b.start <= step < b.end), key=lambda b: (-b.size, b.name))
    names = ", ".join(f"{buffer.name} ({buffer.size} bytes)" for buffer in alive[:NAMED])
    more = f" and {len(alive) - NAMED} smaller ones" if len(alive) > NAMED else ""
    need = plan.lower_bound if hopeless else plan.peak
    why = "no plan needs less" if hopeless else f"the best plan found; none needs less than {plan.lower_bound}"
    return CapacityError(
        "K0610",
        cause=f"buffers need {need} bytes ({why}) where there are {capacity}: {need - capacity} bytes too many. "
        f"Alive at step {step}: {names}{more}",
        remedy="a smaller input, fewer channels at that layer, or narrower types make these buffers smaller"
        + ("" if hopeless else "; or let the planner search longer"),
    )


def _step_of_peak(buffers: Sequence[Buffer], plan: Allocation) -> int:
    """The step at which most bytes are alive, among those of the buffer that is on top."""
    top = max(zip(plan.offsets, buffers, strict=True), key=lambda placed: placed[0] + placed[1].size)[1]
    steps = sorted({top.start, *(buffer.start for buffer in buffers if top.start <= buffer.start < top.end)})
    return max(steps, key=lambda step: sum(buffer.size for buffer in buffers if buffer.start <= step < buffer.end))
