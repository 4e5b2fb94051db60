// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-sink-transposes)" --split-input-file | filecheck %s

// The pair around an element-wise operation cancels.
// CHECK-LABEL: func.func @relu_between
// CHECK-NOT:   nn.transpose
// CHECK:       "nn.relu"(%arg0) : (tensor<1x2x3x4xf32>)
func.func @relu_between(%x: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "nn.relu"(%0) : (tensor<1x3x4x2xf32>) -> tensor<1x3x4x2xf32>
  %2 = "nn.transpose"(%1) {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x3x4x2xf32>) -> tensor<1x2x3x4xf32>
  return %2 : tensor<1x2x3x4xf32>
}

// -----

// What is left of the transpose moves dimensions of extent 1 only.
// CHECK-LABEL: func.func @reduce
// CHECK:       "nn.reduce"(%arg0) {axes = array<i64: 2, 3>
// CHECK-NOT:   "nn.transpose"
// CHECK:       "nn.reshape"
func.func @reduce(%x: tensor<5x2x3x4xf32>) -> tensor<5x1x1x2xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<5x2x3x4xf32>) -> tensor<5x3x4x2xf32>
  %1 = "nn.reduce"(%0) {kind = "mean", axes = array<i64: 1, 2>, keepdims = true} : (tensor<5x3x4x2xf32>) -> tensor<5x1x1x2xf32>
  return %1 : tensor<5x1x1x2xf32>
}

// -----

// The other operand is in its own order: nothing is gained.
// CHECK-LABEL: func.func @one_side_only
// CHECK:       %[[T:.*]] = "nn.transpose"
// CHECK:       "nn.add"(%[[T]], %arg1)
func.func @one_side_only(%x: tensor<2x3xf32>, %y: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = "nn.add"(%0, %y) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}
