// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-canonicalize)" --split-input-file | filecheck %s

// What was moved, padded with zeros and cut at zero is still what the type represents.
// CHECK-LABEL: func.func @moved
// CHECK:       %[[X:.*]] = "nn.dequantize"(%arg0)
// CHECK:       "nn.pad"(%[[X]])
// CHECK:       %[[Y:.*]] = "nn.relu"
// CHECK-NOT:   "nn.quantize"
// CHECK:       return %[[Y]]
func.func @moved(%q: tensor<2x3x!quant.uniform<i8:f32, 0.5:3>>) -> tensor<2x5xf32> {
  %0 = "nn.dequantize"(%q) : (tensor<2x3x!quant.uniform<i8:f32, 0.5:3>>) -> tensor<2x3xf32>
  %1 = "nn.pad"(%0) {padding = array<i64: 0, 1, 0, 1>, mode = "constant", value = 0.0 : f64} : (tensor<2x3xf32>) -> tensor<2x5xf32>
  %2 = "nn.relu"(%1) : (tensor<2x5xf32>) -> tensor<2x5xf32>
  %3 = "nn.quantize"(%2) {ties = "away"} : (tensor<2x5xf32>) -> tensor<2x5x!quant.uniform<i8:f32, 0.5:3>>
  %4 = "nn.dequantize"(%3) : (tensor<2x5x!quant.uniform<i8:f32, 0.5:3>>) -> tensor<2x5xf32>
  return %4 : tensor<2x5xf32>
}

// -----

// All operands have to be.
// CHECK-LABEL: func.func @larger_of_others
// CHECK:       "nn.maximum"
// CHECK:       "nn.quantize"
func.func @larger_of_others(%q: tensor<2x!quant.uniform<i8:f32, 0.5:3>>, %x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "nn.dequantize"(%q) : (tensor<2x!quant.uniform<i8:f32, 0.5:3>>) -> tensor<2xf32>
  %1 = "nn.maximum"(%0, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = "nn.quantize"(%1) : (tensor<2xf32>) -> tensor<2x!quant.uniform<i8:f32, 0.5:3>>
  %3 = "nn.dequantize"(%2) : (tensor<2x!quant.uniform<i8:f32, 0.5:3>>) -> tensor<2xf32>
  return %3 : tensor<2xf32>
}

// -----

// Another scale rounds.
// CHECK-LABEL: func.func @other_scale
// CHECK:       "nn.quantize"
func.func @other_scale(%q: tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2xf32> {
  %0 = "nn.dequantize"(%q) : (tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2xf32>
  %1 = "nn.quantize"(%0) : (tensor<2xf32>) -> tensor<2x!quant.uniform<i8:f32, 0.75>>
  %2 = "nn.dequantize"(%1) : (tensor<2x!quant.uniform<i8:f32, 0.75>>) -> tensor<2xf32>
  return %2 : tensor<2xf32>
}

// -----

// Padding with something else may not be representable.
// CHECK-LABEL: func.func @padded_with_a_third
// CHECK:       "nn.quantize"
func.func @padded_with_a_third(%q: tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<3xf32> {
  %0 = "nn.dequantize"(%q) : (tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2xf32>
  %1 = "nn.pad"(%0) {padding = array<i64: 0, 1>, mode = "constant", value = 0.33 : f64} : (tensor<2xf32>) -> tensor<3xf32>
  %2 = "nn.quantize"(%1) : (tensor<3xf32>) -> tensor<3x!quant.uniform<i8:f32, 0.5>>
  %3 = "nn.dequantize"(%2) : (tensor<3x!quant.uniform<i8:f32, 0.5>>) -> tensor<3xf32>
  return %3 : tensor<3xf32>
}

// -----

// Means of two numbers lie between them; numbers of 32 bits are more than float32 has.
// CHECK-LABEL: func.func @computed
// CHECK-COUNT-2: "nn.quantize"
func.func @computed(%q: tensor<2x!quant.uniform<i8:f32, 0.5>>, %r: tensor<2x!quant.uniform<i32:f32, 0.5>>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = "nn.dequantize"(%q) : (tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2xf32>
  %1 = "nn.square"(%0) : (tensor<2xf32>) -> tensor<2xf32>
  %2 = "nn.quantize"(%1) : (tensor<2xf32>) -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  %3 = "nn.dequantize"(%2) : (tensor<2x!quant.uniform<i8:f32, 0.5>>) -> tensor<2xf32>
  %4 = "nn.dequantize"(%r) : (tensor<2x!quant.uniform<i32:f32, 0.5>>) -> tensor<2xf32>
  %5 = "nn.quantize"(%4) : (tensor<2xf32>) -> tensor<2x!quant.uniform<i32:f32, 0.5>>
  %6 = "nn.dequantize"(%5) : (tensor<2x!quant.uniform<i32:f32, 0.5>>) -> tensor<2xf32>
  return %3, %6 : tensor<2xf32>, tensor<2xf32>
}
