// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose)" --split-input-file | filecheck %s

// The divisor is added where signs differ only: a sum of two large numbers of one sign would wrap around.
// CHECK-LABEL: func.func @floor_mod
// CHECK:       %[[REST:.*]] = "nn.mod"(%arg0, %arg1) {fmod = true}
// CHECK:       "nn.logical_xor"
// CHECK:       %[[DIFFER:.*]] = "nn.logical_and"
// CHECK:       %[[MOVED:.*]] = "nn.add"(%[[REST]], %arg1)
// CHECK:       "nn.where"(%[[DIFFER]], %[[MOVED]], %[[REST]])
func.func @floor_mod(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  %0 = "nn.mod"(%x, %y) {fmod = false} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

// The remainder with the dividend's sign is what machines have.
// CHECK-LABEL: func.func @fmod
// CHECK-NEXT:  "nn.mod"(%arg0, %arg1) {fmod = true}
// CHECK-NEXT:  return
func.func @fmod(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.mod"(%x, %y) {fmod = true} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @not_signed
// CHECK:       %[[ONES:.*]] = "nn.constant"() {value = dense<-1> : tensor<i8>}
// CHECK:       "nn.sub"(%[[ONES]], %arg0)
func.func @not_signed(%x: tensor<4xi8>) -> tensor<4xi8> {
  %0 = "nn.bitwise_not"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

// CHECK-LABEL: func.func @not_unsigned
// CHECK:       %[[ONES:.*]] = "nn.constant"() {value = dense<255> : tensor<ui8>}
// CHECK:       "nn.sub"(%[[ONES]], %arg0)
func.func @not_unsigned(%x: tensor<4xui8>) -> tensor<4xui8> {
  %0 = "nn.bitwise_not"(%x) : (tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// Eight bits and more leave nothing.
// CHECK-LABEL: func.func @shift_left
// CHECK:       "nn.constant"() {value = dense<[1, 2, 4, 8, 16, 32, 64, 128, 0]> : tensor<9xui8>}
// CHECK:       %[[POWER:.*]] = "nn.gather"
// CHECK:       "nn.mul"(%arg0, %[[POWER]])
func.func @shift_left(%x: tensor<4xui8>, %y: tensor<4xui8>) -> tensor<4xui8> {
  %0 = "nn.shift_left"(%x, %y) : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// CHECK-LABEL: func.func @shift_right
// CHECK:       "nn.div"(%arg0,
// CHECK:       "nn.div"
func.func @shift_right(%x: tensor<4xui8>, %y: tensor<4xui8>) -> tensor<4xui8> {
  %0 = "nn.shift_right"(%x, %y) : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// CHECK-LABEL: func.func @xor
// CHECK:       %[[POWERS:.*]] = "nn.constant"() {value = dense<[1, 2, 4, 8, 16, 32, 64, 128]> : tensor<8xui8>}
// CHECK:       %[[BOTH:.*]] = "nn.reduce"{{.*}}kind = "sum"
// CHECK:       %[[TWICE:.*]] = "nn.add"(%[[BOTH]], %[[BOTH]])
// CHECK:       %[[SUM:.*]] = "nn.add"(%arg0, %arg1)
// CHECK:       "nn.sub"(%[[SUM]], %[[TWICE]])
func.func @xor(%x: tensor<4xui8>, %y: tensor<4xui8>) -> tensor<4xui8> {
  %0 = "nn.bitwise_xor"(%x, %y) : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// CHECK-LABEL: func.func @logical_xor_stays
// CHECK-NEXT:  "nn.logical_xor"(%arg0, %arg1)
// CHECK-NEXT:  return
func.func @logical_xor_stays(%x: tensor<4xi1>, %y: tensor<4xi1>) -> tensor<4xi1> {
  %0 = "nn.logical_xor"(%x, %y) : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}
