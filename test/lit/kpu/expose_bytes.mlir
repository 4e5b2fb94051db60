// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-expose-bytes,cse)" --split-input-file | filecheck %s
// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-expose-bytes{outputs=false},cse)" --split-input-file | filecheck %s --check-prefix=INPUTS

// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%arg0: [[Q:tensor<1x2x4x4x!quant.uniform<u8:f32, .*>>]] {nn.name = "x"}) -> [[Q]]
// CHECK-NEXT:  %0 = "kpu.upload"(%arg0)
// CHECK-NEXT:  %1 = "kpu.download"(%0)
// CHECK-NEXT:  return %1
// INPUTS-LABEL: func.func @main
// INPUTS-SAME:    (%arg0: tensor<1x2x4x4x!quant.uniform<u8:f32, {{.*}}>> {nn.name = "x"}) -> tensor<1x2x4x4xf32>
// INPUTS-NOT:   nn.quantize
// INPUTS:       nn.dequantize
func.func @main(%x: tensor<1x2x4x4xf32> {nn.name = "x"}) -> tensor<1x2x4x4xf32> {
  %0 = "nn.quantize"(%x) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %1 = "kpu.upload"(%0) : (tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %2 = "kpu.download"(%1) : (tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %3 = "nn.dequantize"(%2) : (tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x2x4x4xf32>
  return %3 : tensor<1x2x4x4xf32>
}

// -----

// real numbers are wanted too, and what is returned was made of them
// CHECK-LABEL: func.func @both_are_used
// CHECK-SAME:    (%arg0: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
// CHECK:       nn.quantize
// CHECK:       nn.dequantize
// CHECK:       nn.add
func.func @both_are_used(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %0 = "nn.quantize"(%x) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %1 = "nn.dequantize"(%0) : (tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x2x4x4xf32>
  %2 = "nn.add"(%1, %x) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %2 : tensor<1x2x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @two_types
// CHECK-SAME:    (%arg0: tensor<1x2x4x4xf32>)
// CHECK-COUNT-2: nn.quantize
func.func @two_types(%x: tensor<1x2x4x4xf32>) -> (tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<1x2x4x4x!quant.uniform<u8:f32, 2.5e-01:3>>) {
  %0 = "nn.quantize"(%x) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %1 = "nn.quantize"(%x) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4x!quant.uniform<u8:f32, 2.5e-01:3>>
  return %0, %1 : tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<1x2x4x4x!quant.uniform<u8:f32, 2.5e-01:3>>
}
