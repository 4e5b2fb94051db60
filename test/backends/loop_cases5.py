"""Networks of one operation each, for what version 5 computes in loops over elements: extremes, and random numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from single_operation import Case

from kpuc.dialects import nn
from kpuc.dialects.mlir import ir
from kpuc.dialects.tensors import element_type

RANDOM = np.random.default_rng(8)
WHOLE = [np.dtype(f"{sign}{bytes_}") for sign in "iu" for bytes_ in (1, 2, 4, 8)]
CASES: list[Case] = []


def case(name: str, write: Callable[..., Any], *inputs: np.ndarray, bound: float = 2e-6) -> None:
    CASES.append(Case(name, write, inputs, bound))


def constant(array: Any) -> ir.Value:
    return nn.Constant(value=np.asarray(array)).output


def extremes(dtype: np.dtype) -> np.ndarray:
    """The first and last numbers of a type, those around 0, and random ones of any size."""
    info = np.iinfo(dtype)
    edges = [info.min, info.min + 1, info.max - 1, info.max, *range(max(-3, int(info.min)), 4)]
    shifted = [int(one) >> int(RANDOM.integers(info.bits)) for one in RANDOM.integers(info.min, info.max, 7, dtype)]
    return np.array(edges + shifted, dtype)


def pairs(dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Every extreme with every other."""
    return extremes(dtype)[:, np.newaxis], extremes(dtype)


def reals(dtype: np.dtype) -> np.ndarray:
    """Numbers of a float type: extremes, halves between those of narrower types, denormal ones, random ones."""
    info = np.finfo(dtype)
    edges = [0.0, 1.0, 1.5, 2.5, info.max, info.tiny, info.smallest_subnormal, info.tiny * 0.75, np.inf]
    narrow = [np.finfo(one) for one in (np.float16, np.float32)]
    for one in narrow:
        edges += [one.max, one.max * (1 + one.eps / 4), one.max * (1 + one.eps / 2), one.tiny, one.smallest_subnormal]
        edges += [one.smallest_subnormal * halves / 2 for halves in (0.9, 1, 1.1, 3, 5)]
        edges += [one.tiny - one.smallest_subnormal / 2, 1 + one.eps / 2, 1 + one.eps * 1.5, 2 - one.eps / 4]
    edges += list(RANDOM.normal(size=20) * 10.0 ** RANDOM.integers(-9, 9, 20)) + list(2.0 ** np.arange(-2, 65))
    edges += list(RANDOM.integers(0, 2**63, 9).astype(float))
    with np.errstate(over="ignore"):
        return np.array([*edges, *(-one for one in edges), np.nan]).astype(dtype)


BINARY = (
    "Add Sub Mul Div FloorDiv Minimum Maximum BitwiseAnd BitwiseOr BitwiseXor Equal NotEqual Less LessEqual Greater "
    "GreaterEqual"
)
for dtype in WHOLE:
    for function in BINARY.split():
        case(f"{function} {dtype} extremes", getattr(nn, function), *pairs(dtype))
    for fmod in (False, True):
        case(f"Mod {dtype} {fmod}", lambda x, y, fmod=fmod: nn.Mod(x, y, fmod=fmod), *pairs(dtype))
    for function in ("Abs", "Neg", "Sign", "Square", "BitwiseNot"):
        case(f"{function} {dtype}", getattr(nn, function), extremes(dtype))
    counts = np.arange(0 if dtype.kind == "u" else -2, 8 * dtype.itemsize + 2).astype(dtype)
    for function in ("ShiftLeft", "ShiftRight"):
        case(f"{function} {dtype}", getattr(nn, function), extremes(dtype)[:, np.newaxis], counts)
    bases = np.array([[0], [1], [2], [3], [5]] + ([[-1], [-2]] if dtype.kind == "i" else []), dtype)
    case(f"Pow {dtype}", nn.Pow, bases, np.array([0, 1, 2, 3], dtype))
    sides = (RANDOM.integers(0, 9, (2, 3, 1, 4)).astype(dtype), RANDOM.integers(0, 9, (3, 5, 1)).astype(dtype))
    case(f"Add {dtype} of many axes", nn.Add, *sides)
    case(f"Sub {dtype} ()", nn.Sub, np.asarray(extremes(dtype)[0]), np.asarray(extremes(dtype)[5]))
    case(f"Where {dtype}", nn.Where, np.array([[True], [False]]), extremes(dtype), np.flip(extremes(dtype)))
case("Pow of negative exponents", nn.Pow, np.int32([1, -1, -1, 2, -2]), np.int32([-5, -5, -4, -1, -2]))
EMPTY = np.zeros((0, 3), np.int16)
case("Sub of nothing", lambda x: (nn.Sub(constant(EMPTY), x).output, nn.Neg(x).output), np.int16([1]))
for dtype in (np.bool_, np.float16, np.float64):
    sides = (np.asarray(RANDOM.normal(size=(3, 4)) > 0, dtype) for _ in range(2))
    case(f"Where {np.dtype(dtype)}", nn.Where, np.array([True, False, True, True]), *sides)
infinite = (np.array([np.inf, -np.inf, np.nan, -0.0]), np.array([np.nan, 1e308, -np.inf, 5e-324]))
case("Where of infinities", nn.Where, np.array([True, False, True, False]), *infinite)

KINDS = (*WHOLE, np.dtype(np.bool_), *map(np.dtype, (np.float16, np.float32, np.float64)))
for source in KINDS:
    for target in KINDS[9:]:
        if source != target and {source.name, target.name} & {"float16", "float64"}:
            values = reals(source) if source.kind == "f" else np.array([0, 1], bool)
            values = extremes(source) if source.kind in "iu" else values
            case(
                f"Cast {source} {target} bits",
                lambda x, target=target: nn.Cast(x, to=element_type(target), saturate=True),
                values,
                bound=0.0,
            )
for target in KINDS[:9]:
    for source in KINDS[9::2]:
        limits = (0, 1) if target == np.bool_ else (np.iinfo(target).min, np.iinfo(target).max)
        inside = [x for x in reals(source) if np.isfinite(x) and limits[0] <= int(x) <= limits[1]]
        case(
            f"Cast {source} {target} bits",
            lambda x, target=target: nn.Cast(x, to=element_type(target), saturate=True),
            reals(source) if target == np.bool_ else np.array(inside, source),
        )


def grid(dtype: np.dtype, *shape: int) -> np.ndarray:
    """Few numbers, so that some are equal, and extremes."""
    return RANDOM.choice(np.concatenate([extremes(dtype)[:4], np.arange(5).astype(dtype)]), shape).astype(dtype)


for dtype in WHOLE:
    for kind in ("sum", "prod", "max", "min", "mean"):
        for shape, axes in (((3, 4), (1,)), ((2, 3, 4), (0, 2)), ((5,), (0,)), ((2, 1, 3, 2, 2), (1, 2, 4)), ((), ())):
            case(
                f"Reduce {kind} {dtype} {shape} {axes}",
                lambda x, kind=kind, axes=axes: nn.Reduce(x, kind=kind, axes=axes, keepdims=False),
                grid(dtype, *shape),
            )
    for kind in ("argmax", "argmin"):
        for last in (False, True):
            case(
                f"ArgReduce {kind} {dtype} {last}",
                lambda x, kind=kind, last=last: nn.ArgReduce(
                    x, kind=kind, axis=1, keepdims=last, select_last_index=last
                ),
                grid(dtype, 3, 9, 2),
            )
    for exclusive, reverse in ((False, False), (False, True), (True, False), (True, True)):
        case(
            f"Cumsum {dtype} {exclusive} {reverse}",
            lambda x, how=(exclusive, reverse): nn.Cumsum(x, axis=1, exclusive=how[0], reverse=how[1]),
            grid(dtype, 2, 5, 3),
        )
    for left, right in (((2, 3, 4), (4, 5)), ((4,), (4,)), ((3, 1, 2, 4), (2, 4, 1)), ((4,), (2, 4, 3))):
        case(f"Matmul {dtype} {left} {right}", nn.Matmul, grid(dtype, *left), grid(dtype, *right))
for dtype in (*WHOLE, np.dtype(np.float32)):
    for largest in (False, True):
        values = grid(np.dtype(np.int32), 2, 9, 3).astype(dtype) if dtype.kind == "f" else grid(dtype, 2, 9, 3)
        case(
            f"Topk {dtype} {largest}",
            lambda x, largest=largest: nn.Topk(x, k=7, axis=1, largest=largest, sorted=True),
            values,
        )
PLACES = np.int64([[[0, 1]], [[-1, -3]], [[0, 1]]])
for dtype in (*WHOLE, np.dtype(np.float32)):
    for reduction in ("none", "add", "mul", "max", "min"):
        numbers = [grid(np.dtype(np.int8) if dtype.kind == "f" else dtype, *one) for one in ((2, 3, 2), (3, 1, 2))]
        case(
            f"ScatterNd {dtype} {reduction}",
            lambda x, u, reduction=reduction: nn.ScatterNd(x, constant(PLACES), u, reduction=reduction),
            *(one.astype(dtype) for one in numbers),
        )
for dtype in map(np.dtype, (np.float16, np.float64)):
    case(
        f"ScatterNd {dtype}",
        lambda x, i, u: nn.ScatterNd(x, i, u, reduction="none"),
        RANDOM.normal(size=(4, 3)).astype(dtype),
        np.int32([[3], [-4]]),
        RANDOM.normal(size=(2, 3)).astype(dtype),
    )

EDGES = np.array([np.inf, np.nan, 0.0, -0.0, 1e-45, -3e-39, 1.1754944e-38, 3.4e38, 0.1, -5.3, 7.0, 1e9], np.float32)
NUMBERS = np.concatenate([EDGES, RANDOM.normal(size=20) * 10.0 ** RANDOM.integers(-40, 38, 20)]).astype(np.float32)
case("Mod float32", lambda x, y: nn.Mod(x, y, fmod=True), NUMBERS[:, np.newaxis], NUMBERS)
ENDS = np.float32([[-np.inf] * 3, [np.inf] * 3, [-np.inf, 1, 2], [np.finfo(np.float32).min] * 3, [np.inf, 3, -np.inf]])
for kind in ("max", "min"):
    case(f"Reduce {kind} infinite", lambda x, kind=kind: nn.Reduce(x, kind=kind, axes=(1,), keepdims=True), ENDS)
    case(f"Reduce {kind} last number", lambda x, kind=kind: nn.Reduce(x, kind=kind, axes=(1,), keepdims=True), -ENDS)
for dtype in map(np.dtype, (np.float32, np.int8, np.uint64)):
    for shape, given in (
        ((2, 3, 7), {"kernel": (3,), "strides": (2,), "padding": (1, 1), "dilations": (1,)}),
        ((2, 2, 5, 6), {"kernel": (2, 3), "strides": (1, 2), "padding": (1, 0, 0, 2), "dilations": (2, 1)}),
        ((1, 2, 3, 4, 3), {"kernel": (2,) * 3, "strides": (1,) * 3, "padding": (0,) * 6, "dilations": (1,) * 3}),
    ):
        for order in (0, 1) if len(shape) > 3 else (0,):
            case(
                f"MaxPoolWithIndices {dtype} {shape} {order}",
                lambda x, given=given, order=order: nn.MaxPoolWithIndices(
                    x, **given, ceil_mode=True, storage_order=order
                ),
                grid(np.dtype(np.int8), *shape).astype(dtype) if dtype.kind == "f" else grid(dtype, *shape),
            )
for dtype in map(np.dtype, (np.int64, np.uint64, np.float64)):
    for padding in ((1, 2, 0, 3), (-1, 0, 2, -2), (0, 0, 0, 0), (-2, 1, 1, 1)):
        case(
            f"Pad {dtype} {padding}",
            lambda x, padding=padding: nn.Pad(x, padding=padding, mode="constant", value=3.0),
            extremes(np.dtype(np.int64))[:12].reshape(3, 4).astype(dtype),
        )
for mode in ("constant", "edge", "reflect"):
    case(
        f"Pad float16 {mode}",
        lambda x, mode=mode: nn.Pad(x, padding=(1, 2, 0, 1), mode=mode, value=-0.1),
        RANDOM.normal(size=(3, 4)).astype(np.float16),
    )
