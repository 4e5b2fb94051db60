"""Where elements are after padding: what is told of a network, against what padding does to it.

Networks here only move elements, so that elements of a padded run can be compared with those of one without padding.
"""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.dialects.sizes import dimension, value_of
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.nn.padded_places import padding_between
from kpuc.passes.nn.reify_shapes import ReifiedShapes
from kpuc.passes.nn.tail import needed_ends, split_tail


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


CASES = {
    "transpose": ([node("Transpose", "x", "y", perm=[3, 1, 0, 2])], True),
    "flatten_all": ([node("Flatten", "x", "y", axis=1)], False),
    "merge_rows": ([node("Reshape", "x rows", "y")], True),
    "merge_pixels": ([node("Reshape", "x pixels", "y")], False),
    "there_and_back": (
        [
            node("Reshape", "x pixels", "a"),
            node("Relu", "a", "b"),
            node("Shape", "x", "s"),
            node("Reshape", "b s", "y"),
        ],
        True,
    ),
    "there_and_otherwise_back": (
        [
            node("Reshape", "x pixels", "a"),
            node("Transpose", "a", "b", perm=[0, 2, 1]),
            node("Reshape", "b back", "y"),
        ],
        False,
    ),
    "pixels_then_channels": (
        [node("Reshape", "x pixels", "a"), node("Transpose", "a", "b", perm=[0, 2, 1]), node("Add", "b c", "y")],
        False,
    ),
    "summed_pixels": (
        [node("Reshape", "x pixels", "a"), node("Add", "a a", "b"), node("ReduceMax", "b last", "y", keepdims=1)],
        True,
    ),
    "one_behind_the_other": ([node("Concat", "x x", "y", axis=3)], False),
    "channels_joined": ([node("Concat", "x x", "y", axis=1)], True),
    "known_first": ([node("Concat", "four x", "y", axis=3)], True),
    "columns_in_pairs": ([node("Reshape", "x pairs", "y")], True),
    "there_and_back_in_channels_last": (
        [
            node("Reshape", "x pixels", "a"),
            node("Transpose", "a", "b", perm=[0, 2, 1]),
            node("Reshape", "b forth", "y"),
        ],
        True,
    ),
    "windows": (
        [node("Reshape", "x windows", "a"), node("Transpose", "a", "y", perm=[0, 2, 4, 1, 3, 5])],
        True,
    ),
    "channels_in_groups": ([node("Reshape", "x groups", "y")], True),
    "windows_in_a_row": (
        [
            node("Reshape", "x windows", "a"),
            node("Transpose", "a", "b", perm=[0, 2, 4, 1, 3, 5]),
            node("Reshape", "b row", "y"),
        ],
        False,
    ),
    "second_half": ([node("Split", "x", "a y", axis=3, num_outputs=2)], False),
    "first_half": ([node("Split", "x", "y b", axis=3, num_outputs=2)], True),
    "backwards": ([node("Slice", "x from_end to_start three back_step", "y")], False),
    "but_the_first": ([node("Slice", "x one most three", "y")], True),
    "last_three": ([node("Slice", "x minus_three most three", "y")], None),
    "tiled": ([node("Tile", "x twice", "y")], False),
    "tiled_channels": ([node("Tile", "x twice_channels", "y")], True),
    "batch_of_products": (
        [
            node("Reshape", "x pixels", "a"),
            node("Transpose", "a", "t", perm=[0, 2, 1]),
            node("MatMul", "t a", "y"),
        ],
        False,
    ),
    "moved_then_unknown": ([node("Concat", "x x", "a", axis=3), node("Tile", "a twice", "y")], False),
}
"""Nodes from x (1 x 4 x h x w, h = 6) to y, and whether y without padding is the beginning of y with padding; None for
what is the end of x, which padding is after it: its size is known, and nothing lies between."""


CONSTANTS = {
    "rows": [1, 24, -1], "pixels": [1, 4, -1], "back": [1, -1, 6, 4], "pairs": [1, 4, 6, -1, 2],
    "forth": [1, 6, -1, 4], "windows": [1, 4, 3, 2, -1, 2], "groups": [1, 2, 2, 6, -1], "row": [-1, 4, 2, 2],
    "twice": [1, 1, 1, 2], "twice_channels": [1, 2, 1, 1], "three": [3], "one": [1], "most": [2**62],
    "from_end": [-1], "to_start": [-(2**62)], "back_step": [-1], "minus_three": [-3],
    "last": [2], "c": np.ones(4, np.float32), "four": np.ones((1, 4, 6, 4), np.float32),
}  # fmt: skip


def network(nodes, name):
    """The nodes as a network of input `name`."""
    used = {text for one in nodes for text in one.input}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 6, "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(one), key) for key, one in CONSTANTS.items() if key in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def image():
    return np.random.default_rng(0).random((1, 4, 6, 8)).astype(np.float32) + 1


def padded(array):
    return np.pad(array, [(0, 0)] * 3 + [(0, 4)])


@pytest.mark.parametrize("name", CASES)
def test_places(name):
    nodes, aligned = CASES[name]
    with mlir.context():
        module = import_onnx(network(nodes, "x"))
        culprits = padding_between(module, ReifiedShapes(module, {(0, 3): dimension("w", 5)}))
        culprit = culprits[result_of(module)]
        (plain,) = evaluate(module, [image()])
        (whole,) = evaluate(module, [padded(image())])
        assert (culprit is None) == (aligned is not False)
    begins = np.allclose(whole[tuple(slice(size) for size in plain.shape)], plain, atol=1e-6)
    assert begins == bool(aligned)


def result_of(module):
    (*_, end) = entry_function(module).regions[0].blocks[0].operations
    return end.operands[0]


@pytest.mark.parametrize("name", [name for name, (_, aligned) in CASES.items() if aligned is False])
def test_tails(name):
    """What a head makes of a padded image, cut to the shape that it has without padding, goes on as if there had been
    none; it ends where padding still lies behind."""
    model = network([node("Relu", "image", "x"), *CASES[name][0]], "image")
    with mlir.context():
        values = {}
        module = import_onnx(model, values=values)
        (plain,) = evaluate(module, [image()])
        shapes = ReifiedShapes(module, {(0, 3): dimension("w", 5)})
        culprits = padding_between(module, shapes)
        ends = {value: one for one, value in values.items() if culprits[value] is None}
        names = [ends[value] for value in needed_ends(module, shapes, ends)]
        assert names == ["b" if name == "windows_in_a_row" else "x"]
        tail = split_tail(module, shapes, ends)
        head = import_onnx(model, ends=names)
        whole, own = (evaluate(head, [one]) for one in (padded(image()), image()))
        given = [one[tuple(map(slice, want.shape))] for one, want in zip(whole, own, strict=True)]
        sizes = [np.array([value_of(one, {"w": 8}) for one in vector]) for vector in tail.sizes]
        (got,) = evaluate(module, [np.full_like(image(), np.nan), *given, *sizes])
    np.testing.assert_allclose(got, plain, atol=1e-6)
    assert all(one.shape != want.shape for one, want in zip(whole, own, strict=True))
