// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-download-at-once)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @later
// CHECK:       [[C:%.*]] = "kpu.conv2d"
// CHECK-NEXT:  [[Y:%.*]] = "kpu.download"([[C]])
// CHECK-NEXT:  "nn.dequantize"(%arg0)
func.func @later(%x: tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<1x8x4x4xf32>) {
  %0 = "kpu.upload"(%x) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %w = "nn.constant"() {value = dense<128> : tensor<8x8x1x1xui8>} : () -> tensor<8x8x1x1xui8>
  %n = "nn.constant"() {value = dense<1> : tensor<8x3xi64>} : () -> tensor<8x3xi64>
  %l = "nn.constant"() {value = dense<1> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %1 = "kpu.conv2d"(%0, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<8x8x1x1xui8>, tensor<8x3xi64>, tensor<16x4xi64>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %2 = "nn.dequantize"(%x) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4xf32>
  %3 = "kpu.download"(%1) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  return %3, %2 : tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<1x8x4x4xf32>
}

// -----

// a layer brings all of its map to main memory, or nothing
// CHECK-LABEL: func.func @some_channels
// CHECK:       [[C:%.*]] = "kpu.conv2d"
// CHECK-NEXT:  [[Y:%.*]] = "kpu.download"([[C]]) : (tensor<1x8x4x4x
// CHECK:       "nn.slice"{{.*}}ends = array<i64: 8>{{.*}}starts = array<i64: 4>
func.func @some_channels(%x: tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x4x4x4x!quant.uniform<u8:f32, 5.0e-01:3>> {
  %0 = "kpu.upload"(%x) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %w = "nn.constant"() {value = dense<128> : tensor<8x8x1x1xui8>} : () -> tensor<8x8x1x1xui8>
  %n = "nn.constant"() {value = dense<1> : tensor<8x3xi64>} : () -> tensor<8x3xi64>
  %l = "nn.constant"() {value = dense<1> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %1 = "kpu.conv2d"(%0, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<8x8x1x1xui8>, tensor<8x3xi64>, tensor<16x4xi64>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %2 = "kpu.select"(%1) {first = 4 : i64, count = 4 : i64} : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x4x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %3 = "kpu.download"(%2) : (tensor<1x4x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x4x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  return %3 : tensor<1x4x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
}

// -----

// CHECK-LABEL: func.func @what_was_uploaded
// CHECK-NOT:   kpu.download
// CHECK:       return %arg0
func.func @what_was_uploaded(%x: tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>> {
  %0 = "kpu.upload"(%x) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %1 = "kpu.download"(%0) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  return %1 : tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
}
