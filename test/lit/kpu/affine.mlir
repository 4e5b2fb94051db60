// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @scale_a_channel
// CHECK:       dense<{{.*}}1.000000e+00]], {{.*}}2.000000e+00]], {{.*}}4.000000e+00]]{{.*}}: tensor<3x2x1x1xf32>
// CHECK:       dense<[2.000000e+00, 4.000000e+00, 8.000000e+00]> : tensor<3xf32>
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  return %[[L]]
func.func @scale_a_channel(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<1.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<[[[2.0]], [[4.0]], [[8.0]]]> : tensor<3x1x1xf32>} : () -> tensor<3x1x1xf32>
  %y = "nn.mul"(%1, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<3x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @shift_a_channel
// CHECK:       dense<[-1.000000e+00, -3.000000e+00, -7.000000e+00]> : tensor<3xf32>
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-NEXT:  return %[[L]]
func.func @shift_a_channel(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<1.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<[[[2.0]], [[4.0]], [[8.0]]]> : tensor<3x1x1xf32>} : () -> tensor<3x1x1xf32>
  %y = "nn.sub"(%1, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<3x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @behind_an_activation
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       "nn.mul"(%[[L]]
func.func @behind_an_activation(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<1.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {activation = dense<[[-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]> : tensor<2x3xf32>, depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<[[[2.0]], [[4.0]], [[8.0]]]> : tensor<3x1x1xf32>} : () -> tensor<3x1x1xf32>
  %y = "nn.mul"(%1, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<3x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @scale_a_column
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       "nn.mul"(%[[L]]
func.func @scale_a_column(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<1.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<2.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %y = "nn.mul"(%1, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @divided_by_zero
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       "nn.div"(%[[L]]
func.func @divided_by_zero(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<1.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<[[[2.0]], [[0.0]], [[8.0]]]> : tensor<3x1x1xf32>} : () -> tensor<3x1x1xf32>
  %y = "nn.div"(%1, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<3x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @mean_a_channel
// CHECK:       %[[D:.*]] = "nn.dequantize"(%arg0)
// CHECK:       %[[L:.*]] = "kpu.layer"(%[[D]], {{.*}}depthwise = true
// CHECK-NEXT:  return %[[L]]
func.func @mean_a_channel(%x: tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>) -> tensor<1x3x8x8xf32> {
  %d = "nn.dequantize"(%x) : (tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<[[[2.0]], [[4.0]], [[8.0]]]> : tensor<3x1x1xf32>} : () -> tensor<3x1x1xf32>
  %y = "nn.sub"(%d, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<3x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @of_what_the_host_computes
// CHECK-NOT:   kpu.layer
// CHECK:       "nn.sub"(
func.func @of_what_the_host_computes(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %e = "nn.exp"(%x) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %k = "nn.constant"() {value = dense<[[[2.0]], [[4.0]], [[8.0]]]> : tensor<3x1x1xf32>} : () -> tensor<3x1x1xf32>
  %y = "nn.sub"(%e, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<3x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @channels_in_another_order
// CHECK-NOT:   nn.gather
// CHECK:       {{.*}}3.000000e+00]], {{.*}}1.000000e+00]], {{.*}}2.000000e+00]]], {{.*}}6.000000e+00]], {{.*}}4.000000e+00]], {{.*}}5.000000e+00]]]]> : tensor<2x3x1x1xf32>
// CHECK:       "kpu.layer"
func.func @channels_in_another_order(%x: tensor<1x3x8x8xui8>) -> tensor<1x2x8x8xf32> {
  %i = "nn.constant"() {value = dense<[1, 2, 0]> : tensor<3xi64>} : () -> tensor<3xi64>
  %g = "nn.gather"(%x, %i) {axis = 1 : i64, batch_dims = 0 : i64} : (tensor<1x3x8x8xui8>, tensor<3xi64>) -> tensor<1x3x8x8xui8>
  %c = "nn.storage_cast"(%g) : (tensor<1x3x8x8xui8>) -> tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>
  %d = "nn.dequantize"(%c) : (tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>) -> tensor<1x3x8x8xf32>
  %v = "nn.constant"() {value = dense<[[[[1.0]], [[2.0]], [[3.0]]], [[[4.0]], [[5.0]], [[6.0]]]]> : tensor<2x3x1x1xf32>} : () -> tensor<2x3x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%d, %v, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  return %y : tensor<1x2x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @channels_taken_twice
// CHECK:       %[[G:.*]] = "nn.gather"(%arg0
// CHECK:       "kpu.layer"
func.func @channels_taken_twice(%x: tensor<1x3x8x8xui8>) -> tensor<1x2x8x8xf32> {
  %i = "nn.constant"() {value = dense<[1, 1, 0]> : tensor<3xi64>} : () -> tensor<3xi64>
  %g = "nn.gather"(%x, %i) {axis = 1 : i64, batch_dims = 0 : i64} : (tensor<1x3x8x8xui8>, tensor<3xi64>) -> tensor<1x3x8x8xui8>
  %c = "nn.storage_cast"(%g) : (tensor<1x3x8x8xui8>) -> tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>
  %d = "nn.dequantize"(%c) : (tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>) -> tensor<1x3x8x8xf32>
  %v = "nn.constant"() {value = dense<[[[[1.0]], [[2.0]], [[3.0]]], [[[4.0]], [[5.0]], [[6.0]]]]> : tensor<2x3x1x1xf32>} : () -> tensor<2x3x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%d, %v, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32>
  return %y : tensor<1x2x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @depthwise_layers_keep_the_order
// CHECK:       %[[L:.*]] = "kpu.layer"({{.*}}depthwise = true
// CHECK:       %[[G:.*]] = "nn.gather"(%[[L]]
// CHECK-NEXT:  return %[[G]]
func.func @depthwise_layers_keep_the_order(%x: tensor<1x3x8x8xui8>) -> tensor<1x3x8x8xf32> {
  %i = "nn.constant"() {value = dense<[1, 2, 0]> : tensor<3xi64>} : () -> tensor<3xi64>
  %g = "nn.gather"(%x, %i) {axis = 1 : i64, batch_dims = 0 : i64} : (tensor<1x3x8x8xui8>, tensor<3xi64>) -> tensor<1x3x8x8xui8>
  %c = "nn.storage_cast"(%g) : (tensor<1x3x8x8xui8>) -> tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>
  %d = "nn.dequantize"(%c) : (tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>) -> tensor<1x3x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<3x1x3x3xf32>} : () -> tensor<3x1x3x3xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %y = "kpu.layer"(%d, %v, %b) {depthwise = true, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x8x8xf32>, tensor<3x1x3x3xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @one_number_behind_a_transpose
// CHECK:       %[[P:.*]] = "nn.transpose"(%arg0)
// CHECK:       "kpu.layer"(%[[P]], {{.*}}depthwise = true
func.func @one_number_behind_a_transpose(%x: tensor<1x8x8x3xf32>) -> tensor<1x3x8x8xf32> {
  %k = "nn.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %m = "nn.mul"(%x, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x3xf32>, tensor<f32>) -> tensor<1x8x8x3xf32>
  %p = "nn.transpose"(%m) {permutation = array<i64: 0, 3, 1, 2>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x3xf32>) -> tensor<1x3x8x8xf32>
  return %p : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @numbers_before_a_transpose
// CHECK:       %[[M:.*]] = "nn.mul"(%arg0
// CHECK:       "nn.transpose"(%[[M]])
func.func @numbers_before_a_transpose(%x: tensor<1x8x8x3xf32>) -> tensor<1x3x8x8xf32> {
  %k = "nn.constant"() {value = dense<2.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %m = "nn.mul"(%x, %k) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x3xf32>, tensor<3xf32>) -> tensor<1x8x8x3xf32>
  %p = "nn.transpose"(%m) {permutation = array<i64: 0, 3, 1, 2>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x3xf32>) -> tensor<1x3x8x8xf32>
  return %p : tensor<1x3x8x8xf32>
}
