// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-form-layers)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @mean
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK:       %[[M:.*]] = "kpu.layer"(%[[L]]{{.*}}kpu.copy{{.*}}pool = "mean4s4"{{.*}} -> tensor<1x4x16x16xf32>
// CHECK-NEXT:  %[[R:.*]] = "nn.reduce"(%[[M]])
// CHECK-NEXT:  return %[[L]], %[[R]]
func.func @mean(%x: tensor<1x3x64x64xf32> {nn.range = array<f64: -1.0, 1.0>}) -> (tensor<1x4x64x64xf32>, tensor<1x4x1x1xf32>) {
  %w = "nn.constant"() {value = dense<0.5> : tensor<4x3x1x1xf32>} : () -> tensor<4x3x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x64x64xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x64x64xf32>
  %2 = "nn.reduce"(%1) {kind = "mean", axes = array<i64: 2, 3>, keepdims = true, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x64x64xf32>) -> tensor<1x4x1x1xf32>
  return %1, %2 : tensor<1x4x64x64xf32>, tensor<1x4x1x1xf32>
}

// -----

// The weights of a layer that only pools are zeros, but for one a channel: it is done for some channels at a time.
// CHECK-LABEL: func.func @mean_of_many_channels
// CHECK-DAG:   "kpu.layer"({{.*}}pool = "mean4s4"{{.*}} -> tensor<1x32x16x16xf32>
// CHECK-DAG:   "kpu.layer"({{.*}}pool = "mean4s4"{{.*}} -> tensor<1x8x16x16xf32>
// CHECK:       "nn.concat"
func.func @mean_of_many_channels(%x: tensor<1x3x64x64xf32> {nn.range = array<f64: -1.0, 1.0>}) -> (tensor<1x136x64x64xf32>, tensor<1x136x1x1xf32>) {
  %w = "nn.constant"() {value = dense<0.5> : tensor<136x3x1x1xf32>} : () -> tensor<136x3x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x64x64xf32>, tensor<136x3x1x1xf32>) -> tensor<1x136x64x64xf32>
  %2 = "nn.reduce"(%1) {kind = "mean", axes = array<i64: 2, 3>, keepdims = true, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x136x64x64xf32>) -> tensor<1x136x1x1xf32>
  return %1, %2 : tensor<1x136x64x64xf32>, tensor<1x136x1x1xf32>
}

// -----

// Too few means would be left, each rounded to a byte.
// CHECK-LABEL: func.func @mean_of_a_small_map
// CHECK-NOT:   mean2s2
// CHECK:       "nn.reduce"
func.func @mean_of_a_small_map(%x: tensor<1x3x14x14xf32> {nn.range = array<f64: -1.0, 1.0>}) -> (tensor<1x40x14x14xf32>, tensor<1x40x1x1xf32>) {
  %w = "nn.constant"() {value = dense<0.5> : tensor<40x3x1x1xf32>} : () -> tensor<40x3x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x14x14xf32>, tensor<40x3x1x1xf32>) -> tensor<1x40x14x14xf32>
  %2 = "nn.reduce"(%1) {kind = "mean", axes = array<i64: 2, 3>, keepdims = true, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x40x14x14xf32>) -> tensor<1x40x1x1xf32>
  return %1, %2 : tensor<1x40x14x14xf32>, tensor<1x40x1x1xf32>
}

// -----

// CHECK-LABEL: func.func @sum
// CHECK-NOT:   mean4s4
// CHECK:       "nn.reduce"
func.func @sum(%x: tensor<1x3x64x64xf32> {nn.range = array<f64: -1.0, 1.0>}) -> (tensor<1x4x64x64xf32>, tensor<1x4x1x1xf32>) {
  %w = "nn.constant"() {value = dense<0.5> : tensor<4x3x1x1xf32>} : () -> tensor<4x3x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x64x64xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x64x64xf32>
  %2 = "nn.reduce"(%1) {kind = "sum", axes = array<i64: 2, 3>, keepdims = true, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x4x64x64xf32>) -> tensor<1x4x1x1xf32>
  return %1, %2 : tensor<1x4x64x64xf32>, tensor<1x4x1x1xf32>
}

// -----

// 256 KB are scaled in two portions, which the layer behind reads one behind the other.
// CHECK-LABEL: func.func @scaled
// CHECK:       %[[L:.*]] = "kpu.layer"(%arg0
// CHECK-DAG:   "nn.mul"{{.*}} -> tensor<1x8x64x64xf32>
// CHECK-DAG:   "nn.mul"{{.*}} -> tensor<1x8x64x64xf32>
// CHECK-NOT:   "nn.mul"
// CHECK-NOT:   "nn.concat"
// CHECK:       "kpu.layer"({{.*}}, {{.*}}, {{.*}}, {{.*}}) {{.*}} -> tensor<1x2x64x64xf32>
func.func @scaled(%x: tensor<1x3x64x64xf32> {nn.range = array<f64: -1.0, 1.0>}, %s: tensor<1x16x1x1xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x64x64xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<16x3x1x1xf32>} : () -> tensor<16x3x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x64x64xf32>, tensor<16x3x1x1xf32>) -> tensor<1x16x64x64xf32>
  %2 = "nn.mul"(%1, %s) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x16x64x64xf32>, tensor<1x16x1x1xf32>) -> tensor<1x16x64x64xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x16x1x1xf32>} : () -> tensor<2x16x1x1xf32>
  %3 = "nn.conv"(%2, %v) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x16x64x64xf32>, tensor<2x16x1x1xf32>) -> tensor<1x2x64x64xf32>
  return %3 : tensor<1x2x64x64xf32>
}

// -----

// 128 KB at once.
// CHECK-LABEL: func.func @scaled_small_map
// CHECK:       "nn.mul"{{.*}} -> tensor<1x8x64x64xf32>
func.func @scaled_small_map(%x: tensor<1x3x64x64xf32> {nn.range = array<f64: -1.0, 1.0>}, %s: tensor<1x8x1x1xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x64x64xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<8x3x1x1xf32>} : () -> tensor<8x3x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x64x64xf32>, tensor<8x3x1x1xf32>) -> tensor<1x8x64x64xf32>
  %2 = "nn.mul"(%1, %s) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x64x64xf32>, tensor<1x8x1x1xf32>) -> tensor<1x8x64x64xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x8x1x1xf32>} : () -> tensor<2x8x1x1xf32>
  %3 = "nn.conv"(%2, %v) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x8x64x64xf32>, tensor<2x8x1x1xf32>) -> tensor<1x2x64x64xf32>
  return %3 : tensor<1x2x64x64xf32>
}

// -----

// A factor for every pixel is a map of the host's, which has no bytes to take portions of.
// CHECK-LABEL: func.func @scaled_by_pixel
// CHECK:       "nn.mul"{{.*}} -> tensor<1x16x64x64xf32>
func.func @scaled_by_pixel(%x: tensor<1x3x64x64xf32> {nn.range = array<f64: -1.0, 1.0>}, %s: tensor<1x16x64x64xf32> {nn.range = array<f64: -1.0, 1.0>}) -> tensor<1x2x64x64xf32> {
  %w = "nn.constant"() {value = dense<0.5> : tensor<16x3x1x1xf32>} : () -> tensor<16x3x1x1xf32>
  %1 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x3x64x64xf32>, tensor<16x3x1x1xf32>) -> tensor<1x16x64x64xf32>
  %2 = "nn.mul"(%1, %s) {nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x16x64x64xf32>, tensor<1x16x64x64xf32>) -> tensor<1x16x64x64xf32>
  %v = "nn.constant"() {value = dense<0.5> : tensor<2x16x1x1xf32>} : () -> tensor<2x16x1x1xf32>
  %3 = "nn.conv"(%2, %v) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, nn.ranges = [array<f64: -9.0, 9.0>]} : (tensor<1x16x64x64xf32>, tensor<2x16x1x1xf32>) -> tensor<1x2x64x64xf32>
  return %3 : tensor<1x2x64x64xf32>
}
