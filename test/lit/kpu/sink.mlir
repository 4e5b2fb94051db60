// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @window_of_window
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%arg0) {axes = array<i64: 2, 3>, ends = array<i64: 24, 30>{{.*}}starts = array<i64: 7, 5>, steps = array<i64: 8, 6>
// CHECK-NEXT:  return %[[S]]
func.func @window_of_window(%x: tensor<1x2x32x32xf32>) -> tensor<1x2x3x5xf32> {
  %1 = "nn.slice"(%x) {starts = array<i64: 1, 2>, ends = array<i64: 31, 32>, axes = array<i64: 2, 3>, steps = array<i64: 2, 3>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x32x32xf32>) -> tensor<1x2x15x10xf32>
  %y = "nn.slice"(%1) {starts = array<i64: 3, 1>, ends = array<i64: 15, 10>, axes = array<i64: 2, 3>, steps = array<i64: 4, 2>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x15x10xf32>) -> tensor<1x2x3x5xf32>
  return %y : tensor<1x2x3x5xf32>
}

// -----

// CHECK-LABEL: func.func @backwards
// CHECK-NEXT:  %[[A:.*]] = "nn.slice"(%arg0)
// CHECK-NEXT:  %[[B:.*]] = "nn.slice"(%[[A]])
// CHECK-NEXT:  return %[[B]]
func.func @backwards(%x: tensor<1x2x32x32xf32>) -> tensor<1x2x15x10xf32> {
  %1 = "nn.slice"(%x) {starts = array<i64: 1, 2>, ends = array<i64: 31, 32>, axes = array<i64: 2, 3>, steps = array<i64: 2, 3>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x32x32xf32>) -> tensor<1x2x15x10xf32>
  %y = "nn.slice"(%1) {starts = array<i64: 14, 0>, ends = array<i64: -100, 10>, axes = array<i64: 2, 3>, steps = array<i64: -1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x15x10xf32>) -> tensor<1x2x15x10xf32>
  return %y : tensor<1x2x15x10xf32>
}

// -----

// CHECK-LABEL: func.func @activation
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}activation
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[L]]){{.*}}starts = array<i64: 1, 1>
// CHECK-NEXT:  return %[[S]]
func.func @activation(%x: tensor<1x2x16x16xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 1, 1>, ends = array<i64: 9, 9>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.relu"(%2) {nn.ranges = [array<f64: 0.0, 9.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @activation_of_a_part_of_two
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[L]])
// CHECK-NEXT:  %[[Y:.*]] = "nn.relu"(%[[S]])
// CHECK-NEXT:  return %[[Y]], %[[S]]
func.func @activation_of_a_part_of_two(%x: tensor<1x2x16x16xf32>) -> (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 1, 1>, ends = array<i64: 9, 9>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.relu"(%2) {nn.ranges = [array<f64: 0.0, 9.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y, %2 : tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @scaling
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}3.000000e+00]
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[L]])
// CHECK-NEXT:  return %[[S]]
func.func @scaling(%x: tensor<1x2x16x16xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {activation = dense<[[-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]> : tensor<2x3xf32>, depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 1, 1>, ends = array<i64: 9, 9>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<3.0> : tensor<f32>} : () -> tensor<f32>
  %y = "nn.mul"(%2, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<f32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @scaling_by_columns
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[L]])
// CHECK:       %[[Y:.*]] = "nn.mul"(%[[S]]
// CHECK-NEXT:  return %[[Y]]
func.func @scaling_by_columns(%x: tensor<1x2x16x16xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {activation = dense<[[-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]> : tensor<2x3xf32>, depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 1, 1>, ends = array<i64: 9, 9>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<3.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %y = "nn.mul"(%2, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @prelu
// CHECK-NOT:   nn.prelu
// CHECK:       %[[S:.*]] = "nn.slice"
// CHECK-NEXT:  return %[[S]]
func.func @prelu(%x: tensor<1x2x16x16xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 1, 1>, ends = array<i64: 9, 9>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<0.5> : tensor<3x1x1xf32>} : () -> tensor<3x1x1xf32>
  %y = "nn.prelu"(%2, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<3x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @prelu_of_columns
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[L]])
// CHECK:       %[[Y:.*]] = "nn.prelu"(%[[S]]
// CHECK-NEXT:  return %[[Y]]
func.func @prelu_of_columns(%x: tensor<1x2x16x16xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 1, 1>, ends = array<i64: 9, 9>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<0.5> : tensor<8xf32>} : () -> tensor<8xf32>
  %y = "nn.prelu"(%2, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @pointwise_layer
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[M:.*]] = "kpu.layer"(%[[L]],
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[M]])
// CHECK-NEXT:  return %[[S]]
func.func @pointwise_layer(%x: tensor<1x2x16x16xf32>) -> tensor<1x2x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 1, 1>, ends = array<i64: 9, 9>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x1x1xf32>} : () -> tensor<2x3x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  return %y : tensor<1x2x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @neighbours_are_needed
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[S:.*]] = "nn.slice"(%[[L]])
// CHECK:       %[[M:.*]] = "kpu.layer"(%[[S]],
// CHECK-NEXT:  return %[[M]]
func.func @neighbours_are_needed(%x: tensor<1x2x16x16xf32>) -> tensor<1x2x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 1, 1>, ends = array<i64: 9, 9>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x3x3xf32>} : () -> tensor<2x3x3x3xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<2x3x3x3xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  return %y : tensor<1x2x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @every_second_pixel
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}pool = "left_top2s2"
// CHECK-NEXT:  return %[[L]]
func.func @every_second_pixel(%x: tensor<1x2x16x16xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %y = "nn.slice"(%1) {starts = array<i64: 0, 0>, ends = array<i64: 16, 16>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @every_second_column_from_the_right
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}pool = "right_top2s2"
// CHECK-NEXT:  return %[[L]]
func.func @every_second_column_from_the_right(%x: tensor<1x2x16x16xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %y = "nn.slice"(%1) {starts = array<i64: 0, 1>, ends = array<i64: 16, 16>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// A 3x3 kernel reads the pixel below and to the right.
// CHECK-LABEL: func.func @odd_rows_of_a_pointwise_layer
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}pool = "left_top2s2"{{.*}}tensor<3x2x3x3xf32>
// CHECK-NEXT:  return %[[L]]
func.func @odd_rows_of_a_pointwise_layer(%x: tensor<1x2x16x16xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %y = "nn.slice"(%1) {starts = array<i64: 1, 1>, ends = array<i64: 16, 16>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @odd_rows_of_a_3x3_layer
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}pool = "none"
// CHECK:       %[[P:.*]] = "kpu.layer"(%[[L]], {{.*}}kpu.copy{{.*}}pool = "left_top2s2"
// CHECK-NEXT:  return %[[P]]
func.func @odd_rows_of_a_3x3_layer(%x: tensor<1x2x16x16xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x3x3xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %y = "nn.slice"(%1) {starts = array<i64: 1, 1>, ends = array<i64: 16, 16>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @depthwise_layers_cannot_pick
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}pool = "none"
// CHECK:       %[[P:.*]] = "kpu.layer"(%[[L]], {{.*}}kpu.copy{{.*}}pool = "left_top2s2"
// CHECK-NEXT:  return %[[P]]
func.func @depthwise_layers_cannot_pick(%x: tensor<1x2x16x16xf32>) -> tensor<1x2x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x1x3x3xf32>} : () -> tensor<2x1x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = true, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<2x1x3x3xf32>, tensor<2xf32>) -> tensor<1x2x16x16xf32>
  %y = "nn.slice"(%1) {starts = array<i64: 0, 0>, ends = array<i64: 16, 16>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>) -> tensor<1x2x8x8xf32>
  return %y : tensor<1x2x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @every_third
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}pool = "none"
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[L]])
// CHECK-NEXT:  return %[[S]]
func.func @every_third(%x: tensor<1x2x16x16xf32>) -> tensor<1x3x6x6xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %y = "nn.slice"(%1) {starts = array<i64: 0, 0>, ends = array<i64: 16, 16>, axes = array<i64: 2, 3>, steps = array<i64: 3, 3>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x6x6xf32>
  return %y : tensor<1x3x6x6xf32>
}

// -----

// The 1x1 layer computes at every pixel, and picks: no layer that only copies.
// CHECK-LABEL: func.func @behind_a_layer_with_few_outputs
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}depthwise = true
// CHECK:       %[[M:.*]] = "kpu.layer"(%[[L]], {{.*}}pool = "left_top2s2"
// CHECK-NEXT:  return %[[M]]
func.func @behind_a_layer_with_few_outputs(%x: tensor<1x2x16x16xf32>) -> tensor<1x2x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x1x3x3xf32>} : () -> tensor<2x1x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = true, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<2x1x3x3xf32>, tensor<2xf32>) -> tensor<1x2x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 0, 0>, ends = array<i64: 16, 16>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>) -> tensor<1x2x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  return %y : tensor<1x2x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @before_a_layer_with_many_outputs
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}}depthwise = true
// CHECK:       %[[P:.*]] = "kpu.layer"(%[[L]], {{.*}}kpu.copy{{.*}}pool = "left_top2s2"
// CHECK:       %[[M:.*]] = "kpu.layer"(%[[P]],
// CHECK-NEXT:  return %[[M]]
func.func @before_a_layer_with_many_outputs(%x: tensor<1x2x16x16xf32>) -> tensor<1x9x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x1x3x3xf32>} : () -> tensor<2x1x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = true, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<2x1x3x3xf32>, tensor<2xf32>) -> tensor<1x2x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 0, 0>, ends = array<i64: 16, 16>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>) -> tensor<1x2x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<9x2x1x1xf32>} : () -> tensor<9x2x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<9xf32>} : () -> tensor<9xf32>
  %y = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<9x2x1x1xf32>, tensor<9xf32>) -> tensor<1x9x8x8xf32>
  return %y : tensor<1x9x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @the_edge_is_left_out
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[M:.*]] = "kpu.layer"(%[[L]],
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[M]]){{.*}}starts = array<i64: 3, 3>
// CHECK-NEXT:  return %[[S]]
func.func @the_edge_is_left_out(%x: tensor<1x2x16x16xf32>) -> tensor<1x2x6x6xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 2, 2>, ends = array<i64: 10, 10>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x3x3xf32>} : () -> tensor<2x3x3x3xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %3 = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<2x3x3x3xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  %y = "nn.slice"(%3) {starts = array<i64: 1, 1>, ends = array<i64: 7, 7>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32>
  return %y : tensor<1x2x6x6xf32>
}

// -----

// CHECK-LABEL: func.func @the_edge_is_used
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[I:.*]] = "nn.slice"(%[[L]])
// CHECK:       %[[M:.*]] = "kpu.layer"(%[[I]],
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[M]])
// CHECK-NEXT:  return %[[S]]
func.func @the_edge_is_used(%x: tensor<1x2x16x16xf32>) -> tensor<1x2x6x6xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 2, 2>, ends = array<i64: 10, 10>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x3x3xf32>} : () -> tensor<2x3x3x3xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %3 = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<2x3x3x3xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  %y = "nn.slice"(%3) {starts = array<i64: 0, 1>, ends = array<i64: 6, 7>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32>
  return %y : tensor<1x2x6x6xf32>
}

// -----

// CHECK-LABEL: func.func @padded_again
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[M:.*]] = "kpu.layer"(%[[L]],
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[M]])
// CHECK-NEXT:  return %[[S]]
func.func @padded_again(%x: tensor<1x2x16x16xf32>) -> tensor<1x2x15x15xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 0, 0>, ends = array<i64: 15, 15>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x15x15xf32>
  %3 = "nn.pad"(%2) {padding = array<i64: 0, 0, 0, 0, 0, 0, 1, 1>, mode = "constant", value = 0.0 : f64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x15x15xf32>) -> tensor<1x3x16x16xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x1x1xf32>} : () -> tensor<2x3x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %4 = "kpu.layer"(%3, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x16x16xf32>
  %y = "nn.slice"(%4) {starts = array<i64: 0, 0>, ends = array<i64: 15, 15>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>) -> tensor<1x2x15x15xf32>
  return %y : tensor<1x2x15x15xf32>
}

// -----

// CHECK-LABEL: func.func @padded_again_and_used
// CHECK:       "nn.slice"
// CHECK:       %[[P:.*]] = "nn.pad"
// CHECK:       "kpu.layer"(%[[P]],
func.func @padded_again_and_used(%x: tensor<1x2x16x16xf32>) -> tensor<1x2x16x16xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x16x16xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x16x16xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 0, 0>, ends = array<i64: 15, 15>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>) -> tensor<1x3x15x15xf32>
  %3 = "nn.pad"(%2) {padding = array<i64: 0, 0, 0, 0, 0, 0, 1, 1>, mode = "constant", value = 0.0 : f64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x15x15xf32>) -> tensor<1x3x16x16xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x1x1xf32>} : () -> tensor<2x3x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %4 = "kpu.layer"(%3, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x16x16xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x16x16xf32>
  return %4 : tensor<1x2x16x16xf32>
}
