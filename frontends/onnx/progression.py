"""Loops that list the numbers of an arithmetic progression: how ONNX writes its Range out for types other than most."""

from collections.abc import Sequence

import numpy as np
import onnx

from ...dialects import nn
from ...dialects.tensors import dtype_of, element_type, shape_of
from .elementwise import cast_to
from .node import Graph, Node, Value


def is_progression(graph: onnx.GraphProto) -> bool:
    """Whether each round lists its only state and adds what stays the same to it, up to the trip count."""
    makers = {one.output[0]: one for one in graph.node if len(one.output) == 1}
    if not len(graph.input) == len(graph.output) == len(graph.node) == len(makers) == 3:
        return False
    number, goes_on, state = (one.name for one in graph.input)
    kinds = [("Identity", {goes_on}), ("Add", {state}), ("Identity", {state})]
    for output, (kind, needed) in zip(graph.output, kinds, strict=True):
        maker = makers.get(output.name)
        if maker is None or maker.op_type != kind or not needed <= {*maker.input} - {number}:
            return False
    added = [name for name in makers[graph.output[1].name].input if name != state]
    return len(added) == 1 and added[0] not in (number, goes_on, *makers)


def progression(node: Node, body: Graph, states: Sequence[Value]) -> list[Value] | None:
    """The results of such a loop as a range, whatever its trip count; None for others."""
    if len(states) != 1 or shape_of(states[0]) or not is_progression(body.graph):
        return None
    (first,) = states
    elements = element_type(dtype_of(first))
    zero, one = node.new_constant(0, np.int64), node.new_constant(1, np.int64)
    _, step, _ = body.call([zero, node.new_constant(True), node.like(0, first)], f"{node.name}/0")
    if shape_of(step):
        return None
    rounds = nn.Maximum(nn.Reshape(node.input(0), shape=()).output, zero).output
    if node.optional(1) is not None:
        starts = nn.Reshape(node.input(1), shape=()).output
        rounds = nn.Where(starts, rounds, zero).output
    listed, last = (
        nn.Add(first, nn.Mul(cast_to(numbers, elements), step).output).output
        for numbers in (nn.Range(zero, rounds, one).output, rounds)
    )
    return [last, listed]
