"""Networks that remember, that choose and that repeat, run after run beside LiteRT."""

import contextlib
import dataclasses

import pytest
from accumulator import accumulator, handle
from ai_edge_litert.interpreter import OpResolverType
from hypothesis import given, settings
from hypothesis import strategies as st
from single_operator import KERNELS, assert_close, assert_equal_but_for_steps, graph_of, normal, reference
from stateful_cases import NETWORKS, choice, loop, svdf, unary
from tflite_writer import GraphSpec, OperatorSpec, TensorSpec, write

import kpuc
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import argument_names, entry_function, initial_states, result_names
from kpuc.errors import KpucError, UnsupportedError
from kpuc.frontends.tflite import import_tflite

BOUND = 1e-5


def evaluated(model, feeds):
    """The evaluator's outputs of one run after another, without the states."""
    with mlir.context():
        module = import_tflite(model)
        function = entry_function(module)
        names, states = argument_names(function), initial_states(function)
        results = []
        for feed in feeds:
            assert names[len(feed) :] == list(states)
            outputs = dict(zip(result_names(function), evaluate(module, [*feed, *states.values()]), strict=True))
            states = {name: outputs.pop(name) for name in states}
            results.append(list(outputs.values()))
        return results


def simulated(model, feeds):
    """The same of a kmodel."""
    kmodel = kpuc.compile(model, target="k230")
    simulator = kpuc.Simulator(kmodel)
    states, results = kmodel.states, []
    for feed in feeds:
        outputs = simulator.run(*feed, *states.values())
        states = {name: outputs.pop(name) for name in states}
        results.append(list(outputs.values()))
    return results


@pytest.mark.parametrize("engine", [evaluated, simulated])
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_as_litert(network, engine):
    model = write(*network.graphs)
    expected = reference(model, network.feeds, OpResolverType.BUILTIN_REF if network.steps else KERNELS)
    actual = engine(model, network.feeds)
    for theirs, mine in zip(expected, actual, strict=True):
        for array, ours in zip(theirs, mine, strict=True):
            if network.steps:
                assert_equal_but_for_steps(array, ours, 0.8, network.steps)
            else:
                assert_close(array, ours, BOUND)


@pytest.mark.parametrize(("variable", "state"), [("total", "total"), ("x", "x_state"), ("after", "after_state")])
def test_states_have_names_of_their_own(variable, state):
    with mlir.context():
        function = entry_function(import_tflite(write(*accumulator(normal(3), name=variable))))
        assert argument_names(function) == ["x", state]
        assert result_names(function) == ["after", state]
        assert list(initial_states(function)) == [state]


def test_two_layers_with_states_of_one_name():
    graph = graph_of(svdf(1), ((2, 4),))
    count = len(graph.tensors)
    second = [dataclasses.replace(one, name="i4" if one.variable else f"{one.name}b") for one in graph.tensors]
    (first,) = graph.operators
    again = dataclasses.replace(
        first, inputs=[0, *(number + count for number in first.inputs[1:])], outputs=[first.outputs[0] + count]
    )
    both = GraphSpec([*graph.tensors, *second], [first, again], [0], [first.outputs[0], again.outputs[0]])
    feeds = [[normal(2, 3, seed=seed)] for seed in range(3)]
    model = write(both)
    for theirs, mine in zip(reference(model, feeds), evaluated(model, feeds), strict=True):
        for array, ours in zip(theirs, mine, strict=True):
            assert_close(array, ours, BOUND)


def refused(*graphs):
    with mlir.context(), pytest.raises(UnsupportedError, match="K0150") as error:
        import_tflite(write(*graphs))
    return str(error.value)


def test_a_loop_whose_end_depends_on_inputs_is_refused():
    assert "the number of rounds depends on the inputs" in refused(*loop(5, None))


def test_an_endless_loop_is_refused():
    assert "more than 4096 rounds" in refused(*loop(5000))


def test_a_graph_that_runs_itself_is_refused():
    main, *branches = choice(None)
    again = OperatorSpec("IF", [0, 0, 1], [2], "IfOptions", {"ThenSubgraphIndex": 0, "ElseSubgraphIndex": 0})
    assert "it runs itself" in refused(GraphSpec(main.tensors, [again], main.inputs, main.outputs), *branches)


def test_a_graph_that_takes_other_inputs_is_refused():
    main, *branches = choice(None)
    two = OperatorSpec("IF", [0, 1, 1], [2], "IfOptions", {"ThenSubgraphIndex": 1, "ElseSubgraphIndex": 2})
    assert "graph 1 takes 1 inputs, 2 are given" in refused(
        GraphSpec(main.tensors, [two], main.inputs, main.outputs), *branches
    )


def test_a_graph_that_there_is_not_is_refused():
    assert "there is no graph 1" in refused(*choice(True)[:1])
    assert "there is no graph 1" in refused(*accumulator(normal(3))[:1])


def test_branches_of_different_shapes_are_refused():
    main, then, _ = choice(None)
    tensors = [TensorSpec("a", "float32", (3,)), TensorSpec("b", "float32", (1, 3))]
    other = GraphSpec(tensors, [OperatorSpec("RESHAPE", [0], [1], "ReshapeOptions", {"NewShape": (1, 3)})], [0], [1])
    assert "the branches give tensor<3xf32> and tensor<1x3xf32>" in refused(main, then, other)


def test_variables_without_a_first_value_are_refused():
    main, _ = accumulator(normal(3))
    assert "variable 'total' has no first value" in refused(
        GraphSpec(main.tensors, main.operators[1:], main.inputs, main.outputs)
    )


def test_first_values_must_be_constants():
    main, first = accumulator(normal(3))
    computed = GraphSpec(
        [*first.tensors, TensorSpec("computed", "float32", (3,))],
        [handle("total"), OperatorSpec("ABS", [1], [2], "AbsOptions")],
        [],
        [],
    )
    assert "ABS cannot run before the network does" in refused(main, computed)


def test_first_values_must_be_of_variables():
    main, first = accumulator(normal(3))
    other = OperatorSpec("ASSIGN_VARIABLE", [1, 1], [], "AssignVariableOptions")
    broken = GraphSpec(first.tensors, [handle("total"), other], [], [])
    assert "the first value of a variable is not a constant" in refused(main, broken)


def test_variables_of_any_size_are_not_made():
    inputs = [TensorSpec("x", "float32", (2, 3)), TensorSpec("w", "float32", (4, 3), normal(4, 3))]
    inputs += [
        TensorSpec("t", "float32", (4, 4), normal(4, 4)),
        TensorSpec("m", "float32", (2, 1 << 30), variable=True),
    ]
    layer = OperatorSpec("SVDF", [0, 1, 2, -1, 3], [4], "SVDFOptions", {"Rank": 1})
    graph = GraphSpec([*inputs, TensorSpec("y", "float32", (2, 4))], [layer], [0], [4])
    assert "variable 'm' has 2147483648 elements, more than 16777216" in refused(graph)


FILES = [write(*network.graphs) for network in NETWORKS]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(FILES), st.lists(st.tuples(st.integers(8, 5000), st.integers(0, 255)), min_size=1, max_size=3))
def test_changed_bytes_never_crash(data, changes):
    damaged = bytearray(data)
    for at, value in changes:
        damaged[-(at % (len(data) - 8)) - 1] = value
    with mlir.context(), contextlib.suppress(KpucError):
        import_tflite(bytes(damaged))


def test_a_branch_may_not_assign():
    main, first = accumulator(normal(3))
    tensors = [*main.tensors, TensorSpec("flag", "bool", ())]
    branch = GraphSpec(main.tensors, main.operators[1:], main.inputs, main.outputs)
    choose = OperatorSpec("IF", [4, 1], [3], "IfOptions", {"ThenSubgraphIndex": 2, "ElseSubgraphIndex": 3})
    whole = GraphSpec(tensors, [*main.operators[:2], choose], [4, 1], [3])
    assert "a branch changes a variable" in refused(whole, first, branch, unary("ABS", "AbsOptions"))
