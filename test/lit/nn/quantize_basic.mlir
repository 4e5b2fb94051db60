// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose-basic)" --split-input-file | filecheck %s

// The most basic machines quantise to 8 bits only.
// CHECK-LABEL: func.func @dequantize_16_bits
// CHECK:       %[[STORED:.*]] = "nn.storage_cast"(%arg0)
// CHECK:       %[[STEPS:.*]] = "nn.cast"(%[[STORED]])
// CHECK:       %[[SHIFTED:.*]] = "nn.sub"(%[[STEPS]],
// CHECK:       "nn.mul"(%[[SHIFTED]],
func.func @dequantize_16_bits(%x: tensor<4x!quant.uniform<i16:f32, 0.5:-7>>) -> tensor<4xf32> {
  %0 = "nn.dequantize"(%x) : (tensor<4x!quant.uniform<i16:f32, 0.5:-7>>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @quantize_8_bits
// CHECK:       "nn.quantize"(%arg0)
func.func @quantize_8_bits(%x: tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5:7>> {
  %0 = "nn.quantize"(%x) : (tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5:7>>
  return %0 : tensor<4x!quant.uniform<u8:f32, 0.5:7>>
}
