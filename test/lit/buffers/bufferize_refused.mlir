// RUN: not nn-opt %s --pass-pipeline="builtin.module(kpu-bufferize)" --split-input-file 2>&1 | filecheck %s

// CHECK:      K0307
// CHECK-SAME: bufferize_refused.mlir:6:8: 'nn.exp' has no attribute 'nn.offsets'
func.func @no_plan(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK:      K0307
// CHECK-SAME: 'kpu.upload' has no attribute 'kpu.offset'
func.func @no_plan_of_maps(%x: tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>> {
  %0 = "kpu.upload"(%x) {nn.offsets = array<i64: -1>} : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %1 = "kpu.download"(%0) {nn.offsets = array<i64: -1>} : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  return %1 : tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
}

// -----

// CHECK:      K0603
// CHECK-SAME: the network's inputs: tensor<?xf32> has dimensions that are not known
func.func @unknown_dimensions(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = "nn.exp"(%x) {nn.offsets = array<i64: -1>} : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
