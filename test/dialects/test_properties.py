"""Every operation of `nn` on random operands and attributes: inferred types and numbers, against other engines.

Examples are the same in every run.
"""

from dataclasses import replace
from importlib.metadata import version

import elementwise_strategies
import indexing_strategies
import numpy as np
import pytest
import quantization_strategies
import recurrent_strategies
import reduction_strategies
import shape_strategies
import window_strategies
from drawn_case import Case, build, check
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.tensors import dtype_of, element_type, shape_of
from kpuc.errors import KpucError

pytestmark = pytest.mark.skipif(
    [int(part) for part in version("onnxruntime").split(".")[:2]] < [1, 24],
    reason="onnxruntime of before 1.24, the last for Python 3.10, divides by zero on some of these networks",
)
BY_VALUES = (
    nn.DynamicTopk,
    nn.Gather,
    nn.GatherElements,
    nn.GatherNd,
    nn.ScatterElements,
    nn.ScatterNd,
    nn.ReverseSequence,
    nn.Rnn,
    nn.Gru,
    nn.Lstm,
)
"""Operations that only the values of operands can forbid: indices and lengths."""
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
STRATEGIES = {
    **elementwise_strategies.STRATEGIES,
    **indexing_strategies.STRATEGIES,
    **quantization_strategies.STRATEGIES,
    **recurrent_strategies.STRATEGIES,
    **reduction_strategies.STRATEGIES,
    **shape_strategies.STRATEGIES,
    **window_strategies.STRATEGIES,
}
UNCOVERED = {
    nn.IntegerLstm: "every operand is quantised in its own way: test_integer_lstm has it beside LiteRT",
    nn.RandomUniform: "no other engine has our generator: test_uniform looks at the distribution",
    nn.RandomNormal: "no other engine has our generator: test_normal looks at the distribution",
}
"""Operations without a strategy, and why."""


def has_integers(op):
    """Whether an operation has attributes that are integers."""
    return any(field.kind.name in ("i64", "array<i64>") for field in op.attribute_fields)


def is_integral(value):
    """Whether the value of an attribute is an integer, or some."""
    items = value if isinstance(value, list | tuple) else [value]
    return len(items) > 0 and all(isinstance(item, int) and not isinstance(item, bool) for item in items)


@pytest.fixture(scope="module", autouse=True)
def context():
    with mlir.context():
        yield


def test_every_operation_has_a_strategy():
    assert set(nn.NN.operations) == {*STRATEGIES, *UNCOVERED}
    assert not set(STRATEGIES) & set(UNCOVERED)


@pytest.mark.parametrize("op", STRATEGIES, ids=lambda op: op.OPERATION_NAME)
@EXAMPLES
@given(data=st.data())
def test_operation(op, data):
    check(data.draw(STRATEGIES[op]), lambda: data.draw(st.booleans()))


@pytest.mark.parametrize("op", [op for op in STRATEGIES if has_integers(op)], ids=lambda op: op.OPERATION_NAME)
@EXAMPLES
@given(data=st.data())
def test_bad_attributes_are_refused(op, data):
    """Whatever an integer attribute is: the operation is made and computed, or refused in a sentence that names it."""
    case = data.draw(STRATEGIES[op])
    names = [name for name, value in case.attributes.items() if is_integral(value)]
    assume(names)
    name, number = data.draw(st.sampled_from(names)), st.integers(-3, 5)
    value = data.draw(number if isinstance(case.attributes[name], int) else st.lists(number, max_size=8))
    try:
        module = build(replace(case, attributes={**case.attributes, name: value}))
        types = next(iter(module.body.operations)).type.results
        for type_, array in zip(types, evaluate(module, case.feed()), strict=True):
            assert dtype_of(type_) == array.dtype
            assert all(dim in (None, n) for dim, n in zip(shape_of(type_), array.shape, strict=True))
    except KpucError as error:
        assert error.code in ("K0201", "K0104", *(["K0503"] if op in BY_VALUES else []))
        assert error.where.startswith("case")
        assert op.OPERATION_NAME in error.cause


def random_numbers(op, **attributes):
    """Many numbers of a generator, and the same with another seed."""
    samples = []
    for seed in (1.0, 1.0, 2.0):
        case = Case(op, [], list, {"shape": (50, 400), "dtype": element_type("float32"), "seed": seed, **attributes})
        module = build(case)
        samples.append(evaluate(module, [])[0])
    first, again, other = samples
    assert (first.dtype, first.shape) == (np.float32, (50, 400))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.99
    return first.reshape(-1)


def test_uniform():
    numbers = random_numbers(nn.RandomUniform, low=-1.0, high=3.0)
    assert numbers.min() >= -1
    assert numbers.max() < 3
    # each of ten equal parts gets 2000 of 20000 numbers, give or take five standard deviations
    np.testing.assert_allclose(np.histogram(numbers, 10, (-1, 3))[0], 2000, atol=5 * np.sqrt(2000))


def test_normal():
    numbers = (random_numbers(nn.RandomNormal, mean=2.0, scale=3.0) - 2) / 3
    # the known shares within one, two and three standard deviations, and symmetry
    shares = [(np.abs(numbers) < limit).mean() for limit in (1, 2, 3)]
    np.testing.assert_allclose(shares, [0.6827, 0.9545, 0.9973], atol=0.015)
    assert abs(numbers.mean()) < 5 / np.sqrt(len(numbers))
