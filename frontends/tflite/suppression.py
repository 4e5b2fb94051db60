"""Suppression of overlapping boxes: the best box that is left, again and again."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, element_type, shape_of
from ..builder import Unsupported
from .node import Node
from .windows import extent

NONE_LEFT = np.float32(-1e36)
"""The score of a box that is out: not -inf, of which alone some machines find no largest."""
MOST_PLACES = 1024
"""Of the result: each one takes some twenty operations."""
Number: TypeAlias = np.floating
SUPPRESSION = (
    *(nn.Minimum, nn.Maximum, nn.Sub, nn.Reduce, nn.Greater, nn.Where, nn.ArgReduce, nn.Gather, nn.Unsqueeze),
    *(nn.Relu, nn.Add, nn.Equal, nn.Div, nn.GreaterEqual, nn.Concat, nn.Cast, nn.Less, nn.LogicalAnd),
)
"""What a selection becomes."""


@dataclass(frozen=True)
class Rule:
    """Scores above `least` count. Boxes that overlap a taken one by `limit` or more are out; the scores of others are
    multiplied by exp(decay * overlap^2). `once`: a taken box is out as well, even if it is empty."""

    limit: Number
    least: Number
    decay: Number | None = None
    once: bool = False


class Selection:
    """Boxes (2 x n: `low` and `high` corners), and in each row of `scores` (rows x n) those that are left and taken."""

    def __init__(self, node: Node, low: ir.Value, high: ir.Value, scores: ir.Value, rule: Rule) -> None:
        self.node, self.rule = node, rule
        self.count = extent(scores, 1) if rule.once else shape_of(scores)[1]
        if self.count is None:  # one that is out is there in any case
            low, high = (nn.concat([one, node.new_constant(np.zeros((2, 1), np.float32))], 1) for one in (low, high))
            row = node.new_constant(np.full((shape_of(scores)[0] or 1, 1), NONE_LEFT))
            scores = nn.concat([scores, row], 1)
        self.low, self.high = low, high
        self.lows, self.highs = (nn.Unsqueeze(one, axes=(1,)).output for one in (low, high))
        self.area = _product(nn.Sub(high, low).output)
        self.candidates = nn.Greater(scores, self._number(max(rule.least, NONE_LEFT))).output
        self.left = nn.Where(self.candidates, scores, self._number(NONE_LEFT)).output
        self.taken: list[ir.Value] = []
        self.scores: list[ir.Value] = []

    def take(self, places: int) -> tuple[ir.Value, ir.Value, ir.Value]:
        """Indices (i64) and scores of the best boxes of each row, rows x places, and which of these count.

        An empty box overlaps nothing, itself neither, and may be taken again; not oftener than there are candidates.
        """
        if not 0 <= places <= MOST_PLACES:
            raise Unsupported(f"{places} places for boxes are not supported, only up to {MOST_PLACES}")
        rounds = places if self.count is None else min(places, self.count)
        for _ in range(rounds):
            self._take_best()
        rows = shape_of(self.left)[0] or 1
        rest = self.node.new_constant(np.zeros((rows, places - rounds), np.int64))
        indices = nn.concat([*self.taken, rest], 1)
        scores = nn.concat([*self.scores, self.node.new_constant(np.full((rows, places - rounds), NONE_LEFT))], 1)
        candidates = nn.Reduce(as_type(self.candidates, np.float32), kind="sum", axes=(1,), keepdims=True).output
        few = nn.Less(self.node.new_constant(np.arange(places), np.float32), candidates).output
        good = nn.Greater(scores, self._number(max(self.rule.least, NONE_LEFT))).output
        return indices, scores, nn.LogicalAnd(good, few).output

    def _take_best(self) -> None:
        """Take the best box that is left in each row, and what it stands for from the others."""
        best = nn.ArgReduce(self.left, kind="argmax", axis=1, keepdims=True, select_last_index=False).output
        self.taken.append(best)
        self.scores.append(nn.Reduce(self.left, kind="max", axes=(1,), keepdims=True).output)
        overlap, kept, none = self._overlap(best), self.left, self._number(NONE_LEFT)
        if self.rule.decay is not None:
            power = nn.Mul(nn.Mul(overlap, self._number(self.rule.decay)).output, overlap).output
            alive = nn.Greater(self.left, self._number(max(self.rule.least, NONE_LEFT))).output
            kept = nn.Where(alive, nn.Mul(self.left, nn.Exp(power).output).output, none).output
        kept = nn.Where(nn.GreaterEqual(overlap, self._number(self.rule.limit)).output, none, kept).output
        if self.rule.once:
            numbers = self.node.new_constant(np.arange(extent(self.left, 1)))
            kept = nn.Where(nn.Equal(numbers, best).output, none, kept).output
        self.left = kept

    def _overlap(self, chosen: ir.Value) -> ir.Value:
        """Intersection over union of all boxes with the one that each row has chosen; 0 where both are empty."""
        low, high = (nn.Gather(one, chosen, axis=1, batch_dims=0).output for one in (self.low, self.high))
        sides = nn.Sub(nn.Minimum(self.highs, high).output, nn.Maximum(self.lows, low).output).output
        shared = _product(nn.Relu(sides).output)
        area = nn.Gather(self.area, chosen, axis=0, batch_dims=0).output
        union = nn.Sub(nn.Add(self.area, area).output, shared).output
        empty = nn.Equal(union, self._number(0)).output
        return nn.Div(shared, nn.Where(empty, self._number(1), union).output).output

    def _number(self, number: float | Number) -> ir.Value:
        return self.node.new_constant(number, np.float32)


def count_of(good: ir.Value) -> ir.Value:
    """How many places count, as f32."""
    axes = range(len(shape_of(good)))
    return nn.Reduce(as_type(good, np.float32), kind="sum", axes=axes, keepdims=False).output


def or_zero(node: Node, good: ir.Value, value: ir.Value) -> ir.Value:
    """What counts; 0 elsewhere."""
    return nn.Where(good, value, node.like(0, value)).output


def as_type(value: ir.Value, dtype: type[np.generic]) -> ir.Value:
    """A cast, or the value itself when it has that type already."""
    if dtype_of(value) == np.dtype(dtype):
        return value
    return nn.Cast(value, to=element_type(dtype), saturate=True).output


def _product(pairs: ir.Value) -> ir.Value:
    return nn.Reduce(pairs, kind="prod", axes=(0,), keepdims=False).output
