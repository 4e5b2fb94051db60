// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-tile)" --split-input-file | filecheck %s

// It fits, but the KPU counts 256 rows.
// CHECK-LABEL: func.func @tall
// CHECK-SAME:  stripes = 2 : i64
// CHECK:       "kpu.layer"{{.*}} -> tensor<1x1x161x64xf32>
// CHECK:       "kpu.layer"{{.*}} -> tensor<1x1x161x64xf32>
func.func @tall(%x: tensor<1x1x320x64xf32>) -> tensor<1x1x320x64xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<1x1x3x3xf32>} : () -> tensor<1x1x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x1x320x64xf32>, tensor<1x1x3x3xf32>, tensor<1xf32>) -> tensor<1x1x320x64xf32>
  return %1 : tensor<1x1x320x64xf32>
}

// -----

// CHECK-LABEL: func.func @tall_enough
// CHECK-NOT:   nn.slice
func.func @tall_enough(%x: tensor<1x1x256x64xf32>) -> tensor<1x1x256x64xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<1x1x3x3xf32>} : () -> tensor<1x1x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x1x256x64xf32>, tensor<1x1x3x3xf32>, tensor<1xf32>) -> tensor<1x1x256x64xf32>
  return %1 : tensor<1x1x256x64xf32>
}
