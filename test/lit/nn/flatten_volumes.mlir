// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-flatten-volumes)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @volume
// CHECK:       "nn.conv"{{.*}}strides = array<i64: 1, 1>
// CHECK-NOT:   strides = array<i64: 1, 1, 1>
func.func @volume(%x: tensor<1x2x4x5x5xf32>, %w: tensor<3x2x2x3x3xf32>) -> tensor<1x3x3x3x3xf32> {
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1, 1>, dilations = array<i64: 1, 1, 1>,
    padding = array<i64: 0, 0, 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x2x4x5x5xf32>, tensor<3x2x2x3x3xf32>) -> tensor<1x3x3x3x3xf32>
  return %0 : tensor<1x3x3x3x3xf32>
}

// -----

// CHECK-LABEL: func.func @image
// CHECK-NEXT:  "nn.conv"(%arg0, %arg1)
// CHECK-NEXT:  return
func.func @image(%x: tensor<1x2x5x5xf32>, %w: tensor<3x2x3x3xf32>) -> tensor<1x3x3x3xf32> {
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>,
    groups = 1 : i64} : (tensor<1x2x5x5xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x3x3xf32>
  return %0 : tensor<1x3x3x3xf32>
}
