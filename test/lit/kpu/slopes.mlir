// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// Two blocks of 32 channels, in two layers each.
// CHECK-LABEL: func.func @slopes
// CHECK-DAG:   %[[A:.*]] = "kpu.layer"(%arg0{{.*}} -> tensor<1x64x8x8xf32>
// CHECK-DAG:   %[[B:.*]] = "kpu.layer"(%arg0{{.*}} -> tensor<1x64x8x8xf32>
// CHECK-DAG:   %[[C:.*]] = "kpu.layer"(%[[A]]{{.*}} -> tensor<1x32x8x8xf32>
// CHECK-DAG:   %[[D:.*]] = "kpu.layer"(%[[B]]{{.*}} -> tensor<1x32x8x8xf32>
// CHECK:       %[[J:.*]] = "nn.concat"(%[[C]], %[[D]])
// CHECK-NEXT:  return %[[J]]
func.func @slopes(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x64x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<64x2x1x1xf32>} : () -> tensor<64x2x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<64x2x1x1xf32>) -> tensor<1x64x8x8xf32>
  %a2 = "nn.constant"() {value = dense<[[[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]]]> : tensor<64x1x1xf32>} : () -> tensor<64x1x1xf32>
  %2 = "nn.prelu"(%1, %a2) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x64x8x8xf32>, tensor<64x1x1xf32>) -> tensor<1x64x8x8xf32>
  return %2 : tensor<1x64x8x8xf32>
}

// -----

// The host's maps keep their slopes.
// CHECK-LABEL: func.func @slopes_of_an_input
// CHECK-NOT:   "kpu.layer"
// CHECK:       "nn.prelu"
func.func @slopes_of_an_input(%x: tensor<1x64x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x64x8x8xf32> {
  %a2 = "nn.constant"() {value = dense<[[[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]], [[0.2]], [[0.3]], [[0.4]], [[0.5]], [[0.6]], [[0.7]], [[0.1]]]> : tensor<64x1x1xf32>} : () -> tensor<64x1x1xf32>
  %2 = "nn.prelu"(%x, %a2) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x64x8x8xf32>, tensor<64x1x1xf32>) -> tensor<1x64x8x8xf32>
  return %2 : tensor<1x64x8x8xf32>
}

// -----

// Two of eight channels have weights: the four of the line that they are in are read.
// CHECK-LABEL: func.func @zeros
// CHECK:       %[[S:.*]] = "nn.slice"(%arg0) {{.*}}ends = array<i64: 4>{{.*}}starts = array<i64: 0>
// CHECK:       "kpu.layer"(%[[S]]
func.func @zeros(%x: tensor<1x8x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x1x8x8xf32> {
  %w = "nn.constant"() {value = dense<[[[[1.0]], [[1.0]], [[0.0]], [[0.0]], [[0.0]], [[0.0]], [[0.0]], [[0.0]]]]> : tensor<1x8x1x1xf32>} : () -> tensor<1x8x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>, tensor<1x8x1x1xf32>) -> tensor<1x1x8x8xf32>
  return %1 : tensor<1x1x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @zeros_between_others
// CHECK-NOT:   "nn.slice"
// CHECK:       "kpu.layer"(%arg0
func.func @zeros_between_others(%x: tensor<1x8x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x1x8x8xf32> {
  %w = "nn.constant"() {value = dense<[[[[1.0]], [[0.0]], [[0.0]], [[0.0]], [[0.0]], [[0.0]], [[0.0]], [[1.0]]]]> : tensor<1x8x1x1xf32>} : () -> tensor<1x8x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>, tensor<1x8x1x1xf32>) -> tensor<1x1x8x8xf32>
  return %1 : tensor<1x1x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @channels_of_joined
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%arg1) {{.*}}ends = array<i64: 3>{{.*}}starts = array<i64: 1>
// CHECK-NEXT:  return %[[S]]
func.func @channels_of_joined(%x: tensor<1x4x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %y: tensor<1x4x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x8x8xf32> {
  %1 = "nn.concat"(%x, %y) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 5>, ends = array<i64: 7>, axes = array<i64: 1>, steps = array<i64: 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>) -> tensor<1x2x8x8xf32>
  return %2 : tensor<1x2x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @channels_of_both
// CHECK-NEXT:  %[[J:.*]] = "nn.concat"
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[J]])
// CHECK-NEXT:  return %[[S]]
func.func @channels_of_both(%x: tensor<1x4x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %y: tensor<1x4x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x8x8xf32> {
  %1 = "nn.concat"(%x, %y) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 3>, ends = array<i64: 5>, axes = array<i64: 1>, steps = array<i64: 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>) -> tensor<1x2x8x8xf32>
  return %2 : tensor<1x2x8x8xf32>
}

// -----

// Beside another map of one layer there can only be a whole map.
// CHECK-LABEL: func.func @layer_of_channels
// CHECK-DAG:   %[[A:.*]] = "kpu.layer"(%arg0{{.*}} -> tensor<1x4x8x8xf32>
// CHECK-DAG:   %[[B:.*]] = "kpu.layer"(%arg0{{.*}} -> tensor<1x4x8x8xf32>
// CHECK-DAG:   "kpu.layer"(%[[A]], %arg1
// CHECK-DAG:   "kpu.layer"(%[[B]], %arg1
func.func @layer_of_channels(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %y: tensor<1x4x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) {
  %w = "nn.constant"() {value = dense<[[[[0.0]], [[1.0]]], [[[1.0]], [[1.0]]], [[[2.0]], [[1.0]]], [[[3.0]], [[1.0]]], [[[4.0]], [[1.0]]], [[[5.0]], [[1.0]]], [[[6.0]], [[1.0]]], [[[7.0]], [[1.0]]]]> : tensor<8x2x1x1xf32>} : () -> tensor<8x2x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<8x2x1x1xf32>) -> tensor<1x8x8x8xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 0>, ends = array<i64: 4>, axes = array<i64: 1>, steps = array<i64: 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>) -> tensor<1x4x8x8xf32>
  %3 = "nn.slice"(%1) {starts = array<i64: 4>, ends = array<i64: 8>, axes = array<i64: 1>, steps = array<i64: 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>) -> tensor<1x4x8x8xf32>
  %4 = "nn.concat"(%2, %y) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32>
  %5 = "nn.concat"(%3, %y) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32>
  %u = "nn.constant"() {value = dense<0.5> : tensor<3x8x1x1xf32>} : () -> tensor<3x8x1x1xf32>
  %6 = "nn.conv"(%4, %u) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>, tensor<3x8x1x1xf32>) -> tensor<1x3x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<3x8x1x1xf32>} : () -> tensor<3x8x1x1xf32>
  %7 = "nn.conv"(%5, %v) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>, tensor<3x8x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %6, %7 : tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>
}

// -----

// Alone, channels are read where they are.
// CHECK-LABEL: func.func @channels_alone
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0{{.*}} -> tensor<1x8x8x8xf32>
// CHECK:       %[[S:.*]] = "nn.slice"(%[[L]])
// CHECK:       "kpu.layer"(%[[S]]
func.func @channels_alone(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<8x2x1x1xf32>} : () -> tensor<8x2x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<8x2x1x1xf32>) -> tensor<1x8x8x8xf32>
  %2 = "nn.slice"(%1) {starts = array<i64: 0>, ends = array<i64: 4>, axes = array<i64: 1>, steps = array<i64: 1>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>) -> tensor<1x4x8x8xf32>
  %u = "nn.constant"() {value = dense<0.5> : tensor<3x4x1x1xf32>} : () -> tensor<3x4x1x1xf32>
  %6 = "nn.conv"(%2, %u) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x8x8xf32>, tensor<3x4x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %6 : tensor<1x3x8x8xf32>
}

// -----

// What is pooled is each of the layers.
// CHECK-LABEL: func.func @pooling_of_joined
// CHECK:       "kpu.layer"({{.*}}pool = "max2s2"
// CHECK:       "kpu.layer"({{.*}}pool = "max2s2"
// CHECK:       "nn.concat"
// CHECK-NOT:   "nn.max_pool"
func.func @pooling_of_joined(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %y: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x8x4x4xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<4x2x1x1xf32>} : () -> tensor<4x2x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<4x2x1x1xf32>) -> tensor<1x4x8x8xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<4x2x1x1xf32>} : () -> tensor<4x2x1x1xf32>
  %2 = "nn.conv"(%y, %v) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<4x2x1x1xf32>) -> tensor<1x4x8x8xf32>
  %3 = "nn.concat"(%1, %2) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32>
  %4 = "nn.max_pool"(%3) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x8x8xf32>) -> tensor<1x8x4x4xf32>
  return %4 : tensor<1x8x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @slopes_of_joined
// CHECK-NOT:   "nn.prelu"
// CHECK:       "nn.concat"
// CHECK-NEXT:  return
func.func @slopes_of_joined(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %y: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x4x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x8x8xf32>
  %2 = "nn.conv"(%y, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x8x8xf32>
  %3 = "nn.concat"(%1, %2) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<1x2x8x8xf32>) -> tensor<1x4x8x8xf32>
  %a = "nn.constant"() {value = dense<[[[0.1]], [[0.2]], [[0.3]], [[0.4]]]> : tensor<4x1x1xf32>} : () -> tensor<4x1x1xf32>
  %4 = "nn.prelu"(%3, %a) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<1x4x8x8xf32>
  return %4 : tensor<1x4x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @slopes_of_joined_with_input
// CHECK:       "nn.concat"
// CHECK:       "nn.prelu"
func.func @slopes_of_joined_with_input(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %y: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x4x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x8x8xf32>
  %3 = "nn.concat"(%1, %y) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<1x2x8x8xf32>) -> tensor<1x4x8x8xf32>
  %a = "nn.constant"() {value = dense<[[[0.1]], [[0.2]], [[0.3]], [[0.4]]]> : tensor<4x1x1xf32>} : () -> tensor<4x1x1xf32>
  %4 = "nn.prelu"(%3, %a) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<1x4x8x8xf32>
  return %4 : tensor<1x4x8x8xf32>
}

// -----

// A network that is quantised need not say which range the result has: then it stays what it is.
// CHECK-LABEL: func.func @result_without_range
// CHECK:       "kpu.layer"
// CHECK:       "nn.prelu"
func.func @result_without_range(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %c = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -2.0, 3.0>]} : (tensor<1x2x8x8xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x8x8xf32>
  %s = "nn.constant"() {value = dense<[[[0.5]], [[0.25]]]> : tensor<2x1x1xf32>} : () -> tensor<2x1x1xf32>
  %y = "nn.prelu"(%c, %s) : (tensor<1x2x8x8xf32>, tensor<2x1x1xf32>) -> tensor<1x2x8x8xf32>
  return %y : tensor<1x2x8x8xf32>
}
