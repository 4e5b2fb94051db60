"""If, Loop and Scan, where what they decide is known: the operations of the taken branch, and of every round."""

from collections.abc import Sequence
from itertools import count

import numpy as np
import onnx

from ...dialects import nn
from ...dialects.ods import require
from ...dialects.tensors import shape_of
from ..builder import ROUNDS, Unsupported
from .node import Graph, Node, Output, Value, converter, dtype_of_number


@converter("If")
def if_(node: Node) -> Output:
    """The condition must be constant, or follow from shapes and constants."""
    branch = "then" if node.known(node.input(0), "condition") else "else"
    results = node.surroundings.body(node.attribute(f"{branch}_branch")).call([], f"{node.name}/{branch}")
    outputs = len(node.proto.output)
    require(len(results) == outputs, f"its {branch}_branch gives {len(results)} results, the node has {outputs}")
    return results


@converter("Loop")
def loop(node: Node) -> Output:
    """The number of rounds must follow from shapes and constants, at most 4096: the loop is unrolled."""
    body = node.surroundings.body(node.attribute("body"))
    states = [node.input(i) for i in range(2, len(node.inputs))]
    require(len(body.graph.output) > len(states), f"its graph gives {len(body.graph.output)} results")
    limit = None if node.optional(0) is None else max(node.known(node.input(0), "trip count"), 0)
    condition = node.new_constant(True) if node.optional(1) is None else node.input(1)
    rounds: list[list[Value]] = []
    for number in count():
        if number == limit or not node.known(condition, "condition"):
            break
        arguments = [node.new_constant(number, np.int64), condition, *states]
        condition, *results = _round(node, body, arguments, number)
        states, scanned = results[: len(states)], results[len(states) :]
        rounds.append(scanned)
    outputs = body.graph.output[1 + len(states) :]
    return [*states, *(_stacked(node, output, [one[i] for one in rounds]) for i, output in enumerate(outputs))]


@converter("Scan")
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
