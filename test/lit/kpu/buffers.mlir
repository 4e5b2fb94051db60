// RUN: nn-opt %s --pass-pipeline="builtin.module(cse,canonicalize)" --split-input-file | filecheck %s

// Effects: what is loaded twice is loaded once, unless something was stored meanwhile; nothing that is stored is lost.
// CHECK-LABEL: func.func @effects
// CHECK:       [[A:%.*]] = "kpu.buffer"() {offset = 0 : i64} : () -> memref<4xf32, #kpu.mem<"main">>
// CHECK-NEXT:  [[X:%.*]] = "kpu.load"(%arg0)
// CHECK-NEXT:  [[S:%.*]] = "nn.add"([[X]], [[X]])
// CHECK-NEXT:  "kpu.store"([[S]], [[A]])
// CHECK-NEXT:  [[Y:%.*]] = "kpu.load"([[A]])
// CHECK-NEXT:  [[Z:%.*]] = "nn.exp"([[Y]])
// CHECK-NEXT:  "kpu.store"([[Z]], [[A]])
// CHECK-NEXT:  [[W:%.*]] = "kpu.load"([[A]])
// CHECK-NEXT:  "kpu.store"([[W]], %arg1)
// CHECK-NEXT:  return
func.func @effects(%x: memref<4xf32, #kpu.mem<"main">>, %y: memref<4xf32, #kpu.mem<"main">>) {
  %a = "kpu.buffer"() {offset = 0 : i64} : () -> memref<4xf32, #kpu.mem<"main">>
  %b = "kpu.buffer"() {offset = 0 : i64} : () -> memref<4xf32, #kpu.mem<"main">>
  %0 = "kpu.load"(%x) : (memref<4xf32, #kpu.mem<"main">>) -> tensor<4xf32>
  %1 = "kpu.load"(%x) : (memref<4xf32, #kpu.mem<"main">>) -> tensor<4xf32>
  %2 = "nn.add"(%0, %1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  "kpu.store"(%2, %a) : (tensor<4xf32>, memref<4xf32, #kpu.mem<"main">>) -> ()
  %3 = "kpu.load"(%b) : (memref<4xf32, #kpu.mem<"main">>) -> tensor<4xf32>
  %4 = "nn.exp"(%3) : (tensor<4xf32>) -> tensor<4xf32>
  "kpu.store"(%4, %b) : (tensor<4xf32>, memref<4xf32, #kpu.mem<"main">>) -> ()
  %5 = "kpu.load"(%a) : (memref<4xf32, #kpu.mem<"main">>) -> tensor<4xf32>
  %6 = "kpu.load"(%a) : (memref<4xf32, #kpu.mem<"main">>) -> tensor<4xf32>
  "kpu.store"(%5, %y) : (tensor<4xf32>, memref<4xf32, #kpu.mem<"main">>) -> ()
  return
}

// -----

// CHECK-LABEL: func.func @maps
// CHECK:       "kpu.upload_into"
// CHECK:       "kpu.download_into"
func.func @maps(%x: memref<1x8x4x4xui8, #kpu.mem<"main">>, %y: memref<1x8x4x4xui8, #kpu.mem<"main">>) {
  %a = "kpu.buffer"() {offset = 64 : i64} : () -> memref<1x8x4x4xui8, #kpu.mem<"ram">>
  "kpu.upload_into"(%x, %a) : (memref<1x8x4x4xui8, #kpu.mem<"main">>, memref<1x8x4x4xui8, #kpu.mem<"ram">>) -> ()
  "kpu.download_into"(%a, %y) : (memref<1x8x4x4xui8, #kpu.mem<"ram">>, memref<1x8x4x4xui8, #kpu.mem<"main">>) -> ()
  return
}
