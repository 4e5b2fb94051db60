"""Every TFLite operator with open dimensions in portable code, beside LiteRT: the batch alone, and all dimensions.

What needs to know a dimension is refused with the reason.
"""

import dataclasses
import re
from functools import cache

import numpy as np
import pytest
from ai_edge_litert.interpreter import OpResolverType
from single_operator import KERNELS, assert_close, case, feed_of, graph_of, i32, normal, reference
from test_operators import CASES
from tflite_writer import write

import kpuc
from kpuc.errors import KpucError

REFUSED = {
    "BATCH_TO_SPACE_ND": "nn.batch_to_space .* its sizes must be known",
    "CONV_2D": "the number of channels is not known",
    "CONV_3D": "a convolution over 3 dimensions is not supported",
    "CONV_3D_TRANSPOSE": "(only transposed convolutions over 1 or 2 dimensions|the shape is not known)",
    "CUSTOM": "(a transposed convolution needs known sizes|dimension [12] is not known)",
    "DEPTHWISE_CONV_2D": "the number of channels is not known",
    "FULLY_CONNECTED": "the shape of the weight is not known",
    "GATHER": "gathering with batch dimensions is not supported",
    "GATHER_ND": "the last dimension of indices .* must be known",
    "LOCAL_RESPONSE_NORMALIZATION": "nn.lrn .* its sizes must be known",
    "RESIZE_NEAREST_NEIGHBOR": "resizing with coordinates 'tf_half_pixel_for_nn' is not supported",
    "SPACE_TO_BATCH_ND": "nn.space_to_batch .* its sizes must be known",
    "SPLIT_V": "what is left of dimension 1 is not known",
    "SQUEEZE": "squeeze without axes needs a known shape",
    "TRANSPOSE_CONV": "a transposed convolution needs known sizes",
    **dict.fromkeys(
        (
            "DYNAMIC_UPDATE_SLICE",
            "MATRIX_DIAG",
            "MATRIX_SET_DIAG",
            "SEGMENT_SUM",
            *(f"UNSORTED_SEGMENT_{kind}" for kind in ("SUM", "PROD", "MAX", "MIN")),
        ),
        "the shape of input 0 is not known",
    ),
    **dict.fromkeys(
        ("DILATE", "EMBEDDING_LOOKUP_SPARSE", "REDUCE_WINDOW", "STABLEHLO_GATHER", "STABLEHLO_PAD"),
        "dimension [0-9] is not known",
    ),
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


COMPUTED = [
    case("TILE", normal(2, 3), i32(2, 3)),
    case("BROADCAST_TO", normal(3, 1), i32(2, 3, 4), version=2),
    case("FILL", i32(2, 3), np.float32(1.5), outputs="float32"),
    case("FILL", np.int64([4]), np.int64(7), outputs="int64"),
    case("SLICE", normal(4, 5), i32(1, 2), i32(2, -1)),
    case("SLICE", normal(4, 5), i32(1, 0), i32(2, 5), constant=(2,)),
    case("PAD", normal(2, 3), i32(1, 0, 0, 2).reshape(2, 2)),
    case("PADV2", normal(2, 3), i32(1, 0, 0, 2).reshape(2, 2), np.float32(-7.5)),
    case("TOPK_V2", normal(3, 7), np.int32(2), outputs=("float32", "int32")),
    case("RESHAPE", normal(2, 6), i32(3, -1)),
    case("RANGE", np.int32(2), np.int32(11), np.int32(4)),
    case("RESIZE_BILINEAR", normal(1, 3, 4, 2), i32(6, 5)),
]
"""Operators whose operands decide the sizes of results."""


@pytest.mark.parametrize("item", COMPUTED, ids=str)
def test_computed_sizes(item):
    model, feed = write(graph_of(item)), feed_of(item)
    ((expected, *others),) = reference(model, [feed])
    results = list(kpuc.Simulator(kpuc.compile(model, portable=True)).run(*feed).values())
    for theirs, ours in zip((expected, *others), results, strict=True):
        assert_close(theirs, ours, BOUND)


def test_no_operator_is_said_to_be_refused_that_is_not():
    for operator in REFUSED:
        assert any(isinstance(made, KpucError) for _, made, _ in networks(operator)), operator
