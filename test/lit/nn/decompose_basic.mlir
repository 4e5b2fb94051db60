// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-decompose-basic)" --split-input-file | filecheck %s

// CHECK-LABEL: func.func @relu
// CHECK:       %[[ZERO:.*]] = "nn.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK:       "nn.maximum"(%arg0, %[[ZERO]])
func.func @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @slopes
// CHECK:       "nn.maximum"(%arg0
// CHECK:       "nn.minimum"(%arg0
// CHECK:       "nn.mul"
// CHECK:       "nn.add"
// CHECK:       "nn.minimum"
// CHECK:       "nn.mul"({{.*}}, %arg1)
// CHECK-NOT:   relu
func.func @slopes(%x: tensor<2x3xf32>, %slope: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = "nn.leaky_relu"(%x) {alpha = 0.1 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = "nn.prelu"(%0, %slope) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

// The three units that saturate; a divisor of one is not divided by.
// CHECK-LABEL: func.func @exponential_units
// CHECK-NOT:   "nn.div"
// CHECK:       "nn.exp"
// CHECK:       "nn.exp"
// CHECK:       "nn.div"
// CHECK:       "nn.exp"
// CHECK-NOT:   lu"
func.func @exponential_units(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.elu"(%x) {alpha = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.selu"(%0) {alpha = 1.67 : f64, gamma = 1.05 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.celu"(%1) {alpha = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @gates
// CHECK:       "nn.clamp"({{.*}}) {max = 1.000000e+00 : f64, min = 0.000000e+00 : f64}
// CHECK:       "nn.clamp"
// CHECK:       "nn.mul"
// CHECK-NOT:   "nn.hard_
func.func @gates(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.hard_sigmoid"(%x) {alpha = 0.2 : f64, beta = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.hard_swish"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @formulas
// CHECK-NOT:   "nn.{{softplus|softsign|sinh|cosh|asinh|acosh}}"
// CHECK:       return
func.func @formulas(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.softplus"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.softsign"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "nn.sinh"(%1) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = "nn.cosh"(%2) : (tensor<4xf32>) -> tensor<4xf32>
  %4 = "nn.asinh"(%3) : (tensor<4xf32>) -> tensor<4xf32>
  %5 = "nn.acosh"(%4) : (tensor<4xf32>) -> tensor<4xf32>
  return %5 : tensor<4xf32>
}

// -----

// The maximum goes first, so that no power overflows. A softmax stays.
// CHECK-LABEL: func.func @log_softmax
// CHECK:       %[[TOP:.*]] = "nn.reduce"(%arg0) {axes = array<i64: 1>, keepdims = true, kind = "max"}
// CHECK:       %[[CENTRED:.*]] = "nn.sub"(%arg0, %[[TOP]])
// CHECK:       "nn.log"
// CHECK:       "nn.sub"(%[[CENTRED]],
// CHECK:       "nn.softmax"
func.func @log_softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = "nn.log_softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = "nn.softmax"(%0) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @norms
// CHECK:       "nn.reduce"(%arg0) {axes = array<i64: 1, 2, 3>, keepdims = true, kind = "mean"}
// CHECK:       "nn.reduce"({{.*}}) {axes = array<i64: 2, 3>, keepdims = true, kind = "mean"}
// CHECK-NOT:   norm"
func.func @norms(%x: tensor<2x3x4x4xf32>, %s: tensor<3x4x4xf32>, %c: tensor<3xf32>) -> tensor<2x3x4x4xf32> {
  %0 = "nn.layer_norm"(%x, %s) {axis = 1 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 1, 0>}
    : (tensor<2x3x4x4xf32>, tensor<3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %1 = "nn.instance_norm"(%0, %c, %c) {epsilon = 1.0e-5 : f64}
    : (tensor<2x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4x4xf32>
  %2 = "nn.batch_norm"(%1, %c, %c, %c, %c) {epsilon = 1.0e-5 : f64}
    : (tensor<2x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4x4xf32>
  return %2 : tensor<2x3x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @logic
// CHECK:       "nn.minimum"
// CHECK:       "nn.not_equal"
// CHECK:       "nn.maximum"
// CHECK:       "nn.not_equal"
// CHECK:       "nn.not_equal"({{.*}}) : (tensor<4xi1>, tensor<4xi1>)
// CHECK:       "nn.equal"({{.*}}) : (tensor<4xi1>, tensor<i1>)
// CHECK-NOT:   "nn.logical
func.func @logic(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  %0 = "nn.logical_and"(%a, %b) : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %1 = "nn.logical_or"(%0, %b) : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %2 = "nn.logical_xor"(%1, %b) : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %3 = "nn.logical_not"(%2) : (tensor<4xi1>) -> tensor<4xi1>
  return %3 : tensor<4xi1>
}

// -----

// Only a cast to booleans is a comparison.
// CHECK-LABEL: func.func @casts
// CHECK:       "nn.not_equal"(%arg0
// CHECK:       "nn.cast"{{.*}}to = f32
// CHECK-NOT:   "nn.not_equal"
func.func @casts(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.cast"(%x) {to = i1, saturate = true} : (tensor<4xf32>) -> tensor<4xi1>
  %1 = "nn.cast"(%0) {to = f32, saturate = true} : (tensor<4xi1>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Any bit makes a boolean true; other types have the bits as they are.
// CHECK-LABEL: func.func @bitcasts
// CHECK:       "nn.not_equal"(%arg0
// CHECK:       "nn.bitcast"{{.*}}to = i8
// CHECK-NOT:   "nn.not_equal"
func.func @bitcasts(%x: tensor<4xui8>) -> tensor<4xi8> {
  %0 = "nn.bitcast"(%x) {to = i1} : (tensor<4xui8>) -> tensor<4xi1>
  %1 = "nn.bitcast"(%0) {to = i8} : (tensor<4xi1>) -> tensor<4xi8>
  return %1 : tensor<4xi8>
}

// -----

// CHECK-LABEL: func.func @tile
// CHECK:       "nn.concat"(%arg0, %arg0) {axis = 0 : i64
// CHECK:       "nn.concat"({{.*}}) {axis = 2 : i64
// CHECK-NOT:   "nn.tile"
func.func @tile(%x: tensor<1x2x3xf32>) -> tensor<2x2x9xf32> {
  %0 = "nn.tile"(%x) {repeats = array<i64: 2, 1, 3>} : (tensor<1x2x3xf32>) -> tensor<2x2x9xf32>
  return %0 : tensor<2x2x9xf32>
}

// -----

// Nothing is no concatenation.
// CHECK-LABEL: func.func @tile_nothing
// CHECK:       "nn.tile"
func.func @tile_nothing(%x: tensor<2xf32>) -> tensor<0xf32> {
  %0 = "nn.tile"(%x) {repeats = array<i64: 0>} : (tensor<2xf32>) -> tensor<0xf32>
  return %0 : tensor<0xf32>
}

// -----

// Indices become i32 and count from the front.
// CHECK-LABEL: func.func @gather
// CHECK:       "nn.clamp"
// CHECK:       %[[INDEX:.*]] = "nn.cast"{{.*}}to = i32
// CHECK:       "nn.gather"(%arg0, %[[INDEX]])
func.func @gather(%x: tensor<5x3xf32>, %i: tensor<2xi64>) -> tensor<2x3xf32> {
  %0 = "nn.gather"(%x, %i) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<5x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// Indices of 32 bits may count from the end, too; but nothing is done twice.
// CHECK-LABEL: func.func @gather_by_i32
// CHECK:       "nn.clamp"
// CHECK-NOT:   "nn.clamp"
// CHECK:       "nn.gather"
func.func @gather_by_i32(%x: tensor<5x3xf32>, %i: tensor<2xi32>) -> tensor<2x3xf32> {
  %0 = "nn.gather"(%x, %i) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<5x3xf32>, tensor<2xi32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// Known indices need no arithmetic; those that count from the front in 32 bits stay.
// CHECK-LABEL: func.func @gather_by_constants
// CHECK:       %[[KEPT:.*]] = "nn.constant"() {value = dense<[0, 1]> : tensor<2xi32>}
// CHECK:       %[[FRONT:.*]] = "nn.constant"() {value = dense<[1, 4]> : tensor<2xi32>}
// CHECK:       "nn.gather"(%arg0, %[[FRONT]])
// CHECK:       "nn.gather"({{.*}}, %[[KEPT]])
func.func @gather_by_constants(%x: tensor<5x3xf32>) -> tensor<2x3xf32> {
  %cst = "nn.constant"() {value = dense<[0, 1]> : tensor<2xi32>} : () -> tensor<2xi32>
  %i = "nn.constant"() {value = dense<[1, -1]> : tensor<2xi64>} : () -> tensor<2xi64>
  %0 = "nn.gather"(%x, %i) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<5x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %1 = "nn.gather"(%0, %cst) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

// Float32 does not count so far.
// CHECK-LABEL: func.func @gather_from_many
// CHECK-NEXT:  "nn.gather"(%arg0, %arg1)
func.func @gather_from_many(%x: tensor<16777217xf32>, %i: tensor<2xi64>) -> tensor<2xf32> {
  %0 = "nn.gather"(%x, %i) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<16777217xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// The end of an axis of unknown extent is not known.
// CHECK-LABEL: func.func @gather_of_unknown
// CHECK-NEXT:  "nn.gather"(%arg0, %arg1)
func.func @gather_of_unknown(%x: tensor<?x3xf32>, %i: tensor<2xi64>) -> tensor<2x3xf32> {
  %0 = "nn.gather"(%x, %i) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<?x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @gather_nd
// CHECK:       %[[INDEX:.*]] = "nn.constant"() {value = dense<{{\[\[}}1, 0], [4, 2]]> : tensor<2x2xi32>}
// CHECK:       "nn.gather_nd"(%arg0, %[[INDEX]])
func.func @gather_nd(%x: tensor<5x3xf32>) -> tensor<2xf32> {
  %i = "nn.constant"() {value = dense<[[1, 0], [-1, -1]]> : tensor<2x2xi64>} : () -> tensor<2x2xi64>
  %0 = "nn.gather_nd"(%x, %i) {batch_dims = 0 : i64} : (tensor<5x3xf32>, tensor<2x2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// Tuples that are not known may count from the end.
// CHECK-LABEL: func.func @gather_nd_of_unknown
// CHECK-NEXT:  "nn.gather_nd"(%arg0, %arg1)
func.func @gather_nd_of_unknown(%x: tensor<5x3xf32>, %i: tensor<2x1xi64>) -> tensor<2x3xf32> {
  %0 = "nn.gather_nd"(%x, %i) {batch_dims = 0 : i64} : (tensor<5x3xf32>, tensor<2x1xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @one_hot
// CHECK:       %[[HIT:.*]] = "nn.equal"
// CHECK:       "nn.where"(%[[HIT]],
// CHECK-NOT:   "nn.one_hot"
func.func @one_hot(%i: tensor<3xi64>, %v: tensor<2xf32>) -> tensor<3x4xf32> {
  %0 = "nn.one_hot"(%i, %v) {depth = 4 : i64, axis = -1 : i64} : (tensor<3xi64>, tensor<2xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

// A selection is of float32 only.
// CHECK-LABEL: func.func @one_hot_of_integers
// CHECK-NEXT:  "nn.one_hot"
func.func @one_hot_of_integers(%i: tensor<3xi64>, %v: tensor<2xi32>) -> tensor<3x4xi32> {
  %0 = "nn.one_hot"(%i, %v) {depth = 4 : i64, axis = -1 : i64} : (tensor<3xi64>, tensor<2xi32>) -> tensor<3x4xi32>
  return %0 : tensor<3x4xi32>
}

// -----

// CHECK-LABEL: func.func @hardmax
// CHECK:       "nn.arg_reduce"(%arg0)
// CHECK:       "nn.equal"
// CHECK:       "nn.cast"
func.func @hardmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = "nn.hardmax"(%x) {axis = -1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @hardmax_of_unknown
// CHECK:       "nn.hardmax"
func.func @hardmax_of_unknown(%x: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %0 = "nn.hardmax"(%x) {axis = -1 : i64} : (tensor<2x?xf32>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// -----

// The best, and the best of what is left.
// CHECK-LABEL: func.func @topk
// CHECK:       "nn.arg_reduce"(%arg0) {{.*}}kind = "argmin"
// CHECK:       %[[REST:.*]] = "nn.where"
// CHECK:       "nn.arg_reduce"(%[[REST]])
// CHECK:       "nn.concat"
// CHECK:       "nn.concat"
// CHECK-NOT:   "nn.topk"
func.func @topk(%x: tensor<3x6xf32>) -> (tensor<3x2xf32>, tensor<3x2xi64>) {
  %0:2 = "nn.topk"(%x) {k = 2 : i64, axis = 1 : i64, largest = false, sorted = true}
    : (tensor<3x6xf32>) -> (tensor<3x2xf32>, tensor<3x2xi64>)
  return %0#0, %0#1 : tensor<3x2xf32>, tensor<3x2xi64>
}

// -----

// CHECK-LABEL: func.func @topk_of_many
// CHECK:       "nn.topk"
func.func @topk_of_many(%x: tensor<40xf32>) -> (tensor<17xf32>, tensor<17xi64>) {
  %0:2 = "nn.topk"(%x) {k = 17 : i64, axis = 0 : i64, largest = true, sorted = true}
    : (tensor<40xf32>) -> (tensor<17xf32>, tensor<17xi64>)
  return %0#0, %0#1 : tensor<17xf32>, tensor<17xi64>
}

// -----

// CHECK-LABEL: func.func @average_with_padding
// CHECK:       "nn.pad"(%arg0) {mode = "constant", padding = array<i64: 0, 0, 1, 0, 0, 0, 1, 2>, value = 0.000000e+00 : f64}
// CHECK:       "nn.avg_pool"{{.*}}padding = array<i64: 0, 0, 0, 0>
func.func @average_with_padding(%x: tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32> {
  %0 = "nn.avg_pool"(%x) {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    padding = array<i64: 1, 0, 1, 2>, ceil_mode = false, count_include_pad = true} : (tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32>
  return %0 : tensor<1x2x6x6xf32>
}

// -----

// A second window would begin in the padding behind the image, so it is none.
// CHECK-LABEL: func.func @average_with_padding_of_last_windows
// CHECK:       "nn.pad"
// CHECK:       "nn.avg_pool"{{.*}} -> tensor<1x1x2x2xf32>
// CHECK:       "nn.slice"{{.*}} -> tensor<1x1x1x1xf32>
func.func @average_with_padding_of_last_windows(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32> {
  %0 = "nn.avg_pool"(%x) {kernel = array<i64: 3, 3>, strides = array<i64: 3, 3>, dilations = array<i64: 1, 1>,
    padding = array<i64: 1, 1, 1, 1>, ceil_mode = true, count_include_pad = true} : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  return %0 : tensor<1x1x1x1xf32>
}

// -----

// Padding that does not count is the machine's own.
// CHECK-LABEL: func.func @average_without_padding
// CHECK-NOT:   "nn.pad"
// CHECK:       "nn.avg_pool"{{.*}}padding = array<i64: 1, 1, 1, 1>
func.func @average_without_padding(%x: tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32> {
  %0 = "nn.avg_pool"(%x) {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    padding = array<i64: 1, 1, 1, 1>, ceil_mode = false, count_include_pad = false} : (tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32>
  return %0 : tensor<1x2x6x6xf32>
}

// -----

// A stride of one needs no zeros in between, and clamping stays fused.
// CHECK-LABEL: func.func @conv_transpose
// CHECK:       "nn.pad"{{.*}}padding = array<i64: 0, 0, 0, 0, 0, 0, 1, 0>
// CHECK-NOT:   "nn.pad"
// CHECK:       "nn.conv"{{.*}}clamp = array<f64: 0.000000e+00, 6.000000e+00>{{.*}}padding = array<i64: 1, 2, 0, 2>
func.func @conv_transpose(%x: tensor<1x2x4x5xf32>, %w: tensor<2x3x2x3xf32>) -> tensor<1x3x8x7xf32> {
  %0 = "nn.conv_transpose"(%x, %w) {strides = array<i64: 2, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64,
    padding = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, clamp = array<f64: 0.0, 6.0>,
    operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<1x2x4x5xf32>, tensor<2x3x2x3xf32>) -> tensor<1x3x8x7xf32>
  return %0 : tensor<1x3x8x7xf32>
}

// -----

// CHECK-LABEL: func.func @conv_transpose_of_volumes
// CHECK:       "nn.conv_transpose"
func.func @conv_transpose_of_volumes(%x: tensor<1x2x4x4x4xf32>, %w: tensor<2x3x1x1x1xf32>) -> tensor<1x3x4x4x4xf32> {
  %0 = "nn.conv_transpose"(%x, %w) {strides = array<i64: 1, 1, 1>, dilations = array<i64: 1, 1, 1>, groups = 1 : i64,
    padding = array<i64: 0, 0, 0, 0, 0, 0>, output_padding = array<i64: 0, 0, 0>,
    operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<1x2x4x4x4xf32>, tensor<2x3x1x1x1xf32>) -> tensor<1x3x4x4x4xf32>
  return %0 : tensor<1x3x4x4x4xf32>
}

// -----

// Only axes whose extent changes are picked from.
// CHECK-LABEL: func.func @resize_nearest
// CHECK:       "nn.constant"() {value = dense<[0, 0, 1, 1, 2, 2]> : tensor<6xi32>}
// CHECK:       "nn.gather"{{.*}}axis = 2 : i64
// CHECK-NOT:   "nn.gather"
func.func @resize_nearest(%x: tensor<1x1x3x4xf32>) -> tensor<1x1x6x4xf32> {
  %0 = "nn.resize"(%x) {sizes = array<i64: 1, 1, 6, 4>, scales = array<f64: 1.0, 1.0, 2.0, 1.0>, mode = "nearest",
    coordinate = "asymmetric", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64, exclude_outside = false,
    extrapolation_value = 0.0 : f64, antialias = false} : (tensor<1x1x3x4xf32>) -> tensor<1x1x6x4xf32>
  return %0 : tensor<1x1x6x4xf32>
}

// -----

// CHECK-LABEL: func.func @resize_linear
// CHECK:       "nn.resize"
func.func @resize_linear(%x: tensor<1x1x3x4xf32>) -> tensor<1x1x6x4xf32> {
  %0 = "nn.resize"(%x) {sizes = array<i64: 1, 1, 6, 4>, scales = array<f64: 1.0, 1.0, 2.0, 1.0>, mode = "linear",
    coordinate = "asymmetric", nearest_mode = "floor", cubic_coeff_a = -0.75 : f64, exclude_outside = false,
    extrapolation_value = 0.0 : f64, antialias = false} : (tensor<1x1x3x4xf32>) -> tensor<1x1x6x4xf32>
  return %0 : tensor<1x1x6x4xf32>
}

// -----

// CHECK-LABEL: func.func @gather_elements
// CHECK:       %[[FLAT:.*]] = "nn.reshape"(%arg0) {shape = array<i64: -1>}
// CHECK:       "nn.gather"(%[[FLAT]],
func.func @gather_elements(%x: tensor<3x2xf32>) -> tensor<2x2xf32> {
  %i = "nn.constant"() {value = dense<[[0, 2], [1, -1]]> : tensor<2x2xi64>} : () -> tensor<2x2xi64>
  %0 = "nn.gather_elements"(%x, %i) {axis = 0 : i64} : (tensor<3x2xf32>, tensor<2x2xi64>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func.func @trilu_of_integers
// CHECK:       "nn.constant"() {value = dense<{{\[\[}}0, 1], [4, 3]]> : tensor<2x2xi32>}
// CHECK:       "nn.gather"
func.func @trilu_of_integers(%x: tensor<2x2xi64>) -> tensor<2x2xi64> {
  %0 = "nn.trilu"(%x) {k = 0 : i64, upper = true} : (tensor<2x2xi64>) -> tensor<2x2xi64>
  return %0 : tensor<2x2xi64>
}

// -----

// CHECK-LABEL: func.func @trilu_of_floats
// CHECK-NEXT:  "nn.trilu"
func.func @trilu_of_floats(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %0 = "nn.trilu"(%x) {k = 0 : i64, upper = true} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

// Bits of these tell more than numbers of float32.
// CHECK-LABEL: func.func @truth_of_doubles
// CHECK-NEXT:  "nn.cast"(%arg0) {saturate = true, to = i1}
// CHECK-NEXT:  return
func.func @truth_of_doubles(%x: tensor<4xf64>) -> tensor<4xi1> {
  %0 = "nn.cast"(%x) {to = i1, saturate = true} : (tensor<4xf64>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// -----

// CHECK-LABEL: func.func @pad_of_doubles
// CHECK:       "nn.constant"() {value = dense<[1, 0, 1, 2]> : tensor<4xi32>}
// CHECK:       "nn.gather"(%arg0
// CHECK-NOT:   "nn.pad"
func.func @pad_of_doubles(%x: tensor<2x3xf64>) -> tensor<2x4xf64> {
  %0 = "nn.pad"(%x) {padding = array<i64: 0, 1, 0, 0>, mode = "reflect", value = 0.0 : f64} : (tensor<2x3xf64>) -> tensor<2x4xf64>
  return %0 : tensor<2x4xf64>
}

// -----

// A machine that takes elements of 4 bytes pads itself, and what surrounds a tensor is no element of it.
// CHECK-LABEL: func.func @pads_that_stay
// CHECK-NOT:   "nn.gather"
func.func @pads_that_stay(%x: tensor<2x3xf32>, %y: tensor<2x3xi64>) -> (tensor<2x4xf32>, tensor<2x4xi64>) {
  %0 = "nn.pad"(%x) {padding = array<i64: 0, 1, 0, 0>, mode = "reflect", value = 0.0 : f64} : (tensor<2x3xf32>) -> tensor<2x4xf32>
  %1 = "nn.pad"(%y) {padding = array<i64: 0, 1, 0, 0>, mode = "constant", value = 7.0 : f64} : (tensor<2x3xi64>) -> tensor<2x4xi64>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xi64>
}
