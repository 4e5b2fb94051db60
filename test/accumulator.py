"""A TFLite network that remembers."""

import numpy as np
from tflite_writer import GraphSpec, OperatorSpec, Quantization, TensorSpec


def handle(name: str) -> OperatorSpec:
    return OperatorSpec("VAR_HANDLE", [], [0], "VarHandleOptions", {"SharedName": name})


def accumulator(
    initial: np.ndarray, quantization: Quantization | None = None, name: str = "total"
) -> tuple[GraphSpec, GraphSpec]:
    """after = total += x; the first total comes from a graph that runs once, `name` is the variable's."""
    kind, shape = initial.dtype.name, initial.shape
    value = TensorSpec("x", kind, shape, None, quantization)
    main = GraphSpec(
        [
            TensorSpec("handle", "resource"),
            value,
            TensorSpec("before", kind, shape, None, quantization),
            TensorSpec("after", kind, shape, None, quantization),
        ],
        [
            OperatorSpec("CALL_ONCE", [], [], "CallOnceOptions", {"InitSubgraphIndex": 1}),
            handle(name),
            OperatorSpec("READ_VARIABLE", [0], [2], "ReadVariableOptions"),
            OperatorSpec("ADD", [2, 1], [3], "AddOptions"),
            OperatorSpec("ASSIGN_VARIABLE", [0, 3], [], "AssignVariableOptions"),
        ],
        [1],
        [3],
    )
    first = GraphSpec(
        [TensorSpec("handle", "resource"), TensorSpec("first", kind, shape, initial, quantization)],
        [handle(name), OperatorSpec("ASSIGN_VARIABLE", [0, 1], [], "AssignVariableOptions")],
        [],
        [],
    )
    return main, first
