// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// A layer rounds to bytes of the same kind; that these begin with 0 it has to know.
// CHECK-LABEL: func.func @same
// CHECK:       %[[L:.*]] = "kpu.layer"{{.*}}activation = dense<{{\[\[}}-1.000000e+00, 0.000000e+00, 1.000000e+00], [0.000000e+00, 0.000000e+00, 1.000000e+00]]>
// CHECK-NEXT:  return %[[L]]
func.func @same(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %c = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: 0.0, 127.5>]} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32>
  %q = "nn.quantize"(%c) : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>
  %y = "nn.dequantize"(%q) : (tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// So do layers of which that is moved.
// CHECK-LABEL: func.func @moved
// CHECK:       "kpu.layer"
// CHECK:       %[[R:.*]] = "nn.reshape"
// CHECK-NEXT:  return %[[R]]
func.func @moved(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x192xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %c = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: 0.0, 127.5>]} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32>
  %r = "nn.reshape"(%c) {shape = array<i64: 1, 192>, nn.ranges = [array<f64: 0.0, 127.5>]} : (tensor<1x3x8x8xf32>) -> tensor<1x192xf32>
  %q = "nn.quantize"(%r) : (tensor<1x192xf32>) -> tensor<1x192x!quant.uniform<u8:f32, 0.5>>
  %y = "nn.dequantize"(%q) : (tensor<1x192x!quant.uniform<u8:f32, 0.5>>) -> tensor<1x192xf32>
  return %y : tensor<1x192xf32>
}

// -----

// With numbers below 0 there are no limits to be known.
// CHECK-LABEL: func.func @on_both_sides
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0, %{{[^,]*}}, %{{[^,]*}}) {depthwise
// CHECK-NEXT:  return %[[L]]
func.func @on_both_sides(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %c = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: -5.0, 122.5>]} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32>
  %q = "nn.quantize"(%c) : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5:10>>
  %y = "nn.dequantize"(%q) : (tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5:10>>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// Bytes of another kind are the host's to make.
// CHECK-LABEL: func.func @others
// CHECK:       "kpu.layer"
// CHECK:       "nn.quantize"
func.func @others(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %c = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: 0.0, 127.5>]} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32>
  %q = "nn.quantize"(%c) : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8x!quant.uniform<u8:f32, 0.25>>
  %y = "nn.dequantize"(%q) : (tensor<1x3x8x8x!quant.uniform<u8:f32, 0.25>>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// What the host computes, it rounds.
// CHECK-LABEL: func.func @on_the_host
// CHECK:       "nn.softmax"
// CHECK:       "nn.quantize"
func.func @on_the_host(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %c = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: 0.0, 127.5>]} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32>
  %s = "nn.softmax"(%c) {axis = 1 : i64, nn.ranges = [array<f64: 0.0, 127.5>]} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %q = "nn.quantize"(%s) : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>
  %y = "nn.dequantize"(%q) : (tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5>>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// Without a range of what goes in and comes out there are no bytes.
// CHECK-LABEL: func.func @no_range_of_the_result
// CHECK:       "nn.conv"{{.*}}kpu.reason = ["K210-CONV-RANGE", {{.*}}"no range of the result"
func.func @no_range_of_the_result(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %c = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32>
  return %c : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @no_range_of_the_input
// CHECK:       "nn.conv"{{.*}}kpu.reason = ["K210-CONV-RANGE", {{.*}}"no range of the input"
func.func @no_range_of_the_input(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %c = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: 0.0, 127.5>]} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32>
  return %c : tensor<1x3x8x8xf32>
}

// -----

// Nor is a sum of maps a layer then.
// CHECK-LABEL: func.func @sum_without_range
// CHECK:       "kpu.layer"
// CHECK:       "nn.add"
func.func @sum_without_range(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %z: tensor<1x3x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %c = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: 0.0, 127.5>]} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32>
  %y = "nn.add"(%c, %z) : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}
