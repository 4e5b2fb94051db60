"""Scattering of elements, for machines that scatter at index tuples only."""

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, dtype_of, is_static, static_shape
from ..rewriter import NO_MATCH, Match, Rewriter, pattern

COMBINED: dict[str, type[nn.BinaryOp]] = {"add": nn.Add, "mul": nn.Mul, "max": nn.Maximum, "min": nn.Minimum}
ROUNDS = 64
"""How often a place may be combined with something."""


@pattern(nn.ScatterElements)
def scatter_elements(op: nn.ScatterElements, rewriter: Rewriter) -> Match:
    """Each element's place as a tuple: its own position, but along the axis the index."""
    if not is_static(op.input) or not is_static(op.indices) or 0 in static_shape(op.indices):
        return NO_MATCH
    shape, rank = static_shape(op.indices), len(static_shape(op.input))
    axis = op.axis % rank
    size, positions = static_shape(op.input)[axis], np.indices(shape)
    known = nn.constant_value(op.indices)
    if known is not None:
        positions[axis] = np.where(known < 0, known + size, known)
        tuples = nn.Constant(value=np.stack(list(positions), -1)).output
    else:
        front = _from_front(nn.Cast(op.indices, to=ir.IntegerType.get_signless(64), saturate=True).output, size)
        parts = [nn.Constant(value=one[..., None]).output for one in positions]
        parts[axis] = nn.Unsqueeze(front, axes=(rank,)).output
        tuples = nn.concat(parts, rank)
    return rewriter.replace(op, nn.ScatterNd(op.input, tuples, op.updates, reduction=op.reduction).output)


def _from_front(index: ir.Value, size: int) -> ir.Value:
    """The index, counted from the front."""
    below = nn.Less(index, nn.Constant(value=np.zeros((), dtype_of(index))).output).output
    whole = nn.Add(index, nn.Constant(value=np.asarray(size, dtype_of(index))).output).output
    return nn.Where(below, whole, index).output


@pattern(nn.ScatterNd)
def combined(op: nn.ScatterNd, rewriter: Rewriter) -> Match:
    """What was there is taken, combined and put back; of equal constant places one after the other."""
    indices = nn.constant_value(op.indices)
    if op.reduction == "none" or indices is None or not is_static(op.input):
        return NO_MATCH
    shape, depth = static_shape(op.input), indices.shape[-1]
    tuples = indices.reshape(-1, depth)
    tuples = np.where(tuples < 0, tuples + np.array(shape[:depth]), tuples)
    rounds = _rounds(tuples)
    if len(rounds) > ROUNDS:
        return NO_MATCH
    updates = nn.Reshape(op.updates, shape=(len(tuples), *shape[depth:])).output
    result = op.input
    for chosen in rounds:
        places = nn.Constant(value=tuples[chosen]).output
        new = nn.Gather(updates, nn.Constant(value=chosen).output, axis=0, batch_dims=0).output
        old = nn.GatherNd(result, places, batch_dims=0).output
        both = COMBINED[op.reduction](old, new).output
        result = nn.ScatterNd(result, places, both, reduction="none").output
    return rewriter.replace(op, result)


def _rounds(tuples: Array) -> list[Array]:
    """The rows that hold a tuple for the first time, for the second time, and so on."""
    _, kinds = np.unique(tuples, axis=0, return_inverse=True)
    seen: dict[int, int] = {}
    rounds: list[list[int]] = []
    for row, kind in enumerate(kinds.reshape(-1).tolist()):
        number = seen[kind] = seen.get(kind, -1) + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(row)
    return [np.asarray(rows, np.int64) for rows in rounds]
