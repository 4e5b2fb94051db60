// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-infer-shapes)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @known
// CHECK-SAME:  -> tensor<2x3xf32>
// CHECK:       (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @known(%x: tensor<2x3xf32>) -> tensor<?x3xf32> {
  %0 = "nn.relu"(%x) : (tensor<2x3xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: func.func @unknown
// CHECK-SAME:  -> tensor<?x3xf32>
func.func @unknown(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = "nn.relu"(%x) : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
