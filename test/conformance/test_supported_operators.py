"""What docs/ops.md says of ONNX operators is so: they become the operations that it names, and examples compile for the
engines that it states, and for no others.

Examples are the onnx package's node tests, with constants for all inputs but the first.
"""

from functools import cache

import numpy as np
import pytest
from node_cases import as_array, cases, with_constants
from onnx import ValueInfoProto, helper, numpy_helper

import kpuc
from kpuc.backends.engines import ENGINES as ENGINES_OF_KPUC
from kpuc.backends.native.decompose import computes
from kpuc.backends.native.form_groups import ALIASES
from kpuc.dialects import mlir, nn
from kpuc.dialects.function import check_static, entry_function
from kpuc.errors import KpucError
from kpuc.frontends.converter import Form, operations
from kpuc.frontends.onnx import import_onnx
from kpuc.frontends.onnx.node import REGISTRY
from kpuc.frontends.onnx.opsets import full_name
from kpuc.frontends.tflite import node as tflite
from kpuc.passes.pipeline import parse_pipeline
from kpuc.pipelines import INTEGER_PIPELINE
from kpuc.tools.cli.ops import operators

ENGINES = {"v7": {"target": "k230"}, "v5": {"target": "k510"}, "v4": {"target": "k210", "kmodel": 4}}
"""How kmodels for engines are compiled."""
MACHINE_CODE = "machine code"
TRIED = 5
"""Examples of one operator that are tried until one compiles."""


def network(operator, first, *constants, opset=17, **attributes):
    """A model of one node on the first input and constants."""
    tensors = [numpy_helper.from_array(np.asarray(array), f"c{k}") for k, array in enumerate(constants)]
    kind = helper.np_dtype_to_tensor_dtype(first.dtype)
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", *(tensor.name for tensor in tensors)], ["y"], **attributes)],
        "net",
        [helper.make_tensor_value_info("x", kind, first.shape)],
        [ValueInfoProto(name="y")],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


X = np.ones((2, 3), np.float32)
MORE = {
    "Cast": network("Cast", X, to=6),
    "CastLike": network("CastLike", X, np.int32(0)),
    "CumProd": network("CumProd", X, np.int64(1), opset=26),
    "CumSum": network("CumSum", X, np.int64(1)),
    "Einsum": network("Einsum", X, np.ones((3, 4), np.float32), equation="ij,jk->ik"),
    "LayerNormalization": network("LayerNormalization", X, np.ones(3, np.float32)),
    "Not": network("Not", X > 0),
    "Pow": network("Pow", X, np.float32(2)),
    "ReduceLogSumExp": network("ReduceLogSumExp", X, axes=[1]),
    "ReduceProd": network("ReduceProd", X, axes=[1]),
    "Trilu": network("Trilu", X),
}
"""Examples of operators whose node tests hold other types than f32, or shapes that are not known."""
EXCEPTIONS = {
    **dict.fromkeys(
        ("Constant", "ConstantOfShape", "EyeLike", "Range", "Shape", "Size"), "constants: there is nothing to compute"
    ),
    **dict.fromkeys(("BlackmanWindow", "HammingWindow", "HannWindow", "MelWeightMatrix"), "constants as well"),
    **dict.fromkeys(("If", "Loop", "Scan"), "control: test_control and test_choices"),
    "LinearAttention": "its examples return a constant state, which version 4 does not",
    "STFT": "version 4 gathers single entries, but no frames",
}
"""Operators that are not compared, and why."""


ROWS = {row["operator"]: row for row in operators()["onnx"]}


@cache
def examples(operator):
    """Models of one node."""
    models = [MORE[operator].SerializeToString()] if operator in MORE else []
    for case in [one for one in cases() if full_name(one.model.graph.node[0]) == operator][:TRIED]:
        inputs = case.data_sets[0][0]
        if all(hasattr(value, "dtype") for value in inputs):
            model, given = with_constants(case.model, [as_array(value) for value in inputs], "fiub")
            models += [model.SerializeToString()] if given else []
    return models


def compiles(model, options):
    try:
        kpuc.compile(model, **options)
    except KpucError:
        return False
    return True


def has_generators(model):
    """Whether there are generators of machine code for all that is left of a network whose shapes are known."""
    try:
        with mlir.context():
            module = import_onnx(model)
            parse_pipeline(INTEGER_PIPELINE).run(module)
            parse_pipeline("builtin.module(native-decompose)").run(module)
            check_static(entry_function(module))
            left = {type(op) for op in entry_function(module).regions[0].blocks[0].operations} & {*nn.NN.operations}
            return all(computes(op) or op in ALIASES or op is nn.Constant for op in left)
    except KpucError:
        return False


OPERATORS = sorted(operator for operator in {*REGISTRY} - {*EXCEPTIONS} if examples(operator))


def test_most_operators_have_examples():
    without = {*REGISTRY} - {*EXCEPTIONS} - {*OPERATORS}
    standard = {operator for operator in without if "." not in operator}
    assert standard == {"GlobalLpPool", *(name for name in REGISTRY if name.startswith("Random"))}


@pytest.mark.parametrize("operator", OPERATORS)
def test_engines(operator):
    found = {name for name, options in ENGINES.items() if any(compiles(one, options) for one in examples(operator))}
    if any(map(has_generators, examples(operator))):
        found.add(MACHINE_CODE)
    stated = {*ROWS[operator]["engines"]}.union(*ROWS[operator]["forms"].values())
    assert found == stated & {*ENGINES, MACHINE_CODE}


@pytest.mark.parametrize("operator", OPERATORS)
def test_what_it_becomes(operator):
    entry, found = REGISTRY[operator], []
    for model in examples(operator):
        try:
            with mlir.context():
                module = import_onnx(model)
                parse_pipeline("builtin.module(canonicalize,cse)").run(module)
                left = [type(op) for op in entry_function(module).regions[0].blocks[0].operations]
                found.append({op for op in left if op in nn.NN.operations} - {nn.Constant, nn.StorageCast})
        except KpucError:
            continue
    stated = operations(entry.builds).union(*map(operations, entry.forms.values()))
    assert not set().union(*found) - stated
    assert any(made <= operations(entry.builds) for made in found)


def test_forms_are_called_the_same_where_they_are_made_and_computed():
    converters = [*REGISTRY.values(), *tflite.REGISTRY.values()]
    lists = [made for one in converters for made in (one.builds, *one.forms.values())]
    used = {(one.op, one.how) for made in lists for one in made if isinstance(one, Form)}
    known = {key for engine in ENGINES_OF_KPUC for key in engine.forms if key[1]}
    assert used <= known
    assert known - used <= {(nn.Reduce, kind) for one in nn.Reduce.attribute_fields for kind in one.choices}
