// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-prepare)" --split-input-file | filecheck %s

// Four phases of one pixel each, side by side.
// CHECK-LABEL: func.func @two_by_two
// CHECK-NOT:   "nn.conv_transpose"
// CHECK:       %[[Y:.*]] = "nn.conv"{{.*}} : (tensor<1x2x4x4xf32>, tensor<12x2x1x1xf32>) -> tensor<1x12x4x4xf32>
// CHECK:       "nn.depth_to_space"(%[[Y]]) {block = 2 : i64, mode = "DCR"} : (tensor<1x12x4x4xf32>) -> tensor<1x3x8x8xf32>
func.func @two_by_two(%x: tensor<1x2x4x4xf32>) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x3x2x2xf32>} : () -> tensor<2x3x2x2xf32>
  %y = "nn.conv_transpose"(%x, %w) {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<2x3x2x2xf32>) -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}

// -----

// Without a stride there are no phases.
// CHECK-LABEL: func.func @stride_one
// CHECK:       "nn.conv_transpose"
func.func @stride_one(%x: tensor<1x2x4x4xf32>) -> tensor<1x3x5x5xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x3x2x2xf32>} : () -> tensor<2x3x2x2xf32>
  %y = "nn.conv_transpose"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<2x3x2x2xf32>) -> tensor<1x3x5x5xf32>
  return %y : tensor<1x3x5x5xf32>
}

// -----

// The one channel is moved, rows and columns are padded: in either order.
// CHECK-LABEL: func.func @pad_of_one_channel
// CHECK:       %[[Y:.*]] = "nn.reshape"(%arg0){{.*}} -> tensor<1x1x4x5xf32>
// CHECK:       "nn.pad"(%[[Y]]){{.*}}padding = array<i64: 0, 0, 2, 0, 0, 0, 0, 1>
func.func @pad_of_one_channel(%x: tensor<1x4x5x1xf32>) -> tensor<1x1x6x6xf32> {
  %p = "nn.pad"(%x) {padding = array<i64: 0, 2, 0, 0, 0, 0, 1, 0>, mode = "constant", value = 0.0 : f64} : (tensor<1x4x5x1xf32>) -> tensor<1x6x6x1xf32>
  %y = "nn.reshape"(%p) {shape = array<i64: 1, 1, 6, 6>} : (tensor<1x6x6x1xf32>) -> tensor<1x1x6x6xf32>
  return %y : tensor<1x1x6x6xf32>
}

// -----

// A reshape that joins dimensions moves more than that.
// CHECK-LABEL: func.func @joined_rows
// CHECK:       "nn.pad"(%arg0)
// CHECK:       "nn.reshape"
func.func @joined_rows(%x: tensor<1x4x5x1xf32>) -> tensor<36xf32> {
  %p = "nn.pad"(%x) {padding = array<i64: 0, 2, 0, 0, 0, 0, 1, 0>, mode = "constant", value = 0.0 : f64} : (tensor<1x4x5x1xf32>) -> tensor<1x6x6x1xf32>
  %y = "nn.reshape"(%p) {shape = array<i64: 36>} : (tensor<1x6x6x1xf32>) -> tensor<36xf32>
  return %y : tensor<36xf32>
}

// -----

// 1025 channels are more than a layer reads.
// CHECK-LABEL: func.func @many_inputs
// CHECK:       "nn.conv"{{.*}} : (tensor<1x516x4x4xf32>, tensor<2x516x1x1xf32>) -> tensor<1x2x4x4xf32>
// CHECK:       "nn.conv"{{.*}} : (tensor<1x509x4x4xf32>, tensor<2x509x1x1xf32>) -> tensor<1x2x4x4xf32>
// CHECK:       "nn.add"
func.func @many_inputs(%x: tensor<1x1025x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x1025x1x1xf32>} : () -> tensor<2x1025x1x1xf32>
  %y = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x1025x4x4xf32>, tensor<2x1025x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}

// -----

// Of one pixel they are nine with a ninth of the channels: 1025 and 1 of zeros are 9 x 114.
// CHECK-LABEL: func.func @many_inputs_of_pixel
// CHECK:       "nn.pad"{{.*}}padding = array<i64: 0, 0, 0, 0, 0, 1, 0, 0>
// CHECK:       "nn.reshape"{{.*}}shape = array<i64: 1, 114, 3, 3>
// CHECK:       "nn.conv"{{.*}}clamp = array<f64: 0.000000e+00, 6.000000e+00>{{.*}} : (tensor<1x114x3x3xf32>, tensor<2x114x3x3xf32>, tensor<2xf32>) -> tensor<1x2x1x1xf32>
// CHECK-NOT:   "nn.add"
func.func @many_inputs_of_pixel(%x: tensor<1x1025x1x1xf32>, %k: tensor<2xf32>) -> tensor<1x2x1x1xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x1025x1x1xf32>} : () -> tensor<2x1025x1x1xf32>
  %y = "nn.conv"(%x, %w, %k) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, clamp = array<f64: 0.0, 6.0>} : (tensor<1x1025x1x1xf32>, tensor<2x1025x1x1xf32>, tensor<2xf32>) -> tensor<1x2x1x1xf32>
  return %y : tensor<1x2x1x1xf32>
}

// -----

// Of more than 9 x 1024 each ninth is too much again.
// CHECK-LABEL: func.func @far_too_many_inputs_of_pixel
// CHECK-NOT:   "nn.reshape"
// CHECK:       "nn.add"
func.func @far_too_many_inputs_of_pixel(%x: tensor<1x9217x1x1xf32>) -> tensor<1x2x1x1xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x9217x1x1xf32>} : () -> tensor<2x9217x1x1xf32>
  %y = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x9217x1x1xf32>, tensor<2x9217x1x1xf32>) -> tensor<1x2x1x1xf32>
  return %y : tensor<1x2x1x1xf32>
}

// -----

// 1024 are not.
// CHECK-LABEL: func.func @enough_inputs
// CHECK-NOT:   "nn.add"
// CHECK:       "nn.conv"{{.*}}tensor<2x1024x1x1xf32>
// CHECK-NOT:   "nn.add"
func.func @enough_inputs(%x: tensor<1x1024x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x1024x1x1xf32>} : () -> tensor<2x1024x1x1xf32>
  %y = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x1024x4x4xf32>, tensor<2x1024x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}

// -----

// What limits the result limits the sum.
// CHECK-LABEL: func.func @many_inputs_clamped
// CHECK-NOT:   clamp =
// CHECK:       %[[SUM:.*]] = "nn.add"
// CHECK:       "nn.relu"(%[[SUM]])
func.func @many_inputs_clamped(%x: tensor<1x1025x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<2x1025x1x1xf32>} : () -> tensor<2x1025x1x1xf32>
  %y = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, clamp = array<f64: 0.0, 0x7FF0000000000000>} : (tensor<1x1025x4x4xf32>, tensor<2x1025x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}

// -----

// Three groups of 400 channels: two of them fit a layer.
// CHECK-LABEL: func.func @many_groups
// CHECK:       %[[A:.*]] = "nn.conv"{{.*}}groups = 2{{.*}} : (tensor<1x800x4x4xf32>, tensor<4x400x1x1xf32>) -> tensor<1x4x4x4xf32>
// CHECK:       %[[B:.*]] = "nn.conv"{{.*}}groups = 1{{.*}} : (tensor<1x400x4x4xf32>, tensor<2x400x1x1xf32>) -> tensor<1x2x4x4xf32>
// CHECK:       "nn.concat"(%[[A]], %[[B]])
func.func @many_groups(%x: tensor<1x1200x4x4xf32>) -> tensor<1x6x4x4xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<6x400x1x1xf32>} : () -> tensor<6x400x1x1xf32>
  %y = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 3 : i64} : (tensor<1x1200x4x4xf32>, tensor<6x400x1x1xf32>) -> tensor<1x6x4x4xf32>
  return %y : tensor<1x6x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @enough_groups
// CHECK-NOT:   "nn.concat"
// CHECK:       return
func.func @enough_groups(%x: tensor<1x1024x4x4xf32>) -> tensor<1x1024x4x4xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<1024x1x3x3xf32>} : () -> tensor<1024x1x3x3xf32>
  %y = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1024 : i64} : (tensor<1x1024x4x4xf32>, tensor<1024x1x3x3xf32>) -> tensor<1x1024x4x4xf32>
  return %y : tensor<1x1024x4x4xf32>
}
