// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-tile{capacity=768})" | filecheck %s

// More stripes than one operation can join.
// CHECK:       stripes = 54 : i64
// CHECK:       %[[A:.*]] = "nn.concat"{{.*}} -> tensor<1x1x190x64xf32>
// CHECK:       %[[B:.*]] = "nn.concat"{{.*}} -> tensor<1x1x131x64xf32>
// CHECK:       "nn.concat"(%[[A]], %[[B]]){{.*}} -> tensor<1x1x321x64xf32>
func.func @main(%x: tensor<1x1x321x64xf32>) -> tensor<1x1x321x64xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x1x321x64xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x321x64xf32>
  return %1 : tensor<1x1x321x64xf32>
}
