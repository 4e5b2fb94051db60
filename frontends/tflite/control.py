"""Variables, and operators that run other graphs of the file."""

from ...dialects import nn
from ..builder import ROUNDS, Unsupported
from ..choice import Alternatives, Rounds, Undecided, scalar_condition, select
from . import quantization
from .node import Node, Output, converter


@converter("VAR_HANDLE")
def var_handle(node: Node) -> Output:
    container, name = node.options("VarHandleOptions", "Container", "SharedName")
    parts = [part.decode("utf-8", "replace") for part in (container, name) if part]
    node.surroundings.handles[node.output_numbers[0]] = "/".join(parts) or node.outputs[0].name
    return []


def _variable(node: Node) -> str:
    name = node.surroundings.handles.get(node.input_numbers[0])
    if name is None:
        raise Unsupported("the variable is chosen by the network", "use variables by their handles")
    return name


@converter("READ_VARIABLE")
def read_variable(node: Node) -> Output:
    return node.states.read(_variable(node), node.outputs[0])


@converter("ASSIGN_VARIABLE")
def assign_variable(node: Node) -> Output:
    node.states.write(_variable(node), node.whole(1))
    return []


@converter("CALL_ONCE")
def call_once(node: Node) -> Output:
    """The graph may assign constants to variables, and nothing else."""
    (graph,) = node.options("CallOnceOptions", "InitSubgraphIndex")
    node.surroundings.initialise(graph)
    return []


@converter("IF", forms={"a condition that data decides": (nn.LogicalNot, nn.Where)})
def if_(node: Node) -> Output:
    """A condition that is known picks a branch; else both are computed (by version 7 the taken one only), and must have
    results of the same shapes."""
    graphs = node.options("IfOptions", "ThenSubgraphIndex", "ElseSubgraphIndex")
    arguments = [node.whole(i) for i in range(1, len(node.inputs))]
    known = nn.constant_value(node.input(0))
    if known is not None:
        return node.surroundings.call(graphs[0 if known.reshape(-1)[0] else 1], arguments)
    before = dict(node.states.values)
    condition = scalar_condition(node.input(0))
    alternatives, branches = Alternatives(node.builder), []
    for number, graph in enumerate(graphs):
        alternatives.begin(nn.LogicalNot(condition).output if number else condition)
        branches.append(node.surroundings.call(graph, arguments))
    alternatives.shield()
    if node.states.values != before:
        raise Unsupported("a branch changes a variable", "assign variables outside of branches")
    pairs = zip(*branches, strict=True)
    return [
        select(condition, quantization.real(then), quantization.real(otherwise), "the branches give")
        for then, otherwise in pairs
    ]


@converter("WHILE", forms={"an end that data decides": (nn.LogicalAnd, nn.Where)})
def while_(node: Node) -> Output:
    """Unrolled: a part of the condition must be known in every round; where the inputs end it earlier, all rounds are
    computed (by version 7 those that count, of the first 128)."""
    condition, body = node.options("WhileOptions", "CondSubgraphIndex", "BodySubgraphIndex")
    values = [node.whole(i) for i in range(len(node.inputs))]
    rounds = Rounds(node.builder, values)
    for _ in range(ROUNDS):
        try:
            if not rounds.enter(node.surroundings.call(condition, values)[0], bounded=False):
                return rounds.finish()
        except Undecided:
            remedy = "give the loop a constant number of rounds"
            raise Unsupported("the number of rounds depends on the inputs", remedy) from None
        values = node.surroundings.call(body, values)
        rounds.leave(values)
    raise Unsupported(f"the loop has more than {ROUNDS} rounds")
