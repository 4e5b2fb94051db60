// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-sum-integers,nn-canonicalize,canonicalize)" --split-input-file | filecheck %s

// The weights less their zero point; the bias in steps of 1/2 * 1/4; the sums times 1/8 / 1/2; what is rounded gets its
// zero point afterwards. The limits 0 and 6 are 0 and 12 steps, of which the first is where the type ends, too.
// CHECK-LABEL: func.func @convolution
// CHECK:       %[[X:.*]] = "nn.dequantize"(%{{.*}}) : (tensor<1x1x4x!quant.uniform<u8:f32, 1.000000e+00:7>>) -> tensor<1x1x4xf32>
// CHECK:       %[[W:.*]] = "nn.constant"() {value = dense<{{\[\[}}[1.000000e+00]], {{\[\[}}-3.000000e+00]]]> : tensor<2x1x1xf32>}
// CHECK:       %[[B:.*]] = "nn.constant"() {value = dense<[8.000000e+00, -4.000000e+00]> : tensor<2xf32>}
// CHECK:       %[[C:.*]] = "nn.conv"(%[[X]], %[[W]], %[[B]])
// CHECK-NOT:   clamp
// CHECK:       %[[F:.*]] = "nn.constant"() {value = dense<2.500000e-01> : tensor<1x1xf32>}
// CHECK:       %[[S:.*]] = "nn.mul"(%[[C]], %[[F]])
// CHECK:       %[[L:.*]] = "nn.clamp"(%[[S]]) {max = 1.200000e+01 : f64, min = 0.000000e+00 : f64}
// CHECK:       %[[R:.*]] = "nn.round"(%[[L]])
// CHECK:       "nn.quantize"(%[[R]]) {ties = "even"} : (tensor<1x2x4xf32>) -> tensor<1x2x4x!quant.uniform<i8:f32, 1.000000e+00:-128>>
// CHECK:       "nn.storage_cast"(%{{.*}}) : (tensor<1x2x4xi8>) -> tensor<1x2x4x!quant.uniform<i8:f32, 5.000000e-01:-128>>
func.func @convolution(%q: tensor<1x1x4x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<1x2x4x!quant.uniform<i8:f32, 0.5:-128>> {
  %0 = "nn.dequantize"(%q) : (tensor<1x1x4x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<1x1x4xf32>
  %1 = "nn.constant"() {value = dense<[[[3]], [[-1]]]> : tensor<2x1x1xi8>} : () -> tensor<2x1x1xi8>
  %2 = "nn.storage_cast"(%1) : (tensor<2x1x1xi8>) -> tensor<2x1x1x!quant.uniform<i8:f32, 0.25:2>>
  %3 = "nn.dequantize"(%2) : (tensor<2x1x1x!quant.uniform<i8:f32, 0.25:2>>) -> tensor<2x1x1xf32>
  %4 = "nn.constant"() {value = dense<[1.0, -0.5]> : tensor<2xf32>} : () -> tensor<2xf32>
  %5 = "nn.conv"(%0, %3, %4) {strides = array<i64: 1>, dilations = array<i64: 1>, padding = array<i64: 0, 0>, groups = 1 : i64, clamp = array<f64: 0.0, 6.0>} : (tensor<1x1x4xf32>, tensor<2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  %6 = "nn.quantize"(%5) {ties = "even"} : (tensor<1x2x4xf32>) -> tensor<1x2x4x!quant.uniform<i8:f32, 0.5:-128>>
  return %6 : tensor<1x2x4x!quant.uniform<i8:f32, 0.5:-128>>
}

// -----

// A scale for each column; data that was moved since it was dequantised is quantised back, which is exact.
// CHECK-LABEL: func.func @matmul
// CHECK:       %[[T:.*]] = "nn.reshape"
// CHECK:       "nn.quantize"(%[[T]]) : (tensor<1x2xf32>) -> tensor<1x2x!quant.uniform<i8:f32, 5.000000e-01>>
// CHECK:       %[[W:.*]] = "nn.constant"() {value = dense<{{\[\[}}3.000000e+00, -1.000000e+00], [0.000000e+00, 2.000000e+00]]> : tensor<2x2xf32>}
// CHECK:       %[[M:.*]] = "nn.matmul"(%{{.*}}, %[[W]])
// CHECK:       %[[B:.*]] = "nn.constant"() {value = dense<[8.000000e+00, -2.000000e+00]> : tensor<2xf32>}
// CHECK:       %[[A:.*]] = "nn.add"(%[[M]], %[[B]])
// CHECK:       %[[F:.*]] = "nn.constant"() {value = dense<[1.250000e-01, 2.500000e-01]> : tensor<2xf32>}
// CHECK:       %[[S:.*]] = "nn.mul"(%[[A]], %[[F]])
// CHECK:       %[[L:.*]] = "nn.clamp"(%[[S]]) {max = 1.270000e+02 : f64, min = 0.000000e+00 : f64}
// CHECK:       "nn.quantize"(%[[L]])
func.func @matmul(%q: tensor<2x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x2x!quant.uniform<i8:f32, 1.0>> {
  %0 = "nn.dequantize"(%q) : (tensor<2x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x1xf32>
  %1 = "nn.transpose"(%0) {permutation = array<i64: 1, 0>} : (tensor<2x1xf32>) -> tensor<1x2xf32>
  %2 = "nn.constant"() {value = dense<[[3, -1], [0, 2]]> : tensor<2x2xi8>} : () -> tensor<2x2xi8>
  %3 = "nn.storage_cast"(%2) : (tensor<2x2xi8>) -> tensor<2x2x!quant.uniform<i8:f32:1, {0.25, 0.5}>>
  %4 = "nn.dequantize"(%3) : (tensor<2x2x!quant.uniform<i8:f32:1, {0.25, 0.5}>>) -> tensor<2x2xf32>
  %5 = "nn.matmul"(%1, %4) : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %6 = "nn.constant"() {value = dense<[1.0, -0.5]> : tensor<2xf32>} : () -> tensor<2xf32>
  %7 = "nn.add"(%5, %6) : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %8 = "nn.relu"(%7) : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %9 = "nn.quantize"(%8) {ties = "even"} : (tensor<1x2xf32>) -> tensor<1x2x!quant.uniform<i8:f32, 1.0>>
  return %9 : tensor<1x2x!quant.uniform<i8:f32, 1.0>>
}

// -----

// Sums of products of 16 bits are too large; what is wanted as real numbers, too, is computed in those; halves that go
// elsewhere belong to other kernels; and a scale for each row would have to be applied before the sum.
// CHECK-LABEL: func.func @others
// CHECK-NOT:   1.000000e+00
// CHECK:       return
func.func @others(%q: tensor<1x2x!quant.uniform<i16:f32, 0.5>>, %r: tensor<1x2x!quant.uniform<i8:f32, 0.5>>) -> (tensor<1x2x!quant.uniform<i16:f32, 0.5>>, tensor<1x2x!quant.uniform<i8:f32, 0.5>>, tensor<1x2xf32>, tensor<1x2x!quant.uniform<i8:f32, 0.5>>, tensor<1x2x!quant.uniform<i8:f32, 0.5>>) {
  %0 = "nn.constant"() {value = dense<[[3, -2], [4, 2]]> : tensor<2x2xi8>} : () -> tensor<2x2xi8>
  %1 = "nn.storage_cast"(%0) : (tensor<2x2xi8>) -> tensor<2x2x!quant.uniform<i8:f32, 0.25>>
  %2 = "nn.dequantize"(%1) : (tensor<2x2x!quant.uniform<i8:f32, 0.25>>) -> tensor<2x2xf32>
  %3 = "nn.storage_cast"(%0) : (tensor<2x2xi8>) -> tensor<2x2x!quant.uniform<i8:f32:0, {0.25, 0.5}>>
  %4 = "nn.dequantize"(%3) : (tensor<2x2x!quant.uniform<i8:f32:0, {0.25, 0.5}>>) -> tensor<2x2xf32>
  %5 = "nn.dequantize"(%q) : (tensor<1x2x!quant.uniform<i16:f32, 0.5>>) -> tensor<1x2xf32>
  %6 = "nn.dequantize"(%r) : (tensor<1x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x2xf32>
  %7 = "nn.matmul"(%5, %2) : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %8 = "nn.quantize"(%7) {ties = "even"} : (tensor<1x2xf32>) -> tensor<1x2x!quant.uniform<i16:f32, 0.5>>
  %9 = "nn.matmul"(%6, %2) : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %10 = "nn.quantize"(%9) {ties = "even"} : (tensor<1x2xf32>) -> tensor<1x2x!quant.uniform<i8:f32, 0.5>>
  %11 = "nn.matmul"(%6, %2) : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %12 = "nn.quantize"(%11) {ties = "away"} : (tensor<1x2xf32>) -> tensor<1x2x!quant.uniform<i8:f32, 0.5>>
  %13 = "nn.matmul"(%6, %4) : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %14 = "nn.quantize"(%13) {ties = "even"} : (tensor<1x2xf32>) -> tensor<1x2x!quant.uniform<i8:f32, 0.5>>
  return %8, %10, %9, %12, %14 : tensor<1x2x!quant.uniform<i16:f32, 0.5>>, tensor<1x2x!quant.uniform<i8:f32, 0.5>>, tensor<1x2xf32>, tensor<1x2x!quant.uniform<i8:f32, 0.5>>, tensor<1x2x!quant.uniform<i8:f32, 0.5>>
}
