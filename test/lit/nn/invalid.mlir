// RUN: nn-opt %s --split-input-file --verify-diagnostics

func.func @wrong_result(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.relu' op result type is tensor<5xf32>, inferred tensor<4xf32>}}
  %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @bitcast_to_another_width(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.bitcast' op needs a type of 32 bits, got i64 of 64}}
  %0 = "nn.bitcast"(%x) {to = i64} : (tensor<4xf32>) -> tensor<4xi64>
  return
}

// -----

func.func @missing_attribute(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.leaky_relu' op requires attribute 'alpha'}}
  %0 = "nn.leaky_relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @wrong_kind(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.leaky_relu' op attribute 'alpha' must be of kind f64, got 1 : i64}}
  %0 = "nn.leaky_relu"(%x) {alpha = 1 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @unknown_attribute(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.relu' op has no attribute 'alpha'; it has: none}}
  %0 = "nn.relu"(%x) {alpha = 1.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @wrong_choice(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.gelu' op attribute 'approximate' is 'some', expected none, tanh}}
  %0 = "nn.gelu"(%x) {approximate = "some"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @channels(%x: tensor<1x3x8x8xf32>, %w: tensor<4x2x1x1xf32>) {
  // expected-error @below {{'nn.conv' op input has 3 channels, weight expects 2 x 1 groups}}
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : (tensor<1x3x8x8xf32>, tensor<4x2x1x1xf32>) -> tensor<1x4x8x8xf32>
  return
}

// -----

func.func @matmul(%x: tensor<2x3xf32>) {
  // expected-error @below {{'nn.matmul' op cannot multiply 2x3 by 2x3: 3 columns meet 2 rows}}
  %0 = "nn.matmul"(%x, %x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @no_tensor(%x: i32) {
  // expected-error @below {{'nn.relu' op operand must be a ranked tensor, got i32}}
  %0 = "nn.relu"(%x) : (i32) -> i32
  return
}

// -----

func.func @topk(%x: tensor<3xf32>) {
  // expected-error @below {{'nn.topk' op k is 4, but axis 0 has 3 elements}}
  %0:2 = "nn.topk"(%x) {k = 4 : i64, axis = 0 : i64, largest = true, sorted = true} : (tensor<3xf32>) -> (tensor<4xf32>, tensor<4xi64>)
  return
}

// -----

func.func @range() {
  %0 = "nn.constant"() {value = dense<0> : tensor<i64>} : () -> tensor<i64>
  // expected-error @below {{'nn.range' op delta is 0}}
  %1 = "nn.range"(%0, %0, %0) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return
}

// -----

func.func @fill() {
  %0 = "nn.constant"() {value = dense<-1> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error @below {{'nn.fill' op shape (-1,) must not be negative}}
  %1 = "nn.fill"(%0) {value = 0.0 : f64, dtype = f32} : (tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @split(%x: tensor<0xf32>) {
  // expected-error @below {{'nn.split' op needs a size}}
  "nn.split"(%x) {axis = 0 : i64, sizes = array<i64>} : (tensor<0xf32>) -> ()
  return
}

// -----

func.func @space_to_batch(%x: tensor<1x1x2xf32>) {
  // expected-error @below {{'nn.space_to_batch' op block (0,) must be positive}}
  %0 = "nn.space_to_batch"(%x) {block = array<i64: 0>, padding = array<i64: 0, 0>} : (tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
  return
}

// -----

func.func @scatter_elements(%x: tensor<3xf32>, %i: tensor<2xi64>, %u: tensor<1xf32>) {
  // expected-error @below {{'nn.scatter_elements' op updates tensor<1xf32> do not fit indices tensor<2xi64>}}
  %0 = "nn.scatter_elements"(%x, %i, %u) {axis = 0 : i64, reduction = "none"} : (tensor<3xf32>, tensor<2xi64>, tensor<1xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @element_type(%x: tensor<3xbf16>) {
  // expected-error @below {{'nn.relu' op operand is tensor<3xbf16>, whose elements numpy does not have}}
  %0 = "nn.relu"(%x) : (tensor<3xbf16>) -> tensor<3xbf16>
  return
}

// -----

func.func @constant_type() {
  // expected-error @below {{'nn.constant' op attribute 'value' is of type tensor<1xi4>, which numpy does not have}}
  %0 = "nn.constant"() {value = dense<1> : tensor<1xi4>} : () -> tensor<1xi4>
  return
}

// -----

func.func @index_of_unknown_data(%x: tensor<2x3xf32>, %u: tensor<1xf32>) {
  %0 = "nn.constant"() {value = dense<[[0, -4]]> : tensor<1x2xi64>} : () -> tensor<1x2xi64>
  // expected-error @below {{'nn.scatter_nd' op index -4 is out of range for 3 elements}}
  %1 = "nn.scatter_nd"(%x, %0, %u) {reduction = "none"} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1xf32>) -> tensor<2x3xf32>
  return
}

// -----

// An index that may be right is not refused.
func.func @index_into_an_unknown_dimension(%x: tensor<?xf32>) {
  %0 = "nn.constant"() {value = dense<9> : tensor<1xi64>} : () -> tensor<1xi64>
  %1 = "nn.gather"(%x, %0) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<?xf32>, tensor<1xi64>) -> tensor<1xf32>
  return
}

// -----

func.func @arithmetic_on_quantised(%x: tensor<4x!quant.uniform<u8:f32, 0.5>>) {
  // expected-error @below {{'nn.add' op is not defined on quantised elements: dequantise them first}}
  %0 = "nn.add"(%x, %x) : (tensor<4x!quant.uniform<u8:f32, 0.5>>, tensor<4x!quant.uniform<u8:f32, 0.5>>) -> tensor<4x!quant.uniform<u8:f32, 0.5>>
  return
}

// -----

func.func @move_of_several_scales(%x: tensor<2x2x!quant.uniform<u8:f32:0, {0.5, 0.25}>>) {
  // expected-error @below {{'nn.transpose' op is not defined on quantised elements of several scales: dequantise them first}}
  %0 = "nn.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<2x2x!quant.uniform<u8:f32:0, {0.5, 0.25}>>) -> tensor<2x2x!quant.uniform<u8:f32:0, {0.5, 0.25}>>
  return
}

// -----

func.func @number_between(%x: tensor<4x!quant.uniform<u8:f32, 0.5>>) {
  // expected-error @below {{'nn.pad' op 'value' is 0.3, but next to it is 0.5}}
  %0 = "nn.pad"(%x) {padding = array<i64: 1, 0>, mode = "constant", value = 0.3 : f64} : (tensor<4x!quant.uniform<u8:f32, 0.5>>) -> tensor<5x!quant.uniform<u8:f32, 0.5>>
  return
}

// -----

func.func @bound_between(%x: tensor<4x!quant.uniform<u8:f32, 0.5>>) {
  // expected-error @below {{'nn.clamp' op 'max' is 0.3, but next to it is 0.5}}
  %0 = "nn.clamp"(%x) {min = 0.0 : f64, max = 0.3 : f64} : (tensor<4x!quant.uniform<u8:f32, 0.5>>) -> tensor<4x!quant.uniform<u8:f32, 0.5>>
  return
}

// -----

!h = tensor<1x1x!quant.uniform<i8:f32, 0.25>>
!c = tensor<1x1x!quant.uniform<i16:f32, 0.25>>
!w = tensor<4x1x!quant.uniform<i8:f32, 0.5>>

module {
func.func @cells_without_room(%x: tensor<1x1x1x!quant.uniform<i8:f32, 0.25>>, %w: !w, %b: tensor<4xi32>, %h: !h, %c: !c) {
  // expected-error @below {{'nn.integer_lstm' op the scale of c is 0.25, expected 2^-15 to 2^-9}}
  %0:3 = "nn.integer_lstm"(%x, %w, %w, %b, %h, %c) {input_forget = false, gate_scales = array<f64: 1.0, 1.0, 1.0, 1.0>, hidden_scale = 0.25 : f64, hidden_zero_point = 0 : i64,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0, 0, 0>}
    : (tensor<1x1x1x!quant.uniform<i8:f32, 0.25>>, !w, !w, tensor<4xi32>, !h, !c) -> (tensor<1x1x1x!quant.uniform<i8:f32, 0.25>>, !h, !c)
  return
}
}

// -----

!h = tensor<1x1x!quant.uniform<i8:f32, 0.25>>
!c = tensor<1x1x!quant.uniform<i16:f32, 0.001953125>>
!w = tensor<4x1x!quant.uniform<i8:f32, 0.5:1>>

module {
func.func @weights_with_zero_points(%x: tensor<1x1x1x!quant.uniform<i8:f32, 0.25>>, %w: !w, %b: tensor<4xi32>, %h: !h, %c: !c) {
  // expected-error @below {{'nn.integer_lstm' op w has zero points that are not 0}}
  %0:3 = "nn.integer_lstm"(%x, %w, %w, %b, %h, %c) {input_forget = false, gate_scales = array<f64: 1.0, 1.0, 1.0, 1.0>, hidden_scale = 0.25 : f64, hidden_zero_point = 0 : i64,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0, 0, 0>}
    : (tensor<1x1x1x!quant.uniform<i8:f32, 0.25>>, !w, !w, tensor<4xi32>, !h, !c) -> (tensor<1x1x1x!quant.uniform<i8:f32, 0.25>>, !h, !c)
  return
}
}
