// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @mish
// CHECK:       "nn.softplus"
// CHECK:       "nn.tanh"
// CHECK:       "nn.mul"(%arg0,
func.func @mish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.mish"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @conv1d
// CHECK:       "nn.conv"{{.*}}padding = array<i64: 0, 1, 0, 1>
// CHECK:       "nn.squeeze"
func.func @conv1d(%x: tensor<1x2x8xf32>, %w: tensor<3x2x3xf32>) -> tensor<1x3x8xf32> {
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1>, dilations = array<i64: 1>, padding = array<i64: 1, 1>, groups = 1 : i64}
    : (tensor<1x2x8xf32>, tensor<3x2x3xf32>) -> tensor<1x3x8xf32>
  return %0 : tensor<1x3x8xf32>
}

// -----

// Integers keep their own floor division.
// CHECK-LABEL: func.func @floor_div_of_integers
// CHECK:       "nn.floor_div"
func.func @floor_div_of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  %0 = "nn.floor_div"(%x, %x) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

// A sum needs no decomposition.
// CHECK-LABEL: func.func @sum
// CHECK:       "nn.reduce"(%arg0) {axes = array<i64: 0>, keepdims = false, kind = "sum"}
func.func @sum(%x: tensor<4xf32>) -> tensor<f32> {
  %0 = "nn.reduce"(%x) {kind = "sum", axes = array<i64: 0>, keepdims = false} : (tensor<4xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}
