// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-unroll)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @rnn
// CHECK-COUNT-2: "nn.tanh"
// CHECK-NOT:   nn.tanh
// CHECK-NOT:   nn.rnn
func.func @rnn(%x: tensor<2x1x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) -> tensor<2x1x1x4xf32> {
  %0:2 = "nn.rnn"(%x, %w, %r) {direction = "forward", hidden_size = 4 : i64, activations = ["Tanh"],
    activation_alpha = array<f64>, activation_beta = array<f64>, layout = 0 : i64,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<2x1x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<2x1x1x4xf32>, tensor<1x1x4xf32>)
  return %0#0 : tensor<2x1x1x4xf32>
}

// -----

// Samples are in front: they change places with the steps.
// CHECK-LABEL: func.func @gru_of_samples
// CHECK:       "nn.transpose"(%arg0) {permutation = array<i64: 1, 0, 2>}
// CHECK-COUNT-2: "nn.sigmoid"
// CHECK-NOT:   nn.gru
// CHECK:       "nn.transpose"{{.*}}permutation = array<i64: 2, 0, 1, 3>
func.func @gru_of_samples(%x: tensor<5x2x3xf32>, %w: tensor<1x12x3xf32>, %r: tensor<1x12x4xf32>) -> tensor<5x2x1x4xf32> {
  %0:2 = "nn.gru"(%x, %w, %r) {direction = "forward", hidden_size = 4 : i64, activations = ["Sigmoid", "Tanh"],
    activation_alpha = array<f64>, activation_beta = array<f64>, layout = 1 : i64, linear_before_reset = false,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<5x2x3xf32>, tensor<1x12x3xf32>, tensor<1x12x4xf32>) -> (tensor<5x2x1x4xf32>, tensor<5x1x4xf32>)
  return %0#0 : tensor<5x2x1x4xf32>
}

// -----

// Samples of different lengths end at different steps.
// CHECK-LABEL: func.func @rnn_with_lengths
// CHECK:       "nn.rnn"
func.func @rnn_with_lengths(%x: tensor<2x1x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %n: tensor<1xi32>)
    -> tensor<2x1x1x4xf32> {
  %0:2 = "nn.rnn"(%x, %w, %r, %n) {direction = "forward", hidden_size = 4 : i64, activations = ["Tanh"],
    activation_alpha = array<f64>, activation_beta = array<f64>, layout = 0 : i64,
    operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>}
    : (tensor<2x1x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, tensor<1xi32>)
    -> (tensor<2x1x1x4xf32>, tensor<1x1x4xf32>)
  return %0#0 : tensor<2x1x1x4xf32>
}

// -----

// A plain LSTM over one sample is what the stack machine has.
// CHECK-LABEL: func.func @plain_lstm
// CHECK:       "nn.lstm"
func.func @plain_lstm(%x: tensor<2x1x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>) -> tensor<2x1x1x4xf32> {
  %0:3 = "nn.lstm"(%x, %w, %r) {direction = "forward", hidden_size = 4 : i64,
    activations = ["Sigmoid", "Tanh", "Tanh"], activation_alpha = array<f64>, activation_beta = array<f64>,
    layout = 0 : i64, input_forget = false, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<2x1x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>)
    -> (tensor<2x1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>)
  return %0#0 : tensor<2x1x1x4xf32>
}
