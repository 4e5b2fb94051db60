// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-plan-memory)" --split-input-file | filecheck %s

// Results that are never alive together share memory; the last one is written where the output is.
// CHECK-LABEL: func.func @chain
// CHECK-SAME:  nn.scratch = 32 : i64
// CHECK:       "nn.exp"{{.*}}nn.offsets = array<i64: 0>
// CHECK:       "nn.abs"{{.*}}nn.offsets = array<i64: 16>
// CHECK:       "nn.neg"{{.*}}nn.offsets = array<i64: 0>
// CHECK:       "nn.exp"{{.*}}nn.offsets = array<i64: -1>
func.func @chain(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.abs"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.neg"(%1) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = "nn.exp"(%2) : (tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// What is used again at the end must not share memory with what comes in between.
// CHECK-LABEL: func.func @skip
// CHECK-SAME:  nn.scratch = 48 : i64
func.func @skip(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.abs"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.neg"(%1) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = "nn.add"(%0, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// A reshape has no memory of its own, but keeps its operand's alive: and an output may be a reshape.
// CHECK-LABEL: func.func @reshapes
// CHECK-SAME:  nn.scratch = 48 : i64
// CHECK:       "nn.exp"{{.*}}nn.offsets = array<i64: [[HELD:[0-9]+]]>
// CHECK-NEXT:  "nn.reshape"(%{{[0-9]+}}) {shape
// CHECK-NOT:   "nn.abs"{{.*}}nn.offsets = array<i64: [[HELD]]>
// CHECK:       "nn.add"{{.*}}nn.offsets = array<i64: -1>
// CHECK-NEXT:  "nn.reshape"(%{{[0-9]+}}) {shape
func.func @reshapes(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.reshape"(%0) {shape = array<i64: 2, 2>} : (tensor<4xf32>) -> tensor<2x2xf32>
  %2 = "nn.abs"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = "nn.neg"(%2) : (tensor<4xf32>) -> tensor<4xf32>
  %4 = "nn.reshape"(%3) {shape = array<i64: 2, 2>} : (tensor<4xf32>) -> tensor<2x2xf32>
  %5 = "nn.add"(%1, %4) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %6 = "nn.reshape"(%5) {shape = array<i64: 4>} : (tensor<2x2xf32>) -> tensor<4xf32>
  return %6 : tensor<4xf32>
}

// -----

// A selection needs its condition as float32 while it runs: 16 bytes.
// CHECK-LABEL: func.func @working_memory
// CHECK-SAME:  nn.scratch = 16 : i64
// CHECK:       "nn.where"{{.*}}nn.offsets = array<i64: -1, 0>
func.func @working_memory(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.where"(%c, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Inputs and constants that are returned are nobody's buffer.
// CHECK-LABEL: func.func @returned
// CHECK-SAME:  nn.scratch = 0 : i64
// CHECK-NOT:   nn.offsets
func.func @returned(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2x2xf32>, tensor<2xf32>) {
  %0 = "nn.constant"() {value = dense<1.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %1 = "nn.reshape"(%x) {shape = array<i64: 2, 2>} : (tensor<4xf32>) -> tensor<2x2xf32>
  return %x, %1, %0 : tensor<4xf32>, tensor<2x2xf32>, tensor<2xf32>
}
