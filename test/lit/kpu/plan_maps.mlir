// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-plan-maps)" --split-input-file | filecheck %s

// A map of 4 x 8 x 8 takes 8 lines of 64 bytes. The first one is not needed any more when the third is made.
// CHECK-LABEL: func.func @chain
// CHECK-SAME:  kpu.bound = 1024 : i64, kpu.peak = 1024 : i64
// CHECK:       "kpu.upload"{{.*}}kpu.offset = [[A:[0-9]+]] : i64
// CHECK:       "kpu.conv2d"{{.*}}kpu.offset = [[B:[0-9]+]] : i64
// CHECK:       "kpu.conv2d"{{.*}}kpu.offset = [[A]] : i64
func.func @chain(%x: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>> {
  %w = "nn.constant"() {value = dense<128> : tensor<4x4x1x1xui8>} : () -> tensor<4x4x1x1xui8>
  %n = "nn.constant"() {value = dense<0> : tensor<4x3xi64>} : () -> tensor<4x3xi64>
  %l = "nn.constant"() {value = dense<0> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %1 = "kpu.upload"(%x) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %2 = "kpu.conv2d"(%1, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %3 = "kpu.conv2d"(%2, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %4 = "kpu.download"(%3) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  return %4 : tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
}

// -----

// CHECK-LABEL: func.func @read_once_more
// CHECK-SAME:  kpu.bound = 1536 : i64, kpu.peak = 1536 : i64
// CHECK:       "kpu.upload"
func.func @read_once_more(%x: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) {
  %w = "nn.constant"() {value = dense<128> : tensor<4x4x1x1xui8>} : () -> tensor<4x4x1x1xui8>
  %n = "nn.constant"() {value = dense<0> : tensor<4x3xi64>} : () -> tensor<4x3xi64>
  %l = "nn.constant"() {value = dense<0> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %1 = "kpu.upload"(%x) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %2 = "kpu.conv2d"(%1, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %3 = "kpu.conv2d"(%2, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %4 = "kpu.conv2d"(%1, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %5 = "kpu.download"(%3) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %6 = "kpu.download"(%4) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  return %5, %6 : tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
}

// -----

// The first one fills its lines up with a fourth channel that nothing reads.
// CHECK-LABEL: func.func @joined_inputs_lie_behind_each_other
// CHECK:       "kpu.upload"(%arg0) {kpu.offset = 0 : i64}
// CHECK:       "kpu.upload"(%arg1) {kpu.offset = 512 : i64}
// CHECK:       "kpu.conv2d"{{.*}}kpu.offset = 1024 : i64
func.func @joined_inputs_lie_behind_each_other(%x: tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5:128>>, %y: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>> {
  %w = "nn.constant"() {value = dense<128> : tensor<4x7x1x1xui8>} : () -> tensor<4x7x1x1xui8>
  %n = "nn.constant"() {value = dense<0> : tensor<4x3xi64>} : () -> tensor<4x3xi64>
  %l = "nn.constant"() {value = dense<0> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %1 = "kpu.upload"(%x) : (tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %2 = "kpu.upload"(%y) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %3 = "kpu.conv2d"(%1, %2, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x3x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x7x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %4 = "kpu.download"(%3) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  return %4 : tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
}

// -----

// CHECK-LABEL: func.func @a_map_that_would_have_to_lie_in_two_places
// CHECK:       %[[A:.*]] = "kpu.upload"(%arg0)
// CHECK:       %[[B:.*]] = "kpu.upload"(%arg1)
// CHECK:       "kpu.conv2d"(%[[A]], %[[B]],
// CHECK:       %[[C:.*]] = "kpu.conv2d"(%[[B]], {{.*}}depthwise = true
// CHECK:       %[[D:.*]] = "kpu.conv2d"(%[[A]], {{.*}}depthwise = true
// CHECK:       "kpu.conv2d"(%[[C]], %[[D]],
func.func @a_map_that_would_have_to_lie_in_two_places(%x: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, %y: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) {
  %w = "nn.constant"() {value = dense<128> : tensor<4x8x1x1xui8>} : () -> tensor<4x8x1x1xui8>
  %n = "nn.constant"() {value = dense<0> : tensor<4x3xi64>} : () -> tensor<4x3xi64>
  %l = "nn.constant"() {value = dense<0> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %1 = "kpu.upload"(%x) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %2 = "kpu.upload"(%y) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %3 = "kpu.conv2d"(%1, %2, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x8x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %4 = "kpu.conv2d"(%2, %1, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x8x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %5 = "kpu.download"(%3) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  %6 = "kpu.download"(%4) : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  return %5, %6 : tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
}
