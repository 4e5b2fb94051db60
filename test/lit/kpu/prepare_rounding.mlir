// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-prepare)" --split-input-file | filecheck %s

// Signed bytes and their zero point are 128 more without a sign; the way of rounding stays.
// CHECK-LABEL: func.func @signed
// CHECK:       "nn.quantize"(%arg0) {ties = "away"} : {{.*}} -> tensor<4x!quant.uniform<u8:f32, 5.000000e-01:131>>
// CHECK:       "nn.dequantize"
func.func @signed(%x: tensor<4xf32>) -> tensor<4xf32> {
  %q = "nn.quantize"(%x) {ties = "away"} : (tensor<4xf32>) -> tensor<4x!quant.uniform<i8:f32, 0.5:3>>
  %y = "nn.dequantize"(%q) : (tensor<4x!quant.uniform<i8:f32, 0.5:3>>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Those that the caller gets keep their sign, and numbers of 16 bits are no bytes.
// CHECK-LABEL: func.func @kept
// CHECK-DAG:   "nn.quantize"(%arg0){{.*}}i8:f32
// CHECK-DAG:   "nn.quantize"(%arg0){{.*}}i16:f32
// CHECK:       return
func.func @kept(%x: tensor<4xf32>) -> (tensor<4xi8>, tensor<4xf32>) {
  %q = "nn.quantize"(%x) : (tensor<4xf32>) -> tensor<4x!quant.uniform<i8:f32, 0.5:3>>
  %y = "nn.storage_cast"(%q) : (tensor<4x!quant.uniform<i8:f32, 0.5:3>>) -> tensor<4xi8>
  %r = "nn.quantize"(%x) : (tensor<4xf32>) -> tensor<4x!quant.uniform<i16:f32, 0.5>>
  %z = "nn.dequantize"(%r) : (tensor<4x!quant.uniform<i16:f32, 0.5>>) -> tensor<4xf32>
  return %y, %z : tensor<4xi8>, tensor<4xf32>
}

// -----

// Nor are bytes with a scale a channel those of a map.
// CHECK-LABEL: func.func @by_channels
// CHECK:       "nn.quantize"(%arg0) {{.*}}i8:f32:0
func.func @by_channels(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %q = "nn.quantize"(%x) : (tensor<2x3xf32>) -> tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %y = "nn.dequantize"(%q) : (tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @moved
// CHECK:       %[[Q:.*]] = "nn.quantize"(%arg0) : {{.*}} -> tensor<4x2x!quant.uniform<u8:f32, 5.000000e-01:3>>
// CHECK:       %[[D:.*]] = "nn.dequantize"(%[[Q]])
// CHECK:       %[[T:.*]] = "nn.transpose"(%[[D]])
// CHECK:       return %[[T]]
func.func @moved(%x: tensor<4x2xf32>) -> tensor<2x4xf32> {
  %t = "nn.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<4x2xf32>) -> tensor<2x4xf32>
  %q = "nn.quantize"(%t) : (tensor<2x4xf32>) -> tensor<2x4x!quant.uniform<u8:f32, 0.5:3>>
  %y = "nn.dequantize"(%q) : (tensor<2x4x!quant.uniform<u8:f32, 0.5:3>>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// What others use as it was is not rounded before.
// CHECK-LABEL: func.func @used_twice
// CHECK:       %[[T:.*]] = "nn.transpose"(%arg0)
// CHECK:       "nn.quantize"(%[[T]])
func.func @used_twice(%x: tensor<4x2xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %t = "nn.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<4x2xf32>) -> tensor<2x4xf32>
  %q = "nn.quantize"(%t) : (tensor<2x4xf32>) -> tensor<2x4x!quant.uniform<u8:f32, 0.5:3>>
  %y = "nn.dequantize"(%q) : (tensor<2x4x!quant.uniform<u8:f32, 0.5:3>>) -> tensor<2x4xf32>
  return %t, %y : tensor<2x4xf32>, tensor<2x4xf32>
}
