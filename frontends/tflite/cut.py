"""A part of a TFLite network: what some of its tensors need."""

from collections.abc import Sequence
from dataclasses import replace

from ...errors import OptionError, nearest
from .loader import Model


def cut(model: Model, outputs: Sequence[str], inputs_stay: bool = False) -> Model:
    """The file with a main graph that has these tensors as its outputs, in this order, and only the operators that they
    need, or that change a variable, and inputs, unless these stay.

    Raises `OptionError` K0106 for a name that no operator of the main graph computes.
    """
    graph, *others = model.graphs
    computed = {graph.tensors[number].name: number for one in graph.operators for number in one.outputs if number >= 0}
    for output in outputs:
        if output not in computed:
            cause = f"no operator computes '{output}', which shall be an output"
            raise OptionError("K0106", where=model.name, cause=cause, remedy=nearest(output, computed))
    wanted = [computed[output] for output in outputs]
    needed, kept = set(wanted), []
    for operator in reversed(graph.operators):
        changes = not operator.outputs or any(
            graph.tensors[number].variable for number in operator.inputs if number >= 0
        )
        if changes or not needed.isdisjoint(operator.outputs):
            kept.append(operator)
            needed.update(operator.inputs)
    inputs = tuple(number for number in graph.inputs if inputs_stay or number in needed)
    part = replace(graph, operators=tuple(reversed(kept)), inputs=inputs, outputs=tuple(wanted))
    return replace(model, graphs=(part, *others))
