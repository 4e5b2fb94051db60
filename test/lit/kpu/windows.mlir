// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// Seven pixels are two neighbours, six times; what is above and to the left is added by the host.
// CHECK-LABEL: func.func @seven_by_seven
// CHECK-NOT:   "nn.max_pool"
// CHECK:       "nn.pad"{{.*}}padding = array<i64: 0, 0, 3, 3, 0, 0, 0, 0>
// CHECK-COUNT-6: pool = "max2s1"
// CHECK:       "nn.slice"
func.func @seven_by_seven(%x: tensor<1x2x16x16xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x16x16xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, "nn.ranges" = [array<f64: 0.0, 1.0>]} : (tensor<1x2x16x16xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x16x16xf32>
  %1 = "nn.max_pool"(%0) {kernel = array<i64: 7, 7>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 3, 3, 3, 3>, ceil_mode = false, "nn.ranges" = [array<f64: 0.0, 1.0>]} : (tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32>
  return %1 : tensor<1x2x16x16xf32>
}

// -----

// Windows that are not square are the host's.
// CHECK-LABEL: func.func @three_by_two
// CHECK:       "nn.max_pool"
func.func @three_by_two(%x: tensor<1x2x16x16xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x14x15xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, "nn.ranges" = [array<f64: 0.0, 1.0>]} : (tensor<1x2x16x16xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x16x16xf32>
  %1 = "nn.max_pool"(%0) {kernel = array<i64: 3, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, "nn.ranges" = [array<f64: 0.0, 1.0>]} : (tensor<1x2x16x16xf32>) -> tensor<1x2x14x15xf32>
  return %1 : tensor<1x2x14x15xf32>
}
