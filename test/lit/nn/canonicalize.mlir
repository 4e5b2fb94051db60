// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-canonicalize)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @transposes_cancel
// CHECK-NEXT:  return %arg0
func.func @transposes_cancel(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = "nn.transpose"(%0) {permutation = array<i64: 2, 0, 1>} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @transpose_stays
// CHECK:       "nn.transpose"(%arg0) {permutation = array<i64: 1, 0>}
func.func @transpose_stays(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

// Only dimensions of extent 1 move.
// CHECK-LABEL: func.func @transpose_of_unit_dims
// CHECK:       "nn.reshape"(%arg0) {shape = array<i64: 5, 1, 1>}
func.func @transpose_of_unit_dims(%x: tensor<1x1x5xf32>) -> tensor<5x1x1xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 2, 0, 1>} : (tensor<1x1x5xf32>) -> tensor<5x1x1xf32>
  return %0 : tensor<5x1x1xf32>
}

// -----

// CHECK-LABEL: func.func @clamps_merge
// CHECK:       "nn.clamp"(%arg0) {max = 6.000000e+00 : f64, min = 0.000000e+00 : f64}
func.func @clamps_merge(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.clamp"(%0) {min = -1.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Pads of different values stay apart.
// CHECK-LABEL: func.func @pads_stay
// CHECK-COUNT-2: "nn.pad"
func.func @pads_stay(%x: tensor<4xf32>) -> tensor<8xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 1, 1>, mode = "constant", value = 0.0 : f64} : (tensor<4xf32>) -> tensor<6xf32>
  %1 = "nn.pad"(%0) {padding = array<i64: 1, 1>, mode = "constant", value = 1.0 : f64} : (tensor<6xf32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// -----

// A vector added to a scalar is no neutral operation: the shape changes.
// CHECK-LABEL: func.func @broadcasting_zero_stays
// CHECK:       "nn.add"
func.func @broadcasting_zero_stays(%x: tensor<1xf32>) -> tensor<3xf32> {
  %0 = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "nn.add"(%x, %0) : (tensor<1xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

// -----

// CHECK-LABEL: func.func @constant_to_the_right
// CHECK:       %[[C:.*]] = "nn.constant"
// CHECK:       "nn.mul"(%arg0, %[[C]])
func.func @constant_to_the_right(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "nn.constant"() {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "nn.mul"(%0, %x) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

// -----

// CHECK-LABEL: func.func @constant_to_the_left_of_sub_stays
// CHECK:       %[[C:.*]] = "nn.constant"
// CHECK:       "nn.sub"(%[[C]], %arg0)
func.func @constant_to_the_left_of_sub_stays(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "nn.constant"() {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "nn.sub"(%0, %x) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

// -----

// What stands for other numbers in between was no other value, unless it stays so.
// CHECK-LABEL: func.func @storage_cast_and_back
// CHECK:       %[[OTHER:.*]] = "nn.storage_cast"(%{{.*}}) : (tensor<4xi8>) -> tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK:       return %arg0, %[[OTHER]]
func.func @storage_cast_and_back(%x: tensor<4x!quant.uniform<i8:f32, 0.5>>) -> (tensor<4x!quant.uniform<i8:f32, 0.5>>, tensor<4x!quant.uniform<i8:f32, 0.25>>) {
  %0 = "nn.storage_cast"(%x) : (tensor<4x!quant.uniform<i8:f32, 0.5>>) -> tensor<4xi8>
  %1 = "nn.storage_cast"(%0) : (tensor<4xi8>) -> tensor<4x!quant.uniform<i8:f32, 0.5>>
  %2 = "nn.storage_cast"(%0) : (tensor<4xi8>) -> tensor<4x!quant.uniform<i8:f32, 0.25>>
  return %1, %2 : tensor<4x!quant.uniform<i8:f32, 0.5>>, tensor<4x!quant.uniform<i8:f32, 0.25>>
}
