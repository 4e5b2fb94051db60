// nn-opt nn-opt-reproducer.mlir --pass-pipeline='builtin.module(kpu-tile{capacity=500})'
#loc2 = loc("test/lit/kpu/tile_too_wide.mlir":7:17)
module {
  func.func @main(%arg0: tensor<1x1x321x64xf32> loc("test/lit/kpu/tile_too_wide.mlir":7:17)) -> tensor<1x1x160x32xf32> {
    %0 = "nn.constant"() {value = dense<1.000000e+00> : tensor<1x1x3x3xf32>} : () -> tensor<1x1x3x3xf32> loc(#loc3)
    %1 = "nn.constant"() {value = dense<0.000000e+00> : tensor<1xf32>} : () -> tensor<1xf32> loc(#loc4)
    %2 = "kpu.layer"(%arg0, %0, %1) {depthwise = false, nn.ranges = [array<f64: 0.000000e+00, 2.000000e+00>], operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, pool = "max2s2"} : (tensor<1x1x321x64xf32>, tensor<1x1x3x3xf32>, tensor<1xf32>) -> tensor<1x1x160x32xf32> loc(#loc5)
    return %2 : tensor<1x1x160x32xf32> loc(#loc6)
  } loc(#loc1)
} loc(#loc)
#loc = loc("test/lit/kpu/tile_too_wide.mlir":1:1)
#loc1 = loc("test/lit/kpu/tile_too_wide.mlir":7:1)
#loc3 = loc("test/lit/kpu/tile_too_wide.mlir":8:8)
#loc4 = loc("test/lit/kpu/tile_too_wide.mlir":9:8)
#loc5 = loc("test/lit/kpu/tile_too_wide.mlir":10:8)
#loc6 = loc("test/lit/kpu/tile_too_wide.mlir":11:3)

