// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-state-ranges)" --split-input-file | filecheck %s
// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-state-ranges{bits=16})" --split-input-file | filecheck %s --check-prefix=WIDE

// What is rounded has the range of the bytes: 0 is their number 1, 0 ... 255 stand for -0.5 ... 127.
// CHECK-LABEL: func.func @rounded
// CHECK:       "nn.sigmoid"(%arg0) {nn.ranges = [array<f64: -5.000000e-01, 1.270000e+02>]}
// CHECK:       "nn.quantize"
// CHECK:       "nn.dequantize"{{.*}}nn.ranges = [array<f64: -5.000000e-01, 1.270000e+02>]
// WIDE-LABEL:  func.func @rounded
// WIDE:        "nn.quantize"
func.func @rounded(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.sigmoid"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %q = "nn.quantize"(%0) : (tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5:1>>
  %y = "nn.dequantize"(%q) : (tensor<4x!quant.uniform<u8:f32, 0.5:1>>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Inputs of any sign have one, too.
// CHECK-LABEL: func.func @given
// CHECK:       "nn.dequantize"{{.*}}nn.ranges = [array<f64: -6.450000e+01, 6.300000e+01>]
func.func @given(%x: tensor<4xi8>) -> tensor<4xf32> {
  %q = "nn.storage_cast"(%x) : (tensor<4xi8>) -> tensor<4x!quant.uniform<i8:f32, 0.5:1>>
  %y = "nn.dequantize"(%q) : (tensor<4x!quant.uniform<i8:f32, 0.5:1>>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Ranges of 16 bits count if that is asked for, without what relu cuts off; it is not rounded to them then.
// CHECK-LABEL: func.func @sixteen_bits
// CHECK-NOT:   nn.ranges
// CHECK:       "nn.quantize"
// CHECK-NOT:   nn.ranges
// WIDE-LABEL:  func.func @sixteen_bits
// WIDE:        %[[R:.*]] = "nn.relu"(%arg0) {nn.ranges = [array<f64: 0.000000e+00, 1.638350e+04>]}
// WIDE-NOT:    "nn.quantize"
// WIDE:        return %[[R]]
func.func @sixteen_bits(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %q = "nn.quantize"(%0) : (tensor<4xf32>) -> tensor<4x!quant.uniform<i16:f32, 0.5>>
  %y = "nn.dequantize"(%q) : (tensor<4x!quant.uniform<i16:f32, 0.5>>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A scale a channel is no range.
// CHECK-LABEL: func.func @by_channels
// CHECK-NOT:   nn.ranges
// CHECK:       return
func.func @by_channels(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = "nn.relu"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %q = "nn.quantize"(%0) : (tensor<2x3xf32>) -> tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %y = "nn.dequantize"(%q) : (tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// Backwards through what limits and moves: a sum that only relu sees may be cut off where relu cuts.
// CHECK-LABEL: func.func @before
// CHECK:       "nn.add"(%arg0, %arg0) {nn.ranges = [array<f64: 0.000000e+00, 1.275000e+02>]}
// CHECK:       "nn.relu"{{.*}}nn.ranges = [array<f64: 0.000000e+00, 1.275000e+02>]
// CHECK:       "nn.reshape"{{.*}}nn.ranges = [array<f64: 0.000000e+00, 1.275000e+02>]
func.func @before(%x: tensor<4xf32>) -> tensor<2x2xf32> {
  %0 = "nn.add"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.relu"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.reshape"(%1) {shape = array<i64: 2, 2>} : (tensor<4xf32>) -> tensor<2x2xf32>
  %q = "nn.quantize"(%2) : (tensor<2x2xf32>) -> tensor<2x2x!quant.uniform<u8:f32, 0.5>>
  %y = "nn.dequantize"(%q) : (tensor<2x2x!quant.uniform<u8:f32, 0.5>>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// Others may want more of it; and sigmoid is no limit.
// CHECK-LABEL: func.func @not_before
// CHECK:       "nn.add"(%arg0, %arg0) :
// CHECK:       "nn.sub"(%arg0, %arg0) :
func.func @not_before(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = "nn.add"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.relu"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %q = "nn.quantize"(%1) : (tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5>>
  %y = "nn.dequantize"(%q) : (tensor<4x!quant.uniform<u8:f32, 0.5>>) -> tensor<4xf32>
  %2 = "nn.sub"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = "nn.sigmoid"(%2) : (tensor<4xf32>) -> tensor<4xf32>
  %r = "nn.quantize"(%3) : (tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5>>
  %z = "nn.dequantize"(%r) : (tensor<4x!quant.uniform<u8:f32, 0.5>>) -> tensor<4xf32>
  return %y, %z, %0 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Forwards through what moves and pools; zeros around it may widen the range, a product says nothing.
// CHECK-LABEL: func.func @behind
// CHECK:       "nn.max_pool"{{.*}}nn.ranges = [array<f64: 5.000000e-01, 1.280000e+02>]
// CHECK:       "nn.pad"{{.*}}nn.ranges = [array<f64: 0.000000e+00, 1.280000e+02>]
// CHECK:       "nn.clamp"{{.*}}nn.ranges = [array<f64: 1.000000e+00, 6.000000e+00>]
// CHECK:       "nn.mul"({{[^{]*}}) :
func.func @behind(%x: tensor<1x1x8x8xui8>) -> tensor<1x1x6x6xf32> {
  %q = "nn.storage_cast"(%x) : (tensor<1x1x8x8xui8>) -> tensor<1x1x8x8x!quant.uniform<u8:f32, 0.5:-1>>
  %y = "nn.dequantize"(%q) : (tensor<1x1x8x8x!quant.uniform<u8:f32, 0.5:-1>>) -> tensor<1x1x8x8xf32>
  %0 = "nn.max_pool"(%y) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false} : (tensor<1x1x8x8xf32>) -> tensor<1x1x4x4xf32>
  %1 = "nn.pad"(%0) {padding = array<i64: 0, 0, 1, 1, 0, 0, 1, 1>, mode = "constant", value = 0.0 : f64} : (tensor<1x1x4x4xf32>) -> tensor<1x1x6x6xf32>
  %2 = "nn.clamp"(%1) {min = 1.0 : f64, max = 6.0 : f64} : (tensor<1x1x6x6xf32>) -> tensor<1x1x6x6xf32>
  %3 = "nn.mul"(%2, %2) : (tensor<1x1x6x6xf32>, tensor<1x1x6x6xf32>) -> tensor<1x1x6x6xf32>
  return %3 : tensor<1x1x6x6xf32>
}

// -----

// What constants are added to, or multiplied with, ends where that is done to its ends.
// CHECK-LABEL: func.func @linear
// CHECK:       "nn.sub"{{.*}}nn.ranges = [array<f64: -3.000000e+00, 1.265000e+02>]
// CHECK:       "nn.mul"{{.*}}nn.ranges = [array<f64: -2.530000e+02, 6.000000e+00>]
// CHECK:       "nn.mul"({{[^{]*}}) :
func.func @linear(%x: tensor<2xui8>, %y: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %q = "nn.storage_cast"(%x) : (tensor<2xui8>) -> tensor<2x!quant.uniform<u8:f32, 0.5>>
  %0 = "nn.dequantize"(%q) : (tensor<2x!quant.uniform<u8:f32, 0.5>>) -> tensor<2xf32>
  %a = "nn.constant"() {value = dense<[1.0, 3.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %1 = "nn.sub"(%0, %a) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %b = "nn.constant"() {value = dense<-2.0> : tensor<f32>} : () -> tensor<f32>
  %2 = "nn.mul"(%1, %b) : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %3 = "nn.mul"(%1, %y) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %2, %3 : tensor<2xf32>, tensor<2xf32>
}
