"""What the KPU gives to main memory and takes from there again."""

import numpy as np
import vendor19

import kpuc
from kpuc.backends.stackvm.emit5 import emit5
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.mlir import ir
from kpuc.passes.pipeline import parse_pipeline
from kpuc.pipelines import BUFFERS_PIPELINE, CHIP_MEMORY_PIPELINE, MAPS_PIPELINE

SHAPE = (1, 3, 8, 8)
MAP = "tensor<1x3x8x8x!quant.uniform<u8:f32, 1.0:9>>"
NONE = ", ".join(["1", *["0"] * 31, "1", "1", "1"])
LAYER = f"""
  %{{1}} = "kpu.upload"(%{{0}}) : ({MAP}) -> {MAP}
  %{{2}} = "kpu.conv2d"(%{{1}}, %w, %n, %l) {{{{depthwise = true, pool = "none", weight_zero = 120 : i64,
    operandSegmentSizes = array<i32: {NONE}>}}}}
    : ({MAP}, tensor<3x1x3x3xui8>, tensor<3x3xi64>, tensor<16x4xi64>) -> {MAP}
  %{{3}} = "kpu.download"(%{{2}}) : ({MAP}) -> {MAP}
"""
NETWORK = f"""
func.func @main(%x: {MAP}) -> {MAP} {{
  %w = "nn.constant"() {{value = dense<122> : tensor<3x1x3x3xui8>}} : () -> tensor<3x1x3x3xui8>
  %n = "nn.constant"() {{value = dense<[[1, 3, 30], [1, 4, 40], [1, 5, 50]]> : tensor<3x3xi64>}} : () -> tensor<3x3xi64>
  %l = "nn.constant"() {{value = dense<[{"[-34359738368, 0, 0, 0], " + ", ".join(["[0, 1, 0, 0]"] * 15)}]> :
    tensor<16x4xi64>}} : () -> tensor<16x4xi64>
  {LAYER.format("x", "a", "b", "c")} {LAYER.format("c", "d", "e", "f")}
  return %f : {MAP}
}}
"""


def test_a_map_that_comes_back_is_what_went_out():
    """In the vendor's Simulator, too: a function reads its inputs before it makes its results."""
    given = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.uint8)
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.parse(NETWORK)
        (expected,) = evaluate(module, [given])
        for text in (MAPS_PIPELINE, CHIP_MEMORY_PIPELINE, BUFFERS_PIPELINE):
            parse_pipeline(text).run(module)
        data = emit5(module, "test", "1.6")
    assert np.unique(expected).size > 9
    (ours,) = kpuc.Simulator(data).run(given).values()
    np.testing.assert_array_equal(ours, expected)
    vendor19.skip_without()
    ((theirs,),) = vendor19.simulate([(data, [given])])
    np.testing.assert_array_equal(theirs, expected)
