// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-sink-transposes)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @concat
// CHECK-NEXT:  %0 = "nn.concat"(%arg0, %arg1) {axis = 1 : i64
// CHECK-NEXT:  %1 = "nn.transpose"(%0)
func.func @concat(%x: tensor<1x2x3x4xf32>, %y: tensor<1x2x3x4xf32>) -> tensor<1x3x4x4xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "nn.transpose"(%y) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %2 = "nn.concat"(%0, %1) {axis = 3 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x3x4x2xf32>, tensor<1x3x4x2xf32>) -> tensor<1x3x4x4xf32>
  return %2 : tensor<1x3x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @concat_of_other_orders_stays
// CHECK:       %0 = "nn.transpose"
// CHECK:       "nn.concat"(%0, %arg1)
func.func @concat_of_other_orders_stays(%x: tensor<1x2x3x4xf32>, %y: tensor<1x3x4x2xf32>) -> tensor<1x3x4x4xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %2 = "nn.concat"(%0, %y) {axis = 3 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x3x4x2xf32>, tensor<1x3x4x2xf32>) -> tensor<1x3x4x4xf32>
  return %2 : tensor<1x3x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @pad
// CHECK-NEXT:  %0 = "nn.pad"(%arg0) {{.*}}padding = array<i64: 0, 3, 1, 2, 0, 6, 4, 5>
func.func @pad(%x: tensor<1x2x3x4xf32>) -> tensor<1x8x11x11xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "nn.pad"(%0) {padding = array<i64: 0, 1, 2, 3, 0, 4, 5, 6>, mode = "constant", value = 0.0 : f64} : (tensor<1x3x4x2xf32>) -> tensor<1x8x11x11xf32>
  return %1 : tensor<1x8x11x11xf32>
}

// -----

// CHECK-LABEL: func.func @slice
// CHECK-NEXT:  %0 = "nn.slice"(%arg0) {axes = array<i64: 1>
func.func @slice(%x: tensor<1x2x3x4xf32>) -> tensor<1x3x4x1xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "nn.slice"(%0) {starts = array<i64: 1>, ends = array<i64: 2>, axes = array<i64: -1>, steps = array<i64: 1>} : (tensor<1x3x4x2xf32>) -> tensor<1x3x4x1xf32>
  return %1 : tensor<1x3x4x1xf32>
}

// -----

// CHECK-LABEL: func.func @split
// CHECK-NEXT:  %0:2 = "nn.split"(%arg0) {axis = 2 : i64
func.func @split(%x: tensor<1x2x3x4xf32>) -> tensor<1x2x4x2xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1:2 = "nn.split"(%0) {axis = 1 : i64, sizes = array<i64: 1, 2>, resultSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x3x4x2xf32>) -> (tensor<1x1x4x2xf32>, tensor<1x2x4x2xf32>)
  return %1#1 : tensor<1x2x4x2xf32>
}

// -----

// CHECK-LABEL: func.func @softmax
// CHECK-NEXT:  %0 = "nn.softmax"(%arg0) {axis = 1 : i64}
func.func @softmax(%x: tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "nn.softmax"(%0) {axis = -1 : i64} : (tensor<1x3x4x2xf32>) -> tensor<1x3x4x2xf32>
  return %1 : tensor<1x3x4x2xf32>
}

// -----

// CHECK-LABEL: func.func @cumsum
// CHECK-NEXT:  %0 = "nn.cumsum"(%arg0) {axis = 2 : i64
func.func @cumsum(%x: tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "nn.cumsum"(%0) {axis = 1 : i64, exclusive = false, reverse = false} : (tensor<1x3x4x2xf32>) -> tensor<1x3x4x2xf32>
  return %1 : tensor<1x3x4x2xf32>
}

// -----

// Neighbouring channels stand in dimension 1.
// CHECK-LABEL: func.func @lrn_stays
// CHECK-NEXT:  %0 = "nn.transpose"(%arg0)
func.func @lrn_stays(%x: tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "nn.lrn"(%0) {alpha = 0.1 : f64, beta = 0.5 : f64, bias = 1.0 : f64, size = 3 : i64} : (tensor<1x3x4x2xf32>) -> tensor<1x3x4x2xf32>
  return %1 : tensor<1x3x4x2xf32>
}

// -----

// CHECK-LABEL: func.func @flatten_and_multiply
// CHECK-NOT:   nn.transpose
// CHECK:       "nn.reshape"(%arg0)
func.func @flatten_and_multiply(%x: tensor<1x2x3x4xf32>) -> tensor<1x5xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "nn.reshape"(%0) {shape = array<i64: 1, 24>} : (tensor<1x3x4x2xf32>) -> tensor<1x24xf32>
  %w = "nn.constant"() {value = dense<0.5> : tensor<24x5xf32>} : () -> tensor<24x5xf32>
  %2 = "nn.matmul"(%1, %w) : (tensor<1x24xf32>, tensor<24x5xf32>) -> tensor<1x5xf32>
  return %2 : tensor<1x5xf32>
}

// -----

// Rows of integers, too: each column has its scale.
// CHECK-LABEL: func.func @flatten_and_multiply_integers
// CHECK:       %[[W:.*]] = "nn.constant"() {value = dense<{{\[\[}}1, 5], [3, 7], [2, 6], [4, 8]]> : tensor<4x2xi8>}
// CHECK:       "nn.storage_cast"(%[[W]]) : (tensor<4x2xi8>) -> tensor<4x2x!quant.uniform<i8:f32:1, {5.000000e-01,2.500000e-01}>>
// CHECK:       "nn.matmul"
func.func @flatten_and_multiply_integers(%x: tensor<1x2x2x1xf32>) -> tensor<1x2xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x2x1xf32>) -> tensor<1x2x1x2xf32>
  %1 = "nn.reshape"(%0) {shape = array<i64: 1, 4>} : (tensor<1x2x1x2xf32>) -> tensor<1x4xf32>
  %c = "nn.constant"() {value = dense<[[1, 5], [2, 6], [3, 7], [4, 8]]> : tensor<4x2xi8>} : () -> tensor<4x2xi8>
  %q = "nn.storage_cast"(%c) : (tensor<4x2xi8>) -> tensor<4x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  %w = "nn.dequantize"(%q) : (tensor<4x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>) -> tensor<4x2xf32>
  %2 = "nn.matmul"(%1, %w) : (tensor<1x4xf32>, tensor<4x2xf32>) -> tensor<1x2xf32>
  return %2 : tensor<1x2xf32>
}

// -----

// A scale a row is lost when rows are mixed with others.
// CHECK-LABEL: func.func @flatten_and_multiply_scaled_rows
// CHECK:       "nn.transpose"(%arg0)
func.func @flatten_and_multiply_scaled_rows(%x: tensor<1x2x2x1xf32>) -> tensor<1x2xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x2x1xf32>) -> tensor<1x2x1x2xf32>
  %1 = "nn.reshape"(%0) {shape = array<i64: 1, 4>} : (tensor<1x2x1x2xf32>) -> tensor<1x4xf32>
  %c = "nn.constant"() {value = dense<[[1, 5], [2, 6], [3, 7], [4, 8]]> : tensor<4x2xi8>} : () -> tensor<4x2xi8>
  %q = "nn.storage_cast"(%c) : (tensor<4x2xi8>) -> tensor<4x2x!quant.uniform<i8:f32:0, {0.5, 0.25, 1.0, 2.0}>>
  %w = "nn.dequantize"(%q) : (tensor<4x2x!quant.uniform<i8:f32:0, {0.5, 0.25, 1.0, 2.0}>>) -> tensor<4x2xf32>
  %2 = "nn.matmul"(%1, %w) : (tensor<1x4xf32>, tensor<4x2xf32>) -> tensor<1x2xf32>
  return %2 : tensor<1x2xf32>
}

// -----

// A matrix that is computed keeps its rows.
// CHECK-LABEL: func.func @flatten_and_multiply_by_computed
// CHECK:       "nn.transpose"(%arg0)
func.func @flatten_and_multiply_by_computed(%x: tensor<1x2x3x4xf32>, %w: tensor<24x5xf32>) -> tensor<1x5xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x4x2xf32>
  %1 = "nn.reshape"(%0) {shape = array<i64: 1, 24>} : (tensor<1x3x4x2xf32>) -> tensor<1x24xf32>
  %2 = "nn.matmul"(%1, %w) : (tensor<1x24xf32>, tensor<24x5xf32>) -> tensor<1x5xf32>
  return %2 : tensor<1x5xf32>
}

// -----

// CHECK-LABEL: func.func @quantization
// CHECK:       %[[Q:.*]] = "nn.quantize"(%arg0) {ties = "away"}
// CHECK:       %[[X:.*]] = "nn.dequantize"(%[[Q]]) : (tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01>>)
// CHECK:       "nn.transpose"(%[[X]])
func.func @quantization(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = "nn.quantize"(%0) {ties = "away"} : (tensor<3x2xf32>) -> tensor<3x2x!quant.uniform<i8:f32, 0.5>>
  %2 = "nn.dequantize"(%1) : (tensor<3x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}

// -----

// A scale for each entry of a dimension belongs to that dimension.
// CHECK-LABEL: func.func @quantization_per_axis
// CHECK:       %[[X:.*]] = "nn.transpose"(%arg0)
// CHECK:       "nn.quantize"(%[[X]])
func.func @quantization_per_axis(%x: tensor<2x3xf32>) -> tensor<3x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = "nn.quantize"(%0) : (tensor<3x2xf32>) -> tensor<3x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  return %1 : tensor<3x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
}

// -----

// Two rows a sample: the weight has no place for a whole sample.
// CHECK-LABEL: func.func @flatten_to_rows_of_unknown_number
// CHECK:       "nn.transpose"
func.func @flatten_to_rows_of_unknown_number(%x: tensor<?x4x6xf32>) -> tensor<?x2xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<12x2xf32>} : () -> tensor<12x2xf32>
  %0 = "nn.transpose"(%x) {permutation = array<i64: 0, 2, 1>} : (tensor<?x4x6xf32>) -> tensor<?x6x4xf32>
  %1 = "nn.reshape"(%0) {shape = array<i64: -1, 12>} : (tensor<?x6x4xf32>) -> tensor<?x12xf32>
  %2 = "nn.matmul"(%1, %w) : (tensor<?x12xf32>, tensor<12x2xf32>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}
