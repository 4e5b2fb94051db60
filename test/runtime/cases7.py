"""How each tensor function of version 7 is called: operands, immediates, number of results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kpuc.runtime.kmodel.types7 import TensorType, TupleType
from kpuc.runtime.stackvm.assembler7 import Assembler, QuantParam

RANDOM = np.random.default_rng(7)
ANY_TENSOR = TensorType("f32", ())
"""The vendor's runtime does not check a result against its type."""


def f32(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def real(*values: float) -> np.ndarray:
    return np.array(values[0] if len(values) == 1 else values, np.float32)


def vec(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@dataclass(frozen=True)
class Case:
    name: str
    function: str
    operands: tuple[Any, ...]
    immediates: dict[str, Any] = field(default_factory=dict)
    results: int = 1
    tolerance: float = 1e-5

    def kmodel(self) -> bytes:
        asm = Assembler()
        code = asm.function([], ANY_TENSOR if self.results == 1 else TupleType((ANY_TENSOR,) * self.results))
        code.tensor(self.function, *self.operands, **self.immediates)
        code.ret()
        return asm.write()


def case(name: str, *operands: Any, results: int = 1, tolerance: float = 1e-5, **immediates: Any) -> Case:
    """`name` is the function's, with a remark behind a colon."""
    return Case(name, name.partition(":")[0], operands, immediates, results, tolerance)


X, V = f32(1, 4, 8, 8), f32(3, 5)
W, WG, B2, B4 = f32(2, 4, 3, 3), f32(4, 1, 3, 3), f32(2), f32(4)
NO_CLAMP = real(-np.inf, np.inf)
ONES, PAD1, PAD0 = vec(1, 1), np.ones((2, 2), np.int64), np.zeros((2, 2), np.int64)
INT = np.array([[7, -7, 5], [-5, 3, 9]], np.int32)
DIV = np.array([[2, 2, -3], [-3, 1, 4]], np.int32)
LSTM = (f32(2, 1, 3), f32(1, 16, 3), f32(1, 16, 4), f32(1, 32), np.array([2], np.int32), f32(1, 1, 4), f32(1, 1, 4))
LSTM2 = (f32(2, 1, 3), f32(2, 16, 3), f32(2, 16, 4), f32(2, 32), np.array([2], np.int32), f32(2, 1, 4), f32(2, 1, 4))
LSTM_REST = (f32(1, 12), real(0).reshape(1), real(0).reshape(1), real(np.nan), 4, 0, 3)
GATES = ("Sigmoid", "Tanh", "Tanh")
SIZE = vec(1, 4, 16, 12)


def resize(name: str, size: np.ndarray = SIZE, mode: str = "linear", transform: str = "half_pixel",
           nearest: str = "round_prefer_floor") -> Case:  # fmt: skip
    return case(f"resize_image:{name}", X, None, size, real(-0.75), 0, real(0),
                mode=mode, transform=transform, nearest=nearest, is_tf=False)  # fmt: skip


def window(name: str, kind: str, start: float, *, pad: np.ndarray = PAD0, stride: int = 2, kernel: int = 2,
           ceil: bool = False, include: bool = False) -> Case:  # fmt: skip
    return case(f"reduce_window2d:{name}", X, real(start), vec(kernel, kernel), vec(stride, stride), pad, ONES,
                ceil, include, kind=kind)  # fmt: skip


CASES = [
    case("batch_normalization", X, B4, f32(4), f32(4), np.abs(f32(4)), real(1e-5), real(0.9)),
    case("batch_to_space", f32(4, 2, 2, 1), vec(2, 2), PAD0),
    *[case(f"binary:{kind}", V, f32(3, 5), kind=kind) for kind in ("add", "sub", "mul", "div", "min", "max")],
    case("binary:broadcast", V, f32(5), kind="add"),
    case("binary:pow", np.abs(V), f32(3, 5), kind="pow"),
    case("binary:mod", V * 5, f32(3, 5), kind="mod", tolerance=1e-4),
    *[case(f"binary:{kind}-i32", INT, DIV, kind=kind) for kind in ("add", "mul", "div", "mod", "min")],
    case("binary:add-i64", INT.astype(np.int64), DIV.astype(np.int64), kind="add"),
    case("binary:add-f16", V.astype(np.float16), f32(3, 5).astype(np.float16), kind="add", tolerance=1e-3),
    case("binary:add-u8", np.abs(INT).astype(np.uint8), np.abs(DIV).astype(np.uint8), kind="add"),
    case("binary:add-f64", V.astype(np.float64), V.astype(np.float64), kind="add"),
    *[case(f"binary:{kind}", V > 0, f32(3, 5) > 0, kind=kind) for kind in ("logical_and", "logical_or", "logical_xor")],
    case("broadcast", real(1.5), vec(2, 3)),
    case("broadcast_shape", (vec(2, 1), vec(1, 3))),
    case("bucket_pad", V, vec(4, 6)),
    case("cast:i32", V * 3, dtype="i32", mode="default"),
    case("cast:f16", V, dtype="f16", mode="default"),
    case("cast:bool", V, dtype="bool", mode="default"),
    case("cast:bool-f32", V > 0, dtype="f32", mode="default"),
    case("cast:u8-f32", np.abs(INT).astype(np.uint8), dtype="f32", mode="default"),
    case("cast:i64-i32", INT.astype(np.int64), dtype="i32", mode="default"),
    case("celu", V, real(0.7)),
    case("clamp", V, real(-1), real(1)),
    *[case(f"compare:{kind}", INT, DIV, kind=kind)
      for kind in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")],
    case("compare:f32", V, f32(3, 5), kind="less"),
    case("concat", (V, f32(3, 2)), axis=1),
    case("constant_of_shape", vec(2, 3), real(2)),
    case("conv2d", X, W, B2, ONES, PAD1, ONES, 1, NO_CLAMP, pad_mode="constant"),
    case("conv2d:strided", X, W, B2, vec(2, 1), np.array([[0, 1], [1, 2]]), vec(1, 2), 1, NO_CLAMP,
         pad_mode="constant"),
    case("conv2d:depthwise", X, WG, B4, ONES, PAD1, ONES, 4, NO_CLAMP, pad_mode="constant"),
    case("conv2d:clamp", X, W, B2, ONES, PAD1, ONES, 1, real(0, 1), pad_mode="constant"),
    case("conv2d:i32", X, W, B2, ONES.astype(np.int32), PAD1.astype(np.int32), ONES.astype(np.int32),
         np.array(1, np.int32), NO_CLAMP, pad_mode="constant"),
    case("conv2d_transpose", X, W, B2, vec(1, 2, 16, 16), vec(2, 2), PAD1, ONES, ONES, 1, NO_CLAMP,
         pad_mode="constant"),
    case("conv2d_transpose:grouped", X, f32(6, 2, 3, 3), f32(6), vec(1, 6, 15, 15), vec(2, 2), PAD1, vec(0, 0), ONES, 2,
         NO_CLAMP, pad_mode="constant"),
    case("conv2d_shape", vec(1, 4, 8, 8), vec(2, 4, 3, 3), PAD1, vec(2, 2), ONES, 1),
    case("conv2d_transpose_shape", vec(1, 4, 8, 8), vec(2, 4, 3, 3), vec(2, 2), ONES, PAD1, ONES, 1),
    case("conv2d_transpose_shape:grouped", vec(1, 4, 8, 8), vec(2, 4, 3, 3), vec(2, 2), ONES, PAD1, ONES, 2),
    case("cum_sum", V, 1, 0, 0),
    case("cum_sum:exclusive-reverse", V, 0, 1, 1),
    *[case(f"dequantize:{kind}", RANDOM.integers(0, 100, (2, 3)).astype(kind), QuantParam(3, 0.1), dtype="f32")
      for kind in ("uint8", "int8", "int16")],
    case("elu", V, real(0.7)),
    case("erf", V),
    case("expand", real(1).reshape(1, 1), vec(2, 3)),
    case("fix_shape", V, vec(3, 5)),
    case("flatten", X, 1),
    case("flatten:2", X, 2),
    case("gather", V, vec(0, 2), axis=0),
    case("gather:i32", V, np.array([[1, -1]], np.int32), axis=1),
    case("gather_elements", V, 1, np.array([[0, 4], [1, 3], [2, 2]])),
    case("gather_nd", V, 0, np.array([[0, 1], [2, 4]])),
    case("gelu", V, real(1)),
    case("gelu:alpha", V, real(0.5)),
    case("get_item:tuple", (V, X), 1),
    case("get_item:tensor", vec(5, 6, 7), 1),
    case("get_paddings", vec(1, 4, 8, 8), vec(2, 4, 4, 3), vec(2, 1), ONES, True, False),
    case("get_paddings:lower", vec(1, 4, 8, 8), vec(2, 4, 4, 3), vec(2, 1), ONES, True, True),
    case("get_paddings:valid", vec(1, 4, 8, 8), vec(2, 4, 4, 3), vec(2, 1), ONES, False, False),
    case("hardmax", V, 1),
    case("hard_sigmoid", V, real(0.2), real(0.5)),
    case("hard_swish", V * 3),
    case("instance_normalization", X, B4, f32(4), real(1e-5)),
    case("layer_norm", V, f32(5), f32(5), axis=-1, epsilon=1e-5, use_mean=True),
    case("layer_norm:no-mean", V, f32(5), f32(5), axis=1, epsilon=1e-5, use_mean=False),
    case("layer_norm:many", X, f32(4, 8, 8), f32(4, 8, 8), axis=1, epsilon=1e-5, use_mean=True),
    case("leaky_relu", V, real(0.1)),
    case("log_softmax", V, 1),
    case("lrn", X, real(0.1), real(0.75), real(1), 3),
    case("lstm", *LSTM, *LSTM_REST, results=3, direction="forward", layout=0, activations=GATES),
    case("lstm:reverse", *LSTM, *LSTM_REST, results=3, direction="reverse", layout=0, activations=GATES),
    case("lstm:both", *LSTM2, *LSTM_REST, results=3, direction="bidirectional", layout=0, activations=GATES * 2),
    case("lstm:relu", *LSTM, *LSTM_REST, results=3, direction="forward", layout=0, activations=("Relu", "Tanh",
         "Tanh")),
    case("mat_mul", V, f32(5, 2)),
    case("mat_mul:batch", f32(2, 3, 4), f32(2, 4, 5)),
    case("mat_mul:broadcast", f32(2, 3, 4), f32(4, 5)),
    case("mat_mul_shape", vec(2, 3, 5), vec(5, 2)),
    case("normal", real(0.5), real(2), real(3), vec(2, 3), dtype="f32"),
    case("normal_like", V, real(0), real(1), real(1), dtype="f32"),
    case("one_hot", vec(0, 2, -1), 3, real(0, 1), -1, mode="process_negative"),
    case("one_hot:normal", vec(0, 2, 5), 3, real(0, 1), 0, mode="normal"),
    *[case(f"pad:{mode}", V, np.array([[1, 1], [0, 2]]), real(5), mode=mode)
      for mode in ("constant", "reflect", "symmetric", "edge")],
    case("prelu", X, np.abs(f32(4, 1, 1))),
    *[case(f"quantize:{dtype}", V, QuantParam(zero, 0.1), dtype=dtype) for dtype, zero in (("u8", 3), ("i8",
         0), ("i16", 2))],
    case("quantize:halves", real(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5), QuantParam(0, 1.0), dtype="i8"),
    case("quantize:halves-odd", real(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5), QuantParam(3, 1.0), dtype="u8"),
    case("quantize:added-in-float", real(0.49999997, 0.50000006, -0.49999997), QuantParam(3, 1.0), dtype="i16"),
    case("quantize:huge", real(1e9, -1e9, 3e9, -3e9, np.inf, -np.inf, np.nan), QuantParam(7, 1.0), dtype="i8"),
    case("range", 0, 10, 3),
    case("range:f32", real(0), real(5), real(1)),
    case("rank", X),
    *[case(f"reduce:{kind}", X, vec(2, 3), real(start), True, kind=kind)
      for kind, start in (("mean", 0), ("sum", 0), ("max", -3e38), ("min", 3e38), ("prod", 1))],
    case("reduce:max-start", X, vec(1), real(0.5), False, kind="max"),
    case("reduce:sum-i32", INT, vec(1), np.array(0, np.int32), False, kind="sum"),
    case("reduce_arg", V, 1, True, False, kind="argmax", dtype="i64"),
    case("reduce_arg:min", V, 0, False, False, kind="argmin", dtype="i32"),
    case("reduce_arg:last", np.array([[1, 3, 3]], np.float32), 1, True, True, kind="argmax", dtype="i64"),
    window("max", "max", -3e38),
    window("max-padded", "max", -3e38, pad=PAD1, kernel=3),
    window("min", "min", 3e38),
    window("mean", "mean", 0),
    window("mean-padded", "mean", 0, pad=PAD1, kernel=3),
    window("mean-included", "mean", 0, pad=PAD1, kernel=3, include=True),
    window("max-ceil", "max", -3e38, kernel=3, stride=2, ceil=True),
    window("sum", "sum", 0),
    case("relu", V),
    case("relu:f16", V.astype(np.float16)),
    case("require", True, V, message="positive", can_fold=True),
    case("reshape", X, vec(4, -1)),
    case("reshape_shape", vec(1, 4, 8, 8), vec(4, -1)),
    resize("linear"),
    resize("linear-down", vec(1, 4, 5, 3)),
    resize("linear-align", transform="align_corners"),
    resize("linear-asymmetric", transform="asymmetric"),
    resize("linear-pytorch", transform="pytorch_half_pixel"),
    resize("nearest-floor", mode="nearest", transform="asymmetric", nearest="floor"),
    resize("nearest-half", mode="nearest"),
    resize("nearest-half-down", vec(1, 4, 5, 3), mode="nearest"),
    resize("nearest-ceil", vec(1, 4, 11, 5), mode="nearest", transform="asymmetric", nearest="ceil"),
    resize("nearest-align", vec(1, 4, 11, 5), mode="nearest", transform="align_corners"),
    case("reverse_sequence", f32(4, 4), vec(4, 3, 2, 1), 1, 0),
    case("scatter_nd", V, np.array([[0, 1]]), real(9).reshape(1)),
    case("selu", V, real(1.67), real(1.05)),
    case("shape_of", X),
    case("sigmoid", V),
    case("size_of", X),
    case("slice", X, vec(1), vec(4), vec(2), vec(1)),
    case("slice:backwards", V, vec(-1), vec(-9), vec(1), vec(-1)),
    case("softmax", V, 1),
    case("softmax:front", V, 0),
    case("softplus", V),
    case("softsign", V),
    case("space_to_batch", f32(1, 4, 4, 1), vec(2, 2), PAD0),
    case("split", X, 1, vec(1, 3), results=2),
    case("squeeze", X, vec(0)),
    case("squeeze_shape", vec(1, 4), vec(0)),
    case("stack", (V, f32(3, 5)), 0),
    case("swish", V),
    case("tile", V, vec(2, 1)),
    case("top_k", V, 2, 1, 1, 1, results=2),
    case("top_k:smallest", V, 2, 0, 0, 1, results=2),
    case("transpose", X, vec(0, 2, 3, 1)),
    case("transpose:5", f32(1, 2, 3, 4, 5), vec(4, 3, 2, 1, 0)),
    case("transpose_shape", vec(1, 4, 8, 8), vec(0, 2, 3, 1)),
    case("trilu", f32(4, 4), 0, 1),
    case("trilu:lower", f32(4, 5), 1, 0),
    *[case(f"unary:{kind}", np.clip(V, -1, 1), kind=kind) for kind in (
        "abs", "acos", "asin", "asinh", "ceil", "cos", "cosh", "exp", "floor", "neg", "sin", "sinh", "sign",
         "square", "tanh")],
    *[case(f"unary:{kind}", np.abs(V) + 1, kind=kind) for kind in ("acosh", "log", "sqrt")],
    case("unary:rsqrt", np.abs(V) + 1, kind="rsqrt", tolerance=2e-4),
    case("unary:round", real(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.3, 0.7), kind="round"),
    case("unary:logical_not", V > 0, kind="logical_not"),
    case("uniform", real(2), real(-1), real(1), vec(2, 3), dtype="f32"),
    case("uniform_like", V, real(1), real(0), real(5), dtype="f32"),
    case("unsqueeze", V, vec(0)),
    case("unsqueeze_shape", vec(3, 5), vec(0)),
    case("where", V > 0, V, -V, is_tf=False),
    case("conv2d_transpose:dilated", X, W, B2, vec(1, 2, 18, 18), vec(2, 2), PAD1, ONES, vec(2, 2), 1, NO_CLAMP,
         pad_mode="constant"),
    case("conv2d:grouped", X, f32(6, 2, 3, 3), f32(6), vec(2, 2), PAD1, ONES, 2, NO_CLAMP, pad_mode="constant"),
    case("reduce:all", X, vec(0, 1, 2, 3), real(0), False, kind="mean"),
    case("reduce:last", X, vec(-1), real(0), False, kind="mean"),
    case("slice:two", X, vec(1, 0), vec(3, -1), vec(1, 3), vec(1, 2)),
    case("pad:crop", V, np.array([[0, 0], [-1, 0]]), real(0), mode="constant"),
    case("prelu:vector", X, np.abs(f32(8))),
    case("gather_nd:batch", X, 1, np.zeros((1, 2), np.int64)),
    case("batch_to_space:crops", f32(4, 3, 2, 3), vec(2, 2), np.array([[1, 0], [0, 1]])),
    case("space_to_batch:paddings", f32(1, 4, 4, 3), vec(2, 2), np.array([[1, 1], [0, 2]])),
    case("softmax:last", X, -1),
    *[case(f"{name}:f16", V.astype(np.float16), *rest, tolerance=2e-3)
      for name, *rest in (("erf",), ("sigmoid",), ("softmax", 1))],
    case("where:broadcast", V > 0, real(1), V, is_tf=False),
    case("split:last", X, -1, vec(3, 5), results=2),
    case("cast:f32-u8", np.abs(V) * 50, dtype="u8", mode="default"),
    case("cast:f32-i64", V * 50, dtype="i64", mode="default"),
    case("squeeze:last", f32(1, 3, 1), vec(-1)),
    case("unsqueeze:two", V, vec(0, 3)),
    case("one_hot:axis", vec(0, 1, 2), 3, real(0, 1), 1, mode="normal"),
    case("cum_sum:last", V, -1, 0, 0),
    case("binary:pow-i32", np.abs(INT), np.abs(DIV), kind="pow"),
    case("unary:neg-i64", INT.astype(np.int64), kind="neg"),
    case("relu:i32", INT),
    window("mean-asymmetric", "mean", 0, pad=np.array([[0, 1], [1, 2]]), kernel=3, include=True),
    case("where:tf", np.array([True, False, True]), np.zeros(0, np.float32), np.zeros(0, np.float32), is_tf=True),
]  # fmt: skip

REFUSED = [
    case("conv2d_transpose:clamp", X, W, B2, vec(1, 2, 16, 16), vec(2, 2), PAD1, ONES, ONES, 1, real(0, 1),
         pad_mode="constant"),
    case("conv2d:reflect", X, W, B2, ONES, PAD1, ONES, 1, NO_CLAMP, pad_mode="reflect"),
    case("clamp:vector", V, f32(5) - 2, f32(5) + 2),
    case("lrn:even", X, real(0.1), real(0.75), real(1), 4),
    case("lstm:batch", f32(2, 2, 3), *LSTM[1:4], np.array([2, 2], np.int32), f32(1, 2, 4), f32(1, 2, 4), *LSTM_REST,
         results=3, direction="forward", layout=0, activations=GATES),
    case("lstm:layout", *LSTM, *LSTM_REST, results=3, direction="forward", layout=1, activations=GATES),
    case("quantize:i32", V, QuantParam(3, 0.1), dtype="i32"),
    case("quantize:f16", V.astype(np.float16), QuantParam(3, 0.1), dtype="i8"),
    case("dequantize:i32", INT, QuantParam(3, 0.1), dtype="f32"),
    case("dequantize:f16", INT.astype(np.int8), QuantParam(3, 0.1), dtype="f16"),
    case("binary:bitwise", INT, DIV, kind="bitwise_and"),
    case("binary:shift", INT, DIV, kind="left_shift"),
    case("binary:bool", V > 0, V > 0, kind="add"),
    case("unary:bitwise_not", INT, kind="bitwise_not"),
]  # fmt: skip
"""What the vendor's runtimes refuse or compute wrongly, so that a prediction of theirs would be wrong."""
