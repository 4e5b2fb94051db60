// RUN: not nn-opt %s --pass-pipeline="builtin.module(kpu-tile{capacity=3000})" 2>&1 | filecheck %s

// Stripes of fewer than 4 rows are not made; of a narrower map every row would take as many lines.
// CHECK: K0610
// CHECK-SAME: 4 rows of what this layer reads, 16 columns wide, and what it makes of them take 4096 bytes
// CHECK-SAME: where there are 3000: 1096 too many
func.func @few_rows(%x: tensor<1x32x6x16xf32>) -> tensor<1x32x6x16xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<32x32x3x3xf32>} : () -> tensor<32x32x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<32xf32>} : () -> tensor<32xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x32x6x16xf32>, tensor<32x32x3x3xf32>, tensor<32xf32>) -> tensor<1x32x6x16xf32>
  return %1 : tensor<1x32x6x16xf32>
}
