// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose{scalars=true})" --split-input-file | filecheck %s

// What is computed element by element stays.
// CHECK-LABEL: func.func @integers
// CHECK-NEXT:  "nn.mod"(%arg0, %arg1) {fmod = false}
// CHECK-NEXT:  "nn.floor_div"
// CHECK-NEXT:  "nn.bitwise_and"
// CHECK-NEXT:  "nn.bitwise_not"
// CHECK-NEXT:  "nn.shift_left"
// CHECK-NEXT:  return
func.func @integers(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  %0 = "nn.mod"(%x, %y) {fmod = false} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %1 = "nn.floor_div"(%0, %y) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %2 = "nn.bitwise_and"(%1, %y) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %3 = "nn.bitwise_not"(%2) : (tensor<4xi32>) -> tensor<4xi32>
  %4 = "nn.shift_left"(%3, %y) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %4 : tensor<4xi32>
}

// -----

// CHECK-LABEL: func.func @adding_at_places
// CHECK:       "nn.scatter_nd"({{.*}}) {reduction = "add"}
func.func @adding_at_places(%x: tensor<4xf32>, %u: tensor<1xf32>) -> tensor<4xf32> {
  %i = "nn.constant"() {value = dense<1> : tensor<1x1xi64>} : () -> tensor<1x1xi64>
  %0 = "nn.scatter_nd"(%x, %i, %u) {reduction = "add"} : (tensor<4xf32>, tensor<1x1xi64>, tensor<1xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Floats are decomposed all the same.
// CHECK-LABEL: func.func @floats
// CHECK:       "nn.mod"(%arg0, %arg1) {fmod = true}
// CHECK:       "nn.floor"
func.func @floats(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.mod"(%x, %y) {fmod = false} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.floor_div"(%0, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
