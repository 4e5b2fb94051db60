// RUN: nn-opt %s --split-input-file --verify-diagnostics --pass-pipeline="builtin.module(nn-fold-constants)"

func.func @gather() -> tensor<1xf32> {
  %x = "nn.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %i = "nn.constant"() {value = dense<2> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error @below {{'nn.gather' op index 2 is out of range for 2 elements}}
  %0 = "nn.gather"(%x, %i) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<2xf32>, tensor<1xi64>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @gather_from_before_the_first() -> tensor<1xf32> {
  %x = "nn.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %i = "nn.constant"() {value = dense<-3> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error @below {{'nn.gather' op index -3 is out of range for 2 elements}}
  %0 = "nn.gather"(%x, %i) {axis = 0 : i64, batch_dims = 0 : i64} : (tensor<2xf32>, tensor<1xi64>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @gather_elements() -> tensor<1xf32> {
  %x = "nn.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %i = "nn.constant"() {value = dense<2> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error @below {{'nn.gather_elements' op index 2 is out of range for 2 elements}}
  %0 = "nn.gather_elements"(%x, %i) {axis = 0 : i64} : (tensor<2xf32>, tensor<1xi64>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @gather_nd() -> tensor<1xf32> {
  %x = "nn.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %i = "nn.constant"() {value = dense<5> : tensor<1x1xi64>} : () -> tensor<1x1xi64>
  // expected-error @below {{'nn.gather_nd' op index 5 is out of range for 2 elements}}
  %0 = "nn.gather_nd"(%x, %i) {batch_dims = 0 : i64} : (tensor<2xf32>, tensor<1x1xi64>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @scatter_elements() -> tensor<2xf32> {
  %x = "nn.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %u = "nn.constant"() {value = dense<3.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %i = "nn.constant"() {value = dense<-3> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error @below {{'nn.scatter_elements' op index -3 is out of range for 2 elements}}
  %0 = "nn.scatter_elements"(%x, %i, %u) {axis = 0 : i64, reduction = "none"} : (tensor<2xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @scatter_nd() -> tensor<2xf32> {
  %x = "nn.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %u = "nn.constant"() {value = dense<3.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %i = "nn.constant"() {value = dense<2> : tensor<1x1xi64>} : () -> tensor<1x1xi64>
  // expected-error @below {{'nn.scatter_nd' op index 2 is out of range for 2 elements}}
  %0 = "nn.scatter_nd"(%x, %i, %u) {reduction = "add"} : (tensor<2xf32>, tensor<1x1xi64>, tensor<1xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @dynamic_reshape() -> tensor<?x?xf32> {
  %x = "nn.constant"() {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %s = "nn.constant"() {value = dense<2> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error @below {{'nn.dynamic_reshape' cannot be computed: cannot reshape array of size 3 into shape (2,2)}}
  %0 = "nn.dynamic_reshape"(%x, %s) {allow_zero = false} : (tensor<3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @exp_of_integers() -> tensor<2xi32> {
  %x = "nn.constant"() {value = dense<[1, 2]> : tensor<2xi32>} : () -> tensor<2xi32>
  // expected-error @below {{'nn.exp' is not defined on these types: it gives float64 for tensor<2xi32>}}
  %0 = "nn.exp"(%x) : (tensor<2xi32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}
