// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-drop-rounding)" --split-input-file | filecheck %s

// What a quantised network rounds is left to the KPU.
// CHECK-LABEL: func.func @rounding
// CHECK-NOT:   "nn.quantize"
// CHECK:       return %arg0
func.func @rounding(%x: tensor<4xf32>) -> tensor<4xf32> {
  %q = "nn.quantize"(%x) : (tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5:3>>
  %y = "nn.dequantize"(%q) : (tensor<4x!quant.uniform<u8:f32, 0.5:3>>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Bytes that come in are not a rounding.
// CHECK-LABEL: func.func @given
// CHECK:       "nn.dequantize"
func.func @given(%x: tensor<4xui8>) -> tensor<4xf32> {
  %q = "nn.storage_cast"(%x) : (tensor<4xui8>) -> tensor<4x!quant.uniform<u8:f32, 0.5:3>>
  %y = "nn.dequantize"(%q) : (tensor<4x!quant.uniform<u8:f32, 0.5:3>>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
