// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// The factor gets into both layers, whose results are joined.
// CHECK-LABEL: func.func @scaled_join
// CHECK-NOT:   "nn.mul"
// CHECK:       "kpu.layer"
// CHECK:       "kpu.layer"
// CHECK:       "nn.concat"
func.func @scaled_join(%x: tensor<1x2x4x4xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x4x4x4xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %a = "nn.constant"() {value = dense<2.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, clamp = array<f64: 0.0, 1.0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %2 = "nn.concat"(%0, %1) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x4x4x4xf32>
  %3 = "nn.mul"(%2, %a) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x4x4xf32>, tensor<1xf32>) -> tensor<1x4x4x4xf32>
  return %3 : tensor<1x4x4x4xf32>
}

// -----

// What is joined with a map of the host stays there.
// CHECK-LABEL: func.func @join_with_input
// CHECK:       "nn.concat"
// CHECK:       "nn.mul"
func.func @join_with_input(%x: tensor<1x2x4x4xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x4x4x4xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %a = "nn.constant"() {value = dense<2.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "nn.concat"(%0, %x) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x4x4x4xf32>
  %2 = "nn.mul"(%1, %a) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x4x4xf32>, tensor<1xf32>) -> tensor<1x4x4x4xf32>
  return %2 : tensor<1x4x4x4xf32>
}

// -----

// The function is the layer's, before its channels are spread.
// CHECK-LABEL: func.func @relu_of_spread
// CHECK-NOT:   "nn.relu"
// CHECK:       "kpu.layer"{{.*}}activation
// CHECK:       "nn.depth_to_space"
func.func @relu_of_spread(%x: tensor<1x4x4x4xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x1x8x8xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<4x4x1x1xf32>} : () -> tensor<4x4x1x1xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x4x4xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x4x4xf32>
  %1 = "nn.depth_to_space"(%0) {block = 2 : i64, mode = "DCR", nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x4x4xf32>) -> tensor<1x1x8x8xf32>
  %2 = "nn.relu"(%1) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x1x8x8xf32>) -> tensor<1x1x8x8xf32>
  return %2 : tensor<1x1x8x8xf32>
}

// -----

// Of an input there is no layer that the function could get into.
// CHECK-LABEL: func.func @relu_of_spread_input
// CHECK:       "nn.depth_to_space"
// CHECK:       "nn.relu"
func.func @relu_of_spread_input(%x: tensor<1x4x4x4xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x1x8x8xf32> {
  %1 = "nn.depth_to_space"(%x) {block = 2 : i64, mode = "DCR", nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x4x4xf32>) -> tensor<1x1x8x8xf32>
  %2 = "nn.relu"(%1) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x1x8x8xf32>) -> tensor<1x1x8x8xf32>
  return %2 : tensor<1x1x8x8xf32>
}
