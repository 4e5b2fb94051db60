"""Quantisation that stack machines do not have, written out in arithmetic, against its definition in numpy."""

import numpy as np
import pytest

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.mlir import ir
from kpuc.passes.pipeline import parse_pipeline

X = np.random.default_rng(0).normal(0, 3, (2, 3, 4)).astype(np.float32)
TYPES = {
    "i16": ("i16:f32, 5.0e-03:7", np.int16, [0.005], [7]),
    "u8 by channel": ("u8:f32:1, {5.0e-02:128,1.0e-02:3,2.0e-01:77}", np.uint8, [0.05, 0.01, 0.2], [128, 3, 77]),
    "i8 by channel": ("i8:f32:1, {5.0e-02,1.0e-02,2.0e-01}", np.int8, [0.05, 0.01, 0.2], [0, 0, 0]),
}


def module_of(text):
    return ir.Module.parse(
        f"""func.func @main(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {{
        %0 = "nn.quantize"(%x) : (tensor<2x3x4xf32>) -> tensor<2x3x4x{text}>
        %1 = "nn.dequantize"(%0) : (tensor<2x3x4x{text}>) -> tensor<2x3x4xf32>
        return %1 : tensor<2x3x4xf32> }}"""
    )


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("text", ["nn-decompose", "nn-decompose,nn-decompose-basic"])
def test_round_trip(name, text):
    type_, dtype, scales, zeros = TYPES[name]
    scale, zero = np.float32(scales).reshape(1, -1, 1), np.array(zeros).reshape(1, -1, 1)
    info = np.iinfo(dtype)
    expected = (np.clip(np.rint(X / scale) + zero, info.min, info.max) - zero) * scale
    with mlir.context(), ir.Location.unknown():
        module = module_of(f"!quant.uniform<{type_}>")
        parse_pipeline(f"builtin.module({text})").run(module)
        (actual,) = evaluate(module, [X])
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)
