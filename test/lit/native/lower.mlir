// RUN: nn-opt %s --pass-pipeline="builtin.module(native-assign-layouts{cpu=x86-64-v3},native-form-groups,native-lower{cpu=x86-64-v3})" --split-input-file | filecheck %s

// Two additions of eight elements are one kernel, which two steps call: vectors of eight, each value read once.
// CHECK-LABEL: module
// CHECK:       func.func private @[[KERNEL:pointwise_[0-9]+]](%{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>, %{{.*}}: index, %{{.*}}: index)
// CHECK:       vector.load
// CHECK:       vector.load
// CHECK:       arith.addf %{{.*}}, %{{.*}} : vector<8xf32>
// CHECK:       vector.store
// CHECK-NOT:   func.func private @pointwise
// CHECK:       func.func private @step_0
// CHECK:       call @[[KERNEL]]
// CHECK:       func.func private @step_1
// CHECK:       call @[[KERNEL]]
// CHECK:       func.func @kpuc_run
func.func @main(%x: tensor<8xf32>, %y: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = "nn.add"(%x, %y) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %1 = "nn.add"(%0, %y) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %0, %1 : tensor<8xf32>, tensor<8xf32>
}

// -----

// Numbers that layers differ in are read from memory, so that they share their kernel; round ones are written down.
// CHECK-LABEL: module
// CHECK:       func.func private @pointwise
// CHECK:       arith.constant 2.000000e+00 : f32
// CHECK-NOT:   arith.constant 1.000000e-01
// CHECK:       memref.load %{{.*}}[] : memref<f32>
func.func @main(%x: tensor<16xf32>) -> tensor<16xf32> {
  %a = "nn.constant"() {value = dense<0.1> : tensor<f32>} : () -> tensor<f32>
  %b = "nn.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.mul"(%x, %a) : (tensor<16xf32>, tensor<f32>) -> tensor<16xf32>
  %1 = "nn.add"(%0, %b) : (tensor<16xf32>, tensor<f32>) -> tensor<16xf32>
  return %1 : tensor<16xf32>
}
