"""Element-wise operations of machine code against the reference kernels, on the types that they are defined on.

Arithmetic that IEEE 754 defines is exact; functions differ from numpy's, which are not exact either, by a few units in
the last place of f32 (test_elementary.py looks at each), by one of f16.
"""

from functools import partial

import numpy as np
import pytest
from native_trials import Trial, assert_near, compute, images

from kpuc.backends.native.decompose import machine_code
from kpuc.backends.native.evaluation import EXPRESSIONS
from kpuc.backends.native.kernels.pointwise import lower_pointwise
from kpuc.backends.native.target import SPECS
from kpuc.backends.unsupported import Unsupported
from kpuc.dialects import mlir, nn
from kpuc.dialects.tensors import element_type
from kpuc.runtime import kernels

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
SIGNED = INTEGERS[:4]
FLOATS = ("float32", "float64", "float16")
NUMBERS = (*FLOATS, *INTEGERS)
ALL = (*NUMBERS, "bool")
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, 1.5, 2.5, -0.5, 6.0, 1e-30, -3e38, 65504.0, -7.0, 1.0, -1.0)

UNARY = {
    nn.Abs: (NUMBERS, {}),
    nn.Neg: (NUMBERS, {}),
    nn.Sign: (NUMBERS, {}),
    nn.Ceil: (NUMBERS, {}),
    nn.Floor: (NUMBERS, {}),
    nn.Round: (FLOATS, {}),
    nn.Square: (NUMBERS, {}),
    nn.Sqrt: (FLOATS, {}),
    nn.Rsqrt: (FLOATS, {}),
    nn.Reciprocal: (FLOATS, {}),
    nn.IsNan: (NUMBERS, {}),
    nn.IsInf: (NUMBERS, {"detect_negative": True, "detect_positive": False}),
    nn.LogicalNot: (("bool",), {}),
    nn.BitwiseNot: (INTEGERS, {}),
    nn.Relu: (NUMBERS, {}),
    nn.LeakyRelu: (FLOATS, {"alpha": 0.1}),
    nn.ThresholdedRelu: (NUMBERS, {"alpha": 2.5}),
    nn.Shrink: (NUMBERS, {"lambd": 1.5, "bias": 1.0}),
    nn.HardSigmoid: (FLOATS, {"alpha": 0.2, "beta": 0.5}),
    nn.HardSwish: (FLOATS, {}),
    nn.Softsign: (FLOATS, {}),
    nn.Clamp: (NUMBERS, {"min": -2.5, "max": 300.0}),
}
"""Operations of one tensor whose results are exact: the types that they are defined on, and attributes."""

FUNCTIONS = {
    op: ({}, 2e-6)
    for op in (
        nn.Exp, nn.Log, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Erf, nn.Sinh, nn.Cosh, nn.Sin, nn.Cos, nn.Tan, nn.Atan,
        nn.Asin, nn.Acos, nn.Asinh, nn.Acosh, nn.Atanh, nn.Mish,
    )
} | {
    nn.Elu: ({"alpha": 1.5}, 2e-6),
    nn.Selu: ({"alpha": 1.67, "gamma": 1.05}, 2e-6),
    nn.Celu: ({"alpha": 0.7}, 2e-6),
    nn.Silu: ({"alpha": 1.25}, 2e-6),
    nn.Gelu: ({"approximate": "none"}, 2e-6),
}  # fmt: skip
"""Functions of floats, attributes, and the relative error, or the absolute one of results below 1."""

BINARY = {
    nn.Add: ALL,
    nn.Sub: NUMBERS,
    nn.Mul: ALL,
    nn.Div: NUMBERS,
    nn.FloorDiv: NUMBERS,
    nn.Maximum: ALL,
    nn.Minimum: ALL,
    nn.SquaredDifference: NUMBERS,
    nn.BitwiseAnd: INTEGERS,
    nn.BitwiseOr: INTEGERS,
    nn.BitwiseXor: INTEGERS,
    nn.ShiftLeft: INTEGERS,
    nn.ShiftRight: INTEGERS,
    nn.LogicalAnd: ("bool",),
    nn.LogicalOr: ("bool",),
    nn.LogicalXor: ("bool",),
    nn.Equal: ALL,
    nn.NotEqual: ALL,
    nn.Less: ALL,
    nn.LessEqual: ALL,
    nn.Greater: ALL,
    nn.GreaterEqual: ALL,
    nn.Prelu: NUMBERS,
}
"""Operations of two tensors, and the types that they are defined on."""

SHAPES = [((3, 37), (37,)), ((2, 3, 5, 7), (3, 1, 1)), ((70,), (70,)), ((2, 19, 3, 5), (2, 19, 3, 5)), ((1, 33), ())]
"""Shapes of operands that broadcast to the first one; some leave a rest behind the last whole vector."""


@pytest.fixture(scope="module", autouse=True)
def context():
    with mlir.context():
        yield


def numbers(rng, shape, kind):
    """Numbers of a type, of which some are special."""
    if kind == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if kind in INTEGERS:
        info = np.iinfo(kind)
        anything = rng.integers(info.min, info.max, shape, kind, endpoint=True)
        small = rng.integers(max(-9, info.min), 10, shape).astype(kind)
        ends = rng.choice(np.array([info.min, info.max, 0, 1, 0 if info.min == 0 else -1], kind), shape)
        return np.choose(rng.integers(0, 3, shape), [anything, small, ends]).astype(kind)
    with np.errstate(over="ignore"):
        special = rng.choice(SPECIAL, shape).astype(kind)
        return np.where(rng.random(shape) < 0.3, special, rng.uniform(-9, 9, shape).astype(kind)).astype(kind)


def trials(table, seed):
    """A trial of every operation and type, on operands of shapes that take turns."""
    rng = np.random.default_rng(seed)
    made = []
    for number, (name, write, kinds) in enumerate(table):
        shapes = SHAPES[number % len(SHAPES)]
        arrays = tuple(numbers(rng, shape, kind) for shape, kind in zip(shapes, kinds, strict=False))
        made.append(Trial(f"{name}{list(kinds)}{list(shapes)}", write, arrays, images(rng)))
    return made


def taking_turns(kinds, number):
    """The types that are not integers, and every other one of those that are."""
    return [kind for place, kind in enumerate(kinds) if kind not in INTEGERS or (place + number) % 2]


def one_operand():
    return [
        (op.OPERATION_NAME, partial(op, **attributes), (kind,))
        for number, (op, (kinds, attributes)) in enumerate(UNARY.items())
        for kind in taking_turns(kinds, number)
    ]


def two_operands():
    return [
        (op.OPERATION_NAME, op, (kind, kind))
        for number, (op, kinds) in enumerate(BINARY.items())
        for kind in taking_turns(kinds, number)
    ]


@pytest.mark.parametrize("table", [one_operand, two_operands])
def test_exact(table):
    for outcome in compute(trials(table(), 1), lower_pointwise):
        assert_near(outcome)


def test_narrower_vectors():
    for outcome in compute(trials(two_operands()[::7], 2), lower_pointwise, SPECS["x86-64-v3"]):
        assert_near(outcome)


@pytest.mark.parametrize(("kind", "bound"), [("float32", 2e-6), ("float64", 1e-12), ("float16", 1e-3)])
def test_functions(kind, bound):
    table = [(op.OPERATION_NAME, partial(op, **attributes), (kind,)) for op, (attributes, _) in FUNCTIONS.items()]
    for outcome in compute(trials(table, 3), lower_pointwise):
        assert_near(outcome, bound, bound)


@pytest.mark.parametrize("fmod", [False, True])
def test_mod(fmod):
    table = [("mod", partial(nn.Mod, fmod=fmod), (kind, kind)) for kind in NUMBERS]
    for outcome in compute(trials(table, 4), lower_pointwise):
        assert_near(outcome)


def test_pow():
    rng = np.random.default_rng(5)
    made = [
        Trial("pow", nn.Pow, (rng.integers(-5, 5, 70).astype(kind), rng.integers(0, 5, 70).astype(kind)))
        for kind in SIGNED
    ]
    for outcome in compute(made, lower_pointwise):
        assert_near(outcome)
    made = [Trial("pow", nn.Pow, (rng.uniform(0, 5, 70).astype(k), rng.uniform(-4, 4, 70).astype(k))) for k in FLOATS]
    for outcome, bound in zip(compute(made, lower_pointwise), (1e-6, 1e-12, 1e-3), strict=True):
        assert_near(outcome, bound)


def test_where():
    rng = np.random.default_rng(6)
    made = []
    for kind in ALL:
        arrays = numbers(rng, (2, 17, 3, 4), "bool"), numbers(rng, (17, 1, 4), kind), numbers(rng, (2, 1, 3, 1), kind)
        made.append(Trial(f"where {kind}", nn.Where, arrays, images(rng)))
    for outcome in compute(made, lower_pointwise):
        assert_near(outcome)


def castable(rng, source, target):
    """Numbers of one type that the other one holds, as far as what it does not hold is undefined."""
    x = numbers(rng, (3, 45), source)
    if np.dtype(source).kind != "f" or np.dtype(target).kind not in "iu":
        return x
    bound = 2.0**62 if np.dtype(target).itemsize == 8 else 2.0**40
    with np.errstate(over="ignore"):
        x = np.nan_to_num(np.clip(x.astype(np.float64) * 1e3, -bound, bound), nan=5.5)
        x = (np.abs(x) if target == "uint64" else x).astype(source)
    return np.where(np.isfinite(x), x, 1).astype(source)


def test_cast():
    rng = np.random.default_rng(7)
    made = []
    for source in ALL:
        for target in ALL:
            write = partial(nn.Cast, to=element_type(target), saturate=True)
            made.append(Trial(f"{source} to {target}", write, (castable(rng, source, target),)))
    for outcome in compute(made, lower_pointwise):
        assert_near(outcome)


def test_bitcast():
    rng = np.random.default_rng(12)
    made = []
    for source in ALL:
        for target in ALL:
            if np.dtype(source).itemsize == np.dtype(target).itemsize:
                write = partial(nn.Bitcast, to=element_type(target))
                made.append(Trial(f"{source} as {target}", write, (numbers(rng, (3, 45), source),)))
    for outcome in compute(made, lower_pointwise):
        assert_near(outcome)


def test_chain():
    """Several operations in registers, with constants of one element, of channels, and of everything."""
    rng = np.random.default_rng(8)
    weights = [rng.normal(size=shape).astype(np.float32) for shape in ((), (19, 1, 1), (2, 19, 3, 5))]

    def write(x):
        a, b, c = (nn.Constant(value=weight).output for weight in weights)
        product = nn.Mul(nn.Add(x, b).output, a).output
        return nn.Where(nn.Greater(product, c).output, nn.Relu(product).output, nn.Neg(x).output)

    x = numbers(rng, (2, 19, 3, 5), "float32")
    for outcome in compute([Trial("chain", write, (x,), images(rng)) for _ in range(4)], lower_pointwise):
        assert_near(outcome)


STORED = ("uint8", "int8", "int16", "uint16")


def parameters(rng, shape, kind, axis):
    count = 1 if axis < 0 else shape[axis]
    info = np.iinfo(kind)
    scale, zero = rng.uniform(0.01, 0.2, count), rng.integers(info.min, info.max, count, endpoint=True)
    return nn.quantized_tensor_type(shape, scale.tolist(), zero.tolist(), axis, kind)


def test_quantize():
    rng = np.random.default_rng(9)
    shape = (2, 19, 3, 5)
    made = []
    for number, kind in enumerate(STORED):
        for given in FLOATS[: 1 + 2 * (number == 0)]:
            for axis, ties in (
                (-1, "even"),
                (1, "away"),
                (number, None),
                (-1, "outwards"),
                (1, "outwards"),
                (-1, "away"),
            ):
                type_ = parameters(rng, shape, kind, axis)

                def write(x, type_=type_, ties=ties):
                    quantized = nn.Quantize(x, results=[type_], ties=ties).output
                    return nn.StorageCast(quantized)

                halves = rng.integers(-999, 999, shape) * 0.5 * type_.element_type.scale if axis < 0 else 0
                x = np.where(rng.random(shape) < 0.5, halves, numbers(rng, shape, given)).astype(given)
                made.append(Trial(f"{given} to {kind} along {axis}", write, (x,), images(rng)))
    for outcome in compute(made, lower_pointwise):
        assert_near(outcome)


def test_dequantize():
    rng = np.random.default_rng(10)
    shape = (2, 19, 3, 5)
    made = []
    for kind in STORED:
        for axis in (-1, 0, 1, 2, 3):
            type_ = parameters(rng, shape, kind, axis)

            def write(q, type_=type_):
                return nn.Dequantize(nn.StorageCast(q, results=[type_]).output)

            made.append(Trial(f"{kind} along {axis}", write, (numbers(rng, shape, kind),), images(rng)))
    for outcome in compute(made, lower_pointwise):
        assert_near(outcome)


def test_functions_of_integers():
    with pytest.raises(Unsupported, match="is not defined on tensor<3xi32>"):
        compute([Trial("exp", nn.Exp, (np.arange(3, dtype=np.int32),))], lower_pointwise)


def test_every_operation_is_here():
    tested = {
        *UNARY,
        *FUNCTIONS,
        *BINARY,
        nn.Mod,
        nn.Pow,
        nn.Where,
        nn.Bitcast,
        nn.Cast,
        nn.Quantize,
        nn.Dequantize,
        nn.StorageCast,
    }
    assert set(EXPRESSIONS) == tested


def test_every_function_of_elements_has_an_expression():
    """Or is written with others that have one."""

    def below(cls):
        return {cls, *(one for child in cls.__subclasses__() for one in below(child))}

    families = below(nn.ElementwiseOp) | below(nn.BinaryOp) | below(nn.PredicateOp)
    along_an_axis = {nn.Trilu, nn.Cumsum, nn.Hardmax, nn.Softmax, nn.LogSoftmax, nn.LpNorm, nn.Lrn}
    named = {op for op in families if hasattr(kernels, getattr(op, "OPERATION_NAME", "").removeprefix("nn."))}
    written_with_others = {nn.Atan2}
    assert all(machine_code(op) for op in written_with_others)
    assert named - along_an_axis - written_with_others <= set(EXPRESSIONS)
