// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-prepare)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @behind_a_convolution
// CHECK:       [[C:%.*]] = "nn.conv"
// CHECK-NEXT:  [[R:%.*]] = "nn.relu"([[C]])
// CHECK-NEXT:  "nn.reshape"([[R]])
func.func @behind_a_convolution(%x: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<3x3xf32>} : () -> tensor<3x3xf32>
  %0 = "nn.matmul"(%x, %w) : (tensor<1x3xf32>, tensor<3x3xf32>) -> tensor<1x3xf32>
  %1 = "nn.relu"(%0) : (tensor<1x3xf32>) -> tensor<1x3xf32>
  return %1 : tensor<1x3xf32>
}

// -----

// CHECK-LABEL: func.func @behind_anything_else
// CHECK:       "nn.reshape"
// CHECK-NEXT:  "nn.relu"
func.func @behind_anything_else(%x: tensor<2x3xf32>) -> tensor<6xf32> {
  %0 = "nn.reshape"(%x) {shape = array<i64: 6>} : (tensor<2x3xf32>) -> tensor<6xf32>
  %1 = "nn.relu"(%0) : (tensor<6xf32>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

// -----

// an axis of the reshaped result is another one before
// CHECK-LABEL: func.func @softmax_stays
// CHECK:       [[C:%.*]] = "nn.conv"
// CHECK-NEXT:  [[R:%.*]] = "nn.reshape"([[C]])
// CHECK-NEXT:  "nn.softmax"([[R]])
func.func @softmax_stays(%x: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<3x3xf32>} : () -> tensor<3x3xf32>
  %0 = "nn.matmul"(%x, %w) : (tensor<1x3xf32>, tensor<3x3xf32>) -> tensor<1x3xf32>
  %1 = "nn.softmax"(%0) {axis = 1 : i64} : (tensor<1x3xf32>) -> tensor<1x3xf32>
  return %1 : tensor<1x3xf32>
}
