// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-open-shapes)" --split-input-file | filecheck %s

// A zero keeps a dimension.
// CHECK-LABEL: func.func @kept
// CHECK:       %[[SHAPE:.*]] = "nn.shape"(%arg0)
// CHECK:       "nn.where"
// CHECK:       "nn.dynamic_reshape"(%arg0, {{.*}}) {allow_zero = true} : (tensor<?x4x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
func.func @kept(%x: tensor<?x4x?xf32>, %s: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = "nn.dynamic_reshape"(%x, %s) {allow_zero = false} : (tensor<?x4x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @nothing_kept
// CHECK-NOT:   nn.shape
// CHECK:       "nn.dynamic_reshape"(%arg0, %arg1) {allow_zero = true}
func.func @nothing_kept(%x: tensor<?x4xf32>, %s: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = "nn.dynamic_reshape"(%x, %s) {allow_zero = true} : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// The end is never before the start.
// CHECK-LABEL: func.func @computed_slice
// CHECK:       "nn.gather"
// CHECK:       %[[START:.*]] = "nn.maximum"
// CHECK:       "nn.maximum"({{.*}}, %[[START]])
// CHECK:       "nn.dynamic_slice"
func.func @computed_slice(%x: tensor<?x4xf32>, %s: tensor<1xi64>, %e: tensor<1xi64>) -> tensor<?x4xf32> {
  %0 = "nn.dynamic_slice"(%x, %s, %e) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>}
    : (tensor<?x4xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// One bound counts from the front, one from the end.
// CHECK-LABEL: func.func @inner
// CHECK:       "nn.dynamic_slice"
func.func @inner(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 1>, ends = array<i64: -1>, axes = array<i64: 0>, steps = array<i64: 1>}
    : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @inner_of_known_size
// CHECK-NOT:   dynamic_slice
func.func @inner_of_known_size(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 1>, ends = array<i64: -1>, axes = array<i64: 1>, steps = array<i64: 1>}
    : (tensor<?x4xf32>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func.func @first_ones
// CHECK-NOT:   dynamic_slice
func.func @first_ones(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = "nn.slice"(%x) {starts = array<i64: 0>, ends = array<i64: 2>, axes = array<i64: 0>, steps = array<i64: 1>}
    : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @pad_axes
// CHECK:       %[[PADS:.*]] = "nn.gather"
// CHECK:       "nn.dynamic_pad"(%arg0, %[[PADS]])
func.func @pad_axes(%x: tensor<?x4xf32>, %p: tensor<2xi64>) -> tensor<?x?xf32> {
  %a = "nn.constant"() {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %0 = "nn.dynamic_pad"(%x, %p, %a) {mode = "constant", operandSegmentSizes = array<i32: 1, 1, 0, 1>}
    : (tensor<?x4xf32>, tensor<2xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// Found in the flat tensor, the places are taken apart.
// CHECK-LABEL: func.func @non_zero
// CHECK:       %[[MASK:.*]] = "nn.not_equal"(%arg0
// CHECK:       %[[FLAT:.*]] = "nn.reshape"(%[[MASK]])
// CHECK:       %[[PLACES:.*]] = "nn.non_zero"(%[[FLAT]])
// CHECK:       "nn.div"(%[[PLACES]]
// CHECK:       "nn.concat"
func.func @non_zero(%x: tensor<?x4xf32>) -> tensor<2x?xi64> {
  %0 = "nn.non_zero"(%x) : (tensor<?x4xf32>) -> tensor<2x?xi64>
  return %0 : tensor<2x?xi64>
}

// -----

// CHECK-LABEL: func.func @non_zero_of_a_mask
// CHECK-NOT:   nn.not_equal
// CHECK:       "nn.non_zero"(%arg0)
func.func @non_zero_of_a_mask(%x: tensor<?xi1>) -> tensor<1x?xi64> {
  %0 = "nn.non_zero"(%x) : (tensor<?xi1>) -> tensor<1x?xi64>
  return %0 : tensor<1x?xi64>
}

// -----

// CHECK-LABEL: func.func @range
// CHECK:       %[[COUNT:.*]] = "nn.maximum"
// CHECK:       %[[NUMBERS:.*]] = "nn.range"({{.*}}, %[[COUNT]],
// CHECK:       "nn.mul"(%[[NUMBERS]], %arg2)
func.func @range(%s: tensor<i64>, %l: tensor<i64>, %d: tensor<i64>) -> tensor<?xi64> {
  %0 = "nn.range"(%s, %l, %d) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

// How often does 0.1 fit? That depends on how the quotient is rounded.
// CHECK-LABEL: func.func @range_by_a_tenth
// CHECK:       "nn.range"(%arg0, %arg1,
func.func @range_by_a_tenth(%s: tensor<f32>, %l: tensor<f32>) -> tensor<?xf32> {
  %d = "nn.constant"() {value = dense<0.1> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.range"(%s, %l, %d) : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @indices_from_the_end
// CHECK:       %[[FRONT:.*]] = "nn.where"
// CHECK:       "nn.gather_elements"(%arg0, %[[FRONT]])
func.func @indices_from_the_end(%x: tensor<?x4xf32>, %i: tensor<2x4xi64>) -> tensor<2x4xf32> {
  %0 = "nn.gather_elements"(%x, %i) {axis = 0 : i64} : (tensor<?x4xf32>, tensor<2x4xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @indices_along_a_known_dimension
// CHECK-NOT:   nn.where
func.func @indices_along_a_known_dimension(%x: tensor<?x4xf32>, %i: tensor<2x4xi64>) -> tensor<2x4xf32> {
  %0 = "nn.gather_elements"(%x, %i) {axis = 1 : i64} : (tensor<?x4xf32>, tensor<2x4xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
