"""The onnx package's node tests: cases of operators that kpuc imports, and networks with control flow."""

from functools import cache

import numpy as np
import onnx
from onnx import numpy_helper

from kpuc.frontends.onnx import supported_operators
from kpuc.frontends.onnx.opsets import full_name
from kpuc.tools import conformance

CONTROL = {"If", "Loop", "Scan"}


@cache
def cases():
    """Those of one node."""
    imported = {row["operator"] for row in supported_operators()} - {
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    }
    return [
        case
        for case in conformance.cases().values()
        if len(case.model.graph.node) == 1 and full_name(case.model.graph.node[0]) in imported
    ]


def expanded():
    """Functions of the standard that are written out as several nodes, control flow among them."""
    graphs = [(case, case.model.graph.node) for case in conformance.cases().values()]
    return [case for case, nodes in graphs if len(nodes) > 1 and CONTROL & {node.op_type for node in nodes}]


def as_array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def with_constants(model, arrays, kinds="f"):
    """The model with all inputs as initializers but a first one that holds floats, or other `kinds` of numbers; the
    inputs that are left."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    names = [value.name for value in model.graph.input]
    kept = [name for name in names[:1] if arrays[0].dtype.kind in kinds]
    del result.graph.input[:]
    result.graph.input.extend(value for value in model.graph.input if value.name in kept)
    for name, array in zip(names, arrays, strict=True):
        if name not in kept:
            result.graph.initializer.append(numpy_helper.from_array(array, name))
    return result, arrays[: len(kept)]
