"""A part of an ONNX network: what some of its values need."""

from collections.abc import Sequence

import onnx

from ...errors import OptionError, nearest
from .loader import needed_names


def cut(model: onnx.ModelProto, outputs: Sequence[str], name: str, inputs_stay: bool = False) -> onnx.ModelProto:
    """A copy that has these values as its outputs, in this order, and only the nodes that they need, and inputs, unless
    these stay.

    Raises `OptionError` K0106 for a name that no node of the main graph computes.
    """
    producer = {text: number for number, node in enumerate(model.graph.node) for text in node.output if text}
    for output in outputs:
        if output not in producer:
            cause = f"no node computes '{output}', which shall be an output"
            raise OptionError("K0106", where=name, cause=cause, remedy=nearest(output, producer))
    kept: set[int] = set()
    waiting, needed = list(outputs), set(outputs)
    while waiting:
        number = producer.get(waiting.pop())
        if number is not None and number not in kept:
            kept.add(number)
            taken = needed_names(model.graph.node[number])
            waiting += taken
            needed.update(taken)
    part = onnx.ModelProto()
    part.CopyFrom(model)
    graph = part.graph
    for number in range(len(graph.node) - 1, -1, -1):
        if number not in kept:
            del graph.node[number]
    inputs = [value for value in graph.input if inputs_stay or value.name in needed]
    for values, chosen in ((graph.input, inputs), (graph.output, [onnx.ValueInfoProto(name=one) for one in outputs])):
        del values[:]
        values.extend(chosen)
    return part
