// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-unroll)" --split-input-file | filecheck %s
// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-unroll{plain=true})" --split-input-file | filecheck %s --check-prefix=FLOATS

!x = tensor<2x1x2x!quant.uniform<i8:f32, 0.5:3>>
!y = tensor<2x1x1x!quant.uniform<i8:f32, 0.25>>
!h = tensor<1x1x!quant.uniform<i8:f32, 0.25>>
!c = tensor<1x1x!quant.uniform<i16:f32, 4.8828125E-4>>

// Two steps, each with a table for its gates, one for what is new and one for the cell. Machines that compute with
// floats only hold the integers in f32.
// CHECK-LABEL:   func.func @layer
// CHECK-NOT:     nn.integer_lstm
// CHECK-COUNT-6: "nn.gather"
// CHECK-NOT:     nn.gather
// CHECK-NOT:     nn.sigmoid
// FLOATS-LABEL:  func.func @layer
// FLOATS-NOT:    nn.integer_lstm
// FLOATS-NOT:    i64>
// FLOATS-COUNT-6: "nn.gather"
// FLOATS-NOT:    i64>
module {
func.func @layer(%x: !x, %h: !h, %c: !c) -> !y {
  %0 = "nn.constant"() {value = dense<1> : tensor<4x2xi8>} : () -> tensor<4x2xi8>
  %1 = "nn.constant"() {value = dense<2> : tensor<4x1xi8>} : () -> tensor<4x1xi8>
  %b = "nn.constant"() {value = dense<7> : tensor<4xi32>} : () -> tensor<4xi32>
  %w = "nn.storage_cast"(%0) : (tensor<4x2xi8>) -> tensor<4x2x!quant.uniform<i8:f32, 0.5>>
  %r = "nn.storage_cast"(%1) : (tensor<4x1xi8>) -> tensor<4x1x!quant.uniform<i8:f32, 0.5>>
  %y:3 = "nn.integer_lstm"(%x, %w, %r, %b, %h, %c) {input_forget = false, gate_scales = array<f64: 1.0, 1.0, 1.0, 1.0>, hidden_scale = 0.25 : f64, hidden_zero_point = 0 : i64,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0, 0, 0>}
    : (!x, tensor<4x2x!quant.uniform<i8:f32, 0.5>>, tensor<4x1x!quant.uniform<i8:f32, 0.5>>, tensor<4xi32>, !h, !c) -> (!y, !h, !c)
  return %y#0 : !y
}
}

// -----

!x = tensor<2x1x2x!quant.uniform<i8:f32, 0.5:3>>
!y = tensor<2x1x1x!quant.uniform<i8:f32, 0.25>>
!h = tensor<1x1x!quant.uniform<i8:f32, 0.25>>
!c = tensor<1x1x!quant.uniform<i16:f32, 4.8828125E-4>>
!w = tensor<4x2x!quant.uniform<i8:f32, 0.5>>

// How large sums get is not known for weights that are computed.
// CHECK-LABEL: func.func @weights_that_are_given
// CHECK:       nn.integer_lstm
// FLOATS-LABEL: func.func @weights_that_are_given
// FLOATS:      nn.integer_lstm
module {
func.func @weights_that_are_given(%x: !x, %w: !w, %h: !h, %c: !c) -> !y {
  %1 = "nn.constant"() {value = dense<2> : tensor<4x1xi8>} : () -> tensor<4x1xi8>
  %b = "nn.constant"() {value = dense<7> : tensor<4xi32>} : () -> tensor<4xi32>
  %r = "nn.storage_cast"(%1) : (tensor<4x1xi8>) -> tensor<4x1x!quant.uniform<i8:f32, 0.5>>
  %y:3 = "nn.integer_lstm"(%x, %w, %r, %b, %h, %c) {input_forget = false, gate_scales = array<f64: 1.0, 1.0, 1.0, 1.0>, hidden_scale = 0.25 : f64, hidden_zero_point = 0 : i64,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0, 0, 0>}
    : (!x, !w, tensor<4x1x!quant.uniform<i8:f32, 0.5>>, tensor<4xi32>, !h, !c) -> (!y, !h, !c)
  return %y#0 : !y
}
}

// -----

!x = tensor<?x1x2x!quant.uniform<i8:f32, 0.5:3>>
!y = tensor<?x1x1x!quant.uniform<i8:f32, 0.25>>
!h = tensor<1x1x!quant.uniform<i8:f32, 0.25>>
!c = tensor<1x1x!quant.uniform<i16:f32, 4.8828125E-4>>

// Steps whose number is not known are not written out.
// CHECK-LABEL: func.func @any_number_of_steps
// CHECK:       nn.integer_lstm
// FLOATS-LABEL: func.func @any_number_of_steps
// FLOATS:      nn.integer_lstm
module {
func.func @any_number_of_steps(%x: !x, %h: !h, %c: !c) -> !y {
  %0 = "nn.constant"() {value = dense<1> : tensor<4x2xi8>} : () -> tensor<4x2xi8>
  %1 = "nn.constant"() {value = dense<2> : tensor<4x1xi8>} : () -> tensor<4x1xi8>
  %b = "nn.constant"() {value = dense<7> : tensor<4xi32>} : () -> tensor<4xi32>
  %w = "nn.storage_cast"(%0) : (tensor<4x2xi8>) -> tensor<4x2x!quant.uniform<i8:f32, 0.5>>
  %r = "nn.storage_cast"(%1) : (tensor<4x1xi8>) -> tensor<4x1x!quant.uniform<i8:f32, 0.5>>
  %y:3 = "nn.integer_lstm"(%x, %w, %r, %b, %h, %c) {input_forget = false, gate_scales = array<f64: 1.0, 1.0, 1.0, 1.0>, hidden_scale = 0.25 : f64, hidden_zero_point = 0 : i64,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0, 0, 0>}
    : (!x, tensor<4x2x!quant.uniform<i8:f32, 0.5>>, tensor<4x1x!quant.uniform<i8:f32, 0.5>>, tensor<4xi32>, !h, !c) -> (!y, !h, !c)
  return %y#0 : !y
}
}
