// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-quantize,canonicalize,cse)" --split-input-file | filecheck %s

// Maps stay in KPU memory from one layer to the next.
// CHECK-LABEL: func.func @chain
// CHECK:       %[[Q:.*]] = "nn.quantize"(%arg0)
// CHECK-NEXT:  %[[U:.*]] = "kpu.upload"(%[[Q]])
// CHECK-NEXT:  %[[A:.*]] = "kpu.conv2d"(%[[U]],
// CHECK:       %[[B:.*]] = "kpu.conv2d"(%[[A]],
// CHECK-SAME:  tensor<16x4xi64>
// CHECK-NEXT:  %[[D:.*]] = "kpu.download"(%[[B]])
// CHECK-NEXT:  %[[R:.*]] = "nn.dequantize"(%[[D]])
// CHECK-NEXT:  return %[[R]]
func.func @chain(%x: tensor<1x2x72x64xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x72x64xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x72x64xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x72x64xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x1x1xf32>} : () -> tensor<2x3x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%1, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x72x64xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x72x64xf32>
  return %y : tensor<1x2x72x64xf32>
}

// -----

// CHECK-LABEL: func.func @small_results_have_12_bits
// CHECK:       %[[U:.*]] = "kpu.upload"
// CHECK:       %[[A:.*]] = "kpu.conv2d"(%[[U]],
// CHECK:       %[[B:.*]] = "kpu.conv2d"(%[[U]],
// CHECK:       %[[S:.*]] = "nn.add"
// CHECK-NEXT:  return %[[S]]
func.func @small_results_have_12_bits(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %y = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @curved_ones_have_not
// CHECK:       "kpu.conv2d"
// CHECK-NOT:   "kpu.conv2d"
// CHECK-NOT:   "nn.add"
// CHECK:       "nn.dequantize"
func.func @curved_ones_have_not(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %y = "kpu.layer"(%x, %w, %b) {activation = dense<[[-3.0, -2.0, -1.0, 0.0, 1.0], [0.0, 0.1, 0.3, 1.0, 3.0]]> : tensor<2x5xf32>, depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 3.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @the_host_moves_bytes
// CHECK:       %[[D:.*]] = "kpu.download"
// CHECK:       %[[C:.*]] = "nn.storage_cast"(%[[D]])
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[C]]) {{.*}} -> tensor<1x3x32x32xui8>
// CHECK:       "kpu.upload"
// CHECK:       "kpu.conv2d"
func.func @the_host_moves_bytes(%x: tensor<1x2x72x64xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x32x32xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x72x64xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x72x64xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 0, 0>, ends = array<i64: 32, 32>, axes = array<i64: 2, 3>, steps = array<i64: 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x72x64xf32>) -> tensor<1x3x32x32xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x1x1xf32>} : () -> tensor<2x3x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x32x32xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x32x32xf32>
  return %y : tensor<1x2x32x32xf32>
}

// -----

// CHECK-LABEL: func.func @zeros_around_a_map_are_the_zero_point
// CHECK:       "nn.pad"({{.*}}value = 1.280000e+02
func.func @zeros_around_a_map_are_the_zero_point(%x: tensor<1x2x72x64xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x73x65xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x72x64xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x72x64xf32>
  %2 = "nn.pad"(%1) {padding = array<i64: 0, 0, 0, 0, 0, 0, 1, 1>, mode = "constant", value = 0.0 : f64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x72x64xf32>) -> tensor<1x3x73x65xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x1x1xf32>} : () -> tensor<2x3x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x73x65xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x73x65xf32>
  return %y : tensor<1x2x73x65xf32>
}

// -----

// CHECK-LABEL: func.func @what_computes_on_the_host_is_real
// CHECK:       %[[D:.*]] = "kpu.download"
// CHECK-NEXT:  %[[R:.*]] = "nn.dequantize"(%[[D]])
// CHECK-NEXT:  %[[E:.*]] = "nn.exp"(%[[R]])
// CHECK:       %[[Q:.*]] = "nn.quantize"(%[[E]])
// CHECK:       "kpu.upload"(%[[Q]])
func.func @what_computes_on_the_host_is_real(%x: tensor<1x2x72x64xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x72x64xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x72x64xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x72x64xf32>
  %2 = "nn.exp"(%1) {nn.ranges = [array<f64: 0.0, 9000.0>]} : (tensor<1x3x72x64xf32>) -> tensor<1x3x72x64xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x3x1x1xf32>} : () -> tensor<2x3x1x1xf32>
  %c = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %y = "kpu.layer"(%2, %v, %c) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x72x64xf32>, tensor<2x3x1x1xf32>, tensor<2xf32>) -> tensor<1x2x72x64xf32>
  return %y : tensor<1x2x72x64xf32>
}

// -----

// CHECK-LABEL: func.func @one_upload_for_two_layers
// CHECK:       %[[U:.*]] = "kpu.upload"
// CHECK:       "kpu.conv2d"(%[[U]],
// CHECK:       "kpu.conv2d"(%[[U]],
// CHECK-NOT:   "kpu.upload"
func.func @one_upload_for_two_layers(%x: tensor<1x2x72x64xf32> {nn.range = array<f64: -1.0, 1.0>}) -> (tensor<1x3x72x64xf32>, tensor<1x3x72x64xf32>) {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x72x64xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x72x64xf32>
  %v = "nn.constant"() {value = dense<0.25> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %2 = "kpu.layer"(%x, %v, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x72x64xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x72x64xf32>
  return %1, %2 : tensor<1x3x72x64xf32>, tensor<1x3x72x64xf32>
}

// -----

// CHECK-LABEL: func.func @a_network_without_layers
// CHECK-NEXT:  %[[E:.*]] = "nn.exp"(%arg0)
// CHECK-NEXT:  return %[[E]]
func.func @a_network_without_layers(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x8x8xf32> {
  %y = "nn.exp"(%x) {nn.ranges = [array<f64: 0.0, 9.0>]} : (tensor<1x2x8x8xf32>) -> tensor<1x2x8x8xf32>
  return %y : tensor<1x2x8x8xf32>
}

// -----

// A copy of one map only says anew what its bytes stand for; one of several puts them into one map.
// CHECK-LABEL: func.func @copies
// CHECK:       "kpu.upload"{{.*}}tensor<1x4x8x8x
// CHECK:       "kpu.upload"{{.*}}tensor<1x4x8x8x
// CHECK:       "kpu.conv2d"{{.*}}depthwise = true
func.func @copies(%x: tensor<1x4x8x8xf32> {nn.range = array<f64: 0.0, 1.0>}, %y: tensor<1x4x8x8xf32> {nn.range = array<f64: 0.0, 1.0>}) -> tensor<1x8x8x8xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<8x1x1x1xf32>} : () -> tensor<8x1x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %1 = "kpu.layer"(%x, %y, %w, %b) {depthwise = true, pool = "none", kpu.copy, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>, tensor<8x1x1x1xf32>, tensor<8xf32>) -> tensor<1x8x8x8xf32>
  return %1 : tensor<1x8x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @copy
// CHECK-NOT:   "kpu.conv2d"
// CHECK:       return
func.func @copy(%x: tensor<1x8x8x8xf32> {nn.range = array<f64: 0.0, 1.0>}) -> tensor<1x8x8x8xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<8x1x1x1xf32>} : () -> tensor<8x1x1x1xf32>
  %b = "nn.constant"() {value = dense<0.0> : tensor<8xf32>} : () -> tensor<8xf32>
  %1 = "kpu.layer"(%x, %w, %b) {depthwise = true, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<1x8x8x8xf32>, tensor<8x1x1x1xf32>, tensor<8xf32>) -> tensor<1x8x8x8xf32>
  return %1 : tensor<1x8x8x8xf32>
}
