"""Suppression of overlapping boxes: for each place of the result the best box that is left."""

from typing import TypeAlias

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import element_type
from ..builder import Unsupported
from .node import Node, Output, converter

NONE_LEFT = np.float32(-1e36)
"""The score of a box that is out: not -inf, of which alone some machines find no largest."""
MOST_PLACES = 1024
"""Of the result: each one takes some twenty operations."""
Number: TypeAlias = np.floating
BUILDS = (
    *(nn.Transpose, nn.Split, nn.Minimum, nn.Maximum, nn.Sub, nn.Reduce, nn.Greater, nn.Where, nn.ArgReduce, nn.Gather),
    *(nn.Relu, nn.Add, nn.Equal, nn.Div, nn.GreaterEqual, nn.Concat, nn.Cast, nn.Less, nn.LogicalAnd),
)


@converter(
    "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", builds=BUILDS, forms={"scores that decay": (nn.Mul, nn.Exp)}
)
def non_max_suppression(node: Node) -> Output:
    """Limits and thresholds must be constant. Of boxes with equal scores the first one is taken; LiteRT takes any."""
    (places,), soft = node.ints(2), node.operator.endswith("V5")
    limit, least, *sigma = (np.float32(node.constant(index).reshape(())) for index in range(3, 6 if soft else 5))
    if not 0 <= places <= MOST_PLACES:
        raise Unsupported(f"{places} places for boxes are not supported, only up to {MOST_PLACES}")
    decay = np.float32(-0.5) / sigma[0] if soft and sigma[0] > 0 else None
    selection = Selection(node, limit, np.maximum(least, NONE_LEFT), decay)
    count = node.shape()[0]
    for _ in range(places if count is None else min(places, count)):
        selection.take_best()
    indices, scores, number = selection.results(places)
    return [indices, scores, number] if soft else [indices, number]


class Selection:
    """The boxes of a node, the scores of those that are left, and which were taken.

    Boxes that overlap a taken one by `limit` or more are out, the scores of others are multiplied by
    exp(decay * overlap^2).
    """

    def __init__(self, node: Node, limit: Number, least: Number, decay: Number | None) -> None:
        self.node, self.limit, self.least, self.decay = node, limit, least, decay
        boxes, scores = node.input(0), node.input(1)
        if node.shape()[0] is None:  # one that is out is there in any case
            boxes = nn.concat([boxes, node.new_constant(np.zeros((1, 4), np.float32))], 0)
            scores = nn.concat([scores, node.new_constant([NONE_LEFT])], 0)
        corners = nn.Transpose(boxes, permutation=(1, 0)).output
        first, second = nn.Split(corners, axis=0, sizes=(2, 2)).outputs
        self.low, self.high = nn.Minimum(first, second).output, nn.Maximum(first, second).output
        self.area = _product(nn.Sub(self.high, self.low).output)
        self.candidates = nn.Greater(scores, self._number(least)).output
        self.left = nn.Where(self.candidates, scores, self._number(NONE_LEFT)).output
        self.taken: list[ir.Value] = []
        self.scores: list[ir.Value] = []

    def take_best(self) -> None:
        """Take the best box that is left, and what it stands for from the others."""
        best = nn.ArgReduce(self.left, kind="argmax", axis=0, keepdims=True, select_last_index=False).output
        self.taken.append(best)
        self.scores.append(nn.Gather(self.left, best, axis=0, batch_dims=0).output)
        overlap, kept = self._overlap(best), self.left
        if self.decay is not None:
            power = nn.Mul(nn.Mul(overlap, self._number(self.decay)).output, overlap).output
            alive = nn.Greater(self.left, self._number(self.least)).output
            kept = nn.Where(alive, nn.Mul(self.left, nn.Exp(power).output).output, self._number(NONE_LEFT)).output
        out = nn.GreaterEqual(overlap, self._number(self.limit)).output
        self.left = nn.Where(out, self._number(NONE_LEFT), kept).output

    def _overlap(self, chosen: ir.Value) -> ir.Value:
        """Intersection over union of all boxes with the chosen one; 0 where both are empty."""
        low, high = (nn.Gather(one, chosen, axis=1, batch_dims=0).output for one in (self.low, self.high))
        sides = nn.Sub(nn.Minimum(self.high, high).output, nn.Maximum(self.low, low).output).output
        shared = _product(nn.Relu(sides).output)
        area = nn.Gather(self.area, chosen, axis=0, batch_dims=0).output
        union = nn.Sub(nn.Add(self.area, area).output, shared).output
        empty = nn.Equal(union, self._number(0)).output
        return nn.Div(shared, nn.Where(empty, self._number(1), union).output).output

    def results(self, places: int) -> tuple[ir.Value, ir.Value, ir.Value]:
        """Indices and scores, zeros behind those of the boxes that were taken, and how many these are.

        An empty box overlaps nothing, itself neither, and is taken again, but not oftener than there are candidates.
        """
        node, missing = self.node, places - len(self.taken)
        indices = nn.concat([*self.taken, node.new_constant(np.zeros(missing, np.int64))], 0)
        scores = nn.concat([*self.scores, node.new_constant(np.full(missing, NONE_LEFT))], 0)
        candidates = nn.Reduce(_as(self.candidates, np.float32), kind="sum", axes=(0,), keepdims=True).output
        few = nn.Less(node.new_constant(np.arange(places), np.float32), candidates).output
        good = nn.LogicalAnd(nn.Greater(scores, self._number(self.least)).output, few).output
        count = nn.Reduce(_as(good, np.float32), kind="sum", axes=(0,), keepdims=False).output
        indices, scores = (nn.Where(good, one, self._number(0)).output for one in (_as(indices, np.float32), scores))
        return _as(indices, np.int32), scores, _as(count, np.int32)

    def _number(self, number: float | Number) -> ir.Value:
        return self.node.new_constant(number, np.float32)


def _as(value: ir.Value, dtype: type[np.generic]) -> ir.Value:
    return nn.Cast(value, to=element_type(dtype), saturate=True).output


def _product(pairs: ir.Value) -> ir.Value:
    return nn.Reduce(pairs, kind="prod", axes=(0,), keepdims=False).output
