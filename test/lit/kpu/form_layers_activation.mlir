// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @relu
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}activation = dense<{{.*}}-1.000000e+00, 0.000000e+00, 1.000000e+00], [0.000000e+00, 0.000000e+00, 1.000000e+00]{{.*}}nn.ranges = [array<f64: 0.000000e+00, 9.000000e+00>]
// CHECK-NEXT:  return %[[L]]
func.func @relu(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.relu"(%1) {nn.ranges = [array<f64: 0.0, 9.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @corners_of_two_activations_stay
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}activation = dense<{{.*}}-2.000000e+00, 0.000000e+00, 2.000000e+00, {{.*}}0.000000e+00, 5.000000e-01, 2.500000e+00, 2.500000e+00]{{.*}}
// CHECK-NEXT:  return %[[L]]
func.func @corners_of_two_activations_stay(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %2 = "nn.leaky_relu"(%1) {alpha = 0.25 : f64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>
  %3 = "nn.add"(%2, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<f32>) -> tensor<1x3x8x8xf32>
  %y = "nn.clamp"(%3) {min = 0.0 : f64, max = 2.5 : f64, nn.ranges = [array<f64: 0.0, 2.5>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @sigmoid_is_sampled
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}tensor<2x2049xf32>
// CHECK-NEXT:  return %[[L]]
func.func @sigmoid_is_sampled(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.sigmoid"(%1) {nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @sigmoid_of_an_unknown_range
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  %[[Y:.*]] = "nn.sigmoid"(%[[L]])
// CHECK-NEXT:  return %[[Y]]
func.func @sigmoid_of_an_unknown_range(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.sigmoid"(%1) {nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @another_user_wants_it_without
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  %[[Y:.*]] = "nn.relu"(%[[L]])
// CHECK-NEXT:  return %[[Y]], %[[L]]
func.func @another_user_wants_it_without(%x: tensor<1x2x8x8xf32>) -> (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.relu"(%1) {nn.ranges = [array<f64: 0.0, 9.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y, %1 : tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @not_behind_a_pooling
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  %[[Y:.*]] = "nn.relu"(%[[L]])
// CHECK-NEXT:  return %[[Y]]
func.func @not_behind_a_pooling(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x4x4xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "mean2s2", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32>
  %y = "nn.relu"(%1) {nn.ranges = [array<f64: 0.0, 9.0>]} : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  return %y : tensor<1x3x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @round_is_no_line
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  %[[Y:.*]] = "nn.floor"(%[[L]])
// CHECK-NEXT:  return %[[Y]]
func.func @round_is_no_line(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.floor"(%1) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @number
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}activation = dense<{{.*}}[-3.000000e+00, 0.000000e+00, 3.000000e+00], [0.000000e+00, 0.000000e+00, -9.000000e+00]{{.*}}
// CHECK-NEXT:  return %[[L]]
func.func @number(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {activation = dense<[[-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]> : tensor<2x3xf32>, depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<-3.0> : tensor<f32>} : () -> tensor<f32>
  %y = "nn.mul"(%1, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<f32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @numbers_for_columns
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[Y:.*]] = "nn.mul"(%[[L]]
// CHECK-NEXT:  return %[[Y]]
func.func @numbers_for_columns(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<0.5> : tensor<8xf32>} : () -> tensor<8xf32>
  %y = "nn.mul"(%1, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// Both signs of the layer, of which the second one is scaled and subtracted.
// CHECK-LABEL: func.func @prelu
// CHECK:       %[[H:.*]] = "kpu.layer"(%arg0{{.*}} -> tensor<1x6x8x8xf32>
// CHECK:       %[[L:.*]] = "kpu.layer"(%[[H]]{{.*}} -> tensor<1x3x8x8xf32>
// CHECK-NEXT:  return %[[L]]
func.func @prelu(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<[[[0.25]], [[0.5]], [[0.75]]]> : tensor<3x1x1xf32>} : () -> tensor<3x1x1xf32>
  %y = "nn.prelu"(%1, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<3x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// There are as many as channels.
// CHECK-LABEL: func.func @slopes_for_columns
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[Y:.*]] = "nn.prelu"(%[[L]]
// CHECK-NEXT:  return %[[Y]]
func.func @slopes_for_columns(%x: tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<8x8x1x1xf32>} : () -> tensor<8x8x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>, tensor<8x8x1x1xf32>, tensor<8xf32>) -> tensor<1x8x8x8xf32>
  %k = "nn.constant"() {value = dense<0.5> : tensor<8xf32>} : () -> tensor<8xf32>
  %y = "nn.prelu"(%1, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>, tensor<8xf32>) -> tensor<1x8x8x8xf32>
  return %y : tensor<1x8x8x8xf32>
}
