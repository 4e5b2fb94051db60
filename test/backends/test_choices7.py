"""Version 7 code skips what serves the side of a choice that is not taken: plans, execution here and by the vendor."""

import numpy as np
import pytest
from single_operation import Case
from vendor import run_in_vendor_runtime

import kpuc
from kpuc.backends.stackvm.choices7 import Choice, plan
from kpuc.backends.stackvm.emit7 import emit7
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.dialects.tensors import tensor_type
from kpuc.frontends.builder import NetworkBuilder
from kpuc.frontends.choice import Rounds
from kpuc.passes.pipeline import parse_pipeline
from kpuc.runtime.kmodel import read_kmodel
from kpuc.runtime.kmodel.describe import describe, lines

X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2


def where(condition, x, y):
    return nn.Where(condition, x, y).output


def two_sides(c, x):
    return [where(c, nn.Exp(nn.Abs(x).output).output, nn.Neg(x).output)]


def one_side(c, x):
    return [where(c, nn.Exp(x).output, x)]


def shared(c, x):
    """What both sides need is computed before."""
    both = nn.Exp(x).output
    return [where(c, nn.Abs(both).output, nn.Neg(both).output)]


def used_behind(c, x):
    """What is needed behind the choice, too, is computed before."""
    both = nn.Exp(x).output
    return [nn.Add(where(c, nn.Abs(both).output, x), both).output]


def several(c, x):
    """Two results by one condition, which have an operation of one side in common."""
    common = nn.Exp(x).output
    return [where(c, nn.Abs(common).output, nn.Neg(x).output), where(c, nn.Sqrt(common).output, nn.Abs(x).output)]


def chained(c, x):
    """The second choice by the condition needs the first one's result."""
    first = where(c, nn.Exp(x).output, x)
    return [where(c, nn.Abs(first).output, nn.Neg(nn.Sin(first).output).output)]


def nested(c, x):
    """A choice that only one side of another one needs; the input's first number decides."""
    low = nn.Less(nn.Reduce(x, kind="sum", axes=(0, 1), keepdims=False).output, nn.Constant(value=np.float32(5)).output)
    inner = where(low.output, nn.Exp(x).output, nn.Neg(x).output)
    return [where(c, nn.Sqrt(nn.Abs(inner).output).output, nn.Sin(x).output)]


def inputs_as_results(c, x):
    """Nothing to skip."""
    return [where(c, x, nn.Constant(value=np.ones((2, 3), np.float32)).output)]


def element_by_element(c, x):
    """A condition of several elements takes parts of both."""
    return [where(nn.Less(x, nn.Constant(value=np.float32(0)).output).output, nn.Exp(x).output, nn.Neg(x).output)]


def tuples(c, x):
    """Operations with several results on one side."""
    parts = nn.Split(x, axis=1, sizes=(1, 2))
    return [where(c, nn.concat([parts.outputs[1], parts.outputs[0]], 1), nn.Neg(x).output)]


NETWORKS = {
    two_sides: [2, 1],
    one_side: [1, 0],
    shared: [1, 1],
    used_behind: [1, 0],
    several: [3, 2],
    chained: [1, 2],
    nested: None,
    inputs_as_results: None,
    element_by_element: None,
    tuples: [2, 1],
}
"""Networks, and how many operations are skipped when each side of the last choice is not taken."""


def case(write):
    return Case(write.__name__, write, (np.array(True), X), 0.0)


@pytest.mark.parametrize("write", NETWORKS, ids=lambda write: write.__name__)
def test_results(write):
    with mlir.context():
        module = case(write).module()
        feeds = [[np.array(flag), array] for flag in (True, False) for array in (X, X + 9)]
        expected = [evaluate(module, feed) for feed in feeds]
        data = emit7(module, "test")
    simulator = kpuc.Simulator(data)
    vendor = run_in_vendor_runtime([(data, feed, len(expected[0])) for feed in feeds])
    for feed, arrays, theirs in zip(feeds, expected, vendor, strict=True):
        assert not isinstance(theirs, str), theirs
        for ours, foreign, right in zip(simulator.run(*feed).values(), theirs, arrays, strict=True):
            np.testing.assert_allclose(ours, right, rtol=1e-6)
            np.testing.assert_allclose(foreign, right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("write", [write for write, skipped in NETWORKS.items() if skipped], ids=lambda w: w.__name__)
def test_plan(write):
    with mlir.context():
        steps = planned(case(write).module())
        choice = [step for step in steps if isinstance(step, Choice)][-1]
        assert [len(side) for side in choice.sides] == NETWORKS[write]


@pytest.mark.parametrize("write", [inputs_as_results, element_by_element])
def test_nothing_to_skip(write):
    with mlir.context():
        assert not [step for step in planned(case(write).module()) if isinstance(step, Choice)]


def test_a_choice_inside():
    with mlir.context():
        (choice,) = [step for step in planned(case(nested).module()) if isinstance(step, Choice)]
        assert [isinstance(step, Choice) for step in choice.sides[0]] == [False, False, True, False, False]


def planned(module):
    operations = [
        op for op in entry_function(module).regions[0].blocks[0].operations if not isinstance(op, nn.Constant)
    ]
    return plan(operations)


def chain(count):
    """Each choice is one side of the next."""

    def write(c, x):
        result = x
        for number in range(count):
            more = nn.Add(x, nn.Constant(value=np.float32(number)).output).output
            low = nn.Less(
                nn.Reduce(more, kind="max", axes=(0, 1), keepdims=False).output, nn.Constant(value=X[0, 0]).output
            )
            result = where(low.output, more, result)
        return [result]

    return write


def test_many_choices_inside_of_choices():
    with mlir.context():
        module = Case("chain", chain(300), (np.array(True), X), 0.0).module()
        (expected,) = evaluate(module, [np.array(True), X])
        (result,) = kpuc.Simulator(emit7(module, "test")).run(np.array(True), X).values()
    np.testing.assert_array_equal(result, expected)


def test_rounds_that_do_not_count_are_skipped():
    """A loop of the frontend: each round is one side of a choice inside of the one before."""
    with mlir.context():
        builder = NetworkBuilder("loop")
        with mlir.ir.Location.unknown():
            (state,) = builder.start([("x", tensor_type((2, 3), "float32"))])
        with builder.node("loop"):
            rounds = Rounds(builder, [state])
            for _ in range(4):
                total = nn.Reduce(state, kind="sum", axes=(0, 1), keepdims=False).output
                assert rounds.enter(nn.Less(total, builder.constant(np.float32(50))).output, bounded=True)
                state = nn.Add(state, state).output
                rounds.leave([state])
            results = rounds.finish()
        module = builder.finish([("y", results[0])])
        parse_pipeline("builtin.module(canonicalize,cse)").run(module)
        steps, depth = planned(module), 0
        while choices := [step for step in steps if isinstance(step, Choice)]:
            (choice,) = choices
            assert not choice.sides[1]
            steps, depth = choice.sides[0], depth + 1
        assert depth == 4
        feeds = [[X + shift] for shift in (0, 2, 5, 100, -100)]
        expected = [evaluate(module, feed) for feed in feeds]
        vendor = run_in_vendor_runtime([(emit7(module, "test"), feed, 1) for feed in feeds])
    for right, theirs in zip(expected, vendor, strict=True):
        np.testing.assert_array_equal(theirs, right)


def test_branches_are_in_the_code():
    with mlir.context():
        text = "\n".join(lines(describe(read_kmodel(emit7(case(two_sides).module(), "test")))))
    assert text.count("BR_FALSE") == 1
    assert "where" not in text.lower()
