// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-download-at-once)" | filecheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT:  [[X:%.*]] = "kpu.upload"(%arg0)
// CHECK-NEXT:  [[Y:%.*]] = "kpu.download"([[X]])
// CHECK-NEXT:  [[Z:%.*]] = "nn.dequantize"(%arg0)
// CHECK-NEXT:  return [[Y]], [[Z]]
func.func @main(%x: tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> (tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<1x2x4x4xf32>) {
  %0 = "kpu.upload"(%x) : (tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %1 = "nn.dequantize"(%x) : (tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x2x4x4xf32>
  %2 = "kpu.download"(%0) : (tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  return %2, %1 : tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<1x2x4x4xf32>
}
