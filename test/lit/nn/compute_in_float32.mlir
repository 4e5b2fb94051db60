// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-compute-in-float32)" --split-input-file | filecheck %s
// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-compute-in-float32{rounding=false})" --split-input-file | filecheck %s --check-prefix=KEPT

// CHECK-LABEL: func.func @half
// CHECK:       %[[WIDE:.*]] = "nn.cast"(%arg0) {saturate = true, to = f32}
// CHECK:       %[[POWER:.*]] = "nn.exp"(%[[WIDE]]) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK:       %[[ROUNDED:.*]] = "nn.cast"(%[[POWER]]) {saturate = true, to = f16}
// CHECK:       return %[[ROUNDED]]
func.func @half(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = "nn.exp"(%x) : (tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// -----

// Each operation rounds to float16.
// CHECK-LABEL: func.func @halves_in_a_row
// CHECK:       "nn.exp"
// CHECK:       "nn.cast"{{.*}} to = f16
// CHECK:       "nn.cast"{{.*}} to = f32
// CHECK:       "nn.neg"
// CHECK:       "nn.cast"{{.*}} to = f16
// KEPT-LABEL:  func.func @halves_in_a_row
// KEPT:        "nn.cast"(%arg0) {{.*}}to = f32
// KEPT-NEXT:   "nn.exp"
// KEPT-NEXT:   "nn.neg"
// KEPT-NEXT:   "nn.cast"{{.*}}to = f16
func.func @halves_in_a_row(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = "nn.exp"(%x) : (tensor<4xf16>) -> tensor<4xf16>
  %1 = "nn.neg"(%0) : (tensor<4xf16>) -> tensor<4xf16>
  return %1 : tensor<4xf16>
}

// -----

// Nothing of float64 is left between operations, whose precision is lost already.
// CHECK-LABEL: func.func @doubles_in_a_row
// CHECK:       %[[NARROW:.*]] = "nn.cast"(%arg0) {{.*}}to = f32
// CHECK-NEXT:  %[[POWER:.*]] = "nn.exp"(%[[NARROW]])
// CHECK-NEXT:  %[[NEGATED:.*]] = "nn.neg"(%[[POWER]])
// CHECK-NEXT:  "nn.cast"(%[[NEGATED]]) {{.*}}to = f64
func.func @doubles_in_a_row(%x: tensor<4xf64>) -> tensor<4xf64> {
  %0 = "nn.exp"(%x) : (tensor<4xf64>) -> tensor<4xf64>
  %1 = "nn.neg"(%0) : (tensor<4xf64>) -> tensor<4xf64>
  return %1 : tensor<4xf64>
}

// -----

// What is known is converted here; an operand that is not there stays away.
// CHECK-LABEL: func.func @constant
// CHECK:       "nn.constant"() {value = dense<2.500000e-01> : tensor<2x1x1x1xf32>}
// CHECK:       "nn.conv"({{[^,]*}}, {{[^,]*}}) {{.*}} : (tensor<1x1x3x3xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x3x3xf32>
func.func @constant(%x: tensor<1x1x3x3xf16>) -> tensor<1x2x3x3xf16> {
  %w = "nn.constant"() {value = dense<0.25> : tensor<2x1x1x1xf16>} : () -> tensor<2x1x1x1xf16>
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64,
    padding = array<i64: 0, 0, 0, 0>} : (tensor<1x1x3x3xf16>, tensor<2x1x1x1xf16>) -> tensor<1x2x3x3xf16>
  return %0 : tensor<1x2x3x3xf16>
}

// -----

// Results of other types are what they are.
// CHECK-LABEL: func.func @comparison
// CHECK:       %[[LESS:.*]] = "nn.less"({{.*}}) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
// CHECK-NEXT:  return %[[LESS]]
func.func @comparison(%x: tensor<4xf16>, %y: tensor<4xf16>) -> tensor<4xi1> {
  %0 = "nn.less"(%x, %y) : (tensor<4xf16>, tensor<4xf16>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// -----

// CHECK-LABEL: func.func @adding_at_places
// CHECK:       "nn.scatter_nd"({{.*}}) {reduction = "add"} : (tensor<4xf32>, tensor<1x1xi64>, tensor<1xf32>)
func.func @adding_at_places(%x: tensor<4xf16>, %i: tensor<1x1xi64>, %u: tensor<1xf16>) -> tensor<4xf16> {
  %0 = "nn.scatter_nd"(%x, %i, %u) {reduction = "add"} : (tensor<4xf16>, tensor<1x1xi64>, tensor<1xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// -----

// Bits are moved as they are.
// CHECK-LABEL: func.func @moving
// CHECK-NOT:   "nn.cast"
func.func @moving(%x: tensor<2x2xf64>, %i: tensor<1x2xi64>, %u: tensor<1xf64>, %c: tensor<2x2xi1>) -> tensor<2x2xf64> {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<2x2xf64>) -> tensor<2x2xf64>
  %1 = "nn.scatter_nd"(%0, %i, %u) {reduction = "none"} : (tensor<2x2xf64>, tensor<1x2xi64>, tensor<1xf64>) -> tensor<2x2xf64>
  %2 = "nn.where"(%c, %0, %1) : (tensor<2x2xi1>, tensor<2x2xf64>, tensor<2x2xf64>) -> tensor<2x2xf64>
  return %2 : tensor<2x2xf64>
}

// -----

// CHECK-LABEL: func.func @float
// CHECK-NOT:   "nn.cast"
func.func @float(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Through float16 a number is rounded.
// CHECK-LABEL: func.func @rounding
// CHECK:       "nn.cast"(%arg0) {saturate = true, to = f16}
// CHECK:       "nn.cast"{{.*}}to = f32
func.func @rounding(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.cast"(%x) {to = f16, saturate = true} : (tensor<4xf32>) -> tensor<4xf16>
  %1 = "nn.cast"(%0) {to = f32, saturate = true} : (tensor<4xf16>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
