"""Which of onnxruntime's own operators versions 5 and 4 compute is what docs/ops.md says."""

import pytest
import test_contrib
import test_quantized_engines as quantized
from single_node import network

import kpuc
from kpuc.errors import KpucError
from kpuc.frontends.onnx.node import REGISTRY
from kpuc.frontends.onnx.opsets import CONTRIB
from kpuc.tools.cli.ops import operators

ROWS = {row["operator"]: row for row in operators()["onnx"]}
OWN = sorted(operator for operator in REGISTRY if operator.startswith(CONTRIB))


def examples(operator):
    """Models of one node."""
    name = operator.rsplit(".", maxsplit=1)[1]
    for other, inputs, options in test_contrib.CASES.values():
        if other == name:
            yield test_contrib.made(name, inputs, options)[0]
    for other, inputs, constant, options in quantized.CASES.values():
        if other == name:
            plain = {key: value for key, value in options.items() if key != "opset"}
            yield network(name, inputs, constant=constant, domain=quantized.DOMAIN, **plain)[0]


ENGINES = {"v5": {"target": "k510"}, "v4": {"target": "k210", "kmodel": 4}}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("operator", [one for one in OWN if not one.endswith("DynamicQuantizeLSTM")])
def test_versions(operator, engine):
    models = list(examples(operator))
    assert models

    def compiles(model):
        try:
            return bool(kpuc.compile(model.SerializeToString(), **ENGINES[engine]).data)
        except KpucError:
            return False

    assert any(map(compiles, models)) == (
        engine in {*ROWS[operator]["engines"]}.union(*ROWS[operator]["forms"].values())
    )
