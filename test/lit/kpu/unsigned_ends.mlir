// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-unsigned-ends)" --split-input-file | filecheck %s
// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-unsigned-ends{outputs=false})" --split-input-file | filecheck %s --check-prefix=REAL

// CHECK-LABEL: func.func @both
// CHECK-SAME:  (%arg0: tensor<4x!quant.uniform<u8:f32, 5.000000e-01:129>>) -> tensor<4x!quant.uniform<u8:f32, 2.500000e-01>>
// CHECK:       %[[D:.*]] = "nn.dequantize"(%arg0)
// CHECK:       %[[S:.*]] = "nn.sigmoid"(%[[D]])
// CHECK:       %[[Q:.*]] = "nn.quantize"(%[[S]]) {ties = "away"}{{.*}} -> tensor<4x!quant.uniform<u8:f32, 2.500000e-01>>
// CHECK:       return %[[Q]]
// REAL-LABEL:  func.func @both
// REAL-SAME:   (%arg0: tensor<4x!quant.uniform<u8:f32, 5.000000e-01:129>>) -> tensor<4xf32>
// REAL:        %[[Q:.*]] = "nn.quantize"{{.*}} -> tensor<4x!quant.uniform<u8:f32, 2.500000e-01>>
// REAL:        %[[D:.*]] = "nn.dequantize"(%[[Q]])
// REAL:        return %[[D]]
func.func @both(%x: tensor<4xi8>) -> tensor<4xi8> {
  %0 = "nn.storage_cast"(%x) : (tensor<4xi8>) -> tensor<4x!quant.uniform<i8:f32, 0.5:1>>
  %1 = "nn.dequantize"(%0) : (tensor<4x!quant.uniform<i8:f32, 0.5:1>>) -> tensor<4xf32>
  %2 = "nn.sigmoid"(%1) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = "nn.quantize"(%2) {ties = "away"} : (tensor<4xf32>) -> tensor<4x!quant.uniform<i8:f32, 0.25:-128>>
  %4 = "nn.storage_cast"(%3) : (tensor<4x!quant.uniform<i8:f32, 0.25:-128>>) -> tensor<4xi8>
  return %4 : tensor<4xi8>
}

// -----

// Integers that stand for nothing, or for something else elsewhere, stay what they are; so do those of 16 bits.
// CHECK-LABEL: func.func @others
// CHECK-SAME:  (%arg0: tensor<4xi8>, %arg1: tensor<4xi16>) -> (tensor<4xi8>, tensor<4xf32>, tensor<4xf32>)
// REAL-LABEL:  func.func @others
// REAL-SAME:   (%arg0: tensor<4xi8>, %arg1: tensor<4xi16>) -> (tensor<4xi8>, tensor<4xf32>, tensor<4xf32>)
func.func @others(%x: tensor<4xi8>, %y: tensor<4xi16>) -> (tensor<4xi8>, tensor<4xf32>, tensor<4xf32>) {
  %0 = "nn.storage_cast"(%x) : (tensor<4xi8>) -> tensor<4x!quant.uniform<i8:f32, 0.5:1>>
  %1 = "nn.dequantize"(%0) : (tensor<4x!quant.uniform<i8:f32, 0.5:1>>) -> tensor<4xf32>
  %2 = "nn.storage_cast"(%y) : (tensor<4xi16>) -> tensor<4x!quant.uniform<i16:f32, 0.5>>
  %3 = "nn.dequantize"(%2) : (tensor<4x!quant.uniform<i16:f32, 0.5>>) -> tensor<4xf32>
  return %x, %1, %3 : tensor<4xi8>, tensor<4xf32>, tensor<4xf32>
}
