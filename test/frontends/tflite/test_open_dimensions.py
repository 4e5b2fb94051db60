"""Every TFLite operator with open dimensions in portable code, beside LiteRT: the batch alone, and all dimensions.

What needs to know a dimension is refused with the reason.
"""

import dataclasses
import re
from functools import cache

import pytest
from ai_edge_litert.interpreter import OpResolverType
from single_operator import KERNELS, assert_close, feed_of, graph_of, reference
from test_operators import CASES
from tflite_writer import write

import kpuc
from kpuc.errors import KpucError

REFUSED = {
    "CONV_2D": "the number of channels is not known",
    "CUSTOM": "a transposed convolution needs known sizes",
    "DEPTHWISE_CONV_2D": "the number of channels is not known",
    "FULLY_CONNECTED": "the shape of the weight is not known",
    "GATHER_ND": "the last dimension of indices .* must be known",
    "RESIZE_NEAREST_NEIGHBOR": "resizing with coordinates 'tf_half_pixel_for_nn' is not supported",
    "SPLIT_V": "what is left of dimension 1 is not known",
    "SQUEEZE": "squeeze without axes needs a known shape",
    "TRANSPOSE_CONV": "a transposed convolution needs known sizes",
}
"""Why operators are refused, in the words of the error."""
BOUND = 1e-4
"""Stack machines round some functions otherwise than LiteRT."""


def by_operator():
    """The cases that have inputs of some dimensions, no states, and results that are not quantised: those are rounded
    by the same functions, whatever is known of their shapes."""
    found = {}
    for item in CASES:
        if not (item.variables or item.results) and any(array.ndim for array in feed_of(item)):
            found.setdefault(item.operator, []).append(item)
    return found


def compiled(model, **options):
    try:
        return kpuc.compile(model, portable=True, **options).data
    except KpucError as error:
        return error


def opened(graph, axes):
    """The file with these dimensions of its inputs open."""
    tensors = [
        dataclasses.replace(one, signature=tuple(-1 if i in axes else dim for i, dim in enumerate(one.shape)))
        if number in graph.inputs and one.shape
        else one
        for number, one in enumerate(graph.tensors)
    ]
    return write(dataclasses.replace(graph, tensors=tensors))


@cache
def networks(operator):
    """(case, kmodel or error, what LiteRT computes), of those that are not refused for static shapes as well."""
    found = []
    for item in by_operator()[operator]:
        resolver = OpResolverType.BUILTIN if item.delegate else KERNELS
        feed = feed_of(item)
        first = reference(write(graph_of(item, item.shapes)), [feed], resolver)[0]
        graph = graph_of(item, tuple(array.shape for array in first))
        (expected,) = reference(write(graph), [feed], resolver)
        for axes in ((0,), range(8)):
            made = compiled(opened(graph, axes), dims={"-1": None})
            if isinstance(made, bytes) or isinstance(compiled(write(graph)), bytes):
                found.append((item, made, expected))
    return found


@pytest.mark.parametrize("operator", sorted(by_operator()))
def test_open_dimensions(operator):
    for item, made, expected in networks(operator):
        if isinstance(made, KpucError):
            assert re.search(REFUSED.get(operator, "$^"), str(made)), f"{item}: {made}"
            continue
        results = kpuc.Simulator(made).run(*feed_of(item)).values()
        for theirs, ours in zip(expected, results, strict=True):
            assert_close(theirs, ours, max(item.bound, BOUND))


def test_no_operator_is_said_to_be_refused_that_is_not():
    for operator in REFUSED:
        assert any(isinstance(made, KpucError) for _, made, _ in networks(operator)), operator
