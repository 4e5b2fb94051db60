// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @max_pool
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}nn.ranges = [array<f64: -1.000000e+00, 1.000000e+00>]{{.*}}pool = "max2s2"
// CHECK-NEXT:  return %[[L]]
func.func @max_pool(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x4x4xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.max_pool"(%1) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, nn.ranges = [array<f64: -1.0, 1.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32>
  return %y : tensor<1x3x4x4xf32>
}

// -----

// The range stays that of the larger numbers before the mean.
// CHECK-LABEL: func.func @bytes_hold_what_is_averaged
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}nn.ranges = [array<f64: -9.000000e+00, 9.000000e+00>]{{.*}}pool = "mean2s2"
// CHECK-NEXT:  return %[[L]]
func.func @bytes_hold_what_is_averaged(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x4x4xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.avg_pool"(%1) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = false, nn.ranges = [array<f64: -1.0, 1.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32>
  return %y : tensor<1x3x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @depthwise_layers_cannot_pool
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}pool = "none"
// CHECK:       %[[P:.*]] = "kpu.layer"(%[[L]], {{.*}}kpu.copy{{.*}}pool = "max2s2"
// CHECK-NEXT:  return %[[P]]
func.func @depthwise_layers_cannot_pool(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x4x4xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x1x3x3xf32>} : () -> tensor<2x1x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = true, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<2x1x3x3xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  %y = "nn.max_pool"(%1) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, nn.ranges = [array<f64: -1.0, 1.0>]} : (tensor<1x2x8x8xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @what_others_use_is_copied
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}pool = "none"
// CHECK:       %[[P:.*]] = "kpu.layer"(%[[L]], {{.*}}kpu.copy{{.*}}pool = "max2s2"
// CHECK-NEXT:  return %[[P]], %[[L]]
func.func @what_others_use_is_copied(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> (tensor<1x3x4x4xf32>, tensor<1x3x8x8xf32>) {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.max_pool"(%1) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, nn.ranges = [array<f64: -1.0, 1.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32>
  return %y, %1 : tensor<1x3x4x4xf32>, tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @windows_that_are_not_square
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  %[[Y:.*]] = "nn.max_pool"(%[[L]])
// CHECK-NEXT:  return %[[Y]]
func.func @windows_that_are_not_square(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x6x7xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.max_pool"(%1) {kernel = array<i64: 3, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, nn.ranges = [array<f64: -1.0, 1.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x6x7xf32>
  return %y : tensor<1x3x6x7xf32>
}

// -----

// CHECK-LABEL: func.func @results_below_4x4
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  %[[Y:.*]] = "nn.max_pool"(%[[L]])
// CHECK-NEXT:  return %[[Y]]
func.func @results_below_4x4(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x2x2xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.max_pool"(%1) {kernel = array<i64: 4, 4>, strides = array<i64: 4, 4>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, nn.ranges = [array<f64: -1.0, 1.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x2x2xf32>
  return %y : tensor<1x3x2x2xf32>
}

// -----

// CHECK-LABEL: func.func @sum
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[Y:.*]] = "kpu.layer"(%arg1, %[[L]],
// CHECK-NEXT:  return %[[Y]]
func.func @sum(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %z: tensor<1x3x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.add"(%z, %1) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @twice
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       dense<{{.*}}2.000000e+00
// CHECK:       %[[Y:.*]] = "kpu.layer"(%[[L]],
// CHECK-NEXT:  return %[[Y]]
func.func @twice(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.add"(%1, %1) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @sum_on_the_host
// CHECK-NEXT:  %[[Y:.*]] = "nn.add"(%arg0, %arg1)
// CHECK-NEXT:  return %[[Y]]
func.func @sum_on_the_host(%x: tensor<1x3x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %z: tensor<1x3x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %y = "nn.add"(%x, %z) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @sum_with_a_column
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  %[[Y:.*]] = "nn.add"(%[[L]], %arg1)
// CHECK-NEXT:  return %[[Y]]
func.func @sum_with_a_column(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %z: tensor<1x3x8x1xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.add"(%1, %z) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<1x3x8x1xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @joined
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[Y:.*]] = "kpu.layer"(%[[L]], %arg1,
// CHECK-NEXT:  return %[[Y]]
func.func @joined(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %z: tensor<1x3x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %2 = "nn.concat"(%1, %z) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x6x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x6x1x1xf32>} : () -> tensor<2x6x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x6x8x8xf32>, tensor<2x6x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  return %y : tensor<1x2x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @joined_rows
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[J:.*]] = "nn.concat"(%[[L]], %[[L]])
// CHECK:       %[[Y:.*]] = "kpu.layer"(%[[J]],
func.func @joined_rows(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x16x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %2 = "nn.concat"(%1, %1) {axis = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x3x16x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x1x1xf32>} : () -> tensor<2x3x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x8xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x16x8xf32>
  return %y : tensor<1x2x16x8xf32>
}

// -----

// CHECK-LABEL: func.func @channels_of_zeros_are_not_read
// CHECK-NOT:   nn.pad
// CHECK:       "kpu.layer"(%arg0, {{.*}}tensor<2x2x1x1xf32>
func.func @channels_of_zeros_are_not_read(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x8x8xf32> {
  %1 = "nn.pad"(%x) {padding = array<i64: 0, 1, 0, 0, 0, 2, 0, 0>, mode = "constant", value = 0.0 : f64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>) -> tensor<1x5x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x5x1x1xf32>} : () -> tensor<2x5x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%1, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x5x8x8xf32>, tensor<2x5x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  return %y : tensor<1x2x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @rows_of_zeros_are
// CHECK:       %[[P:.*]] = "nn.pad"(%arg0)
// CHECK:       "kpu.layer"(%[[P]], {{.*}}tensor<2x5x1x1xf32>
func.func @rows_of_zeros_are(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x9x8xf32> {
  %1 = "nn.pad"(%x) {padding = array<i64: 0, 1, 1, 0, 0, 2, 0, 0>, mode = "constant", value = 0.0 : f64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>) -> tensor<1x5x9x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x5x1x1xf32>} : () -> tensor<2x5x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%1, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x5x9x8xf32>, tensor<2x5x1x1xf32>, tensor<2xf32>) -> tensor<1x2x9x8xf32>
  return %y : tensor<1x2x9x8xf32>
}

// -----

// CHECK-LABEL: func.func @too_many_outputs
// CHECK:       %[[A:.*]] = "kpu.layer"(%arg0{{.*}} -> tensor<1x552x8x8xf32>
// CHECK:       %[[B:.*]] = "kpu.layer"(%arg0{{.*}} -> tensor<1x548x8x8xf32>
// CHECK:       "nn.concat"(%[[A]], %[[B]])
func.func @too_many_outputs(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x1100x8x8xf32> {
  %v = "nn.constant"() {value = dense<0.5> : tensor<1100x2x1x1xf32>} : () -> tensor<1100x2x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<1100xf32>} : () -> tensor<1100xf32>
  %y = "kpu.layer"(%x, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<1100x2x1x1xf32>, tensor<1100xf32>) -> tensor<1x1100x8x8xf32>
  return %y : tensor<1x1100x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @activation_of_joined
// CHECK:       %[[A:.*]] = "kpu.layer"{{.*}}activation
// CHECK:       %[[B:.*]] = "kpu.layer"{{.*}}activation
// CHECK:       "nn.concat"(%[[A]], %[[B]])
func.func @activation_of_joined(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x6x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %2 = "kpu.layer"(%x, %v, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %3 = "nn.concat"(%1, %2) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x6x8x8xf32>
  %y = "nn.relu"(%3) {nn.ranges = [array<f64: 0.0, 9.0>]} : (tensor<1x6x8x8xf32>) -> tensor<1x6x8x8xf32>
  return %y : tensor<1x6x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @activation_of_joined_with_the_hosts
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[J:.*]] = "nn.concat"(%[[L]], %arg1)
// CHECK:       "nn.relu"(%[[J]])
func.func @activation_of_joined_with_the_hosts(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %z: tensor<1x3x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x6x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %3 = "nn.concat"(%1, %z) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x6x8x8xf32>
  %y = "nn.relu"(%3) {nn.ranges = [array<f64: 0.0, 9.0>]} : (tensor<1x6x8x8xf32>) -> tensor<1x6x8x8xf32>
  return %y : tensor<1x6x8x8xf32>
}
