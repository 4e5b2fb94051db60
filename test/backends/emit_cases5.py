"""Networks of one operation each, for every emitter of version 5: usual operands, and what runtimes trip over.

That is: no axes at all, many axes, axes of one element, element types other than float32, ties, infinities.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from single_operation import Case

from kpuc.dialects import nn
from kpuc.dialects.mlir import ir
from kpuc.dialects.nn.quantization import quantized_tensor_type
from kpuc.dialects.tensors import element_type

RANDOM = np.random.default_rng(7)


def f32(*shape: int) -> np.ndarray:
    return np.asarray(RANDOM.standard_normal(shape), np.float32)


def whole(dtype: type, *shape: int, high: int = 100) -> np.ndarray:
    low = 0 if np.issubdtype(dtype, np.unsignedinteger) else -high
    return np.asarray(RANDOM.integers(low, high, shape), dtype)


def truth(*shape: int) -> np.ndarray:
    return np.asarray(RANDOM.integers(0, 2, shape), bool)


CASES: list[Case] = []


def case(name: str, write: Callable[..., Any], *inputs: np.ndarray, bound: float = 2e-6) -> None:
    CASES.append(Case(name, write, inputs, bound))


def constant(array: Any) -> ir.Value:
    return nn.Constant(value=np.asarray(array)).output


SCALAR, DEEP = np.float32(0.4) + f32() * 0, f32(2, 1, 3, 2, 1, 2)
FUNCTIONS = "Abs Acos Asin Ceil Cos Erf Exp Floor Log Neg Round Sign Sin Sqrt Square Tanh"
for function in FUNCTIONS.split():
    positive = function in ("Log", "Sqrt")
    inside = function in ("Acos", "Asin")
    for shape in ((3, 4), (), (2, 1, 3, 2, 1, 2)):
        x = np.abs(f32(*shape)) + np.float32(0.1) if positive else f32(*shape) * np.float32(2)
        case(f"{function} {shape}", getattr(nn, function), np.tanh(x) if inside else x)
case("Round halves", nn.Round, np.array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.5], np.float32))
case("Sign of nothing", nn.Sign, np.array([0.0, -0.0, 1e-30, -1e-30], np.float32))

PAIRS = (
    ((3, 4), (3, 4)),
    ((2, 3, 4), (3, 1)),
    ((4,), (2, 3, 4)),
    ((), (2, 3)),
    ((), ()),
    ((2, 1, 3, 1, 2), (3, 1, 2, 1)),
)
for function in ("Add", "Sub", "Mul", "Div", "Minimum", "Maximum", "Pow"):
    for left, right in PAIRS:
        lhs = np.abs(f32(*left)) + np.float32(0.2) if function == "Pow" else f32(*left)
        rhs = f32(*right) + np.copysign(np.float32(0.5), f32(*right)) if function == "Div" else f32(*right)
        case(f"{function} {left} {right}", getattr(nn, function), lhs, np.asarray(rhs, np.float32))
case("Div by nothing", nn.Div, np.array([1, -1], np.float32), np.zeros(2, np.float32))
case("Pow of negative numbers", nn.Pow, np.array([-2, -0.5, 3], np.float32), np.array([3, 2, -2], np.float32))
case("Clamp", lambda x: nn.Clamp(x, min=-0.5, max=0.25), f32(2, 3, 4))
case("Clamp below", lambda x: nn.Clamp(x, min=-math.inf, max=0.25), f32(5))
case("Clamp ()", lambda x: nn.Clamp(x, min=0.0, max=0.25), SCALAR)
case("Clamp infinities", lambda x: nn.Clamp(x, min=-1.0, max=math.inf), np.array([-np.inf, np.inf, 2], np.float32))

for function in ("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"):
    for dtype in (np.float32, np.int32, np.int64, np.bool_, np.uint8):
        sides = [np.asarray(RANDOM.integers(0, 2, shape), dtype) for shape in ((3, 4, 2), (4, 1))]
        if dtype is not np.bool_ or "qual" in function:
            case(f"{function} {np.dtype(dtype).name}", getattr(nn, function), *sides)
case("Equal ()", nn.Equal, np.float32(2) + f32() * 0, np.float32(2) + f32() * 0)

KINDS = (np.float32, np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_)
for source in KINDS:
    for target in KINDS:
        if source is not target and target is not np.bool_:
            values = truth(3, 4) if source is np.bool_ else np.asarray(RANDOM.integers(0, 100, (3, 4)), source)
            case(
                f"Cast {np.dtype(source).name} {np.dtype(target).name}",
                lambda x, target=target: nn.Cast(x, to=element_type(target), saturate=True),
                values,
            )
case("Cast fractions", lambda x: nn.Cast(x, to=element_type(np.int32), saturate=True), f32(3, 4) * 9)
case("Cast of many axes", lambda x: nn.Cast(x, to=element_type(np.int32), saturate=True), DEEP * 9)
case("Cast ()", lambda x: nn.Cast(x, to=element_type(np.int32), saturate=True), np.float32(7.5) + f32() * 0)
case("Cast () u8", lambda x: nn.Cast(x, to=element_type(np.uint8), saturate=True), np.float32(7.5) + f32() * 0)
for values, target in ((f32(3, 4), np.int32), (f32(), np.int32), (DEEP, np.int32), (truth(3, 4), np.int8)):
    case(
        f"Bitcast {values.dtype} {values.shape}",
        lambda x, target=target: nn.Bitcast(x, to=element_type(target)),
        values,
    )
for shape in ((3, 4), (), (2, 3, 4, 5, 2)):
    case(f"Sigmoid {shape}", nn.Sigmoid, np.asarray(f32(*shape) * 4, np.float32))
for shapes in (((3, 4),) * 3, ((3, 1), (4,), (2, 3, 4)), ((), (3,), (3,)), ((2, 1, 3, 1, 2), (2, 2, 3, 2, 2), (1,))):
    case(f"Where {shapes}", nn.Where, truth(*shapes[0]), f32(*shapes[1]), f32(*shapes[2]))


def quantized(dtype: type, scale: float, zero_point: int, shape: Sequence[int]) -> ir.Type:
    return quantized_tensor_type(tuple(shape), [scale], [zero_point], -1, dtype)


for dtype, zero in ((np.uint8, 117), (np.int8, -3)):
    case(
        f"Quantize {np.dtype(dtype).name}",
        lambda x, dtype=dtype, zero=zero: nn.StorageCast(
            nn.Quantize(x, results=[quantized(dtype, 0.05, zero, (5, 9))]).output
        ),
        f32(5, 9) * 4,
    )
    case(
        f"Dequantize {np.dtype(dtype).name}",
        lambda x, dtype=dtype, zero=zero: nn.Dequantize(
            nn.StorageCast(x, results=[quantized(dtype, 0.05, zero, (5, 9))]).output
        ),
        whole(dtype, 5, 9),
    )


def conv(x: ir.Value, weight: np.ndarray, bias: np.ndarray | None = None, **given: Any) -> nn.Conv:
    usual = {"strides": (1, 1), "dilations": (1, 1), "padding": (0, 0, 0, 0), "groups": 1, "clamp": None}
    return nn.Conv(x, constant(weight), None if bias is None else constant(bias), **usual | given)


IMAGE = f32(2, 4, 7, 6)
for name, weights, given in (
    ("3x3", f32(5, 4, 3, 3), {"padding": (1, 1, 1, 1)}),
    ("1x1", f32(5, 4, 1, 1), {"bias": f32(5)}),
    ("uneven", f32(5, 4, 3, 2), {"padding": (0, 2, 1, 0), "strides": (2, 1), "clamp": (-0.5, 1.5)}),
    ("depthwise", f32(4, 1, 3, 3), {"groups": 4, "padding": (1, 1, 1, 1), "bias": f32(4)}),
    ("depthwise with a multiplier", f32(8, 1, 3, 3), {"groups": 4}),
    ("groups", f32(6, 2, 2, 2), {"groups": 2, "strides": (2, 2)}),
    ("dilated", f32(3, 4, 3, 2), {"dilations": (2, 3), "padding": (2, 1, 2, 1)}),
    ("larger than the image", f32(3, 4, 9, 8), {"padding": (2, 2, 2, 2)}),
):
    case(f"Conv {name}", lambda x, weights=weights, given=given: conv(x, weights, **given), IMAGE)
STRIP = f32(2, 3, 1, 5)
case("Conv a strip", lambda x: conv(x, STRIP, padding=(0, 2, 0, 2), strides=(1, 3)), f32(1, 3, 1, 17))
case(
    "Conv computed weights",
    lambda x, w: nn.Conv(x, w, None, strides=(1, 1), dilations=(1, 1), padding=(1, 1, 1, 1), groups=1, clamp=None),
    IMAGE,
    f32(2, 4, 3, 3),
)


def pool(op: Any, x: ir.Value, **given: Any) -> Any:
    usual = {"kernel": (3, 3), "strides": (2, 2), "dilations": (1, 1), "padding": (0, 0, 0, 0), "ceil_mode": False}
    if op is nn.AvgPool:
        usual["count_include_pad"] = False
    return op(x, **usual | given)


for op in (nn.MaxPool, nn.AvgPool):
    for name, given in (
        ("3x3", {}),
        ("padded", {"padding": (1, 1, 1, 1)}),
        ("uneven", {"kernel": (2, 3), "strides": (1, 2), "padding": (0, 1, 1, 0)}),
        ("rounded up", {"ceil_mode": True, "strides": (3, 3)}),
        ("rounded up, padded", {"ceil_mode": True, "padding": (1, 1, 1, 1), "kernel": (2, 2), "strides": (3, 3)}),
        ("whole image", {"kernel": (7, 6), "strides": (1, 1)}),
    ):
        case(f"{op.__name__} {name}", lambda x, op=op, given=given: pool(op, x, **given), IMAGE)
    case(f"{op.__name__} of negative numbers", lambda x, op=op: pool(op, x, padding=(1, 1, 1, 1)), IMAGE - 10)
    case(f"{op.__name__} of infinities", lambda x, op=op: pool(op, x), np.full((1, 1, 3, 3), -np.inf, np.float32))
case("MaxPool dilated", lambda x: pool(nn.MaxPool, x, kernel=(2, 2), dilations=(2, 3)), IMAGE)


def resize(x: ir.Value, sizes: Sequence[int], coordinate: str) -> nn.Resize:
    scales = tuple(size / extent for size, extent in zip(sizes, IMAGE.shape, strict=True))
    return nn.Resize(
        x, sizes=tuple(sizes), scales=scales, mode="linear", coordinate=coordinate, nearest_mode="floor",
        cubic_coeff_a=-0.75, exclude_outside=False, extrapolation_value=0.0, antialias=False, roi=None,
    )  # fmt: skip


for coordinate in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
    for sizes in ((2, 4, 14, 12), (2, 4, 3, 4), (2, 4, 9, 13), (2, 4, 1, 6), (2, 4, 7, 6)):
        if 1 not in sizes or coordinate != "pytorch_half_pixel":
            case(
                f"Resize {coordinate} {sizes}",
                lambda x, sizes=sizes, coordinate=coordinate: resize(x, sizes, coordinate),
                IMAGE,
                bound=1e-5,
            )

for kind in ("sum", "mean", "max", "min", "prod"):
    for shape, axes, keep in (
        ((2, 3, 4, 5), (2, 3), True),
        ((2, 3, 4, 5), (1,), False),
        ((2, 3, 2, 3, 2), (0, 2, 4), False),
        ((2, 1, 3), (1,), False),
        ((2, 3, 4), (-1, 0), False),
        ((3, 4), (0, 1), False),
        ((2, 2, 3, 1, 2, 2), (1, 4), True),
        ((5,), (0,), False),
        ((), (), False),
    ):
        case(
            f"Reduce {kind} {shape} {axes} {keep}",
            lambda x, kind=kind, axes=axes, keep=keep: nn.Reduce(x, kind=kind, axes=axes, keepdims=keep),
            f32(*shape),
        )
for kind in ("argmax", "argmin"):
    for last in (False, True):
        for shape, axis, keep in (((3, 4, 5), 1, True), ((3, 4, 5), -1, False), ((4,), 0, False)):
            case(
                f"ArgReduce {kind} {last} {shape} {axis}",
                lambda x, kind=kind, last=last, axis=axis, keep=keep: nn.ArgReduce(
                    x, kind=kind, axis=axis, keepdims=keep, select_last_index=last
                ),
                np.round(f32(*shape)),
            )
for shape, axis in (((3, 4), 1), ((2, 3, 4), 0), ((5,), 0)):
    for exclusive, reverse in ((False, False), (True, False), (False, True), (True, True)):
        case(
            f"Cumsum {shape} {axis} {exclusive} {reverse}",
            lambda x, axis=axis, exclusive=exclusive, reverse=reverse: nn.Cumsum(
                x, axis=axis, exclusive=exclusive, reverse=reverse
            ),
            f32(*shape),
        )
for shape, axis in (((3, 4), 1), ((2, 3, 4, 5), 1), ((2, 3, 4), -1), ((5,), 0), ((2, 1, 3, 2, 2), 2)):
    case(f"Softmax {shape} {axis}", lambda x, axis=axis: nn.Softmax(x, axis=axis), f32(*shape) * 30)

for left, right in (
    ((3, 4), (4, 5)),
    ((2, 3, 4), (4, 5)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (3, 4, 5)),
    ((4,), (4, 5)),
    ((3, 4), (4,)),
    ((4,), (4,)),
    ((1, 4), (2, 2, 4, 1)),
):
    case(f"Matmul {left} {right}", nn.Matmul, f32(*left), f32(*right))

KEPT = (np.float32, np.uint8, np.int32, np.int64, np.bool_)


def of(dtype: type, *shape: int) -> np.ndarray:
    return f32(*shape) if dtype is np.float32 else truth(*shape) if dtype is np.bool_ else whole(dtype, *shape)


for dtype in KEPT:
    kind = np.dtype(dtype).name
    case(f"Transpose {kind}", lambda x: nn.Transpose(x, permutation=(2, 0, 3, 1)), of(dtype, 2, 3, 4, 5))
    case(f"Expand {kind}", lambda x: nn.Expand(x, shape=(2, 3, 4)), of(dtype, 3, 1))
    case(f"Concat {kind}", lambda *x: nn.Concat(x, axis=1), of(dtype, 2, 3, 2), of(dtype, 2, 1, 2), of(dtype, 2, 4, 2))
    case(f"Split {kind}", lambda x: nn.Split(x, axis=1, sizes=(2, 3, 1)), of(dtype, 2, 6, 3))
    case(
        f"Slice {kind}",
        lambda x: nn.Slice(x, starts=(1, -3), ends=(3, 100), axes=(0, 2), steps=(1, 2)),
        of(dtype, 3, 2, 6),
    )
    case(
        f"Slice backwards {kind}",
        lambda x: nn.Slice(x, starts=(-1, 4), ends=(-100, 0), axes=(0, 2), steps=(-1, -2)),
        of(dtype, 3, 2, 6),
    )
    case(
        f"Gather {kind}",
        lambda x, i: nn.Gather(x, i, axis=1, batch_dims=0),
        of(dtype, 2, 5, 3),
        np.int32([[4, 0], [2, 2]]),
    )
    case(
        f"GatherNd {kind}", lambda x, i: nn.GatherNd(x, i, batch_dims=0), of(dtype, 4, 5, 3), np.int32([[3, 0], [2, 4]])
    )
    if dtype not in (np.int64,):
        for mode in ("constant", "edge", "reflect", "symmetric"):
            case(
                f"Pad {mode} {kind}",
                lambda x, mode=mode: nn.Pad(x, padding=(0, 1, 2, 0, 2, 1), mode=mode, value=1.0),
                of(dtype, 2, 3, 4),
            )
for permutation in ((0,), (1, 0), (4, 2, 0, 3, 1), (5, 4, 3, 2, 1, 0), ()):
    shape = (2, 3, 2, 4, 1, 3)[: len(permutation)]
    case(f"Transpose {permutation}", lambda x, p=permutation: nn.Transpose(x, permutation=p), f32(*shape))
for shape, target in (((), (2, 3)), ((1,), (1,)), ((2, 1, 3, 1, 2), (2, 2, 3, 4, 2)), ((3,), (2, 2, 1, 2, 1, 3))):
    case(f"Expand {shape} {target}", lambda x, target=target: nn.Expand(x, shape=target), f32(*shape))
case("Concat last axis", lambda *x: nn.Concat(x, axis=-1), f32(2, 2, 2, 2, 3), f32(2, 2, 2, 2, 1))
NOTHING = f32(0, 3)
case("Concat nothing", lambda x: nn.Concat([constant(NOTHING), x], axis=0), f32(2, 3))
case("GatherNd one element", lambda x, i: nn.GatherNd(x, i, batch_dims=0), f32(4, 5), np.int32([3, 2]))
case(
    "Slice of six axes",
    lambda x: nn.Slice(x, starts=(0,) * 6, ends=(2,) * 6, axes=tuple(range(6)), steps=(1,) * 6),
    f32(3, 3, 3, 3, 3, 3),
)
case("Pad crops", lambda x: nn.Pad(x, padding=(0, -1, 2, 0, 1, -1), mode="constant", value=-2.5), f32(2, 3, 4))
case(
    "Pad every axis", lambda x: nn.Pad(x, padding=(1, 0, 2, 1, 0, 1, 1, 0), mode="constant", value=1.5), f32(2, 3, 4, 2)
)
case(
    "Pad five axes",
    lambda x: nn.Pad(x, padding=(0, 0, 1, 0, 0, 1, 0, 0, 0, 2), mode="constant", value=0.0),
    f32(1, 2, 2, 2, 2),
)
case(
    "Slice backwards along five axes",
    lambda x: nn.Slice(x, starts=(-1,), ends=(-9,), axes=(3,), steps=(-1,)),
    f32(1, 2, 2, 3, 2),
)
case("Pad one axis", lambda x: nn.Pad(x, padding=(1, 2), mode="constant", value=0.5), f32(4))
case("Pad edge of images", lambda x: nn.Pad(x, padding=(0, 0, 1, 2, 0, 0, 3, 1), mode="edge", value=0.0), IMAGE)
case("Pad reflect images", lambda x: nn.Pad(x, padding=(0, 0, 1, 2, 0, 0, 3, 1), mode="reflect", value=0.0), IMAGE)
for shape, axis, indices in (
    ((5,), 0, [1, 3]),
    ((3, 4), 0, 2),
    ((4,), 0, 2),
    ((3, 4), -1, [[0], [3]]),
    ((2, 3, 2, 4, 2), 3, [1, 2, 0]),
):
    case(
        f"Gather {shape} {axis} {indices}",
        lambda x, i, axis=axis: nn.Gather(x, i, axis=axis, batch_dims=0),
        f32(*shape),
        np.asarray(indices, np.int32),
    )
case("GatherNd points", lambda x, i: nn.GatherNd(x, i, batch_dims=0), f32(4, 5), np.int32([[[3, 0]], [[2, 4]]]))
case("GatherNd in batches", lambda x, i: nn.GatherNd(x, i, batch_dims=1), f32(2, 5, 3), np.int32([[[1]], [[4]]]))
for upper in (False, True):
    for k in (0, 1, -1):
        case(f"Trilu {upper} {k}", lambda x, upper=upper, k=k: nn.Trilu(x, upper=upper, k=k), f32(2, 4, 5))
for name, write in (
    ("Reshape", lambda x: nn.Reshape(x, shape=(4, 6))),
    ("Squeeze", lambda x: nn.Squeeze(x, axes=(1,))),
    ("Unsqueeze", lambda x: nn.Unsqueeze(x, axes=(0, 2))),
):
    case(name, write, f32(2, 1, 3, 4))
