// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-canonicalize)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @reshape_to_same
// CHECK-NEXT:  return %arg0
func.func @reshape_to_same(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = "nn.reshape"(%x) {shape = array<i64: 2, 3>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @reshape_stays
// CHECK:       "nn.reshape"
func.func @reshape_stays(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = "nn.reshape"(%x) {shape = array<i64: 3, 2>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func.func @reshape_of_reshape
// CHECK-NEXT:  %0 = "nn.reshape"(%arg0) {shape = array<i64: 3, 2>}
// CHECK-NEXT:  return
func.func @reshape_of_reshape(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = "nn.reshape"(%x) {shape = array<i64: 6>} : (tensor<2x3xf32>) -> tensor<6xf32>
  %1 = "nn.reshape"(%0) {shape = array<i64: 3, 2>} : (tensor<6xf32>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func.func @squeeze
// CHECK:       "nn.reshape"(%arg0) {shape = array<i64: 3>}
func.func @squeeze(%x: tensor<1x3xf32>) -> tensor<3xf32> {
  %0 = "nn.squeeze"(%x) {axes = array<i64: 0>} : (tensor<1x3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// Which dimension is left is not known.
// CHECK-LABEL: func.func @squeeze_of_unknown
// CHECK:       "nn.squeeze"
func.func @squeeze_of_unknown(%x: tensor<1x?xf32>) -> tensor<?xf32> {
  %0 = "nn.squeeze"(%x) {axes = array<i64: 0>} : (tensor<1x?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @unsqueeze
// CHECK:       "nn.reshape"(%arg0) {shape = array<i64: 1, 3>}
func.func @unsqueeze(%x: tensor<3xf32>) -> tensor<1x3xf32> {
  %0 = "nn.unsqueeze"(%x) {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

// CHECK-LABEL: func.func @unsqueeze_of_unknown
// CHECK:       "nn.unsqueeze"
func.func @unsqueeze_of_unknown(%x: tensor<?xf32>) -> tensor<1x?xf32> {
  %0 = "nn.unsqueeze"(%x) {axes = array<i64: 0>} : (tensor<?xf32>) -> tensor<1x?xf32>
  return %0 : tensor<1x?xf32>
}

// -----

// CHECK-LABEL: func.func @transpose_identity
// CHECK-NEXT:  return %arg0
func.func @transpose_identity(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @slice_of_everything
// CHECK-NEXT:  return %arg0
func.func @slice_of_everything(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 0>, ends = array<i64: 9>, axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// It has the same shape, but another order.
// CHECK-LABEL: func.func @reversing_slice_stays
// CHECK:       "nn.slice"
func.func @reversing_slice_stays(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: -1>, ends = array<i64: -9>, axes = array<i64: 1>, steps = array<i64: -1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @slices_of_different_axes
// CHECK:       "nn.slice"(%arg0) {axes = array<i64: 0, 1>, ends = array<i64: 1, 3>, starts = array<i64: 0, 1>, steps = array<i64: 1, 1>}
// CHECK-NEXT:  return
func.func @slices_of_different_axes(%x: tensor<2x3xf32>) -> tensor<1x2xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 0>, ends = array<i64: 1>, axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<1x3xf32>
  %1 = "nn.slice"(%0) {starts = array<i64: 1>, ends = array<i64: 3>, axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<1x3xf32>) -> tensor<1x2xf32>
  return %1 : tensor<1x2xf32>
}

// -----

// CHECK-LABEL: func.func @slices_of_one_axis_stay
// CHECK-COUNT-2: "nn.slice"
func.func @slices_of_one_axis_stay(%x: tensor<4xf32>) -> tensor<2xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 0>, ends = array<i64: 3>, axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<4xf32>) -> tensor<3xf32>
  %1 = "nn.slice"(%0) {starts = array<i64: 1>, ends = array<i64: 3>, axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<3xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @concat_of_one
// CHECK-NEXT:  return %arg0
func.func @concat_of_one(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.concat"(%x) {axis = 0 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @concat_of_concat
// CHECK:       "nn.concat"(%arg0, %arg0, %arg0)
// CHECK-NEXT:  return
func.func @concat_of_concat(%x: tensor<4xf32>) -> tensor<12xf32> {
  %0 = "nn.concat"(%x, %x) {axis = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  %1 = "nn.concat"(%0, %x) {axis = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<8xf32>, tensor<4xf32>) -> tensor<12xf32>
  return %1 : tensor<12xf32>
}

// -----

// CHECK-LABEL: func.func @concats_of_different_axes_stay
// CHECK-COUNT-2: "nn.concat"
func.func @concats_of_different_axes_stay(%x: tensor<2x3xf32>) -> tensor<4x6xf32> {
  %0 = "nn.concat"(%x, %x) {axis = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  %1 = "nn.concat"(%0, %0) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// -----

// CHECK-LABEL: func.func @split_into_one
// CHECK-NEXT:  return %arg0
func.func @split_into_one(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.split"(%x) {axis = 0 : i64, sizes = array<i64: 4>, resultSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @split_stays
// CHECK:       "nn.split"
func.func @split_stays(%x: tensor<4xf32>) -> tensor<3xf32> {
  %0:2 = "nn.split"(%x) {axis = 0 : i64, sizes = array<i64: 1, 3>, resultSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<4xf32>) -> (tensor<1xf32>, tensor<3xf32>)
  return %0#1 : tensor<3xf32>
}

// -----

// CHECK-LABEL: func.func @expand_to_same
// CHECK-NEXT:  return %arg0
func.func @expand_to_same(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.expand"(%x) {shape = array<i64: 4>} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @expand_into_binary
// CHECK-NEXT:  %0 = "nn.add"(%arg0, %arg1)
// CHECK-NEXT:  return
func.func @expand_into_binary(%x: tensor<1xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.expand"(%x) {shape = array<i64: 4>} : (tensor<1xf32>) -> tensor<4xf32>
  %1 = "nn.add"(%0, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Without the expansion the result would be smaller.
// CHECK-LABEL: func.func @expand_of_both_stays
// CHECK:       "nn.expand"
func.func @expand_of_both_stays(%x: tensor<1xf32>, %y: tensor<1xf32>) -> tensor<4xf32> {
  %0 = "nn.expand"(%x) {shape = array<i64: 4>} : (tensor<1xf32>) -> tensor<4xf32>
  %1 = "nn.add"(%0, %y) : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @tile_once
// CHECK-NEXT:  return %arg0
func.func @tile_once(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.tile"(%x) {repeats = array<i64: 1>} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @tile_twice_stays
// CHECK:       "nn.tile"
func.func @tile_twice_stays(%x: tensor<4xf32>) -> tensor<8xf32> {
  %0 = "nn.tile"(%x) {repeats = array<i64: 2>} : (tensor<4xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// CHECK-LABEL: func.func @pad_nothing
// CHECK-NEXT:  return %arg0
func.func @pad_nothing(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 0, 0>, mode = "constant", value = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @pad_of_pad
// CHECK:       "nn.pad"(%arg0) {{.*}}padding = array<i64: 2, 2>
// CHECK-NEXT:  return
func.func @pad_of_pad(%x: tensor<4xf32>) -> tensor<8xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 1, 0>, mode = "constant", value = 1.0 : f64} : (tensor<4xf32>) -> tensor<5xf32>
  %1 = "nn.pad"(%0) {padding = array<i64: 1, 2>, mode = "constant", value = 1.0 : f64} : (tensor<5xf32>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// -----

// A crop takes away what was added, not what was there.
// CHECK-LABEL: func.func @crop_of_pad_stays
// CHECK-COUNT-2: "nn.pad"
func.func @crop_of_pad_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 1, 0>, mode = "constant", value = 1.0 : f64} : (tensor<4xf32>) -> tensor<5xf32>
  %1 = "nn.pad"(%0) {padding = array<i64: -1, 0>, mode = "constant", value = 1.0 : f64} : (tensor<5xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @reduce_of_unit_dims
// CHECK:       "nn.reshape"
func.func @reduce_of_unit_dims(%x: tensor<1x3xf32>) -> tensor<3xf32> {
  %0 = "nn.reduce"(%x) {kind = "mean", axes = array<i64: 0>, keepdims = false} : (tensor<1x3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// The norm of one element is its magnitude.
// CHECK-LABEL: func.func @norm_of_unit_dims_stays
// CHECK:       "nn.reduce"
func.func @norm_of_unit_dims_stays(%x: tensor<1x3xf32>) -> tensor<3xf32> {
  %0 = "nn.reduce"(%x) {kind = "l2", axes = array<i64: 0>, keepdims = false} : (tensor<1x3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// CHECK-LABEL: func.func @pool_of_single_pixels
// CHECK-NEXT:  return %arg0
func.func @pool_of_single_pixels(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %0 = "nn.max_pool"(%x) {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %0 : tensor<1x1x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @pool_that_skips_stays
// CHECK:       "nn.max_pool"
func.func @pool_that_skips_stays(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32> {
  %0 = "nn.max_pool"(%x) {kernel = array<i64: 1, 1>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  return %0 : tensor<1x1x2x2xf32>
}

// -----

// CHECK-LABEL: func.func @resize_to_same
// CHECK-NEXT:  return %arg0
func.func @resize_to_same(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %0 = "nn.resize"(%x) {sizes = array<i64: 1, 1, 4, 4>, scales = array<f64: 1.0, 1.0, 1.0, 1.0>, mode = "linear", coordinate = "half_pixel", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64, exclude_outside = false, extrapolation_value = 0.0 : f64, antialias = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %0 : tensor<1x1x4x4xf32>
}

// -----

// The size stays, the scale does not.
// CHECK-LABEL: func.func @resize_by_a_little_stays
// CHECK:       "nn.resize"
func.func @resize_by_a_little_stays(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %0 = "nn.resize"(%x) {sizes = array<i64: 1, 1, 4, 4>, scales = array<f64: 1.0, 1.0, 1.1, 1.1>, mode = "linear", coordinate = "half_pixel", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64, exclude_outside = false, extrapolation_value = 0.0 : f64, antialias = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %0 : tensor<1x1x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @static_reshape
// CHECK:       "nn.reshape"(%arg0) {shape = array<i64: 3, 2>}
func.func @static_reshape(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %s = "nn.constant"() {value = dense<[3, 2]> : tensor<2xi64>} : () -> tensor<2xi64>
  %0 = "nn.dynamic_reshape"(%x, %s) {allow_zero = false} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func.func @computed_reshape_stays
// CHECK:       "nn.dynamic_reshape"
func.func @computed_reshape_stays(%x: tensor<2x3xf32>, %s: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = "nn.dynamic_reshape"(%x, %s) {allow_zero = false} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @static_expand
// CHECK:       "nn.expand"(%arg0) {shape = array<i64: 4>}
func.func @static_expand(%x: tensor<1xf32>) -> tensor<4xf32> {
  %s = "nn.constant"() {value = dense<4> : tensor<1xi64>} : () -> tensor<1xi64>
  %0 = "nn.dynamic_expand"(%x, %s) : (tensor<1xf32>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @computed_expand_stays
// CHECK:       "nn.dynamic_expand"
func.func @computed_expand_stays(%x: tensor<1xf32>, %s: tensor<1xi64>) -> tensor<?xf32> {
  %0 = "nn.dynamic_expand"(%x, %s) : (tensor<1xf32>, tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @static_tile
// CHECK:       "nn.tile"(%arg0) {repeats = array<i64: 2>}
func.func @static_tile(%x: tensor<4xf32>) -> tensor<8xf32> {
  %s = "nn.constant"() {value = dense<2> : tensor<1xi64>} : () -> tensor<1xi64>
  %0 = "nn.dynamic_tile"(%x, %s) : (tensor<4xf32>, tensor<1xi64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// CHECK-LABEL: func.func @computed_tile_stays
// CHECK:       "nn.dynamic_tile"
func.func @computed_tile_stays(%x: tensor<4xf32>, %s: tensor<1xi64>) -> tensor<?xf32> {
  %0 = "nn.dynamic_tile"(%x, %s) : (tensor<4xf32>, tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @static_slice
// CHECK:       "nn.slice"(%arg0) {axes = array<i64: 0>, ends = array<i64: 3>, starts = array<i64: 1>, steps = array<i64: 1>}
func.func @static_slice(%x: tensor<4xf32>) -> tensor<2xf32> {
  %s = "nn.constant"() {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %e = "nn.constant"() {value = dense<3> : tensor<1xi64>} : () -> tensor<1xi64>
  %0 = "nn.dynamic_slice"(%x, %s, %e) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @computed_slice_stays
// CHECK:       "nn.dynamic_slice"
func.func @computed_slice_stays(%x: tensor<4xf32>, %s: tensor<1xi64>) -> tensor<?xf32> {
  %e = "nn.constant"() {value = dense<3> : tensor<1xi64>} : () -> tensor<1xi64>
  %0 = "nn.dynamic_slice"(%x, %s, %e) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @static_pad
// CHECK:       "nn.pad"(%arg0) {mode = "edge", padding = array<i64: 1, 2>, value = 0.000000e+00 : f64}
func.func @static_pad(%x: tensor<4xf32>) -> tensor<7xf32> {
  %s = "nn.constant"() {value = dense<[1, 2]> : tensor<2xi64>} : () -> tensor<2xi64>
  %0 = "nn.dynamic_pad"(%x, %s) {mode = "edge", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<4xf32>, tensor<2xi64>) -> tensor<7xf32>
  return %0 : tensor<7xf32>
}

// -----

// CHECK-LABEL: func.func @computed_pad_stays
// CHECK:       "nn.dynamic_pad"
func.func @computed_pad_stays(%x: tensor<4xf32>, %s: tensor<2xi64>) -> tensor<?xf32> {
  %0 = "nn.dynamic_pad"(%x, %s) {mode = "edge", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<4xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// What a reshape does not change is padded behind it.
// CHECK-LABEL: func.func @reshape_of_pad
// CHECK:       %[[R:.*]] = "nn.reshape"(%arg0) {shape = array<i64: 1, 1, 4, 5>}
// CHECK:       "nn.pad"(%[[R]]) {mode = "constant", padding = array<i64: 0, 0, 1, 0, 0, 0, 2, 3>, value = 0.000000e+00 : f64} : (tensor<1x1x4x5xf32>) -> tensor<1x1x7x8xf32>
func.func @reshape_of_pad(%x: tensor<1x4x5x1xf32>) -> tensor<1x1x7x8xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 0, 1, 0, 0, 0, 2, 3, 0>, mode = "constant", value = 0.0 : f64} : (tensor<1x4x5x1xf32>) -> tensor<1x7x8x1xf32>
  %1 = "nn.reshape"(%0) {shape = array<i64: 1, 1, 7, 8>} : (tensor<1x7x8x1xf32>) -> tensor<1x1x7x8xf32>
  return %1 : tensor<1x1x7x8xf32>
}

// -----

// CHECK-LABEL: func.func @slice_of_gather
// CHECK:       %[[I:.*]] = "nn.constant"() {value = dense<[1, 2]> : tensor<2xi32>}
// CHECK:       %[[S:.*]] = "nn.slice"(%arg0) {axes = array<i64: 1>, ends = array<i64: 5>, starts = array<i64: 3>
// CHECK-NEXT:  %[[G:.*]] = "nn.gather"(%[[S]], %[[I]])
// CHECK-NEXT:  return %[[G]]
func.func @slice_of_gather(%x: tensor<3x6xf32>) -> tensor<2x2xf32> {
  %i = "nn.constant"() {value = dense<[0, 1, 0, 2]> : tensor<4xi32>} : () -> tensor<4xi32>
  %0 = "nn.gather"(%x, %i) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<3x6xf32>, tensor<4xi32>) -> tensor<4x6xf32>
  %1 = "nn.slice"(%0) {starts = array<i64: 1, 3>, ends = array<i64: 4, 5>, axes = array<i64: 0, 1>, steps = array<i64: 2, 1>} : (tensor<4x6xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

// Padded dimensions are merged; a pad with another use would be done twice.
// CHECK-LABEL: func.func @reshape_that_merges_padding
// CHECK:       %[[P:.*]] = "nn.pad"(%arg0)
// CHECK:       "nn.reshape"(%[[P]])
// CHECK:       %[[Q:.*]] = "nn.pad"(%arg1)
// CHECK:       "nn.reshape"(%[[Q]])
func.func @reshape_that_merges_padding(%x: tensor<1x4x5x1xf32>, %y: tensor<4x1xf32>) -> (tensor<5x7xf32>, tensor<6x1xf32>, tensor<6xf32>) {
  %0 = "nn.pad"(%x) {padding = array<i64: 0, 1, 0, 0, 0, 2, 0, 0>, mode = "constant", value = 0.0 : f64} : (tensor<1x4x5x1xf32>) -> tensor<1x7x5x1xf32>
  %1 = "nn.reshape"(%0) {shape = array<i64: 5, 7>} : (tensor<1x7x5x1xf32>) -> tensor<5x7xf32>
  %3 = "nn.pad"(%y) {padding = array<i64: 1, 0, 1, 0>, mode = "constant", value = 0.0 : f64} : (tensor<4x1xf32>) -> tensor<6x1xf32>
  %4 = "nn.reshape"(%3) {shape = array<i64: 6>} : (tensor<6x1xf32>) -> tensor<6xf32>
  return %1, %3, %4 : tensor<5x7xf32>, tensor<6x1xf32>, tensor<6xf32>
}

// -----

// Who else uses all of it has it gathered anyway.
// CHECK-LABEL: func.func @slice_of_gather_that_is_used
// CHECK:       %[[G:.*]] = "nn.gather"(%arg0
// CHECK-NEXT:  "nn.slice"(%[[G]])
func.func @slice_of_gather_that_is_used(%x: tensor<3x6xf32>) -> (tensor<2x6xf32>, tensor<4x6xf32>) {
  %i = "nn.constant"() {value = dense<[0, 1, 0, 2]> : tensor<4xi32>} : () -> tensor<4xi32>
  %0 = "nn.gather"(%x, %i) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<3x6xf32>, tensor<4xi32>) -> tensor<4x6xf32>
  %1 = "nn.slice"(%0) {starts = array<i64: 1>, ends = array<i64: 3>, axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<4x6xf32>) -> tensor<2x6xf32>
  return %1, %0 : tensor<2x6xf32>, tensor<4x6xf32>
}

// -----

// CHECK-LABEL: func.func @topk_of_constant_k
// CHECK:       "nn.topk"(%arg0) {{.*}}k = 2
func.func @topk_of_constant_k(%x: tensor<?x4xf32>) -> (tensor<?x?xf32>, tensor<?x?xi64>) {
  %k = "nn.constant"() {value = dense<2> : tensor<1xi64>} : () -> tensor<1xi64>
  %0:2 = "nn.dynamic_topk"(%x, %k) {axis = 1 : i64, largest = true, sorted = true} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>)
  return %0#0, %0#1 : tensor<?x?xf32>, tensor<?x?xi64>
}

// -----

// CHECK-LABEL: func.func @topk_of_computed_k
// CHECK:       "nn.dynamic_topk"
func.func @topk_of_computed_k(%x: tensor<?x4xf32>, %k: tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>) {
  %0:2 = "nn.dynamic_topk"(%x, %k) {axis = 1 : i64, largest = true, sorted = true} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>)
  return %0#0, %0#1 : tensor<?x?xf32>, tensor<?x?xi64>
}

// -----

// CHECK-LABEL: func.func @resize_to_known_sizes
// CHECK:       "nn.resize"(%arg0) {{.*}}sizes = array<i64: 1, 2, 6, 8>
func.func @resize_to_known_sizes(%x: tensor<1x2x3x4xf32>) -> tensor<?x?x?x?xf32> {
  %s = "nn.constant"() {value = dense<[1, 2, 6, 8]> : tensor<4xi64>} : () -> tensor<4xi64>
  %0 = "nn.dynamic_resize"(%x, %s) {mode = "linear", coordinate = "half_pixel", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64,
    exclude_outside = false, antialias = false} : (tensor<1x2x3x4xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  return %0 : tensor<?x?x?x?xf32>
}

// -----

// From what? The factors between coordinates are not known.
// CHECK-LABEL: func.func @resize_from_unknown_sizes
// CHECK:       "nn.dynamic_resize"
func.func @resize_from_unknown_sizes(%x: tensor<1x2x?x4xf32>) -> tensor<1x2x6x8xf32> {
  %s = "nn.constant"() {value = dense<[1, 2, 6, 8]> : tensor<4xi64>} : () -> tensor<4xi64>
  %0 = "nn.dynamic_resize"(%x, %s) {mode = "linear", coordinate = "half_pixel", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64,
    exclude_outside = false, antialias = false} : (tensor<1x2x?x4xf32>, tensor<4xi64>) -> tensor<1x2x6x8xf32>
  return %0 : tensor<1x2x6x8xf32>
}
