// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose)" | filecheck %s
// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-drop-dynamic-rounding)" | filecheck %s --check-prefix=DROP

// Steps between the extremes of each row, of which 0 is one.
// CHECK-LABEL: func.func @rows
// CHECK:       %[[N:.*]] = "nn.reduce"(%arg0) {axes = array<i64: 1>, keepdims = true, kind = "min"}
// CHECK:       %[[X:.*]] = "nn.reduce"(%arg0) {axes = array<i64: 1>, keepdims = true, kind = "max"}
// CHECK:       %[[L:.*]] = "nn.minimum"(%[[N]], %{{.*}})
// CHECK:       %[[H:.*]] = "nn.maximum"(%[[X]], %{{.*}})
// CHECK:       %[[D:.*]] = "nn.sub"(%[[H]], %[[L]])
// CHECK:       %[[S:.*]] = "nn.maximum"(%[[D]], %{{.*}})
// CHECK:       %[[F:.*]] = "nn.div"(%{{.*}}, %[[S]])
// CHECK:       %[[B:.*]] = "nn.mul"(%[[L]], %[[F]])
// CHECK:       %[[O:.*]] = "nn.sub"(%{{.*}}, %[[B]])
// CHECK:       %[[Z:.*]] = "nn.round"(%[[O]])
// CHECK:       %[[M:.*]] = "nn.mul"(%arg0, %[[F]])
// CHECK:       %[[R:.*]] = "nn.round"(%[[M]])
// CHECK:       %[[A:.*]] = "nn.add"(%[[R]], %[[Z]])
// CHECK:       %[[C:.*]] = "nn.clamp"(%[[A]]) {max = 1.270000e+02 : f64, min = -1.280000e+02 : f64}
// CHECK:       %[[W:.*]] = "nn.sub"(%[[C]], %[[Z]])
// CHECK:       %[[I:.*]] = "nn.div"(%{{.*}}, %[[F]])
// CHECK:       "nn.mul"(%[[W]], %[[I]])

// What is to be quantised by ranges starts with the numbers themselves; other rounding stays.
// DROP-LABEL:  func.func @rows
// DROP:        %[[X:.*]] = "nn.round"(%arg0)
// DROP-NEXT:   return %arg0, %[[X]]
func.func @rows(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = "nn.round_dynamically"(%x) {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = "nn.round"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<2x3xf32>
}
