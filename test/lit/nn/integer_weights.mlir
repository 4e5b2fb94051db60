// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-fold-constants{integers=true},canonicalize)" --split-input-file | filecheck %s

// A weight of dequantised data stays; the bias becomes a constant of real numbers. A transpose and a reshape are done to
// the integers, the scales go along with their axis.
// CHECK-LABEL: func.func @moved
// CHECK:       %[[W:.*]] = "nn.constant"() {value = dense<{{\[\[\[\[}}1]], {{\[\[}}3]], {{\[\[}}5]]], {{\[\[\[}}2]], {{\[\[}}4]], {{\[\[}}6]]]]> : tensor<2x3x1x1xi8>}
// CHECK:       %[[Q:.*]] = "nn.storage_cast"(%[[W]]) : (tensor<2x3x1x1xi8>) -> tensor<2x3x1x1x!quant.uniform<i8:f32:0, {5.000000e-01,2.500000e-01}>>
// CHECK:       %[[F:.*]] = "nn.dequantize"(%[[Q]])
// CHECK:       %[[BIAS:.*]] = "nn.constant"() {value = dense<[2.000000e+00, 1.500000e+00]> : tensor<2xf32>}
// CHECK:       "nn.conv"(%{{.*}}, %[[F]], %[[BIAS]])
func.func @moved(%x: tensor<1x3x4x4x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<1x2x4x4xf32> {
  %0 = "nn.dequantize"(%x) : (tensor<1x3x4x4x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<1x3x4x4xf32>
  %1 = "nn.constant"() {value = dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>} : () -> tensor<3x2xi8>
  %2 = "nn.storage_cast"(%1) : (tensor<3x2xi8>) -> tensor<3x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  %3 = "nn.dequantize"(%2) : (tensor<3x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>) -> tensor<3x2xf32>
  %4 = "nn.transpose"(%3) {permutation = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %5 = "nn.reshape"(%4) {shape = array<i64: 2, 3, 1, 1>} : (tensor<2x3xf32>) -> tensor<2x3x1x1xf32>
  %6 = "nn.constant"() {value = dense<[8, 12]> : tensor<2xi32>} : () -> tensor<2xi32>
  %7 = "nn.storage_cast"(%6) : (tensor<2xi32>) -> tensor<2x!quant.uniform<i32:f32:0, {0.25, 0.125}>>
  %8 = "nn.dequantize"(%7) : (tensor<2x!quant.uniform<i32:f32:0, {0.25, 0.125}>>) -> tensor<2xf32>
  %9 = "nn.conv"(%0, %5, %8) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x3x4x4xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  return %9 : tensor<1x2x4x4xf32>
}

// -----

// Bytes without sign are shifted together with their zero point. The data may have been moved since.
// CHECK-LABEL: func.func @unsigned
// CHECK:       %[[W:.*]] = "nn.constant"() {value = dense<{{\[\[}}-128, 127], [0, 1]]> : tensor<2x2xi8>}
// CHECK:       "nn.storage_cast"(%[[W]]) : (tensor<2x2xi8>) -> tensor<2x2x!quant.uniform<i8:f32, 5.000000e-01:-121>>
// CHECK:       "nn.matmul"
func.func @unsigned(%x: tensor<2x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x2xf32> {
  %0 = "nn.dequantize"(%x) : (tensor<2x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x3xf32>
  %1 = "nn.transpose"(%0) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = "nn.constant"() {value = dense<[[0, 255], [128, 129]]> : tensor<2x2xui8>} : () -> tensor<2x2xui8>
  %3 = "nn.storage_cast"(%2) : (tensor<2x2xui8>) -> tensor<2x2x!quant.uniform<u8:f32, 0.5:7>>
  %4 = "nn.dequantize"(%3) : (tensor<2x2x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<2x2xf32>
  %5 = "nn.matmul"(%1, %4) : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %5 : tensor<3x2xf32>
}

// -----

// Weights of real numbers become real numbers, and so do addends and what something else uses, too.
// CHECK-LABEL: func.func @real_data
// CHECK-NOT:   "nn.dequantize"
// CHECK:       return
func.func @real_data(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %0 = "nn.constant"() {value = dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>} : () -> tensor<2x2xi8>
  %1 = "nn.storage_cast"(%0) : (tensor<2x2xi8>) -> tensor<2x2x!quant.uniform<i8:f32, 0.5>>
  %2 = "nn.dequantize"(%1) : (tensor<2x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x2xf32>
  %3 = "nn.matmul"(%x, %2) : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %3 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func.func @addend
// CHECK:       %[[C:.*]] = "nn.constant"() {{.*}} : tensor<2x2xf32>
// CHECK:       "nn.add"(%{{.*}}, %[[C]])
func.func @addend(%x: tensor<2x2x!quant.uniform<i8:f32, 0.5>>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %0 = "nn.dequantize"(%x) : (tensor<2x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x2xf32>
  %1 = "nn.constant"() {value = dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>} : () -> tensor<2x2xi8>
  %2 = "nn.storage_cast"(%1) : (tensor<2x2xi8>) -> tensor<2x2x!quant.uniform<i8:f32, 0.5>>
  %3 = "nn.dequantize"(%2) : (tensor<2x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x2xf32>
  %4 = "nn.matmul"(%0, %3) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %5 = "nn.add"(%0, %3) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %4, %5 : tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// Data of 16 bits: sums of their products are real numbers.
// CHECK-LABEL: func.func @wide
// CHECK:       %[[C:.*]] = "nn.constant"() {{.*}} : tensor<2x2xf32>
// CHECK:       "nn.matmul"(%{{.*}}, %[[C]])
func.func @wide(%x: tensor<2x2x!quant.uniform<i16:f32, 0.5>>) -> tensor<2x2xf32> {
  %0 = "nn.dequantize"(%x) : (tensor<2x2x!quant.uniform<i16:f32, 0.5>>) -> tensor<2x2xf32>
  %1 = "nn.constant"() {value = dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>} : () -> tensor<2x2xi8>
  %2 = "nn.storage_cast"(%1) : (tensor<2x2xi8>) -> tensor<2x2x!quant.uniform<i8:f32, 0.5>>
  %3 = "nn.dequantize"(%2) : (tensor<2x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x2xf32>
  %4 = "nn.matmul"(%0, %3) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %4 : tensor<2x2xf32>
}

// -----

// A reshape that mixes the channels of a weight leaves no axis for the scales.
// CHECK-LABEL: func.func @mixed
// CHECK:       %[[C:.*]] = "nn.constant"() {value = dense<{{\[\[}}5.000000e-01, 1.000000e+00, 7.500000e-01, 1.000000e+00]]> : tensor<1x4xf32>}
// CHECK:       "nn.matmul"(%{{.*}}, %[[C]])
func.func @mixed(%x: tensor<2x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x4xf32> {
  %0 = "nn.dequantize"(%x) : (tensor<2x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x1xf32>
  %1 = "nn.constant"() {value = dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>} : () -> tensor<2x2xi8>
  %2 = "nn.storage_cast"(%1) : (tensor<2x2xi8>) -> tensor<2x2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %3 = "nn.dequantize"(%2) : (tensor<2x2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<2x2xf32>
  %4 = "nn.reshape"(%3) {shape = array<i64: 1, 4>} : (tensor<2x2xf32>) -> tensor<1x4xf32>
  %5 = "nn.matmul"(%0, %4) : (tensor<2x1xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}
