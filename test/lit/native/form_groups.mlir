// RUN: nn-opt %s --pass-pipeline="builtin.module(native-form-groups)" --split-input-file | filecheck %s

// What is added and limited behind a convolution is computed with it.
// CHECK-LABEL: func.func @behind
// CHECK:       "nn.conv"{{.*}}native.anchor, native.group = 0
// CHECK-NEXT:  "nn.add"{{.*}}native.group = 0
// CHECK-NEXT:  "nn.relu"{{.*}}native.group = 0
func.func @behind(%x: tensor<1x8x4x4xf32>, %y: tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<8x8x1x1xf32>} : () -> tensor<8x8x1x1xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32>
  %1 = "nn.add"(%0, %y) : (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
  %2 = "nn.relu"(%1) : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
  return %2 : tensor<1x8x4x4xf32>
}

// -----

// A branch that joins again behind the convolution stays in registers as a whole.
// CHECK-LABEL: func.func @branch
// CHECK:       "nn.conv"{{.*}}native.anchor, native.group = 0
// CHECK-NEXT:  "nn.sigmoid"{{.*}}native.group = 0
// CHECK-NEXT:  "nn.mul"{{.*}}native.group = 0
func.func @branch(%x: tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<8x8x1x1xf32>} : () -> tensor<8x8x1x1xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32>
  %1 = "nn.sigmoid"(%0) : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
  %2 = "nn.mul"(%0, %1) : (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
  return %2 : tensor<1x8x4x4xf32>
}

// -----

// What is used elsewhere too must be stored, so the group ends there.
// CHECK-LABEL: func.func @used_twice
// CHECK:       "nn.conv"{{.*}}native.anchor, native.group = 0
// CHECK-NEXT:  "nn.relu"{{.*}}native.anchor, native.group = 1
func.func @used_twice(%x: tensor<1x8x4x4xf32>) -> (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) {
  %w = "nn.constant"() {value = dense<1.0> : tensor<8x8x1x1xf32>} : () -> tensor<8x8x1x1xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32>
  %1 = "nn.relu"(%0) : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
  return %0, %1 : tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>
}

// -----

// Of a larger shape than the convolution's result: another group.
// CHECK-LABEL: func.func @broadcast
// CHECK:       "nn.conv"{{.*}}native.anchor, native.group = 0
// CHECK-NEXT:  "nn.add"{{.*}}native.anchor, native.group = 1
func.func @broadcast(%x: tensor<1x8x1x1xf32>, %y: tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> {
  %w = "nn.constant"() {value = dense<1.0> : tensor<8x8x1x1xf32>} : () -> tensor<8x8x1x1xf32>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x8x1x1xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x1x1xf32>
  %1 = "nn.add"(%0, %y) : (tensor<1x8x1x1xf32>, tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
  return %1 : tensor<1x8x4x4xf32>
}

// -----

// Element-wise operations gather at the last one; what reshapes belongs to no group.
// CHECK-LABEL: func.func @gathered
// CHECK:       "nn.exp"{{.*}}{native.group = 0
// CHECK-NEXT:  "nn.neg"{{.*}}{native.group = 0
// CHECK-NEXT:  "nn.add"{{.*}}{native.anchor, native.group = 0
// CHECK-NEXT:  "nn.reshape"(%{{.*}}) {shape = array<i64: 6>}
// CHECK-NEXT:  "nn.exp"{{.*}}{native.anchor, native.group = 1
func.func @gathered(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<6xf32> {
  %0 = "nn.exp"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = "nn.neg"(%y) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = "nn.add"(%0, %1) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = "nn.reshape"(%2) {shape = array<i64: 6>} : (tensor<2x3xf32>) -> tensor<6xf32>
  %4 = "nn.exp"(%3) : (tensor<6xf32>) -> tensor<6xf32>
  return %4 : tensor<6xf32>
}

// -----

// What dequantises is computed again by each operation that reads it, and with it; so is what quantises.
// CHECK-LABEL: func.func @integers
// CHECK:       %[[A:.*]] = "nn.dequantize"(%[[X:.*]]) {native.group = 0
// CHECK:       %[[B:.*]] = "nn.dequantize"(%[[X]]) {native.group = 1
// CHECK:       %[[W:.*]] = "nn.dequantize"({{.*}}) {native.group = 0
// CHECK:       "nn.conv"(%[[A]], %[[W]]) {{.*}}native.anchor, native.group = 0
// CHECK:       "nn.quantize"({{.*}}native.group = 0
// CHECK:       "nn.sigmoid"(%[[B]]) {native.anchor, native.group = 1
func.func @integers(%x: tensor<1x8x4x4xi8>) -> (tensor<1x8x4x4x!quant.uniform<i8:f32, 0.5>>, tensor<1x8x4x4xf32>) {
  %0 = "nn.storage_cast"(%x) : (tensor<1x8x4x4xi8>) -> tensor<1x8x4x4x!quant.uniform<i8:f32, 0.25>>
  %1 = "nn.dequantize"(%0) : (tensor<1x8x4x4x!quant.uniform<i8:f32, 0.25>>) -> tensor<1x8x4x4xf32>
  %2 = "nn.constant"() {value = dense<1> : tensor<8x8x1x1xi8>} : () -> tensor<8x8x1x1xi8>
  %3 = "nn.storage_cast"(%2) : (tensor<8x8x1x1xi8>) -> tensor<8x8x1x1x!quant.uniform<i8:f32, 0.125>>
  %4 = "nn.dequantize"(%3) : (tensor<8x8x1x1x!quant.uniform<i8:f32, 0.125>>) -> tensor<8x8x1x1xf32>
  %5 = "nn.conv"(%1, %4) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32>
  %6 = "nn.quantize"(%5) {ties = "away"} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!quant.uniform<i8:f32, 0.5>>
  %7 = "nn.sigmoid"(%1) : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
  return %6, %7 : tensor<1x8x4x4x!quant.uniform<i8:f32, 0.5>>, tensor<1x8x4x4xf32>
}

// -----

// Means read integers and store integers; what dequantises for one of them does not do so behind what comes before.
// CHECK-LABEL: func.func @means
// CHECK:       "nn.dequantize"{{.*}}{native.group = 0
// CHECK:       "nn.avg_pool"{{.*}}native.anchor, native.group = 0
// CHECK:       "nn.quantize"{{.*}}{native.group = 0
// CHECK:       "nn.dequantize"{{.*}}{native.group = 1
// CHECK:       "nn.reduce"{{.*}}native.anchor, native.group = 1
// CHECK:       "nn.quantize"{{.*}}{native.group = 1
func.func @means(%x: tensor<1x8x4x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x8x!quant.uniform<i8:f32, 0.25>> {
  %0 = "nn.dequantize"(%x) : (tensor<1x8x4x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x8x4x4xf32>
  %1 = "nn.avg_pool"(%0) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = false}
    : (tensor<1x8x4x4xf32>) -> tensor<1x8x2x2xf32>
  %2 = "nn.quantize"(%1) : (tensor<1x8x2x2xf32>) -> tensor<1x8x2x2x!quant.uniform<i8:f32, 0.5>>
  %3 = "nn.dequantize"(%2) : (tensor<1x8x2x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x8x2x2xf32>
  %4 = "nn.reduce"(%3) {kind = "mean", axes = array<i64: 2, 3>, keepdims = false} : (tensor<1x8x2x2xf32>) -> tensor<1x8xf32>
  %5 = "nn.quantize"(%4) : (tensor<1x8xf32>) -> tensor<1x8x!quant.uniform<i8:f32, 0.25>>
  return %5 : tensor<1x8x!quant.uniform<i8:f32, 0.25>>
}

// -----

// A softmax wants numbers: they are stored by what computes them.
// CHECK-LABEL: func.func @numbers
// CHECK:       "nn.max_pool"{{.*}}native.anchor, native.group = 0
// CHECK:       "nn.dequantize"{{.*}}{native.group = 0
// CHECK:       "nn.softmax"{{.*}}native.anchor, native.group = 1
func.func @numbers(%x: tensor<1x8x4x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x8x2x2xf32> {
  %0 = "nn.max_pool"(%x) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false}
    : (tensor<1x8x4x4x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x8x2x2x!quant.uniform<i8:f32, 0.5>>
  %1 = "nn.dequantize"(%0) : (tensor<1x8x2x2x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x8x2x2xf32>
  %2 = "nn.softmax"(%1) {axis = 1 : i64} : (tensor<1x8x2x2xf32>) -> tensor<1x8x2x2xf32>
  return %2 : tensor<1x8x2x2xf32>
}
