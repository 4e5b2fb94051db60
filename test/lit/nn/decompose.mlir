// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @mish
// CHECK:       "nn.softplus"
// CHECK:       "nn.tanh"
// CHECK:       "nn.mul"(%arg0,
func.func @mish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.mish"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @conv1d
// CHECK:       "nn.conv"{{.*}}padding = array<i64: 0, 1, 0, 1>
// CHECK:       "nn.squeeze"
func.func @conv1d(%x: tensor<1x2x8xf32>, %w: tensor<3x2x3xf32>) -> tensor<1x3x8xf32> {
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1>, dilations = array<i64: 1>, padding = array<i64: 1, 1>, groups = 1 : i64}
    : (tensor<1x2x8xf32>, tensor<3x2x3xf32>) -> tensor<1x3x8xf32>
  return %0 : tensor<1x3x8xf32>
}

// -----

// The quotient of integers is rounded towards zero: one less is right where signs differ.
// CHECK-LABEL: func.func @floor_div_of_integers
// CHECK:       "nn.div"
// CHECK:       "nn.logical_xor"
// CHECK:       "nn.where"
func.func @floor_div_of_integers(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  %0 = "nn.floor_div"(%x, %y) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

// A sum needs no decomposition.
// CHECK-LABEL: func.func @sum
// CHECK:       "nn.reduce"(%arg0) {axes = array<i64: 0>, keepdims = false, kind = "sum"}
func.func @sum(%x: tensor<4xf32>) -> tensor<f32> {
  %0 = "nn.reduce"(%x) {kind = "sum", axes = array<i64: 0>, keepdims = false} : (tensor<4xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// Numbers of 32 bits are quantised by arithmetic.
// CHECK-LABEL: func.func @quantize_32_bits
// CHECK:       %[[STEPS:.*]] = "nn.div"(%arg0,
// CHECK:       "nn.round"(%[[STEPS]])
// CHECK:       "nn.clamp"{{.*}}max = 0x41DFFFFFE0000000 : f64, min = 0xC1E0000000000000
// CHECK:       "nn.cast"
// CHECK-NOT:   "nn.quantize"
func.func @quantize_32_bits(%x: tensor<4xf32>) -> tensor<4x!quant.uniform<i32:f32, 0.5>> {
  %0 = "nn.quantize"(%x) : (tensor<4xf32>) -> tensor<4x!quant.uniform<i32:f32, 0.5>>
  return %0 : tensor<4x!quant.uniform<i32:f32, 0.5>>
}

// -----

// So are those with a scale for each channel; zero points are added, halves go away from zero.
// CHECK-LABEL: func.func @quantize_per_axis
// CHECK:       value = dense<{{.*}}> : tensor<1x2xf32>
// CHECK:       "nn.floor"
// CHECK:       "nn.add"
// CHECK:       "nn.clamp"{{.*}}max = 1.270000e+02{{.*}}min = -1.280000e+02
func.func @quantize_per_axis(%x: tensor<4x2xf32>) -> tensor<4x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>> {
  %0 = "nn.quantize"(%x) {ties = "away"} : (tensor<4x2xf32>) -> tensor<4x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>
  return %0 : tensor<4x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>
}

// -----

// Halves go outwards behind the zero points.
// CHECK-LABEL: func.func @quantize_outwards
// CHECK:       %[[STEPS:.*]] = "nn.div"
// CHECK:       %[[MOVED:.*]] = "nn.add"(%[[STEPS]],
// CHECK:       "nn.sign"(%[[MOVED]])
// CHECK:       "nn.abs"(%[[MOVED]])
// CHECK:       "nn.floor"
// CHECK:       "nn.mul"
// CHECK-NOT:   "nn.add"
// CHECK:       return
func.func @quantize_outwards(%x: tensor<4x2xf32>) -> tensor<4x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>> {
  %0 = "nn.quantize"(%x) {ties = "outwards"} : (tensor<4x2xf32>) -> tensor<4x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>
  return %0 : tensor<4x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>
}

// -----

// CHECK-LABEL: func.func @dequantize_32_bits
// CHECK:       %[[STORED:.*]] = "nn.storage_cast"(%arg0)
// CHECK:       %[[SHIFTED:.*]] = "nn.sub"(%[[STORED]],
// CHECK:       %[[STEPS:.*]] = "nn.cast"(%[[SHIFTED]])
// CHECK:       "nn.mul"(%[[STEPS]],
func.func @dequantize_32_bits(%x: tensor<4x!quant.uniform<i32:f32, 0.5:7>>) -> tensor<4xf32> {
  %0 = "nn.dequantize"(%x) : (tensor<4x!quant.uniform<i32:f32, 0.5:7>>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Machines quantise to 8 and 16 bits themselves.
// CHECK-LABEL: func.func @quantize_16_bits
// CHECK:       "nn.quantize"(%arg0)
// CHECK:       "nn.dequantize"
func.func @quantize_16_bits(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.quantize"(%x) : (tensor<4xf32>) -> tensor<4x!quant.uniform<i16:f32, 0.5>>
  %1 = "nn.dequantize"(%0) : (tensor<4x!quant.uniform<i16:f32, 0.5>>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @einsum
// CHECK:       "nn.transpose"(%arg1) {permutation = array<i64: 0, 2, 1>}
// CHECK:       "nn.matmul"
// CHECK-NOT:   "nn.einsum"
func.func @einsum(%x: tensor<2x3x4xf32>, %y: tensor<2x5x4xf32>) -> tensor<2x3x5xf32> {
  %0 = "nn.einsum"(%x, %y) {equation = "bij,bkj->bik",
    operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>}
    : (tensor<2x3x4xf32>, tensor<2x5x4xf32>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// -----

// Sizes must be known.
// CHECK-LABEL: func.func @einsum_of_unknown_sizes
// CHECK:       "nn.einsum"
func.func @einsum_of_unknown_sizes(%x: tensor<?x4xf32>, %y: tensor<4x5xf32>) -> tensor<?x5xf32> {
  %0 = "nn.einsum"(%x, %y) {equation = "ij,jk->ik",
    operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>}
    : (tensor<?x4xf32>, tensor<4x5xf32>) -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}

// -----

// What is known better after a rewrite is said of the function, too.
// CHECK-LABEL: func.func @rms_norm(%arg0: tensor<?x?xf32>, %arg1: tensor<4xf32>) -> tensor<?x4xf32>
func.func @rms_norm(%x: tensor<?x?xf32>, %s: tensor<4xf32>) -> tensor<?x?xf32> {
  %0 = "nn.rms_norm"(%x, %s) {axis = -1 : i64, epsilon = 1.0e-5 : f64} : (tensor<?x?xf32>, tensor<4xf32>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// Blocks go into the batch as reshapes and a transpose, behind a padding if there is any.
// CHECK-LABEL: func.func @space_to_batch
// CHECK:       %[[P:.*]] = "nn.pad"(%arg0)
// CHECK:       %[[B:.*]] = "nn.reshape"(%[[P]]) {shape = array<i64: 1, 3, 2, 2, 3, 2>}
// CHECK:       %[[T:.*]] = "nn.transpose"(%[[B]]) {permutation = array<i64: 3, 5, 0, 1, 2, 4>}
// CHECK:       "nn.reshape"(%[[T]]) {shape = array<i64: 4, 3, 2, 3>}
func.func @space_to_batch(%x: tensor<1x3x3x6xf32>) -> tensor<4x3x2x3xf32> {
  %0 = "nn.space_to_batch"(%x) {block = array<i64: 2, 2>, padding = array<i64: 0, 0, 1, 0>} : (tensor<1x3x3x6xf32>) -> tensor<4x3x2x3xf32>
  return %0 : tensor<4x3x2x3xf32>
}

// -----

// CHECK-LABEL: func.func @batch_to_space
// CHECK:       %[[B:.*]] = "nn.reshape"(%arg0) {shape = array<i64: 2, 2, 1, 3, 2, 3>}
// CHECK:       %[[T:.*]] = "nn.transpose"(%[[B]]) {permutation = array<i64: 2, 3, 4, 0, 5, 1>}
// CHECK:       %[[W:.*]] = "nn.reshape"(%[[T]]) {shape = array<i64: 1, 3, 4, 6>}
// CHECK:       "nn.slice"(%[[W]])
func.func @batch_to_space(%x: tensor<4x3x2x3xf32>) -> tensor<1x3x3x6xf32> {
  %0 = "nn.batch_to_space"(%x) {block = array<i64: 2, 2>, crops = array<i64: 0, 0, 1, 0>} : (tensor<4x3x2x3xf32>) -> tensor<1x3x3x6xf32>
  return %0 : tensor<1x3x3x6xf32>
}

// -----

// A gathering for every batch is one of all; one without batches stays.
// CHECK-LABEL: func.func @gather
// CHECK:       %[[F:.*]] = "nn.reshape"({{.*}}) {shape = array<i64: 8, 5>}
// CHECK:       %[[G:.*]] = "nn.gather"(%[[F]], {{.*}}) {axis = 0 : i64, batch_dims = 0 : i64}
// CHECK:       "nn.transpose"(%[[G]])
// CHECK:       "nn.gather"(%arg0, %arg1) {axis = 1 : i64, batch_dims = 0 : i64}
func.func @gather(%x: tensor<2x4x5xf32>, %i: tensor<2x3xi64>) -> (tensor<2x3x5xf32>, tensor<2x2x3x5xf32>) {
  %0 = "nn.gather"(%x, %i) {axis = 1 : i64, batch_dims = 1 : i64} : (tensor<2x4x5xf32>, tensor<2x3xi64>) -> tensor<2x3x5xf32>
  %1 = "nn.gather"(%x, %i) {axis = 1 : i64, batch_dims = 0 : i64} : (tensor<2x4x5xf32>, tensor<2x3xi64>) -> tensor<2x2x3x5xf32>
  return %0, %1 : tensor<2x3x5xf32>, tensor<2x2x3x5xf32>
}

// -----

// Integers are limited by the larger and the smaller number.
// CHECK-LABEL: func.func @clamp_of_integers
// CHECK:       %[[L:.*]] = "nn.maximum"
// CHECK:       "nn.minimum"(%[[L]],
// CHECK:       "nn.clamp"
func.func @clamp_of_integers(%x: tensor<4xi32>, %y: tensor<4xf32>) -> (tensor<4xi32>, tensor<4xf32>) {
  %0 = "nn.clamp"(%x) {min = 0.0 : f64, max = 6.0 : f64} : (tensor<4xi32>) -> tensor<4xi32>
  %1 = "nn.clamp"(%y) {min = 0.0 : f64, max = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xi32>, tensor<4xf32>
}

// -----

// What is not known is asked for when it runs.
// CHECK-LABEL: func.func @depth_to_space_of_unknown_sizes
// CHECK:       "nn.shape"(%arg0)
// CHECK:       "nn.dynamic_reshape"
// CHECK:       "nn.transpose"
// CHECK-NOT:   nn.depth_to_space
func.func @depth_to_space_of_unknown_sizes(%x: tensor<1x4x?x?xf32>) -> tensor<1x1x?x?xf32> {
  %0 = "nn.depth_to_space"(%x) {block = 2 : i64, mode = "DCR"} : (tensor<1x4x?x?xf32>) -> tensor<1x1x?x?xf32>
  return %0 : tensor<1x1x?x?xf32>
}
