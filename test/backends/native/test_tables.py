"""Functions of bytes as tables hold what numpy computes, and are found where there is one byte that they are of."""

import numpy as np
import pytest
from integer_trials import Stored, Trial, check, quantize

from kpuc.backends.native.tabulate import tables_of
from kpuc.backends.native.target import SPECS
from kpuc.dialects import mlir, nn
from kpuc.dialects.mlir import ir
from kpuc.dialects.tensors import tensor_type
from kpuc.frontends.builder import NetworkBuilder

SPEC = SPECS["x86-64-v4-vnni"]


def silu(x):
    number = nn.Dequantize(x).output
    gate = nn.Dequantize(quantize(nn.Sigmoid(number).output, 1 / 256, 0, "uint8", "even")).output
    return quantize(nn.Mul(nn.Mul(number, gate).output, nn.Constant(value=np.float32(1.5)).output).output, 0.02, 3)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("shape", [(7,), (3, 16), (5, 67), (1, 20, 3, 5)], ids=str)
def test_tables_hold_what_numpy_computes(shape, dtype):
    info = np.iinfo(dtype)
    given = np.random.default_rng(0).integers(info.min, info.max + 1, shape).astype(dtype)
    x = Stored(given, 0.03, 7)
    layouts = [None, (1, 0, 2, 1)] if len(shape) == 4 else [None]
    check([Trial("silu", [x], silu, [layout] * 2) for layout in layouts], SPEC)


def tables(write, *shapes):
    """How many tables are found in what `write` makes of some quantised values."""
    with mlir.context():
        builder = NetworkBuilder("test")
        with ir.Location.unknown():
            arguments = builder.start([(f"x{i}", tensor_type(shape, "int8")) for i, shape in enumerate(shapes)])
        with builder.node("op"):
            write(*(Stored(np.empty(s, np.int8), 0.1, 0).cast(a) for s, a in zip(shapes, arguments, strict=True)))
        operations = [op for op in builder.block.operations if not isinstance(op, nn.Constant | nn.StorageCast)]
        return len(tables_of(operations))


def one(make):
    """Quantised, what is made of the numbers that quantised values stand for."""
    return lambda *values: quantize(make(*(nn.Dequantize(value).output for value in values)).output, 0.1, 0)


def test_tables_are_found():
    row = np.arange(5, dtype=np.float32)
    assert tables(silu, (5,)) == 2
    assert tables(one(nn.Exp), (5,)) == 1
    assert tables(one(nn.Relu), (5,)) == 0, "is computed as fast"
    assert tables(one(nn.Add), (5,), (5,)) == 0, "of two values"
    assert tables(one(lambda x: nn.Add(x, nn.Constant(value=row).output)), (5,)) == 0, "differs from column to column"
