// RUN: nn-opt %s --split-input-file --verify-diagnostics

func.func @line() {
  // expected-error @below {{'kpu.buffer' op offset is 32, expected a multiple of 64}}
  %0 = "kpu.buffer"() {offset = 32 : i64} : () -> memref<1x8x4x4xui8, #kpu.mem<"ram">>
  return
}

// -----

func.func @before_the_first() {
  // expected-error @below {{'kpu.buffer' op offset is -64, expected a multiple of 64}}
  %0 = "kpu.buffer"() {offset = -64 : i64} : () -> memref<1x8x4x4xui8, #kpu.mem<"ram">>
  return
}

// -----

func.func @beyond_the_end() {
  // expected-error @below {{'kpu.buffer' op ends at byte 2097216 of 2097152}}
  %0 = "kpu.buffer"() {offset = 2096704 : i64} : () -> memref<1x8x4x4xui8, #kpu.mem<"ram">>
  return
}

// -----

func.func @elements_of_a_map() {
  // expected-error @below {{'kpu.buffer' op result is memref<1x8x4x4xf32, #kpu.mem<"ram">>, expected elements of ui8}}
  %0 = "kpu.buffer"() {offset = 0 : i64} : () -> memref<1x8x4x4xf32, #kpu.mem<"ram">>
  return
}

// -----

func.func @no_map() {
  // expected-error @below {{'kpu.buffer' op result is memref<8xui8, #kpu.mem<"ram">>, expected 1 x C x H x W}}
  %0 = "kpu.buffer"() {offset = 0 : i64} : () -> memref<8xui8, #kpu.mem<"ram">>
  return
}

// -----

func.func @half_an_element() {
  // expected-error @below {{'kpu.buffer' op offset is 2, expected a multiple of 4}}
  %0 = "kpu.buffer"() {offset = 2 : i64} : () -> memref<8xf32, #kpu.mem<"main">>
  return
}

// -----

func.func @in_the_file() {
  // expected-error @below {{'kpu.buffer' op result is memref<1x8x4x4xui8, #kpu.mem<"const">>, expected one in main or ram}}
  %0 = "kpu.buffer"() {offset = 0 : i64} : () -> memref<1x8x4x4xui8, #kpu.mem<"const">>
  return
}

// -----

func.func @no_memory() {
  // expected-error @below {{'kpu.buffer' op memref<8xf32> is in no memory, expected #kpu.mem<...>}}
  %0 = "kpu.buffer"() {offset = 0 : i64} : () -> memref<8xf32>
  return
}

// -----

func.func @dynamic() {
  // expected-error @below {{'kpu.buffer' op memref<?xf32, #kpu.mem<"main">> is not static and dense}}
  %0 = "kpu.buffer"() {offset = 0 : i64} : () -> memref<?xf32, #kpu.mem<"main">>
  return
}

// -----

func.func @strided() {
  // expected-error @below {{'kpu.buffer' op memref<2x2xf32, strided<[4, 1]>, #kpu.mem<"main">> is not static and dense}}
  %0 = "kpu.buffer"() {offset = 0 : i64} : () -> memref<2x2xf32, strided<[4, 1]>, #kpu.mem<"main">>
  return
}

// -----

func.func @tensor(%x: tensor<4xf32>) {
  // expected-error @below {{'kpu.load' op operand must be a memref, got tensor<4xf32>}}
  %0 = "kpu.load"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @memref(%x: memref<4xf32, #kpu.mem<"main">>) {
  // expected-error @below {{'nn.exp' op operand must be a ranked tensor, got memref<4xf32, #kpu.mem<"main">>}}
  %0 = "nn.exp"(%x) : (memref<4xf32, #kpu.mem<"main">>) -> tensor<4xf32>
  return
}

// -----

func.func @load_of_a_map(%x: memref<1x8x4x4xui8, #kpu.mem<"ram">>) {
  // expected-error @below {{'kpu.load' op source is memref<1x8x4x4xui8, #kpu.mem<"ram">>, expected one in main}}
  %0 = "kpu.load"(%x) : (memref<1x8x4x4xui8, #kpu.mem<"ram">>) -> tensor<1x8x4x4xui8>
  return
}

// -----

func.func @load_of_more(%x: memref<4xf32, #kpu.mem<"main">>) {
  // expected-error @below {{'kpu.load' op result is tensor<5xf32>, source memref<4xf32, #kpu.mem<"main">> has other bytes}}
  %0 = "kpu.load"(%x) : (memref<4xf32, #kpu.mem<"main">>) -> tensor<5xf32>
  return
}

// -----

func.func @store_of_less(%x: tensor<3xf32>, %y: memref<4xf32, #kpu.mem<"main">>) {
  // expected-error @below {{'kpu.store' op value is tensor<3xf32>, target memref<4xf32, #kpu.mem<"main">> has other bytes}}
  "kpu.store"(%x, %y) : (tensor<3xf32>, memref<4xf32, #kpu.mem<"main">>) -> ()
  return
}

// -----

func.func @upload_of_a_map(%x: memref<1x8x4x4xui8, #kpu.mem<"ram">>, %y: memref<1x8x4x4xui8, #kpu.mem<"ram">>) {
  // expected-error @below {{'kpu.upload_into' op source is memref<1x8x4x4xui8, #kpu.mem<"ram">>, expected one in main or const}}
  "kpu.upload_into"(%x, %y) : (memref<1x8x4x4xui8, #kpu.mem<"ram">>, memref<1x8x4x4xui8, #kpu.mem<"ram">>) -> ()
  return
}

// -----

func.func @download_of_bytes(%x: memref<1x8x4x4xui8, #kpu.mem<"main">>, %y: memref<1x8x4x4xui8, #kpu.mem<"main">>) {
  // expected-error @below {{'kpu.download_into' op source is memref<1x8x4x4xui8, #kpu.mem<"main">>, expected one in ram}}
  "kpu.download_into"(%x, %y) : (memref<1x8x4x4xui8, #kpu.mem<"main">>, memref<1x8x4x4xui8, #kpu.mem<"main">>) -> ()
  return
}

// -----

func.func @download_of_more(%x: memref<1x8x4x4xui8, #kpu.mem<"ram">>, %y: memref<100xui8, #kpu.mem<"main">>) {
  // expected-error @below {{'kpu.download_into' op target is memref<100xui8, #kpu.mem<"main">>, source memref<1x8x4x4xui8, #kpu.mem<"ram">> has other bytes}}
  "kpu.download_into"(%x, %y) : (memref<1x8x4x4xui8, #kpu.mem<"ram">>, memref<100xui8, #kpu.mem<"main">>) -> ()
  return
}

// -----

func.func @constant(%x: tensor<4xui8>) {
  // expected-error @below {{'kpu.constant' op value is not that of a constant}}
  %0 = "kpu.constant"(%x) : (tensor<4xui8>) -> memref<4xui8, #kpu.mem<"const">>
  return
}

// -----

func.func @layer_in_main_memory(%x: memref<1x8x4x4xui8, #kpu.mem<"main">>, %w: tensor<8x8x1x1xui8>, %n: tensor<8x3xi64>, %l: tensor<16x4xi64>, %y: memref<1x8x4x4xui8, #kpu.mem<"ram">>) {
  // expected-error @below {{'kpu.conv2d_into' op input is memref<1x8x4x4xui8, #kpu.mem<"main">>, expected one in ram}}
  "kpu.conv2d_into"(%x, %w, %n, %l, %y) {depthwise = false, pool = "none", weight_zero = 128 : i64, input_zero = 3 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1>} : (memref<1x8x4x4xui8, #kpu.mem<"main">>, tensor<8x8x1x1xui8>, tensor<8x3xi64>, tensor<16x4xi64>, memref<1x8x4x4xui8, #kpu.mem<"ram">>) -> ()
  return
}

// -----

func.func @layer_of_other_size(%x: memref<1x8x4x4xui8, #kpu.mem<"ram">>, %w: tensor<8x8x1x1xui8>, %n: tensor<8x3xi64>, %l: tensor<16x4xi64>, %y: memref<1x4x4x4xui8, #kpu.mem<"ram">>) {
  // expected-error @below {{'kpu.conv2d_into' op target is memref<1x4x4x4xui8, #kpu.mem<"ram">>, expected 1 x 8 x 4 x 4}}
  "kpu.conv2d_into"(%x, %w, %n, %l, %y) {depthwise = false, pool = "none", weight_zero = 128 : i64, input_zero = 3 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1>} : (memref<1x8x4x4xui8, #kpu.mem<"ram">>, tensor<8x8x1x1xui8>, tensor<8x3xi64>, tensor<16x4xi64>, memref<1x4x4x4xui8, #kpu.mem<"ram">>) -> ()
  return
}

// -----

func.func @layer_padded_with_no_byte(%x: memref<1x8x4x4xui8, #kpu.mem<"ram">>, %w: tensor<8x8x1x1xui8>, %n: tensor<8x3xi64>, %l: tensor<16x4xi64>, %y: memref<1x8x4x4xui8, #kpu.mem<"ram">>) {
  // expected-error @below {{'kpu.conv2d_into' op input_zero is 256, expected a byte}}
  "kpu.conv2d_into"(%x, %w, %n, %l, %y) {depthwise = false, pool = "none", weight_zero = 128 : i64, input_zero = 256 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1>} : (memref<1x8x4x4xui8, #kpu.mem<"ram">>, tensor<8x8x1x1xui8>, tensor<8x3xi64>, tensor<16x4xi64>, memref<1x8x4x4xui8, #kpu.mem<"ram">>) -> ()
  return
}

// -----

func.func @apart(%w: tensor<8x8x1x1xui8>, %n: tensor<8x3xi64>, %l: tensor<16x4xi64>, %y: memref<1x8x4x4xui8, #kpu.mem<"ram">>) {
  %0 = "kpu.buffer"() {offset = 0 : i64} : () -> memref<1x4x4x4xui8, #kpu.mem<"ram">>
  %1 = "kpu.buffer"() {offset = 320 : i64} : () -> memref<1x4x4x4xui8, #kpu.mem<"ram">>
  // expected-error @below {{'kpu.conv2d_into' op an input begins at byte 320, the one before it ends at 256}}
  "kpu.conv2d_into"(%0, %1, %w, %n, %l, %y) {depthwise = false, pool = "none", weight_zero = 128 : i64, input_zero = 3 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1>} : (memref<1x4x4x4xui8, #kpu.mem<"ram">>, memref<1x4x4x4xui8, #kpu.mem<"ram">>, tensor<8x8x1x1xui8>, tensor<8x3xi64>, tensor<16x4xi64>, memref<1x8x4x4xui8, #kpu.mem<"ram">>) -> ()
  return
}

// -----

// expected-error @below {{does not satisfy the constraint}}
func.func private @no_such_memory(memref<4xf32, #kpu.mem<"rom">>)
