// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-tile{capacity=3000})" --split-input-file | filecheck %s

// Two 3x3 layers: a stripe needs two rows beyond those that leave it.
// CHECK-LABEL: func.func @chain
// CHECK-SAME:  layers = 2 : i64{{.*}}stripes = 2 : i64
// CHECK:       %[[TOP:.*]] = "nn.slice"(%arg0) {{.*}}ends = array<i64: 18, 16>{{.*}}starts = array<i64: 0, 0>
// CHECK-NEXT:  %[[A:.*]] = "kpu.layer"(%[[TOP]]
// CHECK-NEXT:  %[[B:.*]] = "kpu.layer"(%[[A]]
// CHECK-NEXT:  %[[UPPER:.*]] = "nn.slice"(%[[B]]) {{.*}}ends = array<i64: 16, 16>{{.*}}starts = array<i64: 0, 0>
// CHECK-NEXT:  %[[BOTTOM:.*]] = "nn.slice"(%arg0) {{.*}}ends = array<i64: 32, 16>{{.*}}starts = array<i64: 14, 0>
// CHECK-NEXT:  %[[C:.*]] = "kpu.layer"(%[[BOTTOM]]
// CHECK-NEXT:  %[[D:.*]] = "kpu.layer"(%[[C]]
// CHECK-NEXT:  %[[LOWER:.*]] = "nn.slice"(%[[D]]) {{.*}}ends = array<i64: 18, 16>{{.*}}starts = array<i64: 2, 0>
// CHECK-NEXT:  %[[Y:.*]] = "nn.concat"(%[[UPPER]], %[[LOWER]]) {axis = 2 : i64, nn.ranges = [array<f64: 0.000000e+00, 2.000000e+00>]
// CHECK-NEXT:  return %[[Y]]
func.func @chain(%x: tensor<1x4x32x16xf32>) -> tensor<1x4x32x16xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<4x4x3x3xf32>} : () -> tensor<4x4x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<1x4x32x16xf32>, tensor<4x4x3x3xf32>, tensor<4xf32>) -> tensor<1x4x32x16xf32>
  %2 = "kpu.layer"(%1, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x4x32x16xf32>, tensor<4x4x3x3xf32>, tensor<4xf32>) -> tensor<1x4x32x16xf32>
  return %2 : tensor<1x4x32x16xf32>
}

// -----

// 1x1 layers need nothing beyond: what leaves a stripe is all of it.
// CHECK-LABEL: func.func @pointwise
// CHECK:       %[[TOP:.*]] = "nn.slice"(%arg0) {{.*}}ends = array<i64: 16, 16>
// CHECK-NEXT:  %[[A:.*]] = "kpu.layer"(%[[TOP]]
// CHECK-NEXT:  %[[BOTTOM:.*]] = "nn.slice"(%arg0) {{.*}}ends = array<i64: 32, 16>{{.*}}starts = array<i64: 16, 0>
// CHECK-NEXT:  %[[B:.*]] = "kpu.layer"(%[[BOTTOM]]
// CHECK-NEXT:  "nn.concat"(%[[A]], %[[B]])
func.func @pointwise(%x: tensor<1x4x32x16xf32>) -> tensor<1x4x32x16xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<4x4x1x1xf32>} : () -> tensor<4x4x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x4x32x16xf32>, tensor<4x4x1x1xf32>, tensor<4xf32>) -> tensor<1x4x32x16xf32>
  return %1 : tensor<1x4x32x16xf32>
}

// -----

// Nothing happens where everything fits.
// CHECK-LABEL: func.func @fits
// CHECK-NOT:   kpu.regions
// CHECK-NOT:   nn.slice
func.func @fits(%x: tensor<1x4x20x16xf32>) -> tensor<1x4x20x16xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<4x4x3x3xf32>} : () -> tensor<4x4x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x4x20x16xf32>, tensor<4x4x3x3xf32>, tensor<4xf32>) -> tensor<1x4x20x16xf32>
  return %1 : tensor<1x4x20x16xf32>
}

// -----

// No region can hold both layers: the host works on the one's result before the other reads it.
// CHECK-LABEL: func.func @detour
// CHECK-SAME:  layers = 1 : i64{{.*}}stripes = 2 : i64}, {{.*}}layers = 1 : i64{{.*}}stripes = 2 : i64}
// CHECK:       %[[Y:.*]] = "nn.concat"
// CHECK-NEXT:  %[[Z:.*]] = "nn.softmax"(%[[Y]])
// CHECK-NEXT:  "nn.slice"(%[[Z]])
func.func @detour(%x: tensor<1x4x32x16xf32>) -> tensor<1x4x32x16xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<4x4x3x3xf32>} : () -> tensor<4x4x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<1x4x32x16xf32>, tensor<4x4x3x3xf32>, tensor<4xf32>) -> tensor<1x4x32x16xf32>
  %2 = "nn.softmax"(%1) {axis = 1 : i64, nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<1x4x32x16xf32>) -> tensor<1x4x32x16xf32>
  %3 = "kpu.layer"(%2, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x4x32x16xf32>, tensor<4x4x3x3xf32>, tensor<4xf32>) -> tensor<1x4x32x16xf32>
  return %3 : tensor<1x4x32x16xf32>
}

// -----

// Of 33 rows the pooling drops the last one, which so belongs to the last stripe.
// CHECK-LABEL: func.func @odd_rows
// CHECK:       "kpu.layer"{{.*}} -> tensor<1x4x9x8xf32>
// CHECK-NEXT:  "nn.slice"{{.*}} -> tensor<1x4x8x8xf32>
// CHECK-NEXT:  "nn.slice"(%arg0) {{.*}}ends = array<i64: 33, 16>{{.*}}starts = array<i64: 14, 0>
// CHECK-NEXT:  "kpu.layer"{{.*}}tensor<1x4x19x16xf32>, {{.*}} -> tensor<1x4x9x8xf32>
// CHECK-NEXT:  "nn.slice"{{.*}} -> tensor<1x4x8x8xf32>
func.func @odd_rows(%x: tensor<1x4x33x16xf32>) -> tensor<1x4x16x8xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<4x4x3x3xf32>} : () -> tensor<4x4x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "max2s2", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x4x33x16xf32>, tensor<4x4x3x3xf32>, tensor<4xf32>) -> tensor<1x4x16x8xf32>
  return %1 : tensor<1x4x16x8xf32>
}

// -----

// Maps of 32 and 25 rows have no rows in common.
// CHECK-LABEL: func.func @unlike_rows
// CHECK-SAME:  layers = 1 : i64{{.*}}stripes = 2 : i64}, {{.*}}layers = 1 : i64{{.*}}stripes = 2 : i64}]
func.func @unlike_rows(%x: tensor<1x4x32x16xf32>, %y: tensor<1x4x25x16xf32>) -> (tensor<1x4x32x16xf32>, tensor<1x4x25x16xf32>) {
  %w = "nn.constant"() {value = dense<1.0> : tensor<4x4x3x3xf32>} : () -> tensor<4x4x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x4x32x16xf32>, tensor<4x4x3x3xf32>, tensor<4xf32>) -> tensor<1x4x32x16xf32>
  %2 = "kpu.layer"(%y, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x4x25x16xf32>, tensor<4x4x3x3xf32>, tensor<4xf32>) -> tensor<1x4x25x16xf32>
  return %1, %2 : tensor<1x4x32x16xf32>, tensor<1x4x25x16xf32>
}
