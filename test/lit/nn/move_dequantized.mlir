// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-move-dequantized,cse)" --split-input-file | filecheck %s

// A pooling of bytes between roundings, for two readers, is one of real numbers.
// CHECK-LABEL: func.func @pooled
// CHECK:       %[[D:.*]] = "nn.dequantize"
// CHECK:       %[[M:.*]] = "nn.max_pool"(%[[D]]) {{.*}} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
// CHECK-NOT:   "nn.max_pool"
// CHECK:       return %[[M]], %[[M]]
func.func @pooled(%q: tensor<1x1x4x4x!quant.uniform<u8:f32, 0.5:7>>) -> (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) {
  %0 = "nn.storage_cast"(%q) : (tensor<1x1x4x4x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<1x1x4x4xui8>
  %1 = "nn.max_pool"(%0) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false} : (tensor<1x1x4x4xui8>) -> tensor<1x1x2x2xui8>
  %2 = "nn.storage_cast"(%1) : (tensor<1x1x2x2xui8>) -> tensor<1x1x2x2x!quant.uniform<u8:f32, 0.5:7>>
  %3 = "nn.dequantize"(%2) : (tensor<1x1x2x2x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<1x1x2x2xf32>
  %4 = "nn.storage_cast"(%1) : (tensor<1x1x2x2xui8>) -> tensor<1x1x2x2x!quant.uniform<u8:f32, 0.5:7>>
  %5 = "nn.dequantize"(%4) : (tensor<1x1x2x2x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<1x1x2x2xf32>
  return %3, %5 : tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>
}

// -----

// Numbers in attributes are real ones then: byte 9 is (9 - 7) * 0.5; through what moves before it, too.
// CHECK-LABEL: func.func @padded
// CHECK:       %[[R:.*]] = "nn.reshape"{{.*}} -> tensor<2x2xf32>
// CHECK:       "nn.pad"(%[[R]]) {{.*}}value = 1.000000e+00
func.func @padded(%q: tensor<4x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<3x3xf32> {
  %0 = "nn.storage_cast"(%q) : (tensor<4x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<4xui8>
  %1 = "nn.reshape"(%0) {shape = array<i64: 2, 2>} : (tensor<4xui8>) -> tensor<2x2xui8>
  %2 = "nn.pad"(%1) {padding = array<i64: 1, 1, 0, 0>, mode = "constant", value = 9.0 : f64} : (tensor<2x2xui8>) -> tensor<3x3xui8>
  %3 = "nn.storage_cast"(%2) : (tensor<3x3xui8>) -> tensor<3x3x!quant.uniform<u8:f32, 0.5:7>>
  %4 = "nn.dequantize"(%3) : (tensor<3x3x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<3x3xf32>
  return %4 : tensor<3x3xf32>
}

// -----

// Bytes that the caller gets, too, are moved as they are; so are those that stand for nothing before.
// CHECK-LABEL: func.func @returned
// CHECK:       "nn.reshape"{{.*}}ui8
// CHECK:       "nn.reshape"{{.*}}ui8
func.func @returned(%q: tensor<4x!quant.uniform<u8:f32, 0.5:7>>, %b: tensor<4xui8>) -> (tensor<2x2xf32>, tensor<2x2xui8>, tensor<2x2xf32>) {
  %0 = "nn.storage_cast"(%q) : (tensor<4x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<4xui8>
  %1 = "nn.reshape"(%0) {shape = array<i64: 2, 2>} : (tensor<4xui8>) -> tensor<2x2xui8>
  %2 = "nn.storage_cast"(%1) : (tensor<2x2xui8>) -> tensor<2x2x!quant.uniform<u8:f32, 0.5:7>>
  %3 = "nn.dequantize"(%2) : (tensor<2x2x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<2x2xf32>
  %4 = "nn.reshape"(%b) {shape = array<i64: 2, 2>} : (tensor<4xui8>) -> tensor<2x2xui8>
  %5 = "nn.storage_cast"(%4) : (tensor<2x2xui8>) -> tensor<2x2x!quant.uniform<u8:f32, 0.5:7>>
  %6 = "nn.dequantize"(%5) : (tensor<2x2x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<2x2xf32>
  return %3, %1, %6 : tensor<2x2xf32>, tensor<2x2xui8>, tensor<2x2xf32>
}

// -----

// A scale a row does not go through a transpose.
// CHECK-LABEL: func.func @by_rows
// CHECK:       "nn.transpose"{{.*}}xi8
func.func @by_rows(%q: tensor<2x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x2xf32> {
  %0 = "nn.storage_cast"(%q) : (tensor<2x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x3xi8>
  %1 = "nn.transpose"(%0) {permutation = array<i64: 1, 0>} : (tensor<2x3xi8>) -> tensor<3x2xi8>
  %2 = "nn.storage_cast"(%1) : (tensor<3x2xi8>) -> tensor<3x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  %3 = "nn.dequantize"(%2) : (tensor<3x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>) -> tensor<3x2xf32>
  return %3 : tensor<3x2xf32>
}
