"""If, Loop and Scan: the operations of the taken branch, or of both, and of every round."""

from collections.abc import Sequence
from itertools import count

import numpy as np
import onnx

from ...dialects import nn
from ...dialects.ods import require
from ...dialects.tensors import shape_of
from ..builder import ROUNDS, Unsupported
from ..choice import Alternatives, Rounds, Undecided, scalar_condition, select
from .node import Graph, Node, Output, Value, converter, dtype_of_number
from .progression import progression


@converter("If", forms={"a condition that data decides": (nn.LogicalNot, nn.Where)})
def if_(node: Node) -> Output:
    """A condition that is known picks a branch; else both are computed (by version 7 the taken one only), and must have
    results of one known shape."""
    branch = squeezing_branch(node)
    if branch is None and nn.constant_value(node.input(0)) is None:
        return _either(node)
    return _branch(node, branch or ("then" if node.known(node.input(0), "condition") else "else"))


def _branch(node: Node, name: str) -> list[Value]:
    """The results of a branch, its operations appended."""
    results = node.surroundings.body(node.attribute(f"{name}_branch")).call([], f"{node.name}/{name}")
    outputs = len(node.proto.output)
    require(len(results) == outputs, f"its {name}_branch gives {len(results)} results, the node has {outputs}")
    return results


def _either(node: Node) -> list[Value]:
    """The results of the branch that a run decides: both are computed."""
    condition = scalar_condition(node.input(0))
    alternatives = Alternatives(node.builder)
    alternatives.begin(condition)
    then = _branch(node, "then")
    alternatives.begin(nn.LogicalNot(condition).output)
    otherwise = _branch(node, "else")
    alternatives.shield()
    origin = node.builder.origin(condition)
    what = f"its condition depends on {origin}, so that both branches are computed, but they give"
    remedy = node.remedy(origin, "condition")
    return [select(condition, *pair, what, remedy) for pair in zip(then, otherwise, strict=True)]


def squeezing_branch(node: Node) -> str | None:
    """The branch that squeezes what the other one returns as it is, where a shape that is not known decides.

    PyTorch exports this for a squeeze of a dimension that it does not know: the result's rank is known only if the
    dimension is 1, which the squeeze then asks for when it runs.
    """
    condition = node.input(0)
    if nn.constant_value(condition) is not None or not node.builder.origin(condition).startswith("the shape"):
        return None
    found = {}
    for branch in ("then", "else"):
        graph = node.attribute(f"{branch}_branch")
        nodes = [one for one in graph.node if one.op_type != "Constant"]
        if len(nodes) != 1 or len(graph.output) != 1 or graph.output[0].name != nodes[0].output[0]:
            return None
        found[nodes[0].op_type] = branch, nodes[0].input[0]
    same = found.keys() == {"Squeeze", "Identity"} and found["Squeeze"][1] == found["Identity"][1]
    return found["Squeeze"][0] if same else None


@converter(
    "Loop",
    forms={
        "scan outputs": (nn.Unsqueeze, nn.Concat),
        "an end that data decides": (nn.LogicalAnd, nn.Where),
        "a computed trip count": (nn.Reshape, nn.Maximum, nn.Where, nn.Range, nn.Cast, nn.Mul, nn.Add),
    },
)
def loop(node: Node) -> Output:
    """Unrolled, at most 4096 rounds: a trip count, or a part of the condition, must follow from shapes and constants;
    where data ends it earlier, all rounds are computed (by version 7 those that count, of the first 128), and there are
    no scan outputs. A trip count may be computed where each round lists a number and adds another one to it."""
    body = node.surroundings.body(node.attribute("body"))
    states = [node.input(i) for i in range(2, len(node.inputs))]
    carried = len(states)
    require(len(body.graph.output) > carried, f"its graph gives {len(body.graph.output)} results")
    if node.optional(0) is not None and node.constant(0) is None:
        listed = progression(node, body, states)
        if listed is not None:
            return listed
    limit = None if node.optional(0) is None else max(node.known(node.input(0), "trip count"), 0)
    condition = node.new_constant(True) if node.optional(1) is None else node.input(1)
    rounds, scanned = Rounds(node.builder, states), []
    for number in count():
        if number == limit or not _goes_on(node, rounds, condition, limit):
            break
        arguments = [node.new_constant(number, np.int64), node.new_constant(True), *states]
        condition, *results = _round(node, body, arguments, number)
        states = results[:carried]
        rounds.leave(states)
        scanned.append(results[carried:])
    outputs = body.graph.output[1 + carried :]
    if rounds.alive is not None and outputs:
        origin = node.builder.origin(rounds.alive)
        raise Unsupported(f"how often it runs depends on {origin}, and with it the size of '{outputs[0].name}'")
    return [
        *rounds.finish(),
        *(_stacked(node, output, [one[i] for one in scanned]) for i, output in enumerate(outputs)),
    ]


def _goes_on(node: Node, rounds: Rounds, condition: Value, limit: int | None) -> bool:
    """Whether there may be a round more."""
    try:
        return rounds.enter(condition, bounded=limit is not None and limit <= ROUNDS)
    except Undecided:
        return bool(node.known(condition, "condition"))


@converter("Scan", builds=(nn.Slice, nn.Squeeze, nn.Unsqueeze, nn.Concat))
def scan(node: Node) -> Output:
    """The length must be known, at most 4096: the scan is unrolled. Opset 8: without `sequence_lens`."""
    scanned = int(node.attribute("num_scan_inputs"))
    body = node.surroundings.body(node.attribute("body"))
    if node.opset == 8:
        return _batched_scan(node, body, scanned)
    values = [node.input(i) for i in range(len(node.inputs))]
    states = len(values) - scanned
    outputs = len(body.graph.output) - states
    require(scanned >= 1 and states >= 0 and outputs >= 0, f"num_scan_inputs {scanned} does not fit its graph")
    axes = node.ints_of("scan_input_axes", scanned, 0)
    backwards = node.ints_of("scan_input_directions", scanned, 0)
    results, rounds = _scan(node, body, values[:states], values[states:], axes, backwards)
    output_axes = node.ints_of("scan_output_axes", outputs, 0)
    output_backwards = node.ints_of("scan_output_directions", outputs, 0)
    for i, output in enumerate(body.graph.output[states:]):
        parts = [one[i] for one in (reversed(rounds) if output_backwards[i] else rounds)]
        results.append(_stacked(node, output, parts, output_axes[i]))
    return results


def _batched_scan(node: Node, body: Graph, scanned: int) -> list[Value]:
    """Scan of opset 8: everything has a batch in front, and the sequences behind it."""
    if node.optional(0) is not None:
        raise Unsupported("'sequence_lens' is not supported", "convert the network to opset 9 or newer")
    values = [node.input(i) for i in range(1, len(node.inputs))]
    states = len(values) - scanned
    outputs = body.graph.output[states:]
    require(scanned >= 1 and states >= 0, f"num_scan_inputs {scanned} does not fit its graph")
    backwards = node.ints_of("directions", scanned, 0)
    members = []
    for i in range(_length(node, values, [0] * len(values))):
        member = [_part(node, value, 0, i) for value in values]
        results, rounds = _scan(node, body, member[:states], member[states:], [0] * scanned, backwards)
        members.append(
            results + [_stacked(node, output, [one[k] for one in rounds]) for k, output in enumerate(outputs)]
        )
    return [_stacked(node, output, [one[k] for one in members]) for k, output in enumerate(body.graph.output)]


def _scan(
    node: Node,
    body: Graph,
    states: list[Value],
    inputs: Sequence[Value],
    axes: Sequence[int],
    backwards: Sequence[int],
) -> tuple[list[Value], list[list[Value]]]:
    """The last states, and what each round gives for the scan outputs."""
    length = _length(node, inputs, axes)
    rounds = []
    for number in range(length):
        parts = [
            _part(node, value, axis, length - 1 - number if back else number)
            for value, axis, back in zip(inputs, axes, backwards, strict=True)
        ]
        results = _round(node, body, [*states, *parts], number)
        states, scanned = results[: len(states)], results[len(states) :]
        rounds.append(scanned)
    return list(states), rounds


def _round(node: Node, body: Graph, arguments: Sequence[Value], number: int) -> list[Value]:
    """The results of one round more; its nodes are called `Loop/3/Add`."""
    if number == ROUNDS:
        raise Unsupported(f"it has more than {ROUNDS} rounds, which is the most that is unrolled")
    return body.call(arguments, f"{node.name}/{number}")


def _length(node: Node, values: Sequence[Value], axes: Sequence[int]) -> int:
    """The size that all values have along their axes."""
    sizes: set[int] = set()
    for value, axis in zip(values, axes, strict=True):
        shape = shape_of(value)
        require(-len(shape) <= axis < len(shape), f"axis {axis} is out of range for rank {len(shape)}")
        size = shape[axis]
        if size is None:
            reason = f"its length depends on {node.builder.shape_origin(value)}"
            raise Unsupported(reason, "fix the input shapes with --shape or --dim")
        sizes.add(size)
    require(len(sizes) == 1, f"its inputs are of different lengths: {sorted(sizes)}")
    return sizes.pop()


def _part(node: Node, value: Value, axis: int, index: int) -> Value:
    """One element along an axis, without the axis."""
    part = nn.Slice(value, starts=[index], ends=[index + 1], axes=[axis], steps=[1]).output
    return node.builder.folded(nn.Squeeze(node.builder.folded(part), axes=(axis,)).output)


def _stacked(node: Node, output: onnx.ValueInfoProto, parts: Sequence[Value], axis: int = 0) -> Value:
    """The parts along a new axis; without any, an empty tensor of the shape that the file declares for one part.

    Dimensions of that shape which are open are 0, as in onnxruntime.
    """
    if parts:
        return nn.concat([node.builder.folded(nn.Unsqueeze(part, axes=(axis,)).output) for part in parts], axis)
    tensor = output.type.tensor_type
    if not tensor.elem_type or not tensor.HasField("shape"):
        raise Unsupported(f"it runs no round, and the shape of its result '{output.name}' is not declared")
    shape = [dim.dim_value for dim in tensor.shape.dim]
    shape.insert(axis if axis >= 0 else axis + len(shape) + 1, 0)
    return node.new_constant(np.zeros(shape, dtype_of_number(tensor.elem_type)))
