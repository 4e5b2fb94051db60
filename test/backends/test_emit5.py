"""Every emitter of version 5, in each dialect: numpy, our interpreter, and the vendor's Simulators on the same bytes.

What a dialect cannot compute is refused with a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from emit_cases5 import CASES as FUNCTION_CASES
from emit_cases5 import conv, f32, quantized
from loop_cases5 import CASES as LOOP_CASES
from networks import relative_error
from onnx_writer import OnnxWriter
from single_operation import Case
from vendor19 import simulate, skip_without

import kpuc
from kpuc.backends.stackvm.emit5 import emit5
from kpuc.backends.stackvm.operators5 import EMITTERS
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.mlir import ir
from kpuc.dialects.nn.quantization import quantized_tensor_type
from kpuc.errors import UnsupportedError
from kpuc.passes.pipeline import parse_pipeline
from kpuc.runtime import Simulator
from kpuc.runtime.kmodel.build5 import Tensor
from kpuc.runtime.stackvm.assembler5 import Assembler
from kpuc.runtime.stackvm.isa5 import DIALECTS, ISA5

CASES = FUNCTION_CASES + LOOP_CASES
RELEASES = {"1.6": "1.9", "1.1": "1.1"}
"""Dialect -> the vendor's release that executes it here; there is none for the first dialect."""


@cache
def compiled(dialect: str) -> dict[str, bytes | str]:
    """The kmodel of each case, or the reason why there is none."""
    with mlir.context():
        return {case.name: emitted(case, dialect) for case in CASES}


def emitted(case: Case, dialect: str) -> bytes | str:
    module = case.module()
    parse_pipeline("builtin.module(nn-plan-memory,kpu-bufferize)").run(module)
    try:
        return emit5(module, "test", dialect)
    except UnsupportedError as error:
        return str(error)


@cache
def expected() -> dict[str, list[np.ndarray]]:
    with mlir.context():
        return {case.name: evaluate(case.module(), list(case.inputs)) for case in CASES}


@cache
def vendor(dialect: str) -> dict[str, list[np.ndarray] | str]:
    """The vendor's results of everything that compiles."""
    skip_without(RELEASES[dialect])
    cases = [case for case in CASES if isinstance(compiled(dialect)[case.name], bytes)]
    jobs = [(compiled(dialect)[case.name], list(map(as_stored, case.inputs))) for case in cases]
    results = simulate(jobs, RELEASES[dialect], seconds=60)
    return {case.name: result for case, result in zip(cases, results, strict=True)}


def assert_same(case: Case, actual: list[np.ndarray]) -> None:
    for want, have in zip(expected()[case.name], actual, strict=True):
        stored = want.astype(np.uint8) if want.dtype == np.bool_ else want
        assert (have.dtype, have.shape) == (stored.dtype, stored.shape)
        finite = np.isfinite(stored) if stored.dtype.kind == "f" else np.ones(stored.shape, bool)
        np.testing.assert_array_equal(have[~finite], stored[~finite])
        if stored.dtype.kind == "f":
            assert relative_error(stored[finite], have[finite]) <= case.bound
        else:
            np.testing.assert_array_equal(have, stored)


def as_stored(array: np.ndarray) -> np.ndarray:
    return array.astype(np.uint8) if array.dtype == np.bool_ else array


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_our_interpreter_computes_what_numpy_does(case: Case, dialect: str) -> None:
    data = compiled(dialect)[case.name]
    if isinstance(data, str):
        assert dialect != "1.6"
        lacking = rf"\n.*runtime {dialect}( has no \w+| rounds halves away from zero)?\n"
        assert re.search(rf"K0602.*({lacking}|: runtimes before 1.6 end on inputs of more than 4 dimensions)", data)
    else:
        assert_same(case, list(Simulator(data).run(*map(as_stored, case.inputs)).values()))


@pytest.mark.parametrize("dialect", RELEASES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_vendor_computes_what_numpy_does(case: Case, dialect: str) -> None:
    if isinstance(compiled(dialect)[case.name], bytes):
        result = vendor(dialect)[case.name]
        assert not isinstance(result, str), result
        assert_same(case, result)


def test_every_emitter_is_compared() -> None:
    with mlir.context():
        used = {name for case in CASES for name in re.findall(r"nn\.\w+", str(case.module()))}
    assert {str(op.OPERATION_NAME) for op in EMITTERS} <= used


SOLID = {"strides": (1,) * 3, "dilations": (1,) * 3, "padding": (0,) * 6}


def per_channel() -> ir.Type:
    return quantized_tensor_type((2, 3), [0.1, 0.2], [0, 0], 0, np.uint8)


def refusal(write: Callable[..., Any], *inputs: np.ndarray) -> str:
    """Why a network of one operation cannot be computed."""
    with mlir.context():
        module = Case("refused", write, inputs, 0.0).module()
        parse_pipeline("builtin.module(nn-plan-memory,kpu-bufferize)").run(module)
        with pytest.raises(UnsupportedError) as error:
            emit5(module, "test", "1.6")
    return str(error.value)


@pytest.mark.parametrize(
    ("sentence", "write", "value"),
    [
        ("computes with tensor<3xf64>", nn.Exp, np.zeros(3)),
        ("computes with tensor<3xf16>", lambda x: nn.Less(x, x), np.zeros(3, np.float16)),
        ("integers have no such function", nn.Exp, np.zeros(3, np.int32)),
        ("no such function", nn.Relu, np.zeros(3, np.int32)),
        ("sign of the dividend only", lambda x: nn.Mod(x, x, fmod=False), np.zeros(3, np.float32)),
        ("only integers are supported", lambda x: nn.FloorDiv(x, x), np.zeros(3, np.float32)),
        (
            "padding of tensor<3xi64> in mode 'edge'",
            lambda x: nn.Pad(x, padding=(1, 1), mode="edge", value=0.0),
            np.zeros(3, np.int64),
        ),
        ("wraps around", lambda x: nn.Pad(x, padding=(1, 1), mode="wrap", value=0.0), np.zeros(3, np.float32)),
        ("indices of tensor<3xi64>", lambda i: nn.Gather(i, i, axis=0, batch_dims=0), np.zeros(3, np.int64)),
        ("1025 products of matrices", lambda x: nn.Matmul(x, x), np.zeros((1025, 1, 1), np.float32)),
        (
            "along 6 axes",
            lambda x: nn.Slice(x, starts=(0,) * 6, ends=(99,) * 6, axes=range(6), steps=(2,) * 6),
            np.zeros((70, 70, 3, 3, 3, 3), np.float32),
        ),
        ("over 3 dimensions", lambda x: conv(x, f32(1, 1, 1, 1, 1), **SOLID), np.zeros((1, 1, 2, 2, 2), np.float32)),
        ("batch dimensions", lambda i: nn.Gather(i, i, axis=1, batch_dims=1), np.zeros((2, 2), np.int32)),
        ("one scale for all", lambda x: nn.Quantize(x, results=[per_channel()]), np.zeros((2, 3), np.float32)),
        ("of 8 bits", lambda x: nn.Quantize(x, results=[quantized(np.int16, 0.1, 0, (3,))]), np.zeros(3, np.float32)),
        ("compares", lambda x: nn.Topk(x, k=17, axis=0, largest=True, sorted=True), np.zeros(20, np.float16)),
    ],
)
def test_what_cannot_be_computed_is_refused_with_a_sentence(
    sentence: str, write: Callable[..., Any], value: np.ndarray
) -> None:
    assert sentence in refusal(write, value)


def test_unknown_dimensions_are_refused() -> None:
    text = """func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
      %0 = "nn.exp"(%x) : (tensor<?x3xf32>) -> tensor<?x3xf32>
      return %0 : tensor<?x3xf32> }"""
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        with pytest.raises(UnsupportedError, match=r"K0603.*not known"):
            parse_pipeline("builtin.module(nn-plan-memory,kpu-bufferize)").run(module)


@pytest.mark.parametrize("dialect", RELEASES)
def test_the_maximum_of_nothing_but_infinities_ends_at_the_last_finite_number(dialect: str) -> None:
    """So does the function of the vendor's runtimes, which emitters go around; our interpreter does as they do."""
    skip_without(RELEASES[dialect])
    x = np.full((2, 3), -np.inf, np.float32)
    assembler = Assembler(ISA5[dialect])
    code = assembler.function([Tensor("f32", (2, 3))], [Tensor("f32", (2, 1))])
    shapes = {"rshape_src": (2, 3), "rstride_src": (3, 1), "rstride_dest": (1, 1), "rshape_axis": (1,)}
    operands = code.inputs[0], code.outputs[0], float(np.finfo(np.float32).min)
    code.tensor("reduce", *operands, datatype="f32", reduce_op="max", keep_dims=True, **shapes)
    data = assembler.write(scratch=0)
    (theirs,), (ours,) = simulate([(data, [x])], RELEASES[dialect])[0], Simulator(data).run(x).values()
    np.testing.assert_array_equal(theirs, np.full((2, 1), np.finfo(np.float32).min))
    np.testing.assert_array_equal(ours, theirs)


def test_inputs_of_many_dimensions_are_not_for_old_runtimes():
    """nncase 1.1 ends with a signal when it is given one."""
    net = OnnxWriter(0)
    model = net.model(net.op("Relu", net.input(1, 2, 3, 2, 2)))
    assert kpuc.compile(model, kmodel=5).data
    for runtime in ("1.1.0", "1.0.0-beta2"):
        with pytest.raises(UnsupportedError, match=r"K0602.*x0: runtimes before 1.6 end on inputs of more than 4"):
            kpuc.compile(model, kmodel=5, runtime=runtime)
