// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-prepare)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @row
// CHECK-NOT:   nn.matmul
// CHECK:       %[[P:.*]] = "nn.reshape"(%arg0) {shape = array<i64: 1, 6, 1, 1>}
// CHECK:       %[[C:.*]] = "nn.conv"(%[[P]], {{.*}}, {{.*}}) {
// CHECK-NOT:   nn.add
// CHECK:       "nn.reshape"(%[[C]]) {shape = array<i64: 1, 4>}
func.func @row(%x: tensor<1x6xf32>) -> tensor<1x4xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<6x4xf32>} : () -> tensor<6x4xf32>
  %y = "nn.matmul"(%x, %w) : (tensor<1x6xf32>, tensor<6x4xf32>) -> tensor<1x4xf32>
  %k = "nn.constant"() {value = dense<0.5> : tensor<4xf32>} : () -> tensor<4xf32>
  %z = "nn.add"(%y, %k) : (tensor<1x4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
  return %z : tensor<1x4xf32>
}

// -----

// CHECK-LABEL: func.func @two_rows
// CHECK:       "nn.matmul"
func.func @two_rows(%x: tensor<2x6xf32>) -> tensor<2x4xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<6x4xf32>} : () -> tensor<6x4xf32>
  %y = "nn.matmul"(%x, %w) : (tensor<2x6xf32>, tensor<6x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @many_rows
// CHECK-NOT:   nn.matmul
// CHECK:       "nn.conv"{{.*}} -> tensor<1x64x{{4x10|10x4|5x8|8x5}}xf32>
// CHECK-NOT:   nn.add
// CHECK:       "nn.transpose"
// CHECK:       return
func.func @many_rows(%x: tensor<2x20x32xf32>) -> tensor<2x20x64xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<32x64xf32>} : () -> tensor<32x64xf32>
  %y = "nn.matmul"(%x, %w) : (tensor<2x20x32xf32>, tensor<32x64xf32>) -> tensor<2x20x64xf32>
  %k = "nn.constant"() {value = dense<0.5> : tensor<64xf32>} : () -> tensor<64xf32>
  %z = "nn.add"(%y, %k) : (tensor<2x20x64xf32>, tensor<64xf32>) -> tensor<2x20x64xf32>
  return %z : tensor<2x20x64xf32>
}

// -----

// CHECK-LABEL: func.func @a_prime_number_of_rows
// CHECK:       "nn.matmul"
func.func @a_prime_number_of_rows(%x: tensor<41x32xf32>) -> tensor<41x64xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<32x64xf32>} : () -> tensor<32x64xf32>
  %y = "nn.matmul"(%x, %w) : (tensor<41x32xf32>, tensor<32x64xf32>) -> tensor<41x64xf32>
  return %y : tensor<41x64xf32>
}

// -----

// The way there costs more than so small a product.
// CHECK-LABEL: func.func @a_small_product
// CHECK:       "nn.matmul"
func.func @a_small_product(%x: tensor<40x2xf32>) -> tensor<40x2xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %y = "nn.matmul"(%x, %w) : (tensor<40x2xf32>, tensor<2x2xf32>) -> tensor<40x2xf32>
  return %y : tensor<40x2xf32>
}

// -----

// CHECK-LABEL: func.func @computed_matrix
// CHECK-NEXT:  %0 = "nn.matmul"(%arg0, %arg1)
func.func @computed_matrix(%x: tensor<1x6xf32>, %w: tensor<6x4xf32>) -> tensor<1x4xf32> {
  %y = "nn.matmul"(%x, %w) : (tensor<1x6xf32>, tensor<6x4xf32>) -> tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}

// -----

// CHECK-LABEL: func.func @mean
// CHECK:       %[[C:.*]] = "nn.conv"(%arg0, {{.*}} -> tensor<1x4x8x8xf32>
// CHECK-NEXT:  %[[R:.*]] = "nn.reduce"(%[[C]])
// CHECK-NEXT:  return %[[R]]
func.func @mean(%x: tensor<1x6x8x8xf32>) -> tensor<1x4x1x1xf32> {
  %m = "nn.reduce"(%x) {kind = "mean", axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x6x8x8xf32>) -> tensor<1x6x1x1xf32>
  %w = "nn.constant"() {value = dense<0.5> : tensor<4x6x1x1xf32>} : () -> tensor<4x6x1x1xf32>
  %y = "nn.conv"(%m, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x6x1x1xf32>, tensor<4x6x1x1xf32>) -> tensor<1x4x1x1xf32>
  return %y : tensor<1x4x1x1xf32>
}

// -----

// CHECK-LABEL: func.func @pooling_over_all
// CHECK:       %[[C:.*]] = "nn.conv"(%arg0, {{.*}} -> tensor<1x4x8x8xf32>
// CHECK-NEXT:  %[[R:.*]] = "nn.reduce"(%[[C]])
// CHECK-NEXT:  return %[[R]]
func.func @pooling_over_all(%x: tensor<1x6x8x8xf32>) -> tensor<1x4x1x1xf32> {
  %m = "nn.avg_pool"(%x) {kernel = array<i64: 8, 8>, strides = array<i64: 8, 8>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = false} : (tensor<1x6x8x8xf32>) -> tensor<1x6x1x1xf32>
  %w = "nn.constant"() {value = dense<0.5> : tensor<4x6x1x1xf32>} : () -> tensor<4x6x1x1xf32>
  %y = "nn.conv"(%m, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x6x1x1xf32>, tensor<4x6x1x1xf32>) -> tensor<1x4x1x1xf32>
  return %y : tensor<1x4x1x1xf32>
}

// -----

// CHECK-LABEL: func.func @more_results_than_channels
// CHECK:       %[[R:.*]] = "nn.reduce"(%arg0)
// CHECK:       "nn.conv"(%[[R]]
func.func @more_results_than_channels(%x: tensor<1x6x8x8xf32>) -> tensor<1x9x1x1xf32> {
  %m = "nn.reduce"(%x) {kind = "mean", axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x6x8x8xf32>) -> tensor<1x6x1x1xf32>
  %w = "nn.constant"() {value = dense<0.5> : tensor<9x6x1x1xf32>} : () -> tensor<9x6x1x1xf32>
  %y = "nn.conv"(%m, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x6x1x1xf32>, tensor<9x6x1x1xf32>) -> tensor<1x9x1x1xf32>
  return %y : tensor<1x9x1x1xf32>
}

// -----

// CHECK-LABEL: func.func @limited_results
// CHECK:       %[[R:.*]] = "nn.reduce"(%arg0)
// CHECK:       "nn.conv"(%[[R]]
func.func @limited_results(%x: tensor<1x6x8x8xf32>) -> tensor<1x4x1x1xf32> {
  %m = "nn.reduce"(%x) {kind = "mean", axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x6x8x8xf32>) -> tensor<1x6x1x1xf32>
  %w = "nn.constant"() {value = dense<0.5> : tensor<4x6x1x1xf32>} : () -> tensor<4x6x1x1xf32>
  %y = "nn.conv"(%m, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, clamp = array<f64: 0.0, 6.0>} : (tensor<1x6x1x1xf32>, tensor<4x6x1x1xf32>) -> tensor<1x4x1x1xf32>
  return %y : tensor<1x4x1x1xf32>
}

// -----

// CHECK-LABEL: func.func @mean_that_others_use
// CHECK:       %[[R:.*]] = "nn.reduce"(%arg0)
// CHECK:       "nn.conv"(%[[R]]
func.func @mean_that_others_use(%x: tensor<1x6x8x8xf32>) -> (tensor<1x4x1x1xf32>, tensor<1x6x1x1xf32>) {
  %m = "nn.reduce"(%x) {kind = "mean", axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x6x8x8xf32>) -> tensor<1x6x1x1xf32>
  %w = "nn.constant"() {value = dense<0.5> : tensor<4x6x1x1xf32>} : () -> tensor<4x6x1x1xf32>
  %y = "nn.conv"(%m, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x6x1x1xf32>, tensor<4x6x1x1xf32>) -> tensor<1x4x1x1xf32>
  return %y, %m : tensor<1x4x1x1xf32>, tensor<1x6x1x1xf32>
}

// -----

// CHECK-LABEL: func.func @sum_with_scaled
// CHECK:       %[[S:.*]] = "nn.add"(%arg1, {{.*}}) : (tensor<1x4x1x1xf32>
// CHECK-NEXT:  %[[P:.*]] = "nn.mul"(%arg0, %[[S]])
// CHECK-NEXT:  return %[[P]]
func.func @sum_with_scaled(%x: tensor<1x4x8x8xf32>, %s: tensor<1x4x1x1xf32>) -> tensor<1x4x8x8xf32> {
  %1 = "nn.mul"(%x, %s) : (tensor<1x4x8x8xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %2 = "nn.add"(%x, %1) : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  return %2 : tensor<1x4x8x8xf32>
}

// -----

// CHECK-LABEL: func.func @sum_with_another_map_scaled
// CHECK-NEXT:  "nn.mul"
// CHECK-NEXT:  "nn.add"
func.func @sum_with_another_map_scaled(%x: tensor<1x4x8x8xf32>, %y: tensor<1x4x8x8xf32>, %s: tensor<1x4x1x1xf32>) -> tensor<1x4x8x8xf32> {
  %1 = "nn.mul"(%y, %s) : (tensor<1x4x8x8xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %2 = "nn.add"(%x, %1) : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  return %2 : tensor<1x4x8x8xf32>
}
