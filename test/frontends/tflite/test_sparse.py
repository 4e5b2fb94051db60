"""Constants of which TFLite files hold only some elements, beside LiteRT, and damaged ones."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from single_operator import ours, reference
from tflite_writer import GraphSpec, Level, OperatorSpec, Sparsity, TensorSpec, write

from kpuc.dialects import mlir
from kpuc.errors import KpucError, ModelError
from kpuc.frontends.tflite import import_tflite

OPERATOR = "DENSIFY"
"""What is tested here."""


def expanded(array, order, blocks):
    """The array with an axis for each level, in their order; `blocks` are sizes by axis."""
    sizes, walk = [], []
    for axis, size in enumerate(array.shape):
        walk.append(len(sizes))
        sizes += [size // blocks[axis], blocks[axis]] if axis in blocks else [size]
    walk += [walk[axis] + 1 for axis in blocks]
    return array.reshape(sizes).transpose([walk[axis] for axis in order])


def stored(array, order, lists, blocks, dtype="int32"):
    """What a file holds of an array: the elements below the places that are in `lists` of levels, and how they lie."""
    whole = expanded(array, order, blocks)
    parts, levels = [whole], []
    for level, size in enumerate(whole.shape):
        if level not in lists:
            levels.append(Level(size))
            parts = [part[place] for part in parts for place in range(size)]
            continue
        kept = [[place for place in range(size) if part[place].any()] for part in parts]
        segments = np.cumsum([0, *map(len, kept)])
        levels.append(Level(size, segments, [place for places in kept for place in places], dtype))
        parts = [part[place] for part, places in zip(parts, kept, strict=True) for place in places]
    return np.asarray(parts, array.dtype), Sparsity(order, levels, list(blocks))


def network(shape, elements, sparsity):
    """y = x + a constant."""
    tensors = [
        TensorSpec("x", "float32", shape),
        TensorSpec("sparse", "float32", shape, elements, sparsity=sparsity),
        TensorSpec("dense", "float32", shape),
        TensorSpec("y", "float32", shape),
    ]
    operators = [OperatorSpec(OPERATOR, [1], [2], "DensifyOptions"), OperatorSpec("ADD", [0, 2], [3], "AddOptions")]
    return write(GraphSpec(tensors, operators, [0], [3]))


@pytest.mark.parametrize("dtype", ["int32", "uint16", "uint8"])
@pytest.mark.parametrize(
    ("shape", "order", "lists", "blocks"),
    [
        ((4, 6), (0, 1), {1}, {}),
        ((4, 6), (1, 0), {1}, {}),
        ((4, 6), (0, 1), {0, 1}, {}),
        ((4, 6), (0, 1), set(), {}),
        ((8, 6), (0, 1, 2, 3), {1}, {0: 2, 1: 3}),
        ((8, 6), (1, 0, 3, 2), {0, 1}, {0: 4, 1: 2}),
        ((8, 6), (0, 1, 2), {1}, {1: 3}),
        ((3, 1, 2, 8), (0, 1, 2, 3), {3}, {}),
    ],
)
def test_elements_are_where_litert_has_them(shape, order, lists, blocks, dtype):
    random = np.random.default_rng(0)
    array = random.standard_normal(shape).astype(np.float32) * (random.random(shape) < 0.3)
    array[0] = 0
    elements, sparsity = stored(array, order, lists, blocks, dtype)
    assert not lists or elements.size < array.size
    model = network(shape, elements, sparsity)
    x = random.standard_normal(shape).astype(np.float32)
    ((expected,),) = reference(model, [[x]])
    np.testing.assert_array_equal(expected, x + array)
    np.testing.assert_array_equal(ours(model, [x])[0][0], expected)


@pytest.mark.parametrize(
    ("sparsity", "cause"),
    [
        (Sparsity((0, 0), [Level(2), Level(2)]), "does not say how its dimensions are walked"),
        (Sparsity((0, 1), [Level(2)]), "does not say how its dimensions are walked"),
        (Sparsity((0, 1, 2), [Level(2), Level(2), Level(1)], [2]), "blocks along dimensions that it does not have"),
        (Sparsity((0, 1, 2), [Level(2), Level(2), Level(3)], [1]), "blocks of 3 along 2 elements"),
        (Sparsity((0, 1), [Level(2), Level(4)]), "has 4 places where its shape has 2"),
        (Sparsity((0, 1), [Level(2), Level(2, [0, 1], [0])]), "do not follow one another"),
        (Sparsity((0, 1), [Level(2), Level(2, [0, 2, 1], [0])]), "do not follow one another"),
        (Sparsity((0, 1), [Level(2), Level(2, [0, 1, 3], [0, 1])]), "elements outside of its shape"),
        (Sparsity((0, 1), [Level(2), Level(2, [0, 1, 2], [0, 2])]), "elements outside of its shape"),
        (Sparsity((0, 1), [Level(2), Level(2, [0, 1, 1], [0])]), "cannot reshape"),
        (Sparsity((0, 1), [Level(2), Level(2, [], [])]), "has no lists"),
    ],
)
def test_damage_is_a_sentence(sparsity, cause):
    with mlir.context(), pytest.raises(ModelError, match=f"K0140.*damaged: .*{re.escape(cause)}"):
        import_tflite(network((2, 2), np.float32([1, 2]), sparsity))


def test_zeros_without_end_are_refused():
    """A few bytes that stand for more than memory holds."""
    shape = (1 << 15, 1 << 15)
    sparsity = Sparsity((0, 1), [Level(1 << 15, [0, 1], [0]), Level(1 << 15, [0, 1], [0])])
    with mlir.context(), pytest.raises(ModelError, match="has more than 33554432 elements"):
        import_tflite(network(shape, np.float32([1]), sparsity))


NUMBERS = st.integers(-1, 5)
LEVELS = st.builds(Level, NUMBERS, st.none() | st.lists(NUMBERS, max_size=4), st.lists(NUMBERS, max_size=4))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(0, 3), max_size=4).map(tuple),
    st.lists(NUMBERS, max_size=4),
    st.lists(LEVELS, max_size=4),
    st.lists(NUMBERS, max_size=2),
    st.integers(0, 9),
)
def test_any_description_imports_or_is_an_error(shape, order, levels, blocked, count):
    model = network(shape, np.arange(count, dtype=np.float32), Sparsity(order, levels, blocked))
    try:
        with mlir.context():
            import_tflite(model)
    except KpucError:
        pass
