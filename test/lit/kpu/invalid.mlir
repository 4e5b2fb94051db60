// RUN: nn-opt %s --split-input-file --verify-diagnostics

func.func @batch(%x: tensor<2x2x8x8xf32>, %w: tensor<3x2x1x1xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'kpu.layer' op input is tensor<2x2x8x8xf32>, expected 1 x C x H x W}}
  %0 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<2x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<2x3x8x8xf32>
  return
}

// -----

func.func @kernel(%x: tensor<1x2x8x8xf32>, %w: tensor<3x2x5x5xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'kpu.layer' op weight is tensor<3x2x5x5xf32>, expected a 1x1 or 3x3 kernel}}
  %0 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<3x2x5x5xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return
}

// -----

func.func @channels(%x: tensor<1x2x8x8xf32>, %w: tensor<3x4x1x1xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'kpu.layer' op weight is tensor<3x4x1x1xf32>, expected 3 x 2 x kernel}}
  %0 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<3x4x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return
}

// -----

func.func @depthwise(%x: tensor<1x2x8x8xf32>, %w: tensor<3x2x3x3xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'kpu.layer' op weight is tensor<3x2x3x3xf32>, expected 2 x 1 x kernel}}
  %0 = "kpu.layer"(%x, %w, %b) {depthwise = true, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return
}

// -----

func.func @sizes(%x: tensor<1x2x8x8xf32>, %y: tensor<1x2x8x9xf32>, %w: tensor<3x4x1x1xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'kpu.layer' op inputs differ in height or width: tensor<1x2x8x8xf32>, tensor<1x2x8x9xf32>}}
  %0 = "kpu.layer"(%x, %y, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<1x2x8x9xf32>, tensor<3x4x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return
}

// -----

func.func @no_input(%w: tensor<3x4x1x1xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'kpu.layer' op has no input}}
  %0 = "kpu.layer"(%w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<3x4x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return
}

// -----

func.func @bias(%x: tensor<1x2x8x8xf32>, %w: tensor<3x2x1x1xf32>, %b: tensor<2xf32>) {
  // expected-error @below {{'kpu.layer' op bias is tensor<2xf32>, one value a channel}}
  %0 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<2xf32>) -> tensor<1x3x8x8xf32>
  return
}

// -----

func.func @activation(%x: tensor<1x2x8x8xf32>, %w: tensor<3x2x1x1xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'kpu.layer' op activation must have two rows, x and y}}
  %0 = "kpu.layer"(%x, %w, %b) {activation = dense<[0.0, 1.0]> : tensor<2xf32>, depthwise = false, pool = "none", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return
}

// -----

func.func @pooling(%x: tensor<1x2x8x8xf32>, %w: tensor<3x2x1x1xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'kpu.layer' op attribute 'pool' is 'max3s2', expected none, max2s2, mean2s2, max4s4, mean4s4, left_top2s2, right_top2s2, left_top4s4, mean2s1, max2s1}}
  %0 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "max3s2", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return
}

// -----

func.func @pooled_size(%x: tensor<1x2x8x8xf32>, %w: tensor<3x2x1x1xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{'kpu.layer' op result type is tensor<1x3x8x8xf32>, inferred tensor<1x3x4x4xf32>}}
  %0 = "kpu.layer"(%x, %w, %b) {depthwise = false, pool = "max2s2", operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<3x2x1x1xf32>, tensor<3xf32>) -> tensor<1x3x8x8xf32>
  return
}

// -----

func.func @upload_of_reals(%x: tensor<1x2x8x8xf32>) {
  // expected-error @below {{'kpu.upload' op input is tensor<1x2x8x8xf32>, expected u8 with one scale}}
  %0 = "kpu.upload"(%x) : (tensor<1x2x8x8xf32>) -> tensor<1x2x8x8xf32>
  return
}

// -----

func.func @download_of_signed_bytes(%x: tensor<1x4x8x8x!quant.uniform<i8:f32, 0.5>>) {
  // expected-error @below {{'kpu.download' op input is tensor<1x4x8x8x!quant.uniform<i8:f32, 5.000000e-01>>, expected u8 with one scale}}
  %0 = "kpu.download"(%x) : (tensor<1x4x8x8x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x4x8x8x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @upload_of_a_matrix(%x: tensor<4x8x!quant.uniform<u8:f32, 0.5:128>>) {
  // expected-error @below {{'kpu.upload' op input is tensor<4x8x!quant.uniform<u8:f32, 5.000000e-01:128>>, expected 1 x C x H x W}}
  %0 = "kpu.upload"(%x) : (tensor<4x8x!quant.uniform<u8:f32, 0.5:128>>) -> tensor<4x8x!quant.uniform<u8:f32, 0.5:128>>
  return
}

// -----

func.func @real_result(%x: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, %w: tensor<4x4x1x1xui8>, %n: tensor<4x3xi64>, %l: tensor<16x4xi64>) {
  // expected-error @below {{'kpu.conv2d' op result is tensor<1x4x8x8xf32>, expected u8 with one scale}}
  %0 = "kpu.conv2d"(%x, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8xf32>
  return
}

// -----

func.func @signed_weights(%x: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, %w: tensor<4x4x1x1xi8>, %n: tensor<4x3xi64>, %l: tensor<16x4xi64>) {
  // expected-error @below {{'kpu.conv2d' op weight is tensor<4x4x1x1xi8>, expected ui8}}
  %0 = "kpu.conv2d"(%x, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xi8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  return
}

// -----

func.func @norm(%x: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, %w: tensor<4x4x1x1xui8>, %n: tensor<3x3xi64>, %l: tensor<16x4xi64>) {
  // expected-error @below {{'kpu.conv2d' op norm is tensor<3x3xi64>, expected 4 x 3}}
  %0 = "kpu.conv2d"(%x, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<3x3xi64>, tensor<16x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  return
}

// -----

func.func @lines(%x: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, %w: tensor<4x4x1x1xui8>, %n: tensor<4x3xi64>, %l: tensor<15x4xi64>) {
  // expected-error @below {{'kpu.conv2d' op lines are tensor<15x4xi64>, expected 16 x 4}}
  %0 = "kpu.conv2d"(%x, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<15x4xi64>) -> tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>
  return
}

// -----

func.func @result(%x: tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, %w: tensor<4x4x1x1xui8>, %n: tensor<4x3xi64>, %l: tensor<16x4xi64>) {
  // expected-error @below {{'kpu.conv2d' op result type is tensor<1x4x4x4x!quant.uniform<u8:f32, 5.000000e-01:128>>, expected tensor<1x4x8x8x!quant.uniform<u8:f32, 5.000000e-01:128>>}}
  %0 = "kpu.conv2d"(%x, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x4x8x8x!quant.uniform<u8:f32, 0.5:128>>, tensor<4x4x1x1xui8>, tensor<4x3xi64>, tensor<16x4xi64>) -> tensor<1x4x4x4x!quant.uniform<u8:f32, 0.5:128>>
  return
}
