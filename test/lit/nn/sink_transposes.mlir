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

// CHECK-LABEL: func.func @bitcast_between
// CHECK-NOT:   nn.transpose
// CHECK:       "nn.bitcast"(%arg0) {to = i32}
func.func @bitcast_between(%x: tensor<2x3xf32>) -> tensor<2x3xi32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = "nn.bitcast"(%0) {to = i32} : (tensor<3x2xf32>) -> tensor<3x2xi32>
  %2 = "nn.transpose"(%1) {permutation = array<i64: 1, 0>} : (tensor<3x2xi32>) -> tensor<2x3xi32>
  return %2 : tensor<2x3xi32>
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

// -----

// The scale of each channel was transposed as a reshape: both operands go back to one order.
// CHECK-LABEL: func.func @scale_of_channels
// CHECK-NOT:   "nn.transpose"
// CHECK:       "nn.sigmoid"(%arg1) : (tensor<1x2x1x1xf32>)
// CHECK:       "nn.mul"(%arg0, %{{.*}}) : (tensor<1x2x3x4xf32>, tensor<1x2x1x1xf32>)
// CHECK-NOT:   "nn.transpose"
func.func @scale_of_channels(%x: tensor<1x2x3x4xf32>, %s: tensor<1x2x1x1xf32>) -> tensor<1x2x3x4xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "nn.reshape"(%s) {shape = array<i64: 1, 1, 1, 2>} : (tensor<1x2x1x1xf32>) -> tensor<1x1x1x2xf32>
  %2 = "nn.sigmoid"(%1) : (tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  %3 = "nn.mul"(%0, %2) : (tensor<1x3x4x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x3x4x2xf32>
  %4 = "nn.transpose"(%3) {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x3x4x2xf32>) -> tensor<1x2x3x4xf32>
  return %4 : tensor<1x2x3x4xf32>
}

// -----

// A reshape of more than a vector is not a transpose.
// CHECK-LABEL: func.func @reshape_of_a_matrix
// CHECK:       "nn.reshape"
// CHECK:       "nn.sigmoid"
func.func @reshape_of_a_matrix(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = "nn.reshape"(%x) {shape = array<i64: 3, 2>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = "nn.sigmoid"(%0) : (tensor<3x2xf32>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}
