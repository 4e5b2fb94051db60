"""How each tensor function of version 5 is called, on dense tensors and on strided ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kpuc.runtime.kmodel.build5 import Place, Tensor
from kpuc.runtime.kmodel.elements import element_name
from kpuc.runtime.stackvm.assembler5 import Assembler, Code, Paddings
from kpuc.runtime.stackvm.isa5 import Isa5
from kpuc.runtime.stackvm.memory5 import dense

RANDOM = np.random.default_rng(5)
FREE = {"low": -math.inf, "high": math.inf}


@dataclass(frozen=True)
class Case:
    """`write` is given the code, the inputs' places and the outputs' places; inputs are constants of the test."""

    name: str
    inputs: tuple[np.ndarray, ...]
    outputs: tuple[tuple[str, tuple[int, ...]], ...]
    write: Callable[[Code, Sequence[Place], Sequence[Place]], None]
    tolerance: float = 0.0

    @property
    def function(self) -> str:
        return self.name.partition(":")[0]

    def kmodel(self, isa: Isa5) -> bytes:
        asm = Assembler(isa)
        code = asm.function(
            [Tensor(element_name(one.dtype), one.shape) for one in self.inputs],
            [Tensor(element, shape) for element, shape in self.outputs],
        )
        self.write(code, code.inputs, code.outputs)
        return asm.write(scratch=0)


def case(
    name: str,
    inputs: Sequence[np.ndarray],
    output: tuple[str, tuple[int, ...]] | tuple[tuple[str, tuple[int, ...]], ...],
    *extra: Any,
    before: Sequence[Any] = (),
    order: Sequence[int] | None = None,
    tolerance: float = 0.0,
    **immediates: Any,
) -> Case:
    """Operands: `before`, inputs and outputs (in `order` if given), then `extra`; `name` may end with a remark."""
    outputs = (output,) if isinstance(output[0], str) else output

    def write(code: Code, given: Sequence[Place], results: Sequence[Place]) -> None:
        places = [*given, *results]
        arranged = places if order is None else [places[i] for i in order]
        pad = [part for axis in extra for part in code.window(axis)] if extra and isinstance(extra[0], tuple) else extra
        code.tensor(name.partition(":")[0], *before, *arranged, *pad, **immediates)

    return Case(name, tuple(inputs), outputs, write, tolerance)  # type: ignore[arg-type]


def f32(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def integers(dtype: type, *shape: int) -> np.ndarray:
    low, high = (0, 200) if np.issubdtype(dtype, np.unsignedinteger) else (-100, 100)
    return RANDOM.integers(low, high, shape).astype(dtype)


def src(array: np.ndarray) -> dict[str, Any]:
    return {"rshape_src": array.shape, "rstride_src": dense(array.shape)}


def pair(lhs: np.ndarray, rhs: np.ndarray, shape: tuple[int, ...]) -> dict[str, Any]:
    return {
        "rshape_src1": lhs.shape, "rstride_src1": dense(lhs.shape), "rshape_src2": rhs.shape,
        "rstride_src2": dense(rhs.shape), "rshape_dest": shape, "rstride_dest": dense(shape),
    }  # fmt: skip


def same(name: str, array: np.ndarray, tolerance: float = 0.0, element: str = "f32", **immediates: Any) -> Case:
    """A function whose result has the shape of its only operand."""
    strides = {"rstride_dest": dense(array.shape)}
    stated = src(array) | strides | {"datatype": element} | immediates
    return case(name, [array], (element, array.shape), tolerance=tolerance, **stated)


def to(name: str, array: np.ndarray, shape: tuple[int, ...], *extra: Any, element: str = "f32", **stated: Any) -> Case:
    """A function with one dense operand and one dense result."""
    tolerance = stated.pop("tolerance", 0.0)
    immediates = src(array) | {"rstride_dest": dense(shape), "datatype": element} | stated
    return case(name, [array], (stated.get("dst_datatype", element), shape), *extra, tolerance=tolerance, **immediates)


X, ROW, BYTES = f32(2, 3, 7, 6), f32(3, 5), integers(np.uint8, 2, 3, 4, 4)
A, B = f32(2, 3, 4, 5), f32(3, 1, 5)
UNIT = (RANDOM.random((4, 6)).astype(np.float32) * 2 - 1) * np.float32(0.99)
POSITIVE = RANDOM.random((4, 6)).astype(np.float32) + np.float32(0.1)

UNARY = [
    same(f"unary:{name}", value, 2e-6, unary_op=name)
    for value, names in (
        (f32(4, 6), "abs ceil cos exp floor neg sign sin square tanh erf"),
        (np.array([[0.5, 1.5, 2.5, -0.5, -1.5, 1.3, -3.7]], np.float32), "round"),
        (UNIT, "acos asin"),
        (POSITIVE, "log rsqrt sqrt"),
        (np.array([[0, 1, -2, 0.5]], np.float32), "logical_not"),
    )
    for name in names.split()
]
BINARY = [
    case(
        f"binary:{name}", [lhs, rhs], ("f32", (2, 3, 4, 5)), tolerance=1e-6, datatype="f32", binary_op=name,
        **pair(lhs, rhs, (2, 3, 4, 5)), **FREE,
    )
    for name, lhs, rhs in (
        *((name, A, B) for name in ("add", "sub", "mul", "div", "min", "max")),
        ("pow", np.abs(A), B),
        ("logical_and", np.maximum(A, 0), np.maximum(B, 0)),
    )
]  # fmt: skip
WHOLE, COLUMN = integers(np.int32, 4, 5), integers(np.int32, 5)
BINARY += [
    case("binary:clamped", [A, B], ("f32", A.shape), datatype="f32", binary_op="mul", **pair(A, B, A.shape),
         low=-0.25, high=0.5),
    case("binary:i32", [WHOLE, COLUMN], ("i32", (4, 5)), datatype="i32", binary_op="mul",
         **pair(WHOLE, COLUMN, (4, 5)), **FREE),
    case("binary:large i32", [WHOLE + 16777217, COLUMN], ("i32", (4, 5)), datatype="i32", binary_op="add",
         **pair(WHOLE, COLUMN, (4, 5)), **FREE),
]  # fmt: skip
COMPARE = [
    case(
        f"compare:{name} {element}", [lhs, rhs], ("u8", lhs.shape), datatype=element, compare_op=name,
        **pair(lhs, rhs, lhs.shape),
    )
    for element, lhs, rhs in (
        ("f32", np.round(A), np.round(B)), ("i32", WHOLE % 3, COLUMN % 3), ("u8", BYTES % 3, BYTES[:1] % 2)
    )
    for name in ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal")
]  # fmt: skip


def conv(remark: str, weights: np.ndarray, groups: int, stride: int, dilation: int, *padding: tuple[int, int]) -> Case:
    spans = [dilation * (size - 1) + 1 for size in weights.shape[2:]]
    height, width = (
        (X.shape[2 + i] + sum(padding[i]) - spans[i]) // stride + 1 for i in range(2)
    )  # fmt: skip
    shape = (2, len(weights), height, width)
    return case(
        f"conv2d:{remark}", [X, weights, f32(len(weights))], ("f32", shape), *padding,
        datatype="f32", **src(X), rshape_kernel=weights.shape, rstride_kernel=dense(weights.shape), rstride_bias=(1,),
        rstride_dest=dense(shape), groups=groups, stride_h=stride, stride_w=stride, dilation_h=dilation,
        dilation_w=dilation, low=-1.0, high=2.0,
    )  # fmt: skip


def window(kind: str, filter_: int, stride: int, dilation: int, *padding: tuple[int, int]) -> Case:
    span = dilation * (filter_ - 1) + 1
    height, width = ((X.shape[2 + i] + sum(padding[i]) - span) // stride + 1 for i in range(2))
    shape = (2, 3, height, width)
    init = {"max": float(np.finfo(np.float32).min), "min": float(np.finfo(np.float32).max)}.get(kind, 0.0)

    def write(code: Code, given: Sequence[Place], results: Sequence[Place]) -> None:
        code.tensor(
            "reduce_window2d", given[0], init, results[0], *code.window(*padding), datatype="f32", reduce_op=kind,
            **src(X), rstride_dest=dense(shape), filter_h=filter_, filter_w=filter_, stride_h=stride, stride_w=stride,
            dilation_h=dilation, dilation_w=dilation, **FREE,
        )  # fmt: skip

    return Case(f"reduce_window2d:{kind} {filter_} {stride} {dilation}", (X,), (("f32", shape),), write)


WINDOWS = [
    conv("3x3", f32(4, 3, 3, 3), 1, 1, 1, (1, 1), (1, 1)),
    conv("uneven padding", f32(4, 3, 3, 2), 1, 2, 1, (0, 1), (2, 0)),
    conv("depthwise, dilated", f32(6, 1, 3, 3), 3, 1, 2, (2, 2), (2, 2)),
    *(window(kind, 3, 2, 1, (1, 1), (0, 1)) for kind in ("mean", "min", "max", "sum")),
    window("max", 2, 1, 2, (0, 0), (0, 0)),
]


def reduction(kind: str, axes: tuple[int, ...], keep: bool) -> Case:
    shape = tuple(1 if i in axes else size for i, size in enumerate(A.shape) if keep or i not in axes)
    init = {"max": -1e30, "min": 1e30}.get(kind, 0.0)
    return to(f"reduce:{kind} {axes}", A, shape, init, reduce_op=kind, rshape_axis=axes, keep_dims=keep)


def argument(kind: str, last: bool) -> Case:
    value = np.round(f32(3, 4, 5))
    return to(
        f"reduce_arg:{kind} {last}", value, (3, 5), reduce_arg_op=kind, dst_datatype="i64", rshape_axis=(1,),
        keep_dims=False, select_last_index=last,
    )  # fmt: skip


REDUCTIONS = [
    *(reduction(kind, (2, 3), True) for kind in ("mean", "min", "max", "sum")),
    reduction("sum", (1,), False),
    *(argument(kind, last) for kind in ("argmin", "argmax") for last in (False, True)),
    to("reduce_prod", A, (2, 1, 4, 5), rshape_axis=(1,), keep_dims=True, tolerance=1e-6),
    same("cumsum", ROW, 1e-6, axis=1, exclusive=False, reverse=False),
    same("cumsum:exclusive, backwards", ROW, 1e-6, axis=0, exclusive=True, reverse=True),
    same("softmax", ROW, 1e-6, axis=1, beta=1.0),
    same("softmax:beta", A, 1e-6, axis=1, beta=2.0),
    same("hardmax", ROW, axis=1),
    same("sigmoid", A, 1e-6),
    case("topk", [ROW], (("f32", (3, 2)), ("i64", (3, 2))), datatype="f32", **src(ROW), rshape_dest1=(3, 2),
         rstride_dest1=(2, 1), rshape_dest2=(3, 2), rstride_dest2=(2, 1), k=2, axis=1, largest=True, sorted=True),
    case("layer_norm", [A, f32(4, 5), f32(4, 5)], ("f32", A.shape), tolerance=2e-6, datatype="f32",
         input_shape=A.shape, axis=2, epsilon=1e-5),
]  # fmt: skip


def scaled(name: str, array: np.ndarray, target: str, scale: float, bias: float) -> Case:
    stated = {"in_datatype": element_name(array.dtype), "dst_datatype": target}
    return to(name, array, array.shape, scale, bias, **stated)


def converted(array: np.ndarray, target: str) -> Case:
    source = element_name(array.dtype)
    return to(f"convert:{source} {target}", array, array.shape, in_datatype=source, dst_datatype=target)


CONVERSIONS = [
    scaled("quantize:u8", f32(5, 9) * 3, "u8", 50.0, 117.0),
    scaled("quantize:i8", f32(5, 9) * 3, "i8", 40.0, 3.0),
    scaled("quantize:huge", np.array([3e9, -3e9, 1e30], np.float32), "u8", 1.0, 7.0),
    scaled("dequantize:u8", BYTES, "f32", 0.037, -4.1),
    scaled("dequantize:i8", integers(np.int8, 3, 3), "f32", 0.037, 1.5),
    converted(f32(3, 3) * 90, "i32"),
    converted(WHOLE, "f32"),
    converted(BYTES, "f32"),
    converted(WHOLE, "i64"),
    case("lut1d", [BYTES, np.arange(256, dtype=np.uint8)[::-1].copy()], ("u8", BYTES.shape), 0, 255, datatype="u8",
         **src(BYTES), rstride_dest=dense(BYTES.shape), table_len=256),
]  # fmt: skip


def resized(element: str, mode: str, size: tuple[int, int], corners: bool, half: bool) -> Case:
    value = BYTES if element == "u8" else X
    shape = (*value.shape[:2], *size)
    name = f"resize_image:{element} {mode} {size} {corners} {half}"
    stated = {"align_corners": corners, "half_pixel_centers": half, "resize_mode": mode}
    return case(
        name,
        [value],
        (element, shape),
        before=size,
        datatype=element,
        **src(value),
        rstride_dest=dense(shape),
        **stated,
    )


def paddings(remark: str, value: np.ndarray, axes: tuple[tuple[int, int, int], ...], mode: str, fill: Any) -> Case:
    shape = tuple(n + a + b + (n - 1) * i for n, (a, b, i) in zip(value.shape, axes, strict=True))
    stated = {"rpaddings": Paddings(axes), "pad_mode": mode}
    return to(f"pad:{remark}", value, shape, fill, element=element_name(value.dtype), **stated)


INDICES = np.array([[2, 0], [1, 1]], np.int32)
NONE = (0, 0, 0)
MOVES = [
    to("copy", A, A.shape, rshape=A.shape, rstride_src=(60, 20, 5, 1), rstride_dest=dense(A.shape)),
    case("copy:strided", [ROW], ("f32", (5, 3)), datatype="f32", rshape=(3, 5), rstride_src=(5, 1),
         rstride_dest=(1, 3)),
    case("broadcast", [B], ("f32", (2, 3, 4, 5)), datatype="f32", **src(B), rshape_dest=(2, 3, 4, 5),
         rstride_dest=dense((2, 3, 4, 5))),
    to("transpose", A, (4, 2, 5, 3), rshape_perm=(2, 0, 3, 1)),
    to("transpose:u8", BYTES, (4, 4, 3, 2), rshape_perm=(3, 2, 1, 0), element="u8"),
    to("slice", X, (1, 3, 3, 2), rbegins=(1, 0, 1, 0), rends=(2, 3, 7, 6), rstrides=(1, 1, 2, 3)),
    to("slice:backwards", ROW, (3, 3), rbegins=(0, 4), rends=(3, -1), rstrides=(1, -2)),
    paddings("constant", A, (NONE, (1, 0, 0), (0, 2, 0), (1, 1, 0)), "constant", 1.5),
    paddings("cropping", A, (NONE, NONE, (-1, 0, 0), (1, -2, 0)), "constant", 0.0),
    paddings("between", A, (NONE, NONE, (0, 1, 1), (2, 0, 2)), "constant", 9.0),
    paddings("u8", BYTES, (NONE, NONE, (1, 1, 0), (1, 1, 0)), "constant", 7),
    *(paddings(mode, A, (NONE, NONE, (2, 1, 0), (1, 3, 0)), mode, 0.0) for mode in ("reflect", "symmetric", "edge")),
    case("gather", [A, INDICES], ("f32", (2, 2, 2, 4, 5)), order=(0, 2, 1), datatype="f32", **src(A),
         rshape_dest=(2, 2, 2, 4, 5), rstride_dest=dense((2, 2, 2, 4, 5)), rshape_indices=(2, 2), axis=1),
    case("gather_nd", [ROW, INDICES], ("f32", (2,)), order=(0, 2, 1), datatype="f32", **src(ROW), rshape_dest=(2,),
         rstride_dest=(1,), rshape_indices=(2, 2), batch_dims=0),
    case("gather_elements", [ROW, INDICES.astype(np.int64)], ("f32", (2, 2)), input_shape_src=ROW.shape,
         indices_shape_src=(2, 2), axis=1),
    *(resized(element, "linear", size, corners, half)
      for element in ("f32", "u8") for size in ((9, 13), (3, 4))
      for corners, half in ((False, False), (True, False), (False, True))),
    *(resized(element, "nearest", (9, 13), corners, half)
      for element in ("f32", "u8") for corners, half in ((False, False), (True, False), (False, True))),
    case("space_to_batch", [f32(1, 2, 4, 6)], ("f32", (4, 2, 3, 3)), datatype="f32", rshape_src=(1, 2, 4, 6),
         rstride_src=dense((1, 2, 4, 6)), rstride_dest=dense((4, 2, 3, 3)), rshape_block=(2, 2),
         rpad_crops=Paddings(((1, 1, 0), NONE))),
    case("batch_to_space", [f32(4, 2, 3, 3)], ("f32", (1, 2, 4, 6)), datatype="f32", rshape_src=(4, 2, 3, 3),
         rstride_src=dense((4, 2, 3, 3)), rstride_dest=dense((1, 2, 4, 6)), rshape_block=(2, 2),
         rpad_crops=Paddings(((1, 1, 0), NONE))),
    case("trilu", [f32(4, 4)], ("f32", (4, 4)), datatype="f32", rshape_src=(4, 4), upper=True, k=1),
    case("compress", [ROW, np.array([1, 0, 1], np.uint8)], ("f32", (2, 5)), input_shape_src=ROW.shape,
         condition_shape_src=(3,), axis=0.0),
    case("ternary", [np.array([[0], [1], [-2]], np.float32), f32(3, 5), f32(5)], ("f32", (3, 5)), datatype="f32",
         rshape_src1=(3, 1), rstride_src1=(1, 1), rshape_src2=(3, 5), rstride_src2=(5, 1), rshape_src3=(5,),
         rstride_src3=(1,), rstride_dest=(5, 1)),
    case("matmul", [ROW, f32(5, 4), f32(4)], ("f32", (3, 4)), tolerance=2e-6, rshape_src1=(3, 5), rstride_src1=(5, 1),
         rshape_src2=(5, 4), rstride_src2=(4, 1), rshape_dest=(3, 4), rstride_dest=(4, 1), low=-1.0, high=3.0),
    case("matmul:batches", [f32(2, 3, 5), f32(1, 5, 4), f32(4)], ("f32", (2, 3, 4)), tolerance=2e-6,
         rshape_src1=(2, 3, 5), rstride_src1=(15, 5, 1), rshape_src2=(1, 5, 4), rstride_src2=(20, 4, 1),
         rshape_dest=(2, 3, 4), rstride_dest=(12, 4, 1), low=-1.0, high=3.0),
]  # fmt: skip


def one_hot() -> Case:
    indices = np.array([1, -1, 0], np.int32)

    def write(code: Code, given: Sequence[Place], results: Sequence[Place]) -> None:
        depth = code.constant(np.array([4], np.int64))
        off, on = (code.constant(np.array([value], np.float32)) for value in (0.5, 2.0))
        code.tensor(
            "onehot", given[0], depth, on, off, results[0], datatype="f32", rshape_indices=(3,), rshape_dest=(3, 4),
            rstride_dest=(4, 1), axis=1, onehot_mode="process_negative",
        )  # fmt: skip

    return Case("onehot", (indices,), (("f32", (3, 4)),), write)


CASES = [*UNARY, *BINARY, *COMPARE, *WINDOWS, *REDUCTIONS, *CONVERSIONS, *MOVES, one_hot()]
NOT_COMPARED = {"random_normal", "random_uniform", "roi_align", "gru", "detection"}
"""Decoded, but not executed: their random numbers and their last bits depend on the vendor's C library."""
