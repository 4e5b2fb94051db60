// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @pool_of_bytes
// CHECK:       "nn.cast"(%arg0){{.*}} -> tensor<1x2x4x4xf32>
// CHECK:       "nn.max_pool"{{.*}} -> tensor<1x2x2x2xf32>
// CHECK:       "nn.cast"{{.*}} -> tensor<1x2x2x2xi8>
func.func @pool_of_bytes(%x: tensor<1x2x4x4xi8>) -> tensor<1x2x2x2xi8> {
  %0 = "nn.max_pool"(%x) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    padding = array<i64: 0, 0, 0, 0>, ceil_mode = false} : (tensor<1x2x4x4xi8>) -> tensor<1x2x2x2xi8>
  return %0 : tensor<1x2x2x2xi8>
}

// -----

// f32 does not hold all integers of 32 bits.
// CHECK-LABEL: func.func @pool_of_words
// CHECK-NOT:   "nn.cast"
func.func @pool_of_words(%x: tensor<1x2x4x4xi32>) -> tensor<1x2x2x2xi32> {
  %0 = "nn.max_pool"(%x) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    padding = array<i64: 0, 0, 0, 0>, ceil_mode = false} : (tensor<1x2x4x4xi32>) -> tensor<1x2x2x2xi32>
  return %0 : tensor<1x2x2x2xi32>
}

// -----

// 255 * 30000 * 2 is less than 2^24: one part.
// CHECK-LABEL: func.func @one_part
// CHECK:       "nn.conv"{{.*}}xf32>
// CHECK-NOT:   "nn.conv"
func.func @one_part(%x: tensor<1x2x4x4xui8>) -> tensor<1x1x4x4xi32> {
  %w = "nn.constant"() {value = dense<30000> : tensor<1x2x1x1xi32>} : () -> tensor<1x2x1x1xi32>
  %0 = "nn.cast"(%x) {to = i32, saturate = true} : (tensor<1x2x4x4xui8>) -> tensor<1x2x4x4xi32>
  %1 = "nn.conv"(%0, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>,
    groups = 1 : i64} : (tensor<1x2x4x4xi32>, tensor<1x2x1x1xi32>) -> tensor<1x1x4x4xi32>
  return %1 : tensor<1x1x4x4xi32>
}

// -----

// 255 * 60000 is, twice that is not: a part for each channel.
// CHECK-LABEL: func.func @two_parts
// CHECK-COUNT-2: "nn.conv"{{.*}}xf32>
// CHECK:       "nn.add"{{.*}}xi32>
func.func @two_parts(%x: tensor<1x2x4x4xui8>) -> tensor<1x1x4x4xi32> {
  %w = "nn.constant"() {value = dense<60000> : tensor<1x2x1x1xi32>} : () -> tensor<1x2x1x1xi32>
  %0 = "nn.cast"(%x) {to = i32, saturate = true} : (tensor<1x2x4x4xui8>) -> tensor<1x2x4x4xi32>
  %1 = "nn.conv"(%0, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>,
    groups = 1 : i64} : (tensor<1x2x4x4xi32>, tensor<1x2x1x1xi32>) -> tensor<1x1x4x4xi32>
  return %1 : tensor<1x1x4x4xi32>
}

// -----

// Nothing says how large the integers are.
// CHECK-LABEL: func.func @no_bound
// CHECK:       "nn.conv"{{.*}} -> tensor<1x1x4x4xi32>
func.func @no_bound(%x: tensor<1x2x4x4xi32>) -> tensor<1x1x4x4xi32> {
  %w = "nn.constant"() {value = dense<1> : tensor<1x2x1x1xi32>} : () -> tensor<1x2x1x1xi32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>,
    groups = 1 : i64} : (tensor<1x2x4x4xi32>, tensor<1x2x1x1xi32>) -> tensor<1x1x4x4xi32>
  return %1 : tensor<1x1x4x4xi32>
}
