// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-avoid-early-faults)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @round
// CHECK:       "nn.constant"() {value = dense<0x4B000000> : tensor<f32>}
// CHECK-NOT:   "nn.round"
func.func @round(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.round"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Other types have other fractions.
// CHECK-LABEL: func.func @round_f16
// CHECK-NEXT:  "nn.round"
func.func @round_f16(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = "nn.round"(%x) : (tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// -----

// CHECK-LABEL: func.func @argmax
// CHECK:       %[[NEGATED:.*]] = "nn.neg"(%arg0)
// CHECK:       "nn.arg_reduce"(%[[NEGATED]]) {axis = 1 : i64, keepdims = true, kind = "argmin", select_last_index = true}
func.func @argmax(%x: tensor<2x3xf32>) -> tensor<2x1xi64> {
  %0 = "nn.arg_reduce"(%x) {kind = "argmax", axis = 1 : i64, keepdims = true, select_last_index = true}
    : (tensor<2x3xf32>) -> tensor<2x1xi64>
  return %0 : tensor<2x1xi64>
}

// -----

// CHECK-LABEL: func.func @argmin
// CHECK-NEXT:  "nn.arg_reduce"(%arg0)
func.func @argmin(%x: tensor<2x3xf32>) -> tensor<2x1xi64> {
  %0 = "nn.arg_reduce"(%x) {kind = "argmin", axis = 1 : i64, keepdims = true, select_last_index = true}
    : (tensor<2x3xf32>) -> tensor<2x1xi64>
  return %0 : tensor<2x1xi64>
}

// -----

// CHECK-LABEL: func.func @triangle
// CHECK:       "nn.gather"
// CHECK-NOT:   "nn.trilu"
func.func @triangle(%x: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %0 = "nn.trilu"(%x) {upper = true, k = 0 : i64} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// -----

// CHECK-LABEL: func.func @open_triangle
// CHECK-NEXT:  "nn.trilu"
func.func @open_triangle(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = "nn.trilu"(%x) {upper = true, k = 0 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
