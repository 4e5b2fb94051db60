// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" | filecheck %s

// what combines elements along an axis has others to combine before the slice
// CHECK-LABEL: func.func @softmax_of_slice_stays
// CHECK:       [[S:%.*]] = "nn.slice"
// CHECK-NEXT:  "nn.softmax"([[S]])
func.func @softmax_of_slice_stays(%x: tensor<1x2x15x15xf32>) -> tensor<1x3x15x14xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %0 = "nn.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x15x15xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x15x15xf32>
  %1 = "nn.slice"(%0) {starts = array<i64: 1>, ends = array<i64: 15>, axes = array<i64: 3>, steps = array<i64: 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x15x15xf32>) -> tensor<1x3x15x14xf32>
  %2 = "nn.softmax"(%1) {axis = 3 : i64, nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<1x3x15x14xf32>) -> tensor<1x3x15x14xf32>
  return %2 : tensor<1x3x15x14xf32>
}
