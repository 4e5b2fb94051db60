// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose-softmax)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @sigmoid
// CHECK:       %[[MINUS:.*]] = "nn.neg"(%arg0)
// CHECK:       %[[POWER:.*]] = "nn.exp"(%[[MINUS]])
// CHECK:       %[[BELOW:.*]] = "nn.add"(%[[POWER]],
// CHECK:       "nn.div"({{.*}}, %[[BELOW]])
// CHECK-NOT:   "nn.sigmoid"
func.func @sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.sigmoid"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @softmax
// CHECK:       %[[TOP:.*]] = "nn.reduce"(%arg0) {axes = array<i64: 1>, keepdims = true, kind = "max"}
// CHECK:       %[[CENTRED:.*]] = "nn.sub"(%arg0, %[[TOP]])
// CHECK:       %[[POWERS:.*]] = "nn.exp"(%[[CENTRED]])
// CHECK:       %[[TOTAL:.*]] = "nn.reduce"(%[[POWERS]]) {axes = array<i64: 1>, keepdims = true, kind = "sum"}
// CHECK:       "nn.div"(%[[POWERS]], %[[TOTAL]])
// CHECK-NOT:   "nn.softmax"
func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = "nn.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// Other functions stay as they are.
// CHECK-LABEL: func.func @others
// CHECK-NEXT:  "nn.tanh"(%arg0)
// CHECK-NEXT:  "nn.hard_sigmoid"
// CHECK-NEXT:  return
func.func @others(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.tanh"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.hard_sigmoid"(%0) {alpha = 0.2 : f64, beta = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
