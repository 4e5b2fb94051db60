// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-fold-constants{limit=4},canonicalize)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @folds
// CHECK:       "nn.constant"() {value = dense<-2.000000e+00> : tensor<4xf32>}
// CHECK-NEXT:  return
func.func @folds() -> tensor<4xf32> {
  %0 = "nn.constant"() {value = dense<2.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %1 = "nn.neg"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Larger than the limit.
// CHECK-LABEL: func.func @too_large
// CHECK:       "nn.neg"
func.func @too_large() -> tensor<5xf32> {
  %0 = "nn.constant"() {value = dense<2.0> : tensor<5xf32>} : () -> tensor<5xf32>
  %1 = "nn.neg"(%0) : (tensor<5xf32>) -> tensor<5xf32>
  return %1 : tensor<5xf32>
}

// -----

// The shape of an input is known though the input is not.
// CHECK-LABEL: func.func @shape
// CHECK:       "nn.constant"() {value = dense<[2, 3]> : tensor<2xi64>}
func.func @shape(%x: tensor<2x3xf32>) -> tensor<2xi64> {
  %0 = "nn.shape"(%x) {start = 0 : i64} : (tensor<2x3xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

// Where there are no elements there is nothing to compute, whatever the operands are.
// CHECK-LABEL: func.func @nothing
// CHECK-NEXT:  %[[NONE:.*]] = "nn.constant"() {value = dense<> : tensor<0x3xf32>}
// CHECK-NEXT:  return %[[NONE]]
func.func @nothing(%x: tensor<4x3xf32>) -> tensor<0x3xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 0>, ends = array<i64: 0>, axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<4x3xf32>) -> tensor<0x3xf32>
  %1 = "nn.relu"(%0) : (tensor<0x3xf32>) -> tensor<0x3xf32>
  return %1 : tensor<0x3xf32>
}

// -----

// The dimensions that are asked for are known.
// CHECK-LABEL: func.func @part_of_a_shape
// CHECK:       dense<[4, 2]>
// CHECK-NOT:   nn.gather
func.func @part_of_a_shape(%x: tensor<2x?x4xf32>) -> tensor<2xi64> {
  %i = "nn.constant"() {value = dense<[-1, 0]> : tensor<2xi64>} : () -> tensor<2xi64>
  %0 = "nn.shape"(%x) {start = 0 : i64} : (tensor<2x?x4xf32>) -> tensor<3xi64>
  %1 = "nn.gather"(%0, %i) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<3xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %1 : tensor<2xi64>
}

// -----

// CHECK-LABEL: func.func @unknown_part_of_a_shape
// CHECK:       "nn.slice"
func.func @unknown_part_of_a_shape(%x: tensor<2x?x4xf32>) -> tensor<2xi64> {
  %0 = "nn.shape"(%x) {start = 0 : i64} : (tensor<2x?x4xf32>) -> tensor<3xi64>
  %1 = "nn.slice"(%0) {starts = array<i64: 0>, ends = array<i64: 2>, axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<3xi64>) -> tensor<2xi64>
  return %1 : tensor<2xi64>
}
