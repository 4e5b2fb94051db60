// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-canonicalize)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @cast_to_same
// CHECK-NEXT:  return %arg0
func.func @cast_to_same(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.cast"(%x) {to = f32, saturate = true} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @cast_stays
// CHECK:       "nn.cast"
func.func @cast_stays(%x: tensor<4xf32>) -> tensor<4xi64> {
  %0 = "nn.cast"(%x) {to = i64, saturate = true} : (tensor<4xf32>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// -----

// CHECK-LABEL: func.func @clamp_nothing
// CHECK-NEXT:  return %arg0
func.func @clamp_nothing(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.clamp"(%x) {min = 0xFFF0000000000000 : f64, max = 0x7FF0000000000000 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @clamp_stays
// CHECK:       "nn.clamp"
func.func @clamp_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.clamp"(%x) {min = 0.0 : f64, max = 0x7FF0000000000000 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @clamp_of_clamp
// CHECK:       "nn.clamp"(%arg0) {max = 5.000000e+00 : f64, min = 5.000000e+00 : f64}
// CHECK-NEXT:  return
func.func @clamp_of_clamp(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.clamp"(%x) {min = 0.0 : f64, max = 4.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.clamp"(%0) {min = 5.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Below zero there is nothing left to clamp.
// CHECK-LABEL: func.func @clamp_of_relu_below_zero_stays
// CHECK:       "nn.relu"
func.func @clamp_of_relu_below_zero_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.clamp"(%0) {min = -2.0 : f64, max = -1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @relu_of_sigmoid
// CHECK-NEXT:  %0 = "nn.sigmoid"
// CHECK-NEXT:  return %0
func.func @relu_of_sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.sigmoid"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.relu"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @relu_of_tanh_stays
// CHECK:       "nn.relu"
func.func @relu_of_tanh_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.tanh"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.relu"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @relu_of_clamp
// CHECK:       "nn.clamp"(%arg0) {max = 4.000000e+00 : f64, min = 0.000000e+00 : f64}
// CHECK-NEXT:  return
func.func @relu_of_clamp(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.clamp"(%x) {min = -1.0 : f64, max = 4.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.relu"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @times_one
// CHECK-NEXT:  return %arg0
func.func @times_one(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = "nn.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.mul"(%x, %c) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @times_two_stays
// CHECK:       "nn.mul"
func.func @times_two_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = "nn.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.mul"(%x, %c) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @to_the_power_of_two
// CHECK:       "nn.square"(%arg0)
func.func @to_the_power_of_two(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = "nn.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.pow"(%x, %c) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @to_the_power_of_three_stays
// CHECK:       "nn.pow"
func.func @to_the_power_of_three_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = "nn.constant"() {value = dense<3.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.pow"(%x, %c) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @maximum_with_a_number
// CHECK:       "nn.clamp"(%arg0) {max = 0x7FF0000000000000 : f64, min = 2.000000e+00 : f64}
func.func @maximum_with_a_number(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = "nn.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.maximum"(%x, %c) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @minimum_with_a_number
// CHECK:       "nn.clamp"(%arg0) {max = 2.000000e+00 : f64, min = 0xFFF0000000000000 : f64}
func.func @minimum_with_a_number(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = "nn.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.minimum"(%x, %c) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @maximum_with_numbers_stays
// CHECK:       "nn.maximum"
func.func @maximum_with_numbers_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = "nn.constant"() {value = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>} : () -> tensor<4xf32>
  %0 = "nn.maximum"(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Clamping integers needs exact bounds.
// CHECK-LABEL: func.func @minimum_of_integers_stays
// CHECK:       "nn.minimum"
func.func @minimum_of_integers_stays(%x: tensor<4xi64>) -> tensor<4xi64> {
  %c = "nn.constant"() {value = dense<2> : tensor<i64>} : () -> tensor<i64>
  %0 = "nn.minimum"(%x, %c) : (tensor<4xi64>, tensor<i64>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// -----

// CHECK-LABEL: func.func @not_of_not
// CHECK-NEXT:  return %arg0
func.func @not_of_not(%x: tensor<4xi1>) -> tensor<4xi1> {
  %0 = "nn.logical_not"(%x) : (tensor<4xi1>) -> tensor<4xi1>
  %1 = "nn.logical_not"(%0) : (tensor<4xi1>) -> tensor<4xi1>
  return %1 : tensor<4xi1>
}

// -----

// CHECK-LABEL: func.func @not_stays
// CHECK:       "nn.logical_not"
func.func @not_stays(%x: tensor<4xi1>) -> tensor<4xi1> {
  %0 = "nn.logical_not"(%x) : (tensor<4xi1>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// -----

// CHECK-LABEL: func.func @neg_of_neg
// CHECK-NEXT:  return %arg0
func.func @neg_of_neg(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.neg"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.neg"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @neg_of_abs_stays
// CHECK:       "nn.neg"
func.func @neg_of_abs_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.abs"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.neg"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @product_with_zero
// CHECK:       %[[C:.*]] = "nn.constant"
// CHECK-NEXT:  return %[[C]]
func.func @product_with_zero(%x: tensor<4xi64>) -> tensor<4xi64> {
  %c = "nn.constant"() {value = dense<0> : tensor<4xi64>} : () -> tensor<4xi64>
  %0 = "nn.mul"(%x, %c) : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// -----

// CHECK-LABEL: func.func @product_with_zero_of_floats_stays
// CHECK:       "nn.mul"
func.func @product_with_zero_of_floats_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = "nn.constant"() {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %0 = "nn.mul"(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @product_with_zero_of_unknown_size_stays
// CHECK:       "nn.mul"
func.func @product_with_zero_of_unknown_size_stays(%x: tensor<?xi64>) -> tensor<?xi64> {
  %c = "nn.constant"() {value = dense<0> : tensor<1xi64>} : () -> tensor<1xi64>
  %0 = "nn.mul"(%x, %c) : (tensor<?xi64>, tensor<1xi64>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}
