"""What docs/ops.md says of TFLite operators is so: they become the operations that it names, and examples compile for
the engines that it states."""

import pytest
import test_operators
from single_operator import feed_of, graph_of, reference
from tflite_writer import write

import kpuc
from kpuc.dialects import mlir, nn
from kpuc.dialects.function import entry_function
from kpuc.errors import KpucError
from kpuc.frontends.converter import operations
from kpuc.frontends.tflite import import_tflite
from kpuc.frontends.tflite.node import REGISTRY
from kpuc.passes.pipeline import parse_pipeline
from kpuc.tools.cli.ops import operators

ENGINES = {
    "machine code": {"target": "cpu"},
    "v7": {"target": "k230"},
    "v5": {"target": "k510"},
    "v4": {"target": "k210", "kmodel": 4},
}
LAYOUT = {nn.Constant, nn.StorageCast, nn.Transpose, nn.Relu, nn.Clamp, nn.Tanh, nn.Quantize, nn.Dequantize}
"""What is around operators: layouts, fused activations, parameters of quantised tensors."""
CASES = {}
for item in test_operators.CASES:
    if not item.results:
        CASES.setdefault(item.name, []).append(item)
ROWS = {row["operator"]: row for row in operators()["tflite"]}
NO_NUMBERS = ("RANGE",)
"""Operators of whose cases the first input decides the size of the result."""
NOT_ON_V4 = {
    **dict.fromkeys(("BROADCAST_ARGS", "RANK", "SHAPE", "ZEROS_LIKE"), "a result that is a constant is not returned"),
    **dict.fromkeys(("BITCAST", "CAST"), "to the type that it has there is nothing to compute"),
    "DEQUANTIZE": "its cases hold no bytes",
}
"""What cases do not tell of version 4, and why."""


def models(operator):
    for item in CASES[operator]:
        shapes = item.shapes or tuple(array.shape for array in reference(write(graph_of(item)), [feed_of(item)])[0])
        yield write(graph_of(item, shapes))


@pytest.mark.parametrize("operator", sorted(CASES))
def test_what_it_becomes(operator):
    entry, found = REGISTRY[operator], []
    for model in models(operator):
        with mlir.context():
            module = import_tflite(model)
            parse_pipeline("builtin.module(canonicalize,cse)").run(module)
            made = {type(op) for op in entry_function(module).regions[0].blocks[0].operations}
            found.append((made & {*nn.NN.operations}) - (LAYOUT - operations(entry.builds)))
    stated = operations(entry.builds).union(*map(operations, entry.forms.values()))
    assert not set().union(*found) - stated
    assert any(made <= operations(entry.builds) for made in found)


@pytest.mark.parametrize("operator", sorted(set(CASES) - set(NO_NUMBERS)))
def test_engines(operator):
    found = set()
    for model in models(operator):
        for engine in ENGINES.keys() - found:
            try:
                report = kpuc.compile(model, **ENGINES[engine]).report
                if engine != "machine code" or "cpus" in report:  # else it is portable code
                    found.add(engine)
            except KpucError:
                continue
        if found == ENGINES.keys():
            break
    stated = {*ROWS[operator]["engines"]}.union(*ROWS[operator]["forms"].values())
    told = {*ENGINES} - ({"v4"} if operator in NOT_ON_V4 else set())
    assert found & told == stated & told
