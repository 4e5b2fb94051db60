"""Reductions of dequantised tensors, whose axes beside the reduced one are counted as one."""

import numpy as np
import pytest

from kpuc.backends.native.emit import emit_native, pipeline
from kpuc.backends.native.target import host
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.mlir import ir
from kpuc.passes.pipeline import parse_pipeline
from kpuc.runtime import Simulator

QUANTISED = "tensor<2x12x5x8x!quant.uniform<i8:f32, 0.25:-3>>"


@pytest.mark.parametrize(("axes", "shape"), [("1", "2x1x5x8"), ("2, 3", "2x12x1x1"), ("0", "1x12x5x8")])
def test_means_of_dequantised_numbers(axes, shape):
    text = f"""
        func.func @main(%x: tensor<2x12x5x8xi8>) -> tensor<{shape}xf32> {{
          %0 = "nn.storage_cast"(%x) : (tensor<2x12x5x8xi8>) -> {QUANTISED}
          %1 = "nn.dequantize"(%0) : ({QUANTISED}) -> tensor<2x12x5x8xf32>
          %2 = "nn.reduce"(%1) {{axes = array<i64: {axes}>, keepdims = true, kind = "mean"}}
            : (tensor<2x12x5x8xf32>) -> tensor<{shape}xf32>
          return %2 : tensor<{shape}xf32>
        }}"""
    x = np.random.default_rng(0).integers(-128, 128, (2, 12, 5, 8)).astype(np.int8)
    with mlir.context(), ir.Location.unknown():
        module, spec = ir.Module.parse(text), host()
        (expected,) = evaluate(module, [x])
        parse_pipeline(pipeline(spec)).run(module)
        data, _ = emit_native([[module]], [spec], "test")
    (got,) = Simulator(data).run(x).values()
    np.testing.assert_allclose(got, expected, rtol=1e-6)
