// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-quantize)" --split-input-file | filecheck %s
// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-quantize{activations=int8})" --split-input-file | filecheck %s --check-prefix=SIGNED
// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-quantize{activations=int16 weights=int16})" --split-input-file | filecheck %s --check-prefix=WIDE
// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-quantize{weights=int4})" --split-input-file | filecheck %s --check-prefix=NARROW
// RUN: not nn-opt %s --pass-pipeline="builtin.module(nn-quantize{weights=uint8})" --split-input-file 2>&1 | filecheck %s --check-prefix=WEIGHTS
// RUN: not nn-opt %s --pass-pipeline="builtin.module(nn-quantize{activations=int4})" --split-input-file 2>&1 | filecheck %s --check-prefix=WRONG

// WRONG: error[K0303] option 'activations' of pass 'nn-quantize' is 'int4', expected uint8 or int8 or int16
// WEIGHTS: error[K0303] option 'weights' of pass 'nn-quantize' is 'uint8', expected int8 or int16 or int4

// What a product reads is kept as integers, and what is moved there, with one range for all. The weights have a scale a
// column. The network's result stays real.
// CHECK-LABEL: func.func @chain
// CHECK:       %[[QX:.*]] = "nn.quantize"(%arg0) : (tensor<2x2xf32>) -> tensor<2x2x!quant.uniform<u8:f32, 0.20000000298023224:128>>
// CHECK:       %[[X:.*]] = "nn.dequantize"(%[[QX]])
// CHECK:       %[[T:.*]] = "nn.transpose"(%[[X]])
// CHECK:       %[[QT:.*]] = "nn.quantize"(%[[T]]) : (tensor<2x2xf32>) -> tensor<2x2x!quant.uniform<u8:f32, 0.20000000298023224:128>>
// CHECK:       %[[DT:.*]] = "nn.dequantize"(%[[QT]])
// CHECK:       %[[C:.*]] = "nn.constant"() {value = dense<{{\[\[}}127, -64], [-76, 127]]> : tensor<2x2xi8>}
// CHECK:       "nn.storage_cast"(%[[C]]) : (tensor<2x2xi8>) -> tensor<2x2x!quant.uniform<i8:f32:1, {0.0078740157186985015,0.015748031437397003}>>
// CHECK:       %[[Y:.*]] = "nn.matmul"(%[[DT]],
// CHECK-NOT:   "nn.quantize"
// CHECK:       return %[[Y]]
// WIDE-LABEL:  func.func @chain
// WIDE:        "nn.quantize"(%arg0) : (tensor<2x2xf32>) -> tensor<2x2x!quant.uniform<i16:f32,
// WIDE:        "nn.constant"() {value = dense<{{\[\[}}32767, {{-1638[34]}}], [-19660, 32767]]> : tensor<2x2xi16>}
// NARROW-LABEL: func.func @chain
// NARROW:      "nn.quantize"(%arg0) : (tensor<2x2xf32>) -> tensor<2x2x!quant.uniform<u8:f32, 0.20000000298023224:128>>
// NARROW:      "nn.constant"() {value = dense<{{\[\[}}7, {{-[34]}}], [-4, 7]]> : tensor<2x2xi8>}
// SIGNED-LABEL: func.func @chain
// SIGNED:      "nn.quantize"(%arg0) : (tensor<2x2xf32>) -> tensor<2x2x!quant.uniform<i8:f32, 0.20000000298023224>>
func.func @chain(%x: tensor<2x2xf32> {nn.range = array<f64: -25.5, 25.5>}) -> tensor<2x2xf32> {
  %w = "nn.constant"() {value = dense<[[1.0, -1.0], [-0.6, 2.0]]> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %0 = "nn.transpose"(%x) {permutation = array<i64: 1, 0>, nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = "nn.matmul"(%0, %w) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

// Of the operands of a sum that is kept, the product computed last stays real, behind which the sum is computed; so
// does what is only used between. The other product's result is kept.
// CHECK-LABEL: func.func @sum
// CHECK:       %[[A:.*]] = "nn.matmul"
// CHECK:       %[[QA:.*]] = "nn.quantize"(%[[A]])
// CHECK:       %[[DA:.*]] = "nn.dequantize"(%[[QA]])
// CHECK:       %[[B:.*]] = "nn.matmul"
// CHECK-NEXT:  %[[S:.*]] = "nn.sigmoid"(%[[B]])
// CHECK-NEXT:  %[[SUM:.*]] = "nn.add"(%[[DA]], %[[S]])
// CHECK-NEXT:  %[[QS:.*]] = "nn.quantize"(%[[SUM]])
func.func @sum(%x: tensor<2x2xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<2x2xf32> {
  %w = "nn.constant"() {value = dense<[[1.0, -1.0], [-0.6, 2.0]]> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %0 = "nn.matmul"(%x, %w) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = "nn.matmul"(%x, %w) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = "nn.sigmoid"(%1) {nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = "nn.add"(%0, %2) {nn.ranges = [array<f64: -3.0, 4.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %4 = "nn.matmul"(%3, %w) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %4 : tensor<2x2xf32>
}

// -----

// Parts that are joined get the range of all of them, wherever else they are read; a mean has its own, as has what is
// between.
// CHECK-LABEL: func.func @joined
// CHECK:       "nn.quantize"(%arg0) : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2x!quant.uniform<u8:f32, 0.039215687662363052:128>>
// CHECK:       "nn.quantize"(%arg1) : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2x!quant.uniform<u8:f32, 0.039215687662363052:128>>
// CHECK:       %[[M:.*]] = "nn.reduce"
// CHECK:       "nn.quantize"(%[[M]]) : (tensor<1x2xf32>) -> tensor<1x2x!quant.uniform<u8:f32, 0.0039215688593685627>>
func.func @joined(%x: tensor<1x1x2x2xf32> {nn.range = array<f64: -5.0, 1.0>}, %y: tensor<1x1x2x2xf32> {nn.range = array<f64: 0.0, 5.0>}) -> tensor<1x2xf32> {
  %w = "nn.constant"() {value = dense<[[1.0, -1.0], [-0.6, 2.0]]> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %0 = "nn.concat"(%x, %y) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -5.0, 5.0>]} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = "nn.reduce"(%0) {kind = "mean", axes = array<i64: 2, 3>, keepdims = false, nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<1x2x2x2xf32>) -> tensor<1x2xf32>
  %2 = "nn.matmul"(%1, %w) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %2 : tensor<1x2xf32>
}

// -----

// What leads to no product stays real: a head with its join and its sigmoid, softmax, a sum that is an output.
// CHECK-LABEL: func.func @heads
// CHECK-COUNT-1: "nn.quantize"
// CHECK-NOT:   "nn.quantize"
// CHECK:       return
func.func @heads(%x: tensor<2x2xf32> {nn.range = array<f64: -1.0, 1.0>}) -> (tensor<4x2xf32>, tensor<2x2xf32>) {
  %w = "nn.constant"() {value = dense<[[1.0, -1.0], [-0.6, 2.0]]> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %0 = "nn.matmul"(%x, %w) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = "nn.sigmoid"(%0) {nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = "nn.concat"(%0, %1) {axis = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %3 = "nn.softmax"(%0) {axis = 1 : i64, nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %4 = "nn.add"(%3, %1) {nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %2, %4 : tensor<4x2xf32>, tensor<2x2xf32>
}

// -----

// What softmax and the caller read stays as it was computed; only the product reads integers.
// CHECK-LABEL: func.func @read_twice
// CHECK:       %[[Y:.*]] = "nn.exp"(%arg0)
// CHECK:       %[[Q:.*]] = "nn.quantize"(%[[Y]])
// CHECK:       %[[D:.*]] = "nn.dequantize"(%[[Q]])
// CHECK:       "nn.softmax"(%[[Y]])
// CHECK:       "nn.matmul"(%[[D]],
// CHECK:       return %[[Y]]
func.func @read_twice(%x: tensor<2x2xf32> {nn.range = array<f64: -1.0, 1.0>}) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = "nn.constant"() {value = dense<[[1.0, -1.0], [-0.6, 2.0]]> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %0 = "nn.exp"(%x) {nn.ranges = [array<f64: 0.0, 3.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = "nn.softmax"(%0) {axis = 1 : i64, nn.ranges = [array<f64: 0.0, 1.0>]} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = "nn.matmul"(%0, %w) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0, %1, %2 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// Without a range, with a matrix that is computed, or one that holds what no integer stands for, nothing is done.
// CHECK-LABEL: func.func @no_integers
// CHECK-NOT:   "nn.quantize"
// CHECK:       return
func.func @no_integers(%x: tensor<2x2xf32>, %y: tensor<2x2xf32> {nn.range = array<f64: -1.0, 1.0>}) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = "nn.constant"() {value = dense<[[1.0, -1.0], [-0.6, 2.0]]> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %v = "nn.constant"() {value = dense<0x7F800000> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %0 = "nn.matmul"(%x, %w) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = "nn.matmul"(%y, %y) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = "nn.matmul"(%y, %v) {nn.ranges = [array<f64>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0, %1, %2 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// A scale a channel of the result: the first dimension of a convolution's weights, the second of a transposed one's. A
// channel whose weights are next to nothing beside its bias has a scale that makes less than 2^30 steps of the bias.
// CHECK-LABEL: func.func @channels
// CHECK:       "nn.storage_cast"({{.*}}) : (tensor<2x1x1x1xi8>) -> tensor<2x1x1x1x!quant.uniform<i8:f32:0, {0.0078740157186985015,2.37487{{[0-9]*}}E-7}>>
// CHECK:       "nn.storage_cast"({{.*}}) : (tensor<1x2x1x1xi8>) -> tensor<1x2x1x1x!quant.uniform<i8:f32:1, {0.0078740157186985015,0.015748031437397003}>>
func.func @channels(%x: tensor<1x1x2x2xf32> {nn.range = array<f64: 0.0, 1.0>}) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) {
  %w = "nn.constant"() {value = dense<[[[[1.0]]], [[[1.0e-30]]]]> : tensor<2x1x1x1xf32>} : () -> tensor<2x1x1x1xf32>
  %b = "nn.constant"() {value = dense<[1.0, 1.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %v = "nn.constant"() {value = dense<[[[[1.0]], [[2.0]]]]> : tensor<1x2x1x1xf32>} : () -> tensor<1x2x1x1xf32>
  %0 = "nn.conv"(%x, %w, %b) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %1 = "nn.conv_transpose"(%x, %v) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: 0.0, 2.0>]} : (tensor<1x1x2x2xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  return %0, %1 : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>
}

// -----

// Values of which bits are stated are kept with those, their products' weights too; or not at all.
// CHECK-LABEL: func.func @other_bits
// CHECK:       "nn.quantize"(%arg0) : (tensor<2x2xf32>) -> tensor<2x2x!quant.uniform<i16:f32, {{[0-9.Ee-]+}}>>
// CHECK:       "nn.constant"() {value = dense<{{\[\[}}32767, -16384], [-19660, 32767]]> : tensor<2x2xi16>}
// CHECK:       %[[Y:.*]] = "nn.matmul"
// CHECK-NEXT:  %[[Z:.*]] = "nn.matmul"(%[[Y]], %{{[a-z0-9]+}})
// CHECK:       "nn.quantize"(%[[Z]]) : (tensor<2x2xf32>) -> tensor<2x2x!quant.uniform<u8:f32,
// CHECK:       tensor<2x2xi8>
// WIDE-LABEL:  func.func @other_bits
// WIDE:        "nn.quantize"(%{{.*}}) : (tensor<2x2xf32>) -> tensor<2x2x!quant.uniform<i16:f32,
func.func @other_bits(%x: tensor<2x2xf32> {nn.range = array<f64: -3.0, 3.0>, nn.bits = array<i64: 16>}) -> tensor<2x2xf32> {
  %w = "nn.constant"() {value = dense<[[1.0, -1.0], [-0.6, 2.0]]> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %0 = "nn.matmul"(%x, %w) {nn.ranges = [array<f64: -3.0, 3.0>], nn.results_bits = [array<i64: 32>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = "nn.matmul"(%0, %w) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = "nn.matmul"(%1, %w) {nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

// -----

// A stated reach, one a column, takes the place of the weights': 0.5 cuts the first off. A weight of 32 bits stays real.
// CHECK-LABEL: func.func @stated_weights
// CHECK:       "nn.constant"() {value = dense<{{\[\[}}127, -32], [-127, 64]]> : tensor<2x2xi8>}
// CHECK:       %[[Y:.*]] = "nn.matmul"
// CHECK:       "nn.quantize"(%[[Y]])
// CHECK-NEXT:  %[[D:.*]] = "nn.dequantize"
// CHECK-NEXT:  "nn.matmul"(%[[D]], %{{.*}}) {{.*}}nn.weight_bits
func.func @stated_weights(%x: tensor<2x2xf32> {nn.range = array<f64: -3.0, 3.0>}) -> tensor<2x2xf32> {
  %w = "nn.constant"() {value = dense<[[1.0, -1.0], [-0.6, 2.0]]> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %0 = "nn.matmul"(%x, %w) {nn.weight_reach = array<f64: 0.5, 4.0>, nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = "nn.matmul"(%0, %w) {nn.weight_bits = array<i64: 32>, nn.ranges = [array<f64: -3.0, 3.0>]} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}
