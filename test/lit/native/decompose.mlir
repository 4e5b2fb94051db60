// RUN: nn-opt %s --pass-pipeline="builtin.module(native-decompose)" --split-input-file | filecheck %s

// Weights that have no kernel for integers become numbers.
// CHECK-LABEL: func.func @numbers
// CHECK-NOT:   "nn.dequantize"
// CHECK:       %[[W:.*]] = "nn.constant"() {value = dense<5.000000e-01> : tensor<4x4x2x2xf32>}
// CHECK:       "nn.conv_transpose"(%{{.*}}, %[[W]])
// CHECK:       %[[G:.*]] = "nn.constant"() {value = dense<5.000000e-01> : tensor<4x2x1x1xf32>}
// CHECK:       "nn.conv"(%{{.*}}, %[[G]])
func.func @numbers(%x: tensor<1x4x3x3xf32>) -> tensor<1x4x4x4xf32> {
  %0 = "nn.constant"() {value = dense<2> : tensor<4x4x2x2xi8>} : () -> tensor<4x4x2x2xi8>
  %1 = "nn.storage_cast"(%0) : (tensor<4x4x2x2xi8>) -> tensor<4x4x2x2x!quant.uniform<i8:f32, 0.25>>
  %2 = "nn.dequantize"(%1) : (tensor<4x4x2x2x!quant.uniform<i8:f32, 0.25>>) -> tensor<4x4x2x2xf32>
  %3 = "nn.conv_transpose"(%x, %2) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, groups = 1 : i64}
    : (tensor<1x4x3x3xf32>, tensor<4x4x2x2xf32>) -> tensor<1x4x4x4xf32>
  %4 = "nn.constant"() {value = dense<2> : tensor<4x2x1x1xi8>} : () -> tensor<4x2x1x1xi8>
  %5 = "nn.storage_cast"(%4) : (tensor<4x2x1x1xi8>) -> tensor<4x2x1x1x!quant.uniform<i8:f32, 0.25>>
  %6 = "nn.dequantize"(%5) : (tensor<4x2x1x1x!quant.uniform<i8:f32, 0.25>>) -> tensor<4x2x1x1xf32>
  %7 = "nn.conv"(%3, %6) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 2 : i64}
    : (tensor<1x4x4x4xf32>, tensor<4x2x1x1xf32>) -> tensor<1x4x4x4xf32>
  return %7 : tensor<1x4x4x4xf32>
}

// -----

// Those of convolutions without groups, and with one filter a channel, stay integers.
// CHECK-LABEL: func.func @integers
// CHECK:       "nn.dequantize"
// CHECK:       "nn.dequantize"
func.func @integers(%x: tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32> {
  %0 = "nn.constant"() {value = dense<2> : tensor<4x4x1x1xi8>} : () -> tensor<4x4x1x1xi8>
  %1 = "nn.storage_cast"(%0) : (tensor<4x4x1x1xi8>) -> tensor<4x4x1x1x!quant.uniform<i8:f32, 0.25>>
  %2 = "nn.dequantize"(%1) : (tensor<4x4x1x1x!quant.uniform<i8:f32, 0.25>>) -> tensor<4x4x1x1xf32>
  %3 = "nn.conv"(%x, %2) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x3x3xf32>
  %4 = "nn.constant"() {value = dense<2> : tensor<4x1x1x1xi8>} : () -> tensor<4x1x1x1xi8>
  %5 = "nn.storage_cast"(%4) : (tensor<4x1x1x1xi8>) -> tensor<4x1x1x1x!quant.uniform<i8:f32, 0.25>>
  %6 = "nn.dequantize"(%5) : (tensor<4x1x1x1x!quant.uniform<i8:f32, 0.25>>) -> tensor<4x1x1x1xf32>
  %7 = "nn.conv"(%3, %6) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 4 : i64}
    : (tensor<1x4x3x3xf32>, tensor<4x1x1x1xf32>) -> tensor<1x4x3x3xf32>
  return %7 : tensor<1x4x3x3xf32>
}

// -----

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
