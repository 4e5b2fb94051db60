// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-canonicalize,nn-recognize)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @hard_swish
// CHECK:       "nn.hard_swish"(%arg0)
// CHECK-NEXT:  return
func.func @hard_swish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c3 = "nn.constant"() {value = dense<3.0> : tensor<f32>} : () -> tensor<f32>
  %c6 = "nn.constant"() {value = dense<6.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.add"(%x, %c3) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = "nn.clamp"(%0) {min = 0.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.mul"(%x, %1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = "nn.div"(%2, %c6) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// Another slope is no hard-swish.
// CHECK-LABEL: func.func @other_slope
// CHECK-NOT:   hard_swish
func.func @other_slope(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c3 = "nn.constant"() {value = dense<3.0> : tensor<f32>} : () -> tensor<f32>
  %c5 = "nn.constant"() {value = dense<5.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.add"(%x, %c3) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = "nn.clamp"(%0) {min = 0.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.mul"(%x, %1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = "nn.div"(%2, %c5) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @silu
// CHECK:       "nn.silu"(%arg0) {alpha = 1.000000e+00 : f64}
func.func @silu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.sigmoid"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.mul"(%0, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// A gate that comes from elsewhere stays a product.
// CHECK-LABEL: func.func @other_gate
// CHECK:       "nn.mul"
func.func @other_gate(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.sigmoid"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.mul"(%0, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
