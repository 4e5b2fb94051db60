// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-move-quantized)" --split-input-file | filecheck %s

// What moves and selects elements does so with integers; the dequantisation goes behind it.
// CHECK-LABEL: func.func @behind_dequantize
// CHECK:       %[[P:.*]] = "nn.pad"(%arg0) {{.*}}value = 0.000000e+00{{.*}} -> tensor<1x2x6x6x!quant.uniform<u8:f32, 5.000000e-01:7>>
// CHECK:       %[[M:.*]] = "nn.max_pool"(%[[P]])
// CHECK:       %[[C:.*]] = "nn.clamp"(%[[M]]) {max = 0x7FF0000000000000 : f64, min = 0.000000e+00 : f64}
// CHECK:       %[[S:.*]]:2 = "nn.split"(%[[C]])
// CHECK:       %[[A:.*]] = "nn.dequantize"(%[[S]]#0)
// CHECK:       %[[B:.*]] = "nn.dequantize"(%[[S]]#1)
// CHECK:       return %[[A]], %[[B]]
func.func @behind_dequantize(%q: tensor<1x2x4x4x!quant.uniform<u8:f32, 0.5:7>>) -> (tensor<1x1x3x3xf32>, tensor<1x1x3x3xf32>) {
  %0 = "nn.dequantize"(%q) : (tensor<1x2x4x4x!quant.uniform<u8:f32, 0.5:7>>) -> tensor<1x2x4x4xf32>
  %1 = "nn.pad"(%0) {padding = array<i64: 0, 0, 1, 1, 0, 0, 1, 1>, mode = "constant", value = 0.0 : f64} : (tensor<1x2x4x4xf32>) -> tensor<1x2x6x6xf32>
  %2 = "nn.max_pool"(%1) {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false} : (tensor<1x2x6x6xf32>) -> tensor<1x2x3x3xf32>
  %3 = "nn.relu"(%2) : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %4, %5 = "nn.split"(%3) {axis = 1 : i64, sizes = array<i64: 1, 1>, resultSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<1x2x3x3xf32>) -> (tensor<1x1x3x3xf32>, tensor<1x1x3x3xf32>)
  return %4, %5 : tensor<1x1x3x3xf32>, tensor<1x1x3x3xf32>
}

// -----

// A third is no number of the type, nor is what comes of one scale a channel to be mixed.
// CHECK-LABEL: func.func @numbers_between
// CHECK:       %[[X:.*]] = "nn.dequantize"(%arg0)
// CHECK:       "nn.pad"(%[[X]])
// CHECK:       "nn.clamp"(%[[X]])
// CHECK:       %[[Y:.*]] = "nn.dequantize"(%arg1)
// CHECK:       "nn.transpose"(%[[Y]])
func.func @numbers_between(%q: tensor<2x3x!quant.uniform<i8:f32, 0.5>>, %r: tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> (tensor<2x5xf32>, tensor<2x3xf32>, tensor<3x2xf32>) {
  %0 = "nn.dequantize"(%q) : (tensor<2x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<2x3xf32>
  %1 = "nn.pad"(%0) {padding = array<i64: 0, 1, 0, 1>, mode = "constant", value = 0.33 : f64} : (tensor<2x3xf32>) -> tensor<2x5xf32>
  %2 = "nn.clamp"(%0) {min = 0.33 : f64, max = 1.0 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = "nn.dequantize"(%r) : (tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<2x3xf32>
  %4 = "nn.transpose"(%3) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %1, %2, %4 : tensor<2x5xf32>, tensor<2x3xf32>, tensor<3x2xf32>
}

// -----

// A clamp that the type itself is within does nothing.
// CHECK-LABEL: func.func @clamp_within
// CHECK-NOT:   nn.clamp
// CHECK:       return
func.func @clamp_within(%q: tensor<4x!quant.uniform<u8:f32, 0.5>>) -> tensor<4xf32> {
  %0 = "nn.dequantize"(%q) : (tensor<4x!quant.uniform<u8:f32, 0.5>>) -> tensor<4xf32>
  %1 = "nn.clamp"(%0) {min = -3.0 : f64, max = 200.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Parts of one type are joined as integers; parts of several types only when the result is quantised.
// CHECK-LABEL: func.func @joined
// CHECK:       %[[A:.*]] = "nn.concat"(%arg0, %arg0)
// CHECK:       %[[X:.*]] = "nn.dequantize"(%[[A]])
// CHECK:       %[[B:.*]] = "nn.concat"
// CHECK:       return %[[X]], %[[B]]
func.func @joined(%q: tensor<2x!quant.uniform<u8:f32, 0.5>>, %r: tensor<2x!quant.uniform<u8:f32, 0.25>>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = "nn.dequantize"(%q) : (tensor<2x!quant.uniform<u8:f32, 0.5>>) -> tensor<2xf32>
  %1 = "nn.dequantize"(%r) : (tensor<2x!quant.uniform<u8:f32, 0.25>>) -> tensor<2xf32>
  %2 = "nn.concat"(%0, %0) {axis = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %3 = "nn.concat"(%0, %1) {axis = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  return %2, %3 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A move whose result is quantised moves integers: its operand is quantised before. What has the type is left alone.
// CHECK-LABEL: func.func @before_quantize
// CHECK:       %[[Y:.*]] = "nn.exp"(%arg0)
// CHECK:       %[[Q:.*]] = "nn.quantize"(%[[Y]]) {ties = "away"}
// CHECK:       %[[C:.*]] = "nn.concat"(%[[Q]], %arg1)
// CHECK:       return %[[C]]
func.func @before_quantize(%x: tensor<2xf32>, %q: tensor<2x!quant.uniform<u8:f32, 0.5>>) -> tensor<4x!quant.uniform<u8:f32, 0.5>> {
  %0 = "nn.exp"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "nn.dequantize"(%q) : (tensor<2x!quant.uniform<u8:f32, 0.5>>) -> tensor<2xf32>
  %2 = "nn.concat"(%0, %1) {axis = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %3 = "nn.quantize"(%2) {ties = "away"} : (tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5>>
  return %3 : tensor<4x!quant.uniform<u8:f32, 0.5>>
}

// -----

// What is dequantised or constant is quantised anew, whoever else reads it.
// CHECK-LABEL: func.func @joined_with_zeros
// CHECK-DAG:   %[[X:.*]] = "nn.dequantize"(%arg0)
// CHECK-DAG:   %[[Z:.*]] = "nn.quantize"(%{{.*}}) : (tensor<1xf32>)
// CHECK:       %[[C:.*]] = "nn.concat"(%arg0, %[[Z]])
// CHECK:       return %[[C]], %[[X]]
func.func @joined_with_zeros(%q: tensor<2x!quant.uniform<u8:f32, 0.5>>) -> (tensor<3x!quant.uniform<u8:f32, 0.5>>, tensor<2xf32>) {
  %0 = "nn.dequantize"(%q) : (tensor<2x!quant.uniform<u8:f32, 0.5>>) -> tensor<2xf32>
  %1 = "nn.constant"() {value = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %2 = "nn.concat"(%0, %1) {axis = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<2xf32>, tensor<1xf32>) -> tensor<3xf32>
  %3 = "nn.quantize"(%2) : (tensor<3xf32>) -> tensor<3x!quant.uniform<u8:f32, 0.5>>
  return %3, %0 : tensor<3x!quant.uniform<u8:f32, 0.5>>, tensor<2xf32>
}

// -----

// Two windows of one value, quantised alike, are windows of the quantised value.
// CHECK-LABEL: func.func @windows
// CHECK:       "nn.quantize"(%arg0)
// CHECK-COUNT-2: "nn.slice"
func.func @windows(%x: tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5>> {
  %0 = "nn.slice"(%x) {axes = array<i64: 0>, starts = array<i64: 0>, ends = array<i64: 4>, steps = array<i64: 2>} : (tensor<4xf32>) -> tensor<2xf32>
  %1 = "nn.slice"(%x) {axes = array<i64: 0>, starts = array<i64: 1>, ends = array<i64: 4>, steps = array<i64: 2>} : (tensor<4xf32>) -> tensor<2xf32>
  %2 = "nn.concat"(%0, %1) {axis = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %3 = "nn.quantize"(%2) : (tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5>>
  return %3 : tensor<4x!quant.uniform<u8:f32, 0.5>>
}

// -----

// What is moved is wanted as real numbers, too; a computation; a comparison, which costs nothing behind one.
// CHECK-LABEL: func.func @moved_for_others
// CHECK:       %[[T:.*]] = "nn.transpose"(%arg0)
// CHECK:       "nn.quantize"(%[[T]])
// CHECK:       %[[S:.*]] = "nn.slice"(%arg1)
// CHECK:       "nn.quantize"(%[[S]])
// CHECK:       %[[M:.*]] = "nn.maximum"
// CHECK:       "nn.quantize"(%[[M]])
func.func @moved_for_others(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<3x2x!quant.uniform<u8:f32, 0.5>>, tensor<2x2x!quant.uniform<u8:f32, 0.5>>, tensor<2x3xf32>, tensor<2x3x!quant.uniform<u8:f32, 0.5>>) {
  %0 = "nn.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = "nn.quantize"(%0) : (tensor<3x2xf32>) -> tensor<3x2x!quant.uniform<u8:f32, 0.5>>
  %2 = "nn.slice"(%y) {axes = array<i64: 1>, starts = array<i64: 0>, ends = array<i64: 2>, steps = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  %3 = "nn.quantize"(%2) : (tensor<2x2xf32>) -> tensor<2x2x!quant.uniform<u8:f32, 0.5>>
  %4 = "nn.exp"(%y) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %5 = "nn.maximum"(%x, %4) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %6 = "nn.quantize"(%5) : (tensor<2x3xf32>) -> tensor<2x3x!quant.uniform<u8:f32, 0.5>>
  return %0, %1, %3, %4, %6 : tensor<3x2xf32>, tensor<3x2x!quant.uniform<u8:f32, 0.5>>, tensor<2x2x!quant.uniform<u8:f32, 0.5>>, tensor<2x3xf32>, tensor<2x3x!quant.uniform<u8:f32, 0.5>>
}

// -----

// The same type again changes nothing, another one does.
// CHECK-LABEL: func.func @quantize_of_dequantize
// CHECK:       %[[X:.*]] = "nn.dequantize"(%arg0)
// CHECK:       %[[Q:.*]] = "nn.quantize"(%[[X]])
// CHECK:       return %arg0, %[[Q]]
func.func @quantize_of_dequantize(%q: tensor<2x!quant.uniform<u8:f32, 0.5>>) -> (tensor<2x!quant.uniform<u8:f32, 0.5>>, tensor<2x!quant.uniform<u8:f32, 0.25>>) {
  %0 = "nn.dequantize"(%q) : (tensor<2x!quant.uniform<u8:f32, 0.5>>) -> tensor<2xf32>
  %1 = "nn.quantize"(%0) : (tensor<2xf32>) -> tensor<2x!quant.uniform<u8:f32, 0.5>>
  %2 = "nn.quantize"(%0) : (tensor<2xf32>) -> tensor<2x!quant.uniform<u8:f32, 0.25>>
  return %1, %2 : tensor<2x!quant.uniform<u8:f32, 0.5>>, tensor<2x!quant.uniform<u8:f32, 0.25>>
}

// -----

// Plain integers are what a quantised value is stored as: operations on them are done to it, numbers made real.
// CHECK-LABEL: func.func @behind_storage_cast
// CHECK:       %[[P:.*]] = "nn.pad"(%arg0) {{.*}}value = -1.500000e+00
// CHECK:       %[[T:.*]] = "nn.transpose"(%[[P]])
// CHECK:       return %[[T]]
func.func @behind_storage_cast(%q: tensor<2x3x!quant.uniform<u8:f32, 0.5:5>>) -> tensor<3x4x!quant.uniform<u8:f32, 0.5:5>> {
  %0 = "nn.storage_cast"(%q) : (tensor<2x3x!quant.uniform<u8:f32, 0.5:5>>) -> tensor<2x3xui8>
  %1 = "nn.pad"(%0) {padding = array<i64: 1, 0, 1, 0>, mode = "constant", value = 2.0 : f64} : (tensor<2x3xui8>) -> tensor<4x3xui8>
  %2 = "nn.transpose"(%1) {permutation = array<i64: 1, 0>} : (tensor<4x3xui8>) -> tensor<3x4xui8>
  %3 = "nn.storage_cast"(%2) : (tensor<3x4xui8>) -> tensor<3x4x!quant.uniform<u8:f32, 0.5:5>>
  return %3 : tensor<3x4x!quant.uniform<u8:f32, 0.5:5>>
}

// -----

// Arithmetic with stored integers is not arithmetic with numbers.
// CHECK-LABEL: func.func @arithmetic_on_storage
// CHECK:       %[[I:.*]] = "nn.storage_cast"(%arg0)
// CHECK:       "nn.add"(%[[I]], %[[I]])
func.func @arithmetic_on_storage(%q: tensor<2x3x!quant.uniform<u8:f32, 0.5:5>>) -> tensor<2x3xui8> {
  %0 = "nn.storage_cast"(%q) : (tensor<2x3x!quant.uniform<u8:f32, 0.5:5>>) -> tensor<2x3xui8>
  %1 = "nn.add"(%0, %0) : (tensor<2x3xui8>, tensor<2x3xui8>) -> tensor<2x3xui8>
  return %1 : tensor<2x3xui8>
}

// -----

// 255 stands for 6, 0 for 0: quantising limits as the clamps do. In the last one 6 is in the middle.
// CHECK-LABEL: func.func @limits_of_type
// CHECK:       %[[C:.*]] = "nn.conv"(%arg0, %arg1) {dilations
// CHECK:       "nn.quantize"(%[[C]])
// CHECK:       "nn.quantize"(%arg0)
// CHECK:       %[[L:.*]] = "nn.clamp"(%arg0) {max = 6.000000e+00 : f64, min = 0xFFF0000000000000 : f64}
// CHECK:       "nn.quantize"(%[[L]])
func.func @limits_of_type(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x1x1xf32>) -> (tensor<1x1x4x4x!quant.uniform<u8:f32, 2.3529e-02>>, tensor<1x1x4x4x!quant.uniform<u8:f32, 2.3529e-02>>, tensor<1x1x4x4x!quant.uniform<u8:f32, 0.5>>) {
  %0 = "nn.conv"(%x, %w) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, groups = 1 : i64, clamp = array<f64: 0.0, 6.0>} : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %1 = "nn.quantize"(%0) : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4x!quant.uniform<u8:f32, 2.3529e-02>>
  %2 = "nn.relu"(%x) : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %3 = "nn.quantize"(%2) : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4x!quant.uniform<u8:f32, 2.3529e-02>>
  %4 = "nn.clamp"(%x) {min = -1.0 : f64, max = 6.0 : f64} : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %5 = "nn.quantize"(%4) : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4x!quant.uniform<u8:f32, 0.5>>
  return %1, %3, %5 : tensor<1x1x4x4x!quant.uniform<u8:f32, 2.3529e-02>>, tensor<1x1x4x4x!quant.uniform<u8:f32, 2.3529e-02>>, tensor<1x1x4x4x!quant.uniform<u8:f32, 0.5>>
}

// -----

// The clamp's result is wanted itself.
// CHECK-LABEL: func.func @limits_for_others
// CHECK:       %[[Y:.*]] = "nn.relu"(%arg0)
// CHECK:       "nn.quantize"(%[[Y]])
func.func @limits_for_others(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4x!quant.uniform<u8:f32, 0.5>>) {
  %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.quantize"(%0) : (tensor<4xf32>) -> tensor<4x!quant.uniform<u8:f32, 0.5>>
  return %0, %1 : tensor<4xf32>, tensor<4x!quant.uniform<u8:f32, 0.5>>
}

// -----

// The integers of averages of one type are added, so that halves are exact.
// CHECK-LABEL: func.func @average
// CHECK:       %[[I:.*]] = "nn.storage_cast"(%arg0) : {{.*}} -> tensor<1x2x4x4xi8>
// CHECK:       %[[C:.*]] = "nn.storage_cast"(%[[I]]) : {{.*}} -> tensor<1x2x4x4x!quant.uniform<i8:f32, 1.000000e+00>>
// CHECK:       %[[X:.*]] = "nn.dequantize"(%[[C]])
// CHECK:       %[[A:.*]] = "nn.avg_pool"(%[[X]])
// CHECK:       %[[Q:.*]] = "nn.quantize"(%[[A]]) {ties = "away"} : {{.*}} -> tensor<1x2x1x1x!quant.uniform<i8:f32, 1.000000e+00>>
// CHECK:       %[[S:.*]] = "nn.storage_cast"(%[[Q]])
// CHECK:       %[[R:.*]] = "nn.storage_cast"(%[[S]]) : {{.*}} -> tensor<1x2x1x1x!quant.uniform<i8:f32, 5.000000e-01:7>>
// CHECK:       return %[[R]]
func.func @average(%q: tensor<1x2x4x4x!quant.uniform<i8:f32, 0.5:7>>) -> tensor<1x2x1x1x!quant.uniform<i8:f32, 0.5:7>> {
  %0 = "nn.dequantize"(%q) : (tensor<1x2x4x4x!quant.uniform<i8:f32, 0.5:7>>) -> tensor<1x2x4x4xf32>
  %1 = "nn.avg_pool"(%0) {kernel = array<i64: 4, 4>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = false} : (tensor<1x2x4x4xf32>) -> tensor<1x2x1x1xf32>
  %2 = "nn.quantize"(%1) {ties = "outwards"} : (tensor<1x2x1x1xf32>) -> tensor<1x2x1x1x!quant.uniform<i8:f32, 0.5:7>>
  return %2 : tensor<1x2x1x1x!quant.uniform<i8:f32, 0.5:7>>
}

// -----

// Averages that become another type, or whose halves go elsewhere, are not those of the integers.
// CHECK-LABEL: func.func @average_of_another_type
// CHECK-NOT:   storage_cast
// CHECK:       return
func.func @average_of_another_type(%q: tensor<1x2x4x4x!quant.uniform<i8:f32, 0.5:7>>) -> (tensor<1x2x1x1x!quant.uniform<i8:f32, 0.25:7>>, tensor<1x2x1x1x!quant.uniform<i8:f32, 0.5:7>>) {
  %0 = "nn.dequantize"(%q) : (tensor<1x2x4x4x!quant.uniform<i8:f32, 0.5:7>>) -> tensor<1x2x4x4xf32>
  %1 = "nn.avg_pool"(%0) {kernel = array<i64: 4, 4>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = false} : (tensor<1x2x4x4xf32>) -> tensor<1x2x1x1xf32>
  %2 = "nn.quantize"(%1) {ties = "outwards"} : (tensor<1x2x1x1xf32>) -> tensor<1x2x1x1x!quant.uniform<i8:f32, 0.25:7>>
  %3 = "nn.avg_pool"(%0) {kernel = array<i64: 4, 4>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = false} : (tensor<1x2x4x4xf32>) -> tensor<1x2x1x1xf32>
  %4 = "nn.quantize"(%3) {ties = "away"} : (tensor<1x2x1x1xf32>) -> tensor<1x2x1x1x!quant.uniform<i8:f32, 0.5:7>>
  return %2, %4 : tensor<1x2x1x1x!quant.uniform<i8:f32, 0.25:7>>, tensor<1x2x1x1x!quant.uniform<i8:f32, 0.5:7>>
}

// -----

// So are those between transposes.
// CHECK-LABEL: func.func @average_between_transposes
// CHECK:       "nn.storage_cast"
// CHECK:       "nn.avg_pool"
// CHECK:       "nn.quantize"{{.*}}ties = "away"
func.func @average_between_transposes(%q: tensor<1x4x4x2x!quant.uniform<i8:f32, 0.5:7>>) -> tensor<1x1x1x2x!quant.uniform<i8:f32, 0.5:7>> {
  %0 = "nn.dequantize"(%q) : (tensor<1x4x4x2x!quant.uniform<i8:f32, 0.5:7>>) -> tensor<1x4x4x2xf32>
  %1 = "nn.transpose"(%0) {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x4x2xf32>) -> tensor<1x2x4x4xf32>
  %2 = "nn.avg_pool"(%1) {kernel = array<i64: 4, 4>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = false} : (tensor<1x2x4x4xf32>) -> tensor<1x2x1x1xf32>
  %3 = "nn.transpose"(%2) {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x1x1xf32>) -> tensor<1x1x1x2xf32>
  %4 = "nn.quantize"(%3) {ties = "outwards"} : (tensor<1x1x1x2xf32>) -> tensor<1x1x1x2x!quant.uniform<i8:f32, 0.5:7>>
  return %4 : tensor<1x1x1x2x!quant.uniform<i8:f32, 0.5:7>>
}
