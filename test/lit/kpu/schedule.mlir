// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-schedule)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @the_host_waits
// CHECK:       %[[A:.*]] = "nn.relu"
// CHECK:       "nn.relu"(%[[A]])
// CHECK-NEXT:  %[[U:.*]] = "kpu.upload"
// CHECK-NEXT:  %[[L:.*]] = "kpu.conv2d"(%[[U]],
// CHECK-NEXT:  "kpu.download"(%[[L]])
func.func @the_host_waits(%x: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, %h: tensor<4xf32>) -> (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4xf32>) {
  %w = "nn.constant"() {value = dense<128> : tensor<4x4x1x1xui8>} : () -> tensor<4x4x1x1xui8>
  %n = "nn.constant"() {value = dense<0> : tensor<4x3xi64>} : () -> tensor<4x3xi64>
  %l = "nn.constant"() {value = dense<0> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %1 = "kpu.upload"(%x) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %a = "nn.relu"(%h) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "kpu.conv2d"(%1, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %b = "nn.relu"(%a) : (tensor<4xf32>) -> tensor<4xf32>
  %4 = "kpu.download"(%2) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  return %4, %b : tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @data_comes_first
// CHECK:       "kpu.upload"
// CHECK:       "kpu.conv2d"
// CHECK-NEXT:  %[[D:.*]] = "kpu.download"
// CHECK-NEXT:  %[[S:.*]] = "nn.storage_cast"(%[[D]])
// CHECK-NEXT:  %[[T:.*]] = "nn.storage_cast"(%[[S]])
// CHECK-NEXT:  "kpu.upload"(%[[T]])
func.func @data_comes_first(%x: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>> {
  %w = "nn.constant"() {value = dense<128> : tensor<4x4x1x1xui8>} : () -> tensor<4x4x1x1xui8>
  %n = "nn.constant"() {value = dense<0> : tensor<4x3xi64>} : () -> tensor<4x3xi64>
  %l = "nn.constant"() {value = dense<0> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %1 = "kpu.upload"(%x) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %2 = "kpu.conv2d"(%1, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %3 = "kpu.download"(%2) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %s = "nn.storage_cast"(%3) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8xui8>
  %t = "nn.storage_cast"(%s) : (tensor<1x4x8x8xui8>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %4 = "kpu.upload"(%t) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %5 = "kpu.conv2d"(%4, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %6 = "kpu.download"(%5) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  return %6 : tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
}
