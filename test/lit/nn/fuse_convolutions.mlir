// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-fuse-convolutions)" --split-input-file | filecheck %s

// A padding of zeros becomes the convolution's own.
// CHECK-LABEL: func.func @zero_pad
// CHECK-NOT:   nn.pad
// CHECK:       "nn.conv"{{.*}}padding = array<i64: 1, 1, 1, 1>
func.func @zero_pad(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 0, 0, 1, 1, 0, 0, 1, 1>, mode = "constant", value = 0.0 : f64}
    : (tensor<1x1x4x4xf32>) -> tensor<1x1x6x6xf32>
  %1 = "nn.conv"(%0, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x1x6x6xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
  return %1 : tensor<1x1x4x4xf32>
}

// -----

// A padding of fives is not what a convolution pads with.
// CHECK-LABEL: func.func @pad_of_fives
// CHECK:       "nn.pad"
// CHECK:       "nn.conv"{{.*}}padding = array<i64: 0, 0, 0, 0>
func.func @pad_of_fives(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 0, 0, 1, 1, 0, 0, 1, 1>, mode = "constant", value = 5.0 : f64}
    : (tensor<1x1x4x4xf32>) -> tensor<1x1x6x6xf32>
  %1 = "nn.conv"(%0, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x1x6x6xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
  return %1 : tensor<1x1x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @relu
// CHECK:       "nn.conv"{{.*}}clamp = array<f64: 0.000000e+00, 0x7FF0000000000000>
// CHECK-NOT:   nn.relu
func.func @relu(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32> {
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %1 = "nn.relu"(%0) : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %1 : tensor<1x1x4x4xf32>
}

// -----

// The convolution's own result is needed too.
// CHECK-LABEL: func.func @relu_of_shared
// CHECK-NOT:   clamp =
// CHECK:       "nn.relu"
func.func @relu_of_shared(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x1x1xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) {
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %1 = "nn.relu"(%0) : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %0, %1 : tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>
}

// -----

// A transpose does not change what was padded.
// CHECK-LABEL: func.func @transposed_pad
// CHECK:       %[[T:.*]] = "nn.transpose"(%arg0)
// CHECK:       "nn.conv"(%[[T]], %arg1) {{.*}}padding = array<i64: 1, 2, 3, 4>
func.func @transposed_pad(%x: tensor<1x4x4x2xf32>, %w: tensor<2x2x1x1xf32>) -> tensor<1x2x8x10xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 0, 1, 2, 0, 0, 3, 4, 0>, mode = "constant", value = 0.0 : f64} : (tensor<1x4x4x2xf32>) -> tensor<1x8x10x2xf32>
  %1 = "nn.transpose"(%0) {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x8x10x2xf32>) -> tensor<1x2x8x10xf32>
  %2 = "nn.conv"(%1, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x2x8x10xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x8x10xf32>
  return %2 : tensor<1x2x8x10xf32>
}

// -----

// Here it was the channels.
// CHECK-LABEL: func.func @transposed_pad_of_channels
// CHECK:       "nn.pad"
func.func @transposed_pad_of_channels(%x: tensor<1x4x4x1xf32>, %w: tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 0, 0, 0, 0, 0, 0, 0, 1>, mode = "constant", value = 0.0 : f64} : (tensor<1x4x4x1xf32>) -> tensor<1x4x4x2xf32>
  %1 = "nn.transpose"(%0) {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x4x2xf32>) -> tensor<1x2x4x4xf32>
  %2 = "nn.conv"(%1, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %2 : tensor<1x2x4x4xf32>
}
