// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-annotate-ranges{file=%p/Inputs/ranges.json})" | filecheck %s
// RUN: not nn-opt %s --pass-pipeline="builtin.module(nn-annotate-ranges{file=%p/Inputs/others.json})" 2>&1 | filecheck %s --check-prefix=OTHER
// RUN: not nn-opt %s --pass-pipeline="builtin.module(nn-annotate-ranges{file=%p/Inputs/nosuch.json})" 2>&1 | filecheck %s --check-prefix=NOFILE
// RUN: not nn-opt %s --pass-pipeline="builtin.module(nn-annotate-ranges)" 2>&1 | filecheck %s --check-prefix=NONE

// OTHER: error[K0718] the ranges were measured on another network, or another form of it: no range is known of 'nn.relu /b'
// NOFILE: error[K0717] {{.*}}nosuch.json: cannot be read: No such file or directory
// NONE: error[K0717] nn-annotate-ranges needs a file

// Arguments and results of floating point numbers get their ranges; integers and constants have none.
// CHECK-LABEL: func.func @main
// CHECK-SAME:  nn.name = "x", nn.range = array<f64: -1.000000e+00, 2.500000e+00>
// CHECK-SAME:  nn.name = "i"}
func.func @main(%x: tensor<1x4xf32> {nn.name = "x"}, %i: tensor<1x4xi64> {nn.name = "i"}) -> (tensor<1x2xf32>, tensor<1x4xi64>) {
  // CHECK:     "nn.relu"{{.*}}nn.ranges = [array<f64: 0.000000e+00, 2.500000e+00>]
  %0 = "nn.relu"(%x) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("m.onnx: /a")
  // A second operation of the same node has its own range.
  // CHECK:     "nn.relu"{{.*}}nn.ranges = [array<f64: 0.000000e+00, 2.000000e+00>]
  %1 = "nn.relu"(%0) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("m.onnx: /a")
  // CHECK:     "nn.relu"{{.*}}nn.ranges = [array<f64: 0.000000e+00, 1.000000e+00>]
  %2 = "nn.relu"(%1) : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("m.onnx: /b")
  // Of two results one is made of integers.
  // CHECK:     "nn.topk"{{.*}}nn.ranges = [array<f64: 5.000000e-01, 1.000000e+00>, array<f64>]
  %3:2 = "nn.topk"(%2) {k = 2 : i64, axis = 1 : i64, largest = true, sorted = true} : (tensor<1x4xf32>) -> (tensor<1x2xf32>, tensor<1x2xi64>) loc("m.onnx: /top")
  // CHECK:     "nn.constant"
  // CHECK-NOT: nn.ranges
  %c = "nn.constant"() {value = dense<1.0> : tensor<1x2xf32>} : () -> tensor<1x2xf32>
  // CHECK:     "nn.add"
  // CHECK-SAME: nn.ranges = [array<f64: 1.500000e+00, 2.000000e+00>]
  %4 = "nn.add"(%3#0, %c) : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32> loc("m.onnx: /c")
  // What was never finite has no range.
  // CHECK:     "nn.log"
  // CHECK-NOT: nn.ranges
  %5 = "nn.log"(%4) : (tensor<1x2xf32>) -> tensor<1x2xf32> loc("m.onnx: /d")
  // CHECK:     "nn.abs"
  // CHECK-NOT: nn.ranges
  %6 = "nn.abs"(%i) : (tensor<1x4xi64>) -> tensor<1x4xi64> loc("m.onnx: /e")
  return %5, %6 : tensor<1x2xf32>, tensor<1x4xi64>
}
