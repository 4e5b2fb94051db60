// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-plan-maps,nn-plan-memory,kpu-bufferize)" --split-input-file | filecheck %s
// RUN: nn-opt %s --pass-pipeline="builtin.module(kpu-plan-maps,nn-plan-memory{whole=true},kpu-bufferize)" --split-input-file | filecheck %s --check-prefix=WHOLE

// A map of 8 x 4 x 4 takes 8 lines. What the caller gives and wants is where the caller says, or, as one whole memory,
// an image in the KPU's memory, which needs no upload, and a place in main memory.
// CHECK-LABEL: func.func @layers(
// CHECK-SAME:    %arg0: memref<1x8x4x4xui8, #kpu.mem<"main">> {nn.name = "x", nn.type = tensor<1x8x4x4x!quant.uniform<u8:f32, 5.000000e-01:3>>},
// CHECK-SAME:    %arg1: memref<1x8x4x4xui8, #kpu.mem<"main">> {bufferize.result, nn.name = "y", nn.type = tensor<1x8x4x4x!quant.uniform<u8:f32, 5.000000e-01:3>>})
// CHECK:       [[A:%.*]] = "kpu.buffer"() {offset = 0 : i64} : () -> memref<1x8x4x4xui8, #kpu.mem<"ram">>
// CHECK-NEXT:  "kpu.upload_into"(%arg0, [[A]])
// CHECK-NEXT:  [[B:%.*]] = "kpu.buffer"() {offset = 512 : i64}
// CHECK-NEXT:  "kpu.conv2d_into"([[A]], {{.*}}, [[B]]) {depthwise = false, input_zero = 3 : i64,
// CHECK-NEXT:  "kpu.download_into"([[B]], %arg1)
// CHECK-NEXT:  return{{$}}
// CHECK-NOT:   nn.offsets
// WHOLE-LABEL: func.func @layers(
// WHOLE-SAME:    %arg0: memref<1x8x4x4xui8, #kpu.mem<"ram">> {kpu.offset = 0 : i64,
// WHOLE-SAME:    %arg1: memref<1x8x4x4xui8, #kpu.mem<"main">> {bufferize.result, kpu.offset = 0 : i64,
// WHOLE-NOT:   kpu.upload_into
// WHOLE:       "kpu.conv2d_into"(%arg0,
func.func @layers(%x: tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>> {nn.name = "x"}) -> (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>> {nn.name = "y"}) {
  %w = "nn.constant"() {value = dense<128> : tensor<8x8x1x1xui8>} : () -> tensor<8x8x1x1xui8>
  %n = "nn.constant"() {value = dense<0> : tensor<8x3xi64>} : () -> tensor<8x3xi64>
  %l = "nn.constant"() {value = dense<0> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %1 = "kpu.upload"(%x) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %2 = "kpu.conv2d"(%1, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<8x8x1x1xui8>, tensor<8x3xi64>, tensor<16x4xi64>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %3 = "kpu.download"(%2) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  return %3 : tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
}

// -----

// Channels of a map are a buffer inside of it.
// CHECK-LABEL: func.func @channels
// CHECK:       [[X:%.*]] = "kpu.buffer"() {offset = 512 : i64} : () -> memref<1x8x4x4xui8, #kpu.mem<"ram">>
// CHECK-NEXT:  "kpu.conv2d_into"({{.*}}, [[X]])
// CHECK-NEXT:  [[PART:%.*]] = "kpu.buffer"() {offset = 768 : i64} : () -> memref<1x4x4x4xui8, #kpu.mem<"ram">>
// CHECK-NEXT:  "kpu.download_into"([[PART]], %arg1)
func.func @channels(%x: tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x4x4x4x!quant.uniform<u8:f32, 5.0e-01:3>> {
  %w = "nn.constant"() {value = dense<128> : tensor<8x8x1x1xui8>} : () -> tensor<8x8x1x1xui8>
  %n = "nn.constant"() {value = dense<0> : tensor<8x3xi64>} : () -> tensor<8x3xi64>
  %l = "nn.constant"() {value = dense<0> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %1 = "kpu.upload"(%x) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %2 = "kpu.conv2d"(%1, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<8x8x1x1xui8>, tensor<8x3xi64>, tensor<16x4xi64>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %3 = "kpu.select"(%2) {first = 4 : i64, count = 4 : i64} : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x4x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %4 = "kpu.download"(%3) : (tensor<1x4x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x4x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  return %4 : tensor<1x4x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
}

// -----

// A reshape is the same bytes, loaded under another shape.
// CHECK-LABEL: func.func @host
// CHECK:       [[X:%.*]] = "kpu.load"(%arg0)
// CHECK-NEXT:  [[A:%.*]] = "kpu.buffer"() {offset = 0 : i64} : () -> memref<4xf32, #kpu.mem<"main">>
// CHECK-NEXT:  [[E:%.*]] = "nn.exp"([[X]]) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:  "kpu.store"([[E]], [[A]])
// CHECK-NEXT:  [[R:%.*]] = "kpu.load"([[A]]) : (memref<4xf32, #kpu.mem<"main">>) -> tensor<2x2xf32>
// CHECK-NEXT:  [[Y:%.*]] = "nn.abs"([[R]])
// CHECK-NEXT:  "kpu.store"([[Y]], %arg1)
// WHOLE-LABEL: func.func @host
// WHOLE-SAME:    %arg1: memref<2x2xf32, #kpu.mem<"main">> {bufferize.result, kpu.offset = {{[0-9]+}} : i64
func.func @host(%x: tensor<4xf32>) -> tensor<2x2xf32> {
  %0 = "nn.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.reshape"(%0) {shape = array<i64: 2, 2>} : (tensor<4xf32>) -> tensor<2x2xf32>
  %2 = "nn.abs"(%1) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

// -----

// A selection's condition becomes numbers on the way.
// CHECK-LABEL: func.func @working_memory
// CHECK:       [[W:%.*]] = "kpu.buffer"() {offset = 0 : i64} : () -> memref<4xf32, #kpu.mem<"main">>
// CHECK-NEXT:  [[Y:%.*]] = "nn.where"
// CHECK-NEXT:  "kpu.store"([[Y]], [[W]], %arg3)
func.func @working_memory(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.where"(%c, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Inputs, constants and what is returned twice are copied last; in one whole memory only what has no place there.
// CHECK-LABEL: func.func @copies
// CHECK:       "kpu.store"([[Y:%.*]], %arg2)
// CHECK-NEXT:  [[X:%.*]] = "kpu.load"(%arg0)
// CHECK-NEXT:  "kpu.store"([[X]], %arg1)
// CHECK-NEXT:  [[Z:%.*]] = "kpu.load"(%arg2)
// CHECK-NEXT:  "kpu.store"([[Z]], %arg3)
// CHECK-NEXT:  "kpu.store"(%{{.*}}, %arg4) : (tensor<2xf32>,
// CHECK-NEXT:  return
// WHOLE-LABEL: func.func @copies
// WHOLE-SAME:    %arg0: memref<4xf32, #kpu.mem<"main">> {kpu.offset = [[X:[0-9]+]]
// WHOLE-SAME:    %arg1: memref<4xf32, #kpu.mem<"main">> {bufferize.result, kpu.offset = [[X]]
// WHOLE-SAME:    %arg2: memref<4xf32, #kpu.mem<"main">> {bufferize.result, kpu.offset = [[Y:[0-9]+]]
// WHOLE-SAME:    %arg3: memref<4xf32, #kpu.mem<"main">> {bufferize.result, kpu.offset = [[Y]]
// WHOLE-SAME:    %arg4: memref<2xf32, #kpu.mem<"main">> {bufferize.result, nn.type
// WHOLE:       "kpu.store"({{.*}}, %arg2)
// WHOLE-NEXT:  "kpu.store"({{.*}}, %arg4)
// WHOLE-NEXT:  return
func.func @copies(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xf32>) {
  %c = "nn.constant"() {value = dense<1.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %0 = "nn.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %x, %0, %0, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xf32>
}

// -----

// A constant is uploaded from the file.
// CHECK-LABEL: func.func @constant
// CHECK:       [[M:%.*]] = "kpu.buffer"
// CHECK-NEXT:  [[C:%.*]] = "kpu.constant"({{.*}}) : (tensor<1x8x4x4xui8>) -> memref<1x8x4x4xui8, #kpu.mem<"const">>
// CHECK-NEXT:  "kpu.upload_into"([[C]], [[M]])
func.func @constant() -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>> {
  %0 = "nn.constant"() {value = dense<7> : tensor<1x8x4x4xui8>} : () -> tensor<1x8x4x4xui8>
  %1 = "nn.storage_cast"(%0) : (tensor<1x8x4x4xui8>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %w = "nn.constant"() {value = dense<128> : tensor<8x8x1x1xui8>} : () -> tensor<8x8x1x1xui8>
  %n = "nn.constant"() {value = dense<0> : tensor<8x3xi64>} : () -> tensor<8x3xi64>
  %l = "nn.constant"() {value = dense<0> : tensor<16x4xi64>} : () -> tensor<16x4xi64>
  %2 = "kpu.upload"(%1) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %3 = "kpu.conv2d"(%2, %w, %n, %l) {depthwise = false, pool = "none", weight_zero = 128 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1>} : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>, tensor<8x8x1x1xui8>, tensor<8x3xi64>, tensor<16x4xi64>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  %4 = "kpu.download"(%3) : (tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>) -> tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
  return %4 : tensor<1x8x4x4x!quant.uniform<u8:f32, 5.0e-01:3>>
}
