// RUN: nn-opt %s --pass-pipeline="builtin.module(native-assign-layouts{cpu=x86-64-v3})" --split-input-file | filecheck %s

// Rows go in and out; in between channels are innermost: three of them as they are, since a convolution reads them one
// by one, with the halo that it reads (one row above and below, one column left and two right); four of them filled up
// to a vector of eight.
// CHECK-LABEL: func.func @image
// CHECK:       %[[COPY:.*]] = "nn.transpose"(%arg0) {native.buffers = [{before = array<i64: 0, 0, 1, 1>, extents = array<i64: 1, 3, 7, 9>,
// CHECK-SAME:    order = array<i64: 0, 2, 3, 1>}], permutation = array<i64: 0, 1, 2, 3>}
// CHECK:       %[[CONV:.*]] = "nn.conv"(%[[COPY]], %{{.*}}) {{.*}}native.buffers = [{before = array<i64: 0, 0, 0, 0>, extents = array<i64: 1, 8, 5, 7>
// CHECK:       %[[RELU:.*]] = "nn.relu"(%[[CONV]]) {native.buffers
// CHECK:       %[[OUT:.*]] = "nn.transpose"(%[[RELU]]) {permutation = array<i64: 0, 1, 2, 3>}
// CHECK:       return %[[OUT]]
func.func @image(%x: tensor<1x3x5x6xf32>) -> tensor<1x4x5x7xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<4x3x3x3xf32>} : () -> tensor<4x3x3x3xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 2>, groups = 1 : i64}
    : (tensor<1x3x5x6xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x5x7xf32>
  %1 = "nn.relu"(%0) : (tensor<1x4x5x7xf32>) -> tensor<1x4x5x7xf32>
  return %1 : tensor<1x4x5x7xf32>
}

// -----

// Nothing here is an image.
// CHECK-LABEL: func.func @rows
// CHECK-NEXT:  "nn.relu"(%arg0) : (tensor<1x4x5x7xf32>)
func.func @rows(%x: tensor<1x4x5x7xf32>) -> tensor<1x4x5x7xf32> {
  %0 = "nn.relu"(%x) : (tensor<1x4x5x7xf32>) -> tensor<1x4x5x7xf32>
  return %0 : tensor<1x4x5x7xf32>
}

// -----

// Parts of whole vectors are written where their concatenation lies.
// CHECK-LABEL: func.func @placed
// CHECK:       "nn.max_pool"{{.*}}native.buffers = [{before = array<i64: 0, 0, 0, 0>, extents = array<i64: 1, 24, 2, 2>
// CHECK:       "nn.max_pool"{{.*}}native.buffers = [{before = array<i64: 0, 8, 0, 0>, extents = array<i64: 1, 24, 2, 2>
// CHECK:       "nn.concat"{{.*}}native.placed
func.func @placed(%x: tensor<1x8x4x4xf32>, %y: tensor<1x16x4x4xf32>) -> tensor<1x24x2x2xf32> {
  %0 = "nn.max_pool"(%x) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false}
    : (tensor<1x8x4x4xf32>) -> tensor<1x8x2x2xf32>
  %1 = "nn.max_pool"(%y) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false}
    : (tensor<1x16x4x4xf32>) -> tensor<1x16x2x2xf32>
  %2 = "nn.concat"(%0, %1) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x8x2x2xf32>, tensor<1x16x2x2xf32>) -> tensor<1x24x2x2xf32>
  return %2 : tensor<1x24x2x2xf32>
}

// -----

// A part of half a vector would be overwritten by its neighbour: copied as usual.
// CHECK-LABEL: func.func @not_placed
// CHECK:       "nn.concat"
// CHECK-NOT:   native.placed
func.func @not_placed(%x: tensor<1x4x4x4xf32>, %y: tensor<1x16x4x4xf32>) -> tensor<1x20x2x2xf32> {
  %0 = "nn.max_pool"(%x) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false}
    : (tensor<1x4x4x4xf32>) -> tensor<1x4x2x2xf32>
  %1 = "nn.max_pool"(%y) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false}
    : (tensor<1x16x4x4xf32>) -> tensor<1x16x2x2xf32>
  %2 = "nn.concat"(%0, %1) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x4x2x2xf32>, tensor<1x16x2x2xf32>) -> tensor<1x20x2x2xf32>
  return %2 : tensor<1x20x2x2xf32>
}

// -----

// An output that is an input is a copy of it.
// CHECK-LABEL: func.func @passed_through
// CHECK:       %[[COPY:.*]] = "nn.transpose"(%arg0)
// CHECK:       return %[[COPY]]
func.func @passed_through(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  return %x : tensor<2x3xf32>
}
