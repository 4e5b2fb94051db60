// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @resize_by_matrices
// CHECK:       "nn.matmul"
// CHECK:       "nn.matmul"
// CHECK-NOT:   nn.resize
func.func @resize_by_matrices(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x8x8xf32> {
  %0 = "nn.resize"(%x) {sizes = array<i64: 1, 1, 8, 8>, scales = array<f64: 1.0, 1.0, 2.0, 2.0>, mode = "cubic",
    coordinate = "half_pixel", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64, exclude_outside = false,
    extrapolation_value = 0.0 : f64, antialias = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x8x8xf32>
  return %0 : tensor<1x1x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @plain_resize
// CHECK-NEXT:  "nn.resize"
func.func @plain_resize(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x8x8xf32> {
  %0 = "nn.resize"(%x) {sizes = array<i64: 1, 1, 8, 8>, scales = array<f64: 1.0, 1.0, 2.0, 2.0>, mode = "linear",
    coordinate = "half_pixel", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64, exclude_outside = false,
    extrapolation_value = 0.0 : f64, antialias = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x8x8xf32>
  return %0 : tensor<1x1x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @scatter_elements
// CHECK:       %[[TUPLES:.*]] = "nn.concat"
// CHECK:       "nn.scatter_nd"(%arg0, %[[TUPLES]], %arg2) {reduction = "none"}
func.func @scatter_elements(%x: tensor<4x3xf32>, %i: tensor<2x3xi64>, %u: tensor<2x3xf32>) -> tensor<4x3xf32> {
  %0 = "nn.scatter_elements"(%x, %i, %u) {axis = 0 : i64, reduction = "none"}
    : (tensor<4x3xf32>, tensor<2x3xi64>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

// Element 1 is added to twice, one after the other.
// CHECK-LABEL: func.func @combined
// CHECK:       "nn.add"
// CHECK:       "nn.scatter_nd"{{.*}}reduction = "none"
// CHECK:       "nn.add"
// CHECK:       "nn.scatter_nd"{{.*}}reduction = "none"
// CHECK-NOT:   "nn.add"
func.func @combined(%x: tensor<4xf32>, %u: tensor<3xf32>) -> tensor<4xf32> {
  %i = "nn.constant"() {value = dense<[[1], [2], [1]]> : tensor<3x1xi64>} : () -> tensor<3x1xi64>
  %0 = "nn.scatter_nd"(%x, %i, %u) {reduction = "add"}
    : (tensor<4xf32>, tensor<3x1xi64>, tensor<3xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Who knows which places are the same?
// CHECK-LABEL: func.func @combined_at_computed_places
// CHECK-NEXT:  "nn.scatter_nd"(%arg0, %arg1, %arg2) {reduction = "add"}
func.func @combined_at_computed_places(%x: tensor<4xf32>, %i: tensor<3x1xi64>, %u: tensor<3xf32>) -> tensor<4xf32> {
  %0 = "nn.scatter_nd"(%x, %i, %u) {reduction = "add"}
    : (tensor<4xf32>, tensor<3x1xi64>, tensor<3xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @max_pool_of_bytes
// CHECK:       "nn.cast"(%arg0) {{{.*}}to = f32}
// CHECK:       "nn.max_pool"{{.*}}tensor<1x1x2x2xf32>
func.func @max_pool_of_bytes(%x: tensor<1x1x4x4xui8>) -> tensor<1x1x2x2xui8> {
  %0 = "nn.max_pool"(%x) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    padding = array<i64: 0, 0, 0, 0>, ceil_mode = false} : (tensor<1x1x4x4xui8>) -> tensor<1x1x2x2xui8>
  return %0 : tensor<1x1x2x2xui8>
}

// -----

// CHECK-LABEL: func.func @pool3d
// CHECK:       "nn.avg_pool"{{.*}}kernel = array<i64: 2, 2>
// CHECK:       "nn.avg_pool"{{.*}}kernel = array<i64: 3, 1>{{.*}}padding = array<i64: 1, 0, 1, 0>
func.func @pool3d(%x: tensor<1x2x4x6x6xf32>) -> tensor<1x2x4x3x3xf32> {
  %0 = "nn.avg_pool"(%x) {kernel = array<i64: 3, 2, 2>, strides = array<i64: 1, 2, 2>,
    dilations = array<i64: 1, 1, 1>, padding = array<i64: 1, 0, 0, 1, 0, 0>, ceil_mode = false,
    count_include_pad = false} : (tensor<1x2x4x6x6xf32>) -> tensor<1x2x4x3x3xf32>
  return %0 : tensor<1x2x4x3x3xf32>
}

// -----

// CHECK-LABEL: func.func @pool_of_images
// CHECK-NEXT:  "nn.max_pool"(%arg0)
// CHECK-NEXT:  return
func.func @pool_of_images(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32> {
  %0 = "nn.max_pool"(%x) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    padding = array<i64: 0, 0, 0, 0>, ceil_mode = false} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  return %0 : tensor<1x1x2x2xf32>
}

// -----

// CHECK-LABEL: func.func @wrapped_pad
// CHECK:       %[[LEFT:.*]] = "nn.slice"(%arg0) {axes = array<i64: 0>, ends = array<i64: 4>, starts = array<i64: 3>
// CHECK:       %[[ALL:.*]] = "nn.slice"(%arg0) {axes = array<i64: 0>, ends = array<i64: 4>, starts = array<i64: 0>
// CHECK:       %[[RIGHT:.*]] = "nn.slice"(%arg0) {axes = array<i64: 0>, ends = array<i64: 2>, starts = array<i64: 0>
// CHECK:       "nn.concat"(%[[LEFT]], %[[ALL]], %[[RIGHT]])
func.func @wrapped_pad(%x: tensor<4xf32>) -> tensor<7xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 1, 2>, mode = "wrap", value = 0.0 : f64} : (tensor<4xf32>) -> tensor<7xf32>
  return %0 : tensor<7xf32>
}

// -----

// CHECK-LABEL: func.func @pad_with_zeros
// CHECK-NEXT:  "nn.pad"
func.func @pad_with_zeros(%x: tensor<4xf32>) -> tensor<7xf32> {
  %0 = "nn.pad"(%x) {padding = array<i64: 1, 2>, mode = "constant", value = 0.0 : f64} : (tensor<4xf32>) -> tensor<7xf32>
  return %0 : tensor<7xf32>
}

// -----

// CHECK-LABEL: func.func @reduce_of_booleans
// CHECK:       %[[NUMBERS:.*]] = "nn.cast"(%arg0) {{{.*}}to = f32}
// CHECK:       %[[LARGEST:.*]] = "nn.reduce"(%[[NUMBERS]])
// CHECK:       "nn.greater"(%[[LARGEST]], %{{.*}}) {{.*}} -> tensor<i1>
func.func @reduce_of_booleans(%x: tensor<4xi1>) -> tensor<i1> {
  %0 = "nn.reduce"(%x) {kind = "max", axes = array<i64: 0>, keepdims = false} : (tensor<4xi1>) -> tensor<i1>
  return %0 : tensor<i1>
}

// -----

// CHECK-LABEL: func.func @comparison_of_halves
// CHECK-COUNT-2: "nn.cast"
// CHECK:       "nn.less"{{.*}}(tensor<4xf32>, tensor<4xf32>)
func.func @comparison_of_halves(%x: tensor<4xf16>, %y: tensor<4xf16>) -> tensor<4xi1> {
  %0 = "nn.less"(%x, %y) : (tensor<4xf16>, tensor<4xf16>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// -----

// CHECK-LABEL: func.func @comparison_of_floats
// CHECK-NEXT:  "nn.less"(%arg0, %arg1)
func.func @comparison_of_floats(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xi1> {
  %0 = "nn.less"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// -----

// CHECK-LABEL: func.func @celu_of_halves
// CHECK:       "nn.celu"{{.*}}tensor<4xf32>
func.func @celu_of_halves(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = "nn.celu"(%x) {alpha = 1.0 : f64} : (tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// -----

// CHECK-LABEL: func.func @celu_of_floats
// CHECK-NEXT:  "nn.celu"(%arg0)
// CHECK-NEXT:  return
func.func @celu_of_floats(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.celu"(%x) {alpha = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
