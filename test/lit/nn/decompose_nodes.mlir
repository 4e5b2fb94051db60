// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose-nodes)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @sqrt
// CHECK:       [[R:%.*]] = "nn.rsqrt"(%arg0)
// CHECK:       "nn.div"({{%.*}}, [[R]])
func.func @sqrt(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = "nn.sqrt"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @tanh
// CHECK:       "nn.exp"
// CHECK:       "nn.sub"
// CHECK-NOT:   nn.tanh
func.func @tanh(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = "nn.tanh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @cut
// CHECK-NEXT:  %0 = "nn.pad"(%arg0) {{.*}}padding = array<i64: 0, -2, 0, -1>
// CHECK-NEXT:  return %0
func.func @cut(%x: tensor<2x6xf32>) -> tensor<2x3xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 2>, ends = array<i64: 5>, axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<2x6xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @steps_of_an_image
// CHECK-COUNT-1: "nn.max_pool"({{.*}}kernel = array<i64: 1, 1>{{.*}}strides = array<i64: 2, 3>
// CHECK-NOT:   nn.slice
func.func @steps_of_an_image(%x: tensor<1x2x7x7xf32>) -> tensor<1x2x4x3xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 0, 0>, ends = array<i64: 7, 7>, axes = array<i64: 2, 3>, steps = array<i64: 2, 3>} : (tensor<1x2x7x7xf32>) -> tensor<1x2x4x3xf32>
  return %0 : tensor<1x2x4x3xf32>
}

// -----

// windows are of real numbers
// CHECK-LABEL: func.func @steps_of_bytes
// CHECK:       nn.dequantize
// CHECK:       nn.max_pool
// CHECK:       nn.quantize
// CHECK:       return {{.*}}xui8
func.func @steps_of_bytes(%x: tensor<1x2x7x7xui8>) -> tensor<1x2x4x7xui8> {
  %0 = "nn.slice"(%x) {starts = array<i64: 0>, ends = array<i64: 7>, axes = array<i64: 2>, steps = array<i64: 2>} : (tensor<1x2x7x7xui8>) -> tensor<1x2x4x7xui8>
  return %0 : tensor<1x2x4x7xui8>
}

// -----

// CHECK-LABEL: func.func @backwards_stays
// CHECK:       nn.slice
func.func @backwards_stays(%x: tensor<4xf32>) -> tensor<3xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 3>, ends = array<i64: 0>, axes = array<i64: 0>, steps = array<i64: -1>} : (tensor<4xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// CHECK-LABEL: func.func @split
// CHECK-COUNT-2: "nn.pad"
// CHECK-NOT:   nn.split
func.func @split(%x: tensor<2x6xf32>) -> (tensor<2x2xf32>, tensor<2x4xf32>) {
  %0:2 = "nn.split"(%x) {axis = 1 : i64, sizes = array<i64: 2, 4>, resultSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<2x6xf32>) -> (tensor<2x2xf32>, tensor<2x4xf32>)
  return %0#0, %0#1 : tensor<2x2xf32>, tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @repeated
// CHECK:       "nn.expand"({{.*}}shape = array<i64: 4, 3, 5>
// CHECK-NOT:   nn.gather
func.func @repeated(%x: tensor<2x2x5xf32>) -> tensor<2x6x5xf32> {
  %i = "nn.constant"() {value = dense<[0, 0, 0, 1, 1, 1]> : tensor<6xi32>} : () -> tensor<6xi32>
  %0 = "nn.gather"(%x, %i) {axis = 1 : i64, batch_dims = 0 : i64} : (tensor<2x2x5xf32>, tensor<6xi32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}

// -----

// CHECK-LABEL: func.func @reordered
// CHECK:       "nn.pad"
// CHECK:       "nn.pad"
// CHECK:       "nn.concat"
// CHECK-NOT:   nn.gather
func.func @reordered(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %i = "nn.constant"() {value = dense<[2, 3, 0, 1]> : tensor<4xi32>} : () -> tensor<4xi32>
  %0 = "nn.gather"(%x, %i) {axis = 1 : i64, batch_dims = 0 : i64} : (tensor<2x4xf32>, tensor<4xi32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @computed_indices_stay
// CHECK:       nn.gather
func.func @computed_indices_stay(%x: tensor<2x4xf32>, %i: tensor<4xi32>) -> tensor<2x4xf32> {
  %0 = "nn.gather"(%x, %i) {axis = 1 : i64, batch_dims = 0 : i64} : (tensor<2x4xf32>, tensor<4xi32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @one_place
// CHECK:       [[P:%.*]] = "nn.pad"(%arg0)
// CHECK-NEXT:  "nn.reshape"([[P]])
// CHECK-NOT:   nn.gather
func.func @one_place(%x: tensor<2x4xf32>) -> tensor<2xf32> {
  %i = "nn.constant"() {value = dense<2> : tensor<i32>} : () -> tensor<i32>
  %0 = "nn.gather"(%x, %i) {axis = 1 : i64, batch_dims = 0 : i64} : (tensor<2x4xf32>, tensor<i32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @interpolated
// CHECK-COUNT-2: "nn.matmul"
// CHECK-NOT:   nn.resize
func.func @interpolated(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x7x3xf32> {
  %0 = "nn.resize"(%x) {sizes = array<i64: 1, 2, 7, 3>, scales = array<f64: 1.0, 1.0, 1.75, 0.75>, mode = "linear", coordinate = "half_pixel", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64, exclude_outside = false, extrapolation_value = 0.0 : f64, antialias = false} : (tensor<1x2x4x4xf32>) -> tensor<1x2x7x3xf32>
  return %0 : tensor<1x2x7x3xf32>
}

// -----

// CHECK-LABEL: func.func @interpolated_bytes
// CHECK:       nn.dequantize
// CHECK-COUNT-1: "nn.matmul"
// CHECK:       nn.quantize
// CHECK-NOT:   nn.resize
func.func @interpolated_bytes(%x: tensor<1x2x4x4xui8>) -> tensor<1x2x7x4xui8> {
  %0 = "nn.resize"(%x) {sizes = array<i64: 1, 2, 7, 4>, scales = array<f64: 1.0, 1.0, 1.75, 1.0>, mode = "linear", coordinate = "half_pixel", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64, exclude_outside = false, extrapolation_value = 0.0 : f64, antialias = false} : (tensor<1x2x4x4xui8>) -> tensor<1x2x7x4xui8>
  return %0 : tensor<1x2x7x4xui8>
}

// -----

// CHECK-LABEL: func.func @crops_stay
// CHECK:       nn.resize
func.func @crops_stay(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x7x4xf32> {
  %0 = "nn.resize"(%x) {sizes = array<i64: 1, 2, 7, 4>, scales = array<f64: 1.0, 1.0, 1.75, 1.0>, mode = "linear", coordinate = "tf_crop_and_resize", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64, exclude_outside = false, extrapolation_value = 0.0 : f64, antialias = false, roi = array<f64: 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x7x4xf32>
  return %0 : tensor<1x2x7x4xf32>
}
