"""The memory plan of whole networks, checked by walking through them: every byte knows which value was last written
there, and an operation must still find its operands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import SHIPPED

from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.dialects.mlir import ir
from kpuc.dialects.tensors import dtype_of, static_shape, tensor_type
from kpuc.frontends.builder import NetworkBuilder
from kpuc.frontends.onnx import import_onnx
from kpuc.options import CompileOptions
from kpuc.passes.pipeline import parse_pipeline
from kpuc.pipelines import pipelines

INPUTS = list(np.random.default_rng(0).standard_normal((2, 12)).astype(np.float32))
SAME_BYTES = ("nn.reshape", "nn.squeeze", "nn.unsqueeze", "nn.storage_cast")


def source(value):
    while isinstance(value, ir.OpResult) and value.owner.name in SAME_BYTES:
        value = value.owner.operands[0]
    return value


def extent(value):
    return int(np.prod(static_shape(value))) * dtype_of(value).itemsize


def assert_plan_holds(module):
    """Replay the plan on bytes that remember their owner; how many operands were found in scratch memory."""
    function = entry_function(module)
    owner = np.full(function.attributes["nn.scratch"].value, -1)
    numbers, places, found = {}, {}, 0
    offsets = function.attributes.get("nn.inputs", ())
    for number, (value, start) in enumerate(zip(function.regions[0].blocks[0].arguments, offsets, strict=False)):
        places[value], numbers[value] = (start, extent(value)), -2 - number
        assert (owner[start : start + extent(value)] == -1).all(), "two inputs share bytes"
        owner[start : start + extent(value)] = numbers[value]
    for step, op in enumerate(function.regions[0].blocks[0].operations):
        operation = op.operation
        if operation.name in (*SAME_BYTES, "nn.constant"):
            continue
        read = np.zeros(len(owner), bool)
        for value in map(source, operation.operands):
            if value in places:
                start, size = places[value]
                assert (owner[start : start + size] == numbers[value]).all(), f"{operation.name} lost an operand"
                read[start : start + size] = True
                found += 1
        if "nn.offsets" not in operation.attributes:
            assert operation.name == "func.return"
            continue
        written = np.zeros(len(owner), bool)
        *_, working = offsets = list(operation.attributes["nn.offsets"])
        spans = [(at, extent(value)) for at, value in zip(offsets, operation.results, strict=False)]
        if len(offsets) > len(operation.results):
            assert operation.name == "nn.where"
            spans.append((working, 4 * int(np.prod(static_shape(operation.operands[0])))))
        for index, (start, size) in enumerate(spans):
            if start < 0:
                continue
            assert start % 8 == 0 and start + size <= len(owner)
            span = slice(start, start + size)
            assert not read[span].any() and not written[span].any(), f"{operation.name} writes over itself"
            written[span] = True
            owner[span] = 1000 * step + index
            if index < len(operation.results):
                value = operation.results[index]
                places[value], numbers[value] = (start, size), 1000 * step + index
    return found


@pytest.mark.parametrize("name", ["fashion_dscnn", "fsdd_kws_dscnn"])
@pytest.mark.parametrize("runtime", ["1.9", "1.0.0-beta2"])
def test_networks(name, runtime):
    with mlir.context():
        module = import_onnx(SHIPPED / f"{name}.onnx")
        before, (*behind, _) = pipelines(CompileOptions(target="k510", runtime=runtime))
        for text in (*before, *behind):
            parse_pipeline(text).run(module)
        assert assert_plan_holds(module) > 5
        parse_pipeline("builtin.module(nn-plan-memory{seconds=0.2})").run(module)
        assert_plan_holds(module)


@st.composite
def networks(draw):
    """Steps of a random network: (kind, operands), by number among the values so far."""
    steps, values = [], 2
    for _ in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(["exp", "add", "reshape", "where", "split", "halve"]))
        steps.append((kind, draw(st.integers(0, values - 1)), draw(st.integers(0, values - 1))))
        values += 2 if kind == "split" else 1
    outputs = draw(st.lists(st.integers(0, values - 1), min_size=1, max_size=4, unique=True))
    return steps, outputs


def build(steps, outputs):
    """All values are of rank 1; what does not fit is padded or cut."""
    builder = NetworkBuilder("random")
    with ir.Location.unknown():
        values = builder.start([(name, tensor_type((12,), np.float32)) for name in "ab"])
    with builder.node("body"):
        for kind, first, second in steps:
            values += made(kind, values[first], values[second])
    chosen = [values[number] for number in outputs]
    return builder.finish([(f"y{i}", value) for i, value in enumerate(chosen)])


def made(kind, x, other):
    (size,), (length,) = static_shape(x), static_shape(other)
    if kind == "split" and size > 1:
        return list(nn.Split(x, axis=0, sizes=(size // 2, size - size // 2)).operation.results)
    if kind == "reshape":
        return [nn.Reshape(nn.Reshape(x, shape=(1, size)).output, shape=(size,)).output]
    if kind == "halve" and size > 1:
        return [nn.Slice(x, starts=(0,), ends=(size // 2,), axes=(0,), steps=(1,)).output]
    if kind in ("add", "where") and length >= size:
        cut = nn.Slice(other, starts=(0,), ends=(size,), axes=(0,), steps=(1,)).output
        if kind == "add":
            return [nn.Add(x, cut).output]
        return [nn.Where(nn.Less(x, cut).output, x, cut).output]
    return [nn.Exp(x).output] * (2 if kind == "split" else 1)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_random_networks(network):
    for options in ("", "{whole=true}"):
        with mlir.context():
            module = build(*network)
            parse_pipeline(f"builtin.module(nn-plan-memory{options})").run(module)
            assert_plan_holds(module)
            before = evaluate(module, INPUTS)
            parse_pipeline("builtin.module(kpu-bufferize)").run(module)
            for want, have in zip(before, evaluate(module, INPUTS), strict=True):
                np.testing.assert_array_equal(have, want)


def test_inputs_and_outputs_are_in_the_plan():
    with mlir.context():
        module = build([("exp", 0, 0), ("add", 2, 1)], [3, 0])
        parse_pipeline("builtin.module(nn-plan-memory{whole=true})").run(module)
        assert assert_plan_holds(module) == 6, "the operands of two slices, exp, add, and two results"
        entry_function(module).attributes["nn.inputs"] = ir.DenseI64ArrayAttr.get([0, 0])
        with pytest.raises(AssertionError, match="two inputs share bytes"):
            assert_plan_holds(module)


def test_an_overlap_would_be_found():
    with mlir.context():
        module = build([("exp", 0, 0), ("exp", 1, 0), ("add", 2, 3)], [4])
        parse_pipeline("builtin.module(nn-plan-memory)").run(module)
        assert_plan_holds(module)
        for op in entry_function(module).regions[0].blocks[0].operations:
            if op.operation.name == "nn.exp":
                op.operation.attributes["nn.offsets"] = ir.DenseI64ArrayAttr.get([0])
        with pytest.raises(AssertionError, match="lost an operand"):
            assert_plan_holds(module)
