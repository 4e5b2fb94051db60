"""Damaged nodes are refused with a `KpucError` or imported, never anything else: onnx's node tests, mutated."""

import contextlib
import random
import warnings
from functools import cache

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, numpy_helper

from kpuc.dialects import mlir
from kpuc.errors import KpucError
from kpuc.frontends.onnx import import_onnx, supported_operators

MUTATIONS = 400
NUMBERS = (-(2**63), -100, -1, 0, 1, 2, 7, 2**40)


@cache
def networks():
    """One-node networks whose inputs but the first are initializers, serialised."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collected = collect_testcases(None)
    known = {row["operator"] for row in supported_operators()}
    made = []
    for case in collected:
        inputs = case.data_sets[0][0] if case.data_sets else []
        if case.model.graph.node[0].op_type not in known or not all(isinstance(v, np.ndarray) for v in inputs):
            continue
        model = onnx.ModelProto.FromString(case.model.SerializeToString())
        for value, array in list(zip(model.graph.input, inputs, strict=True))[1:]:
            if array.dtype.kind in "biuf":
                model.graph.initializer.append(numpy_helper.from_array(array, value.name))
        made.append(model.SerializeToString())
    return made


def damage_attribute(model, pick):
    attributes = model.graph.node[0].attribute
    if not attributes:
        return
    attribute = pick.choice(list(attributes))
    if pick.random() < 0.2:
        attributes.remove(attribute)
    elif attribute.type == AttributeProto.INT:
        attribute.i = pick.choice(NUMBERS)
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = pick.choice([0.0, -1.0, float("nan"), float("inf")])
    elif attribute.type == AttributeProto.STRING:
        attribute.s = pick.choice([b"", b"nosuch", b"\xff\xfe"])
    elif attribute.type == AttributeProto.INTS:
        numbers = list(attribute.ints)
        changed = [*numbers, 1], numbers[:-1], [pick.choice(NUMBERS) for _ in numbers]
        attribute.ClearField("ints")
        attribute.ints.extend(pick.choice(changed))


def damage_initializer(model, pick):
    if not model.graph.initializer:
        return
    tensor = pick.choice(list(model.graph.initializer))
    array = numpy_helper.to_array(tensor)
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        changed = (flat, array[None], flat[:0], flat[:1], array * 0, array.astype(np.float64), array.astype(np.int64))
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(pick.choice(changed)), tensor.name))


def damage_input(model, pick):
    if not model.graph.input:
        return
    kind = pick.choice(list(model.graph.input)).type.tensor_type
    change = pick.randrange(4)
    if change == 0:
        kind.elem_type = pick.choice([1, 2, 6, 7, 9, 10, 11])
    elif change == 1:
        kind.shape.dim.add().dim_value = 2
    elif kind.shape.dim:
        dim = pick.choice(list(kind.shape.dim))
        if change == 2:
            dim.dim_value = pick.choice([1, 3, 1000])
        else:
            dim.dim_param = "n"


@pytest.mark.parametrize("seed", range(4))
def test_damaged_nodes(seed):
    pick = random.Random(seed)
    imported = 0
    with mlir.context():
        for _ in range(MUTATIONS):
            model = onnx.ModelProto.FromString(pick.choice(networks()))
            for _ in range(pick.choice([1, 1, 2])):
                pick.choice([damage_attribute, damage_initializer, damage_input])(model, pick)
            with contextlib.suppress(KpucError):
                import_onnx(model)
                imported += 1
    assert MUTATIONS // 10 < imported < MUTATIONS - MUTATIONS // 10
