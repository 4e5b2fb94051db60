// RUN: nn-opt %s --split-input-file --verify-diagnostics

func.func @wrong_result(%x: tensor<4xf32>) {
  // expected-error @below {{'nn.relu' op result type is tensor<5xf32>, inferred tensor<4xf32>}}
  %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<5xf32>
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
