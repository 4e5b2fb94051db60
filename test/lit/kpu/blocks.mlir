// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// Forty blocks are more maps than a layer reads: thirty-two of them are put into one first.
// CHECK-LABEL: func.func @many_blocks
// CHECK:       %[[M:.*]] = "kpu.layer"({{.*}}depthwise = true, kpu.copy{{.*}} -> tensor<1x128x8x8xf32>
// CHECK-NOT:   "nn.concat"
// CHECK:       "kpu.layer"(%[[M]], {{.*}} -> tensor<1x3x8x8xf32>
func.func @many_blocks(%x: tensor<1x160x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<160x1x5x5xf32>} : () -> tensor<160x1x5x5xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 2, 2, 2, 2>, groups = 160 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x160x8x8xf32>, tensor<160x1x5x5xf32>) -> tensor<1x160x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<3x160x1x1xf32>} : () -> tensor<3x160x1x1xf32>
  %2 = "nn.conv"(%1, %v) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x160x8x8xf32>, tensor<3x160x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %2 : tensor<1x3x8x8xf32>
}

// -----

// Two are not.
// CHECK-LABEL: func.func @few_blocks
// CHECK-NOT:   depthwise = true
// CHECK-NOT:   "nn.concat"
// CHECK:       return
func.func @few_blocks(%x: tensor<1x8x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<8x1x5x5xf32>} : () -> tensor<8x1x5x5xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 2, 2, 2, 2>, groups = 8 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>, tensor<8x1x5x5xf32>) -> tensor<1x8x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<3x8x1x1xf32>} : () -> tensor<3x8x1x1xf32>
  %2 = "nn.conv"(%1, %v) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>, tensor<3x8x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %2 : tensor<1x3x8x8xf32>
}

// -----

// Each block takes every second row and column itself.
// CHECK-LABEL: func.func @stride_2
// CHECK:       %[[A:.*]] = "kpu.layer"({{.*}}pool = "left_top2s2"
// CHECK:       %[[B:.*]] = "kpu.layer"({{.*}}pool = "left_top2s2"
// CHECK:       %[[J:.*]] = "nn.concat"(%[[A]], %[[B]])
// CHECK-NEXT:  return %[[J]]
func.func @stride_2(%x: tensor<1x8x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x8x4x4xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<8x1x5x5xf32>} : () -> tensor<8x1x5x5xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 2, 2, 2, 2>, groups = 8 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>, tensor<8x1x5x5xf32>) -> tensor<1x8x4x4xf32>
  return %1 : tensor<1x8x4x4xf32>
}

// -----

// No pooling takes every third, so a slice of all blocks does.
// CHECK-LABEL: func.func @stride_3
// CHECK:       %[[J:.*]] = "nn.concat"
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[J]])
// CHECK-NEXT:  return %[[S]]
func.func @stride_3(%x: tensor<1x8x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x8x3x3xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<8x1x5x5xf32>} : () -> tensor<8x1x5x5xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 3, 3>, dilations = array<i64: 1, 1>, padding = array<i64: 2, 2, 2, 2>, groups = 8 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>, tensor<8x1x5x5xf32>) -> tensor<1x8x3x3xf32>
  return %1 : tensor<1x8x3x3xf32>
}

// -----

// Nor is there a pooling for the middle of an odd number.
// CHECK-LABEL: func.func @stride_2_of_9
// CHECK:       %[[J:.*]] = "nn.concat"
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[J]])
// CHECK-NEXT:  return %[[S]]
func.func @stride_2_of_9(%x: tensor<1x8x9x9xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x8x5x5xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<8x1x5x5xf32>} : () -> tensor<8x1x5x5xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 2, 2, 2, 2>, groups = 8 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x9x9xf32>, tensor<8x1x5x5xf32>) -> tensor<1x8x5x5xf32>
  return %1 : tensor<1x8x5x5xf32>
}
