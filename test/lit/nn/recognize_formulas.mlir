// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-recognize)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @hard_sigmoid
// CHECK:       "nn.hard_sigmoid"(%arg0)
func.func @hard_sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c3 = "nn.constant"() {value = dense<3.0> : tensor<f32>} : () -> tensor<f32>
  %c6 = "nn.constant"() {value = dense<6.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.add"(%x, %c3) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = "nn.clamp"(%0) {min = 0.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.div"(%1, %c6) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @hard_sigmoid_of_another_shift
// CHECK-NOT:   hard_sigmoid
func.func @hard_sigmoid_of_another_shift(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c3 = "nn.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %c6 = "nn.constant"() {value = dense<6.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.add"(%x, %c3) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = "nn.clamp"(%0) {min = 0.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.div"(%1, %c6) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @gated_by_hard_sigmoid
// CHECK:       "nn.hard_swish"(%arg0)
func.func @gated_by_hard_sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.hard_sigmoid"(%x) {alpha = 0.16666666666666666 : f64, beta = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.mul"(%x, %0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// ONNX's own slope is 0.2.
// CHECK-LABEL: func.func @gated_by_another_hard_sigmoid
// CHECK-NOT:   hard_swish
func.func @gated_by_another_hard_sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.hard_sigmoid"(%x) {alpha = 0.2 : f64, beta = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.mul"(%x, %0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @mish
// CHECK:       "nn.mish"(%arg0)
func.func @mish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.softplus"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.tanh"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.mul"(%1, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @no_mish
// CHECK-NOT:   nn.mish
func.func @no_mish(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.softplus"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.tanh"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.mul"(%1, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @leaky_relu
// CHECK:       "nn.leaky_relu"(%arg0) {alpha = 2.500000e-01 : f64}
func.func @leaky_relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = "nn.constant"() {value = dense<0.25> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.mul"(%x, %c) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = "nn.maximum"(%x, %0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// A slope above one would make the maximum of the other side.
// CHECK-LABEL: func.func @steep_maximum_stays
// CHECK:       "nn.maximum"
func.func @steep_maximum_stays(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = "nn.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.mul"(%x, %c) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = "nn.maximum"(%x, %0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @gelu
// CHECK:       "nn.gelu"(%arg0) {approximate = "none"}
func.func @gelu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r = "nn.constant"() {value = dense<0.70710678118> : tensor<f32>} : () -> tensor<f32>
  %o = "nn.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %h = "nn.constant"() {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.mul"(%x, %r) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = "nn.erf"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.add"(%1, %o) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = "nn.mul"(%x, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = "nn.mul"(%3, %h) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// The other formula: its gate is no erf.
// CHECK-LABEL: func.func @gelu_by_tanh
// CHECK-NOT:   nn.gelu
func.func @gelu_by_tanh(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %half = "nn.constant"() {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>
  %one = "nn.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.tanh"(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.add"(%0, %one) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = "nn.mul"(%x, %half) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = "nn.mul"(%2, %1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @gelu_of_another_scale
// CHECK-NOT:   nn.gelu
func.func @gelu_of_another_scale(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r = "nn.constant"() {value = dense<0.70710678118> : tensor<f32>} : () -> tensor<f32>
  %o = "nn.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %h = "nn.constant"() {value = dense<0.4> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.mul"(%x, %r) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = "nn.erf"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.add"(%1, %o) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = "nn.mul"(%x, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = "nn.mul"(%3, %h) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @layer_norm
// CHECK:       "nn.layer_norm"(%arg0, {{.*}}axis = 1 : i64
func.func @layer_norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %g = "nn.constant"() {value = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>} : () -> tensor<4xf32>
  %b = "nn.constant"() {value = dense<[4.0, 3.0, 2.0, 1.0]> : tensor<4xf32>} : () -> tensor<4xf32>
  %e = "nn.constant"() {value = dense<1.0e-5> : tensor<f32>} : () -> tensor<f32>
  %m = "nn.reduce"(%x) {kind = "mean", axes = array<i64: 1>, keepdims = true} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %d = "nn.sub"(%x, %m) : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %q = "nn.square"(%d) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %v = "nn.reduce"(%q) {kind = "mean", axes = array<i64: 1>, keepdims = true} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %w = "nn.add"(%v, %e) : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %s = "nn.sqrt"(%w) : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %n = "nn.div"(%d, %s) : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %k = "nn.mul"(%n, %g) : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %y = "nn.add"(%k, %b) : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Over the first dimension it is no layer normalisation.
// CHECK-LABEL: func.func @no_layer_norm
// CHECK-NOT:   layer_norm
func.func @no_layer_norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %g = "nn.constant"() {value = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>} : () -> tensor<4xf32>
  %b = "nn.constant"() {value = dense<[4.0, 3.0, 2.0, 1.0]> : tensor<4xf32>} : () -> tensor<4xf32>
  %e = "nn.constant"() {value = dense<1.0e-5> : tensor<f32>} : () -> tensor<f32>
  %m = "nn.reduce"(%x) {kind = "mean", axes = array<i64: 0>, keepdims = true} : (tensor<2x4xf32>) -> tensor<1x4xf32>
  %d = "nn.sub"(%x, %m) : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  %q = "nn.square"(%d) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %v = "nn.reduce"(%q) {kind = "mean", axes = array<i64: 0>, keepdims = true} : (tensor<2x4xf32>) -> tensor<1x4xf32>
  %w = "nn.add"(%v, %e) : (tensor<1x4xf32>, tensor<f32>) -> tensor<1x4xf32>
  %s = "nn.sqrt"(%w) : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %n = "nn.div"(%d, %s) : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  %k = "nn.mul"(%n, %g) : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %y = "nn.add"(%k, %b) : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @focus_by_rows
// CHECK-NEXT:  %0 = "nn.space_to_depth"(%arg0)
// CHECK-NEXT:  return %0
func.func @focus_by_rows(%x: tensor<1x2x4x4xf32>) -> tensor<1x8x2x2xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 0, 0>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %1 = "nn.slice"(%x) {starts = array<i64: 0, 1>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %2 = "nn.slice"(%x) {starts = array<i64: 1, 0>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %3 = "nn.slice"(%x) {starts = array<i64: 1, 1>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %4 = "nn.concat"(%0, %1, %2, %3) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x8x2x2xf32>
  return %4 : tensor<1x8x2x2xf32>
}

// -----

// CHECK-LABEL: func.func @focus_by_columns
// CHECK:       "nn.space_to_depth"(%arg0)
// CHECK:       "nn.transpose"
func.func @focus_by_columns(%x: tensor<1x2x4x4xf32>) -> tensor<1x8x2x2xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 0, 0>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %1 = "nn.slice"(%x) {starts = array<i64: 1, 0>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %2 = "nn.slice"(%x) {starts = array<i64: 0, 1>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %3 = "nn.slice"(%x) {starts = array<i64: 1, 1>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %4 = "nn.concat"(%0, %1, %2, %3) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x8x2x2xf32>
  return %4 : tensor<1x8x2x2xf32>
}

// -----

// One phase is there twice.
// CHECK-LABEL: func.func @no_focus
// CHECK-NOT:   space_to_depth
func.func @no_focus(%x: tensor<1x2x4x4xf32>) -> tensor<1x8x2x2xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 0, 0>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %1 = "nn.slice"(%x) {starts = array<i64: 0, 0>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %2 = "nn.slice"(%x) {starts = array<i64: 1, 0>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %3 = "nn.slice"(%x) {starts = array<i64: 1, 1>, ends = array<i64: 4, 4>, axes = array<i64: 2, 3>, steps = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %4 = "nn.concat"(%0, %1, %2, %3) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x8x2x2xf32>
  return %4 : tensor<1x8x2x2xf32>
}

// -----

// CHECK-LABEL: func.func @half_of_a_product
// CHECK-NOT:   nn.gelu
func.func @half_of_a_product(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %half = "nn.constant"() {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.mul"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.mul"(%0, %half) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = "nn.mul"(%x, %half) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = "nn.mul"(%2, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %3 : tensor<4xf32>, tensor<4xf32>
}
