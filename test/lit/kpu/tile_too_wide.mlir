// RUN: not nn-opt %s --pass-pipeline="builtin.module(kpu-tile{capacity=500})" 2>&1 | filecheck %s

// The smallest stripe makes 4 rows of 8; half as wide a map needs half the bytes, for two channels share its lines.
// CHECK: K0610
// CHECK-SAME: 8 rows of what this layer reads, 64 columns wide
// CHECK-SAME: take 768 bytes
func.func @main(%x: tensor<1x1x321x64xf32>) -> tensor<1x1x160x32xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<1x1x3x3xf32>} : () -> tensor<1x1x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "max2s2", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x1x321x64xf32>, tensor<1x1x3x3xf32>, tensor<1xf32>) -> tensor<1x1x160x32xf32>
  return %1 : tensor<1x1x160x32xf32>
}
