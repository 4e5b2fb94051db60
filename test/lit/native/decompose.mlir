// RUN: nn-opt %s --pass-pipeline="builtin.module(native-decompose)" --split-input-file | filecheck %s

// One dimension is computed as two.
// CHECK-LABEL: func.func @line
// CHECK:       "nn.conv"({{.*}}) {{.*}} : (tensor<1x3x1x9xf32>, tensor<4x3x1x3xf32>) -> tensor<1x4x1x7xf32>
func.func @line(%x: tensor<1x3x9xf32>) -> tensor<1x4x7xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<4x3x3xf32>} : () -> tensor<4x3x3xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1>, dilations = array<i64: 1>, padding = array<i64: 0, 0>, groups = 1 : i64}
    : (tensor<1x3x9xf32>, tensor<4x3x3xf32>) -> tensor<1x4x7xf32>
  return %0 : tensor<1x4x7xf32>
}

// -----

// What has a generator of its own stays, though stack machines need it decomposed.
// CHECK-LABEL: func.func @own
// CHECK-NEXT:  "nn.gelu"(%arg0)
// CHECK-NEXT:  "nn.silu"
func.func @own(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.gelu"(%x) {approximate = "none"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.silu"(%0) {alpha = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
