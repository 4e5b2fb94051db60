"""The instruction set of kmodel version 7, as the runtimes of nncase 2.6 to 2.11 execute it.

Opcodes, tensor functions with immediates and operands, and enumerations: one table for assembler, disassembler and
interpreter. `supported=False`: it has a code, but the vendor's runtime refuses to execute it.
Source: kmodel v7, stackvm opcodes, enumerations and tensor functions.
"""

from __future__ import annotations

from ..kmodel.elements import V7_CODES
from .isa import (
    REAL,
    SIGNED,
    UNSIGNED,
    Enumeration,
    Field,
    Instruction,
    Isa,
    TensorFunction,
    enumeration,
    instruction,
    plain,
    typed,
)

TENSOR = 100

DTYPE = Enumeration("element type", V7_CODES)
BINARY = enumeration(
    "binary", "add", "sub", "mul", "div", "mod", "min", "max", "pow", "bitwise_and", "bitwise_or", "bitwise_xor",
    "logical_and", "logical_or", "logical_xor", "left_shift", "right_shift",
)  # fmt: skip
UNARY = enumeration(
    "unary", "abs", "acos", "acosh", "asin", "asinh", "ceil", "cos", "cosh", "exp", "floor", "log", "neg", "round",
    "rsqrt", "sin", "sinh", "sign", "sqrt", "square", "tanh", "bitwise_not", "logical_not",
)  # fmt: skip
COMPARE = enumeration("compare", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
PAD_MODE = enumeration("pad mode", "constant", "reflect", "symmetric", "edge")
REDUCE = enumeration("reduce", "mean", "min", "max", "sum", "prod")
REDUCE_ARG = enumeration("reduce_arg", "argmin", "argmax")
RESIZE = enumeration("resize mode", "linear", "nearest")
TRANSFORM = enumeration(
    "resize transform", "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"
)
NEAREST = enumeration("nearest mode", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
DIRECTION = enumeration("direction", "forward", "reverse", "bidirectional")
QUANT_MODE = enumeration("quant mode", "unsigned", "signed_symmetric", "signed_asymmetric")
CAST_MODE = enumeration("cast mode", "default", "exact", "check_overflow", "reinterpret")
ONE_HOT_MODE = enumeration("one-hot mode", "normal", "process_negative")

INSTRUCTIONS = (
    *plain(0, "NOP", "LDNULL"),
    instruction(2, "LDC_I4", ("value", "i32")),
    *plain(3, "LDC_I4_0", "LDC_I4_1"),
    instruction(5, "LDC_R4", ("value", "f32")),
    *typed(6, "LDIND", *SIGNED, *UNSIGNED, *REAL),
    *typed(16, "STIND", *SIGNED, *REAL),
    instruction(22, "LEA_GP", ("register", "u8"), ("offset", "i32")),
    *typed(23, "LDELEM", *SIGNED, *UNSIGNED, *REAL),
    *typed(33, "STELEM", *SIGNED, *REAL),
    instruction(39, "LDARG", ("index", "u16")),
    *typed(40, "LDARG", "0", "1", "2", "3", "4", "5"),
    *plain(46, "DUP", "POP"),
    instruction(48, "LDLOCAL", ("index", "u16")),
    instruction(49, "STLOCAL", ("index", "u16")),
    *plain(50, "LDTUPLE_ELEM", "LDTUPLE", "LDDATATYPE", "LDTENSOR", "LDSCALAR"),
    *plain(55, "NEG", "ADD", "SUB", "MUL", "DIV", "DIV_U"),
    *plain(61, "REM", "REM_U", supported=False),
    *plain(63, "AND", "OR", "XOR", "NOT", "SHL", "SHR", "SHR_U"),
    *plain(70, "CLT", "CLT_U", "CLE", "CLE_U", "CEQ", "CGE", "CGE_U", "CGT", "CGT_U", "CNE"),
    *typed(80, "CONV", *SIGNED, *UNSIGNED, *REAL),
    instruction(90, "BR", ("target", "i32")),
    instruction(91, "BR_TRUE", ("target", "i32")),
    instruction(92, "BR_FALSE", ("target", "i32")),
    *plain(93, "RET"),
    instruction(94, "CALL", ("arguments", "u8"), ("target", "i32"), supported=False),
    instruction(95, "ECALL", ("arguments", "u8"), supported=False),
    instruction(96, "EXTCALL", ("arguments", "u16"), ("is_prim_func", "bool")),
    instruction(97, "CUSCALL", ("name", "cstr"), ("fields", "bytes"), ("arguments", "u16"), supported=False),
    *plain(98, "THROW", "BREAK", supported=False),
    Instruction(TENSOR, "TENSOR"),
)
"""Branch targets are relative to the branch's own first byte."""

_REFUSED = frozenset(
    {
        "bitcast", "condition", "fake_dequantize", "fake_quantize", "index_of", "l2_normalization", "lp_normalization",
        "prod", "quant_param_of", "range_of", "relu6", "select",
    }
)  # fmt: skip

_DTYPE = Field("dtype", "u8", DTYPE)
_IMMEDIATES: dict[str, tuple[Field, ...]] = {
    "binary": (Field("kind", "u8", BINARY),),
    "bitcast": (Field("type", "u64"), Field("new_type", "u64")),
    "cast": (_DTYPE, Field("mode", "i32", CAST_MODE)),
    "compare": (Field("kind", "u8", COMPARE),),
    "concat": (Field("axis", "i32"),),
    "condition": (Field("can_fold", "bool"),),
    "conv2d": (Field("pad_mode", "u8", PAD_MODE),),
    "conv2d_transpose": (Field("pad_mode", "u8", PAD_MODE),),
    "dequantize": (_DTYPE,),
    "fake_dequantize": (_DTYPE,),
    "fake_quantize": (_DTYPE,),
    "gather": (Field("axis", "i32"),),
    "layer_norm": (Field("axis", "i32"), Field("epsilon", "f32"), Field("use_mean", "bool")),
    "lstm": (Field("direction", "i32", DIRECTION), Field("layout", "i32"), Field("activations", "strings")),
    "normal": (_DTYPE,),
    "normal_like": (_DTYPE,),
    "one_hot": (Field("mode", "u8", ONE_HOT_MODE),),
    "pad": (Field("mode", "u8", PAD_MODE),),
    "quantize": (_DTYPE,),
    "quant_param_of": (Field("mode", "i32", QUANT_MODE),),
    "range_of": (Field("is_weight", "bool"),),
    "reduce": (Field("kind", "u8", REDUCE),),
    "reduce_arg": (Field("kind", "u8", REDUCE_ARG), _DTYPE),
    "reduce_window2d": (Field("kind", "u8", REDUCE),),
    "require": (Field("message", "cstr"), Field("can_fold", "bool")),
    "resize_image": (
        Field("mode", "u8", RESIZE), Field("transform", "i32", TRANSFORM), Field("nearest", "i32", NEAREST),
        Field("is_tf", "bool"),
    ),
    "unary": (Field("kind", "u8", UNARY),),
    "uniform": (_DTYPE,),
    "uniform_like": (_DTYPE,),
    "where": (Field("is_tf", "bool"),),
}  # fmt: skip

_CONV = "input weights bias stride padding dilation groups fused_clamp"
_OPERANDS = f"""
batch_normalization: input scale bias input_mean input_var epsilon momentum
batch_to_space: input block_shape crops
binary: lhs rhs
bitcast: input new_shape
broadcast: input shape
broadcast_shape: inputs
bucket_pad: input shape
cast: input
celu: input alpha
clamp: input min max
compare: lhs rhs
concat: input
condition: predicate value
constant_of_shape: shape value
conv2d: {_CONV}
conv2d_shape: input weights padding stride dilation groups
conv2d_transpose: input weights bias output_shape stride padding output_padding dilation groups fused_clamp
conv2d_transpose_shape: input weights stride dilation padding output_padding groups
cum_sum: input axis exclusive reverse
dequantize: input dequant_param
elu: input alpha
erf: input
expand: input shape
fake_dequantize: input dequant_param
fake_quantize: input quant_param
fix_shape: input shape
flatten: input axis
gather: input index
gather_elements: input axis indices
gather_nd: input batch_dims index
gelu: input alpha
get_item: input index
get_paddings: input_shape weights_shape strides dilations same lower
hardmax: input axis
hard_sigmoid: input alpha beta
hard_swish: input
index_of: input value
instance_normalization: input scale bias epsilon
l2_normalization: input
layer_norm: input scale bias
leaky_relu: input alpha
log_softmax: input axis
lp_normalization: input axis p
lrn: input alpha beta bias size
lstm: x w r b sequence_lens initial_h initial_c p activation_alpha activation_beta clip hidden_size input_forget \
output_size
mat_mul: lhs rhs
mat_mul_shape: lhs rhs
normal: mean scale seed shape
normal_like: input mean scale seed
one_hot: indices depth values axis
pad: input pads value
prelu: input slope
prod: input
quantize: input quant_param
quant_param_of: range bits
range: begin end step
range_of: input
rank: input
reduce: input axis init_value keep_dims
reduce_arg: input axis keep_dims select_last_index
reduce_window2d: input init_value filter stride padding dilation ceil_mode count_include_pad
relu: input
relu6: input
require: predicate value
reshape: input shape
reshape_shape: input_shape shape
resize_image: input roi new_size cubic_coeff_a exclude_outside extrapolation_value
reverse_sequence: input seq_lens batch_axis time_axis
scatter_nd: input indices updates
select: predicate true_value false_value
selu: input alpha gamma
shape_of: input
sigmoid: input
size_of: input
slice: input begins ends axes strides
softmax: input axis
softplus: input
softsign: input
space_to_batch: input block_shape paddings
split: input axis sections
squeeze: input dim
squeeze_shape: input_shape dim
stack: inputs axis
swish: input
tile: input repeats
top_k: x k axis largest sorted
transpose: input perm
transpose_shape: input_shape perm
trilu: input k upper
unary: input
uniform: high low seed shape
uniform_like: input high low seed
unsqueeze: input dim
unsqueeze_shape: input_shape dim
where: cond x y
"""


def _functions() -> tuple[TensorFunction, ...]:
    """A function's number is its place in the list."""
    rows = [line.partition(": ") for line in _OPERANDS.strip().splitlines()]
    return tuple(
        TensorFunction(number, name, _IMMEDIATES.get(name, ()), tuple(operands.split()), name not in _REFUSED)
        for number, (name, _, operands) in enumerate(rows)
    )


ISA7 = Isa(7, TENSOR, INSTRUCTIONS, _functions())
