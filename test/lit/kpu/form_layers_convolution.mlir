// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @plain
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0, {{.*}}) {activation = dense<{{.*}}-1.000000e+00, 0.000000e+00, 6.000000e+00, 7.000000e+00], [0.000000e+00, 0.000000e+00, 6.000000e+00, 6.000000e+00]{{.*}}depthwise = false
// CHECK-NEXT:  return %[[L]]
func.func @plain(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, clamp = array<f64: 0.0, 6.0>, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32>
  return %1 : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @batches_are_the_hosts
// CHECK-NOT:   kpu.layer
// CHECK:       "nn.conv"{{.*}}kpu.reason = ["K210-CONV-IMAGE"
func.func @batches_are_the_hosts(%x: tensor<2x2x8x8xf32>) -> tensor<2x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<2x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<2x3x8x8xf32>
  return %1 : tensor<2x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @computed_weights_are_the_hosts
// CHECK-NOT:   kpu.layer
// CHECK:       "nn.conv"{{.*}}kpu.reason = ["K210-CONV-CONSTANT"
func.func @computed_weights_are_the_hosts(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}, %w: tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32> {
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x8x8xf32>
  return %1 : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @groups_are_zeros_of_a_dense_kernel
// CHECK:       dense<{{.*}}[5.000000e-01]], {{.*}}[5.000000e-01]], {{.*}}[0.000000e+00]], {{.*}}[0.000000e+00]]], {{.*}}[0.000000e+00]], {{.*}}[0.000000e+00]], {{.*}}[5.000000e-01]], {{.*}}[5.000000e-01]]]]> : tensor<2x4x1x1xf32>
// CHECK:       "kpu.layer"(%arg0{{.*}}depthwise = false
func.func @groups_are_zeros_of_a_dense_kernel(%x: tensor<1x4x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 2 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x8x8xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x8x8xf32>
  return %1 : tensor<1x2x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @depthwise
// CHECK:       "kpu.layer"(%arg0{{.*}}depthwise = true
func.func @depthwise(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x1x3x3xf32>} : () -> tensor<2x1x3x3xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 2 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<2x1x3x3xf32>) -> tensor<1x2x8x8xf32>
  return %1 : tensor<1x2x8x8xf32>
}

// -----

// One layer makes all copies of few channels.
// CHECK-LABEL: func.func @large_kernels_read_shifted_copies
// CHECK:       %[[C:.*]] = "kpu.layer"(%arg0{{.*}}depthwise = false{{.*}}kpu.copy{{.*}} -> tensor<1x6x8x8xf32>
// CHECK:       "kpu.layer"(%[[C]],{{.*}}depthwise = false
func.func @large_kernels_read_shifted_copies(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x5xf32>} : () -> tensor<3x2x1x5xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 2, 0, 2>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x5xf32>) -> tensor<1x3x8x8xf32>
  return %1 : tensor<1x3x8x8xf32>
}

// -----

// Those of many are made one by one.
// CHECK-LABEL: func.func @copies_of_many_channels
// CHECK:       %[[A:.*]] = "kpu.layer"(%arg0{{.*}}depthwise = true{{.*}}kpu.copy
// CHECK:       %[[B:.*]] = "kpu.layer"(%arg0{{.*}}depthwise = true{{.*}}kpu.copy
// CHECK:       "kpu.layer"(%[[A]], %arg0, %[[B]]{{.*}}depthwise = false
func.func @copies_of_many_channels(%x: tensor<1x64x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x64x1x5xf32>} : () -> tensor<3x64x1x5xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 2, 0, 2>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x64x8x8xf32>, tensor<3x64x1x5xf32>) -> tensor<1x3x8x8xf32>
  return %1 : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @a_small_map_gets_rows_and_columns
// CHECK:       %[[P:.*]] = "nn.pad"(%arg0) {{.*}}padding = array<i64: 0, 0, 0, 0, 0, 0, 2, 2>
// CHECK:       %[[L:.*]] = "kpu.layer"(%[[P]]
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[L]])
// CHECK-NEXT:  return %[[S]]
func.func @a_small_map_gets_rows_and_columns(%x: tensor<1x64x2x2xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x64x2x2xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<64x64x3x3xf32>} : () -> tensor<64x64x3x3xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x64x2x2xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x2x2xf32>
  return %1 : tensor<1x64x2x2xf32>
}

// -----

// CHECK-LABEL: func.func @a_map_too_small_to_be_worth_the_way
// CHECK-NOT:   kpu.layer
// CHECK:       "nn.conv"{{.*}}kpu.reason = ["K210-CONV-COST"
func.func @a_map_too_small_to_be_worth_the_way(%x: tensor<1x2x2x2xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x2x2xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x2x2xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x2x2xf32>
  return %1 : tensor<1x3x2x2xf32>
}

// -----

// Without padding the kernel is centred at pixels 1, 4, 7.
// CHECK-LABEL: func.func @stride_3
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0, {{.*}} -> tensor<1x3x9x9xf32>
// CHECK-NEXT:  %[[S:.*]] = "nn.slice"(%[[L]]) {{.*}}starts = array<i64: 1, 1>, steps = array<i64: 3, 3>
// CHECK-NEXT:  return %[[S]]
func.func @stride_3(%x: tensor<1x2x9x9xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x3x3xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 3, 3>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x9x9xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x3x3xf32>
  return %1 : tensor<1x3x3x3xf32>
}

// -----

// CHECK-LABEL: func.func @stride_2
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0, {{.*}}pool = "left_top2s2"
// CHECK-NEXT:  return %[[L]]
func.func @stride_2(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x4x4xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x3x3xf32>} : () -> tensor<3x2x3x3xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x4x4xf32>
  return %1 : tensor<1x3x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @padding_beyond_what_the_kernel_covers
// CHECK:       %[[P:.*]] = "nn.pad"(%arg0) {{.*}}padding = array<i64: 0, 0, 1, 1, 0, 0, 2, 2>
// CHECK:       "kpu.layer"(%[[P]],
func.func @padding_beyond_what_the_kernel_covers(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x3x11x11xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 2, 2>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>) -> tensor<1x3x11x11xf32>
  return %1 : tensor<1x3x11x11xf32>
}

// -----

// A convolution whose input shall stay real is the host's; what makes that input, and what follows, need not be.
// CHECK-LABEL: func.func @values_that_stay_real_are_the_hosts
// CHECK:       %[[A:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[B:.*]] = "nn.conv"(%[[A]]{{.*}}kpu.reason = ["K210-CONV-REAL"
// CHECK:       "kpu.layer"(%[[B]]
func.func @values_that_stay_real_are_the_hosts(%x: tensor<1x2x8x8xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x8x8xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x2x3x3xf32>} : () -> tensor<2x2x3x3xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>], nn.results_bits = [array<i64: 32>]} : (tensor<1x2x8x8xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x8x8xf32>
  %2 = "nn.conv"(%1, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x8x8xf32>
  %3 = "nn.conv"(%2, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x2x8x8xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x8x8xf32>
  return %3 : tensor<1x2x8x8xf32>
}
