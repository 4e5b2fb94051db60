"""The instruction sets of kmodel version 5, as the runtimes of nncase 1.x execute them.

The container and the scalar instructions are the same in all of them, but the tensor functions were renumbered several
times, and no field of a file says which numbers it uses. So there is one `Isa` a dialect, named after the first release
that has it: "1.0.0-beta2" (the K210's official SDK), "1.1" (CanMV), "1.6" (1.6 to 1.9).
Source: opcode tables of the releases; kmodel v5, stackvm.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..kmodel.elements import V5_CODES
from .isa import (
    REAL,
    SIGNED,
    UNSIGNED,
    Enumeration,
    Field,
    Instruction,
    Isa,
    Kind,
    TensorFunction,
    enumeration,
    instruction,
    plain,
    typed,
)

TENSOR = 0x5E
DIALECTS = ("1.0.0-beta2", "1.1", "1.6")

_UNARY = "abs acos asin ceil cos exp floor log neg round rsqrt sign sin sqrt square tanh bitwise_not logical_not erf"
_LATER_UNARY = {"1.0.0-beta2": {"acos", "asin", "sign", "erf"}, "1.1": {"erf"}, "1.6": set[str]()}
"""What each dialect does not have yet: the others were numbered without gaps."""

_BINARY = enumeration(
    "binary", "add", "sub", "mul", "div", "min", "max", "pow", "floor_div", "floor_mod", "bitwise_and", "bitwise_or",
    "bitwise_xor", "logical_and", "logical_or", "logical_xor",
)  # fmt: skip
_DTYPE = Enumeration("element type", V5_CODES)
_ENUMERATIONS: dict[str, Enumeration] = {
    "datatype": _DTYPE, "in_datatype": _DTYPE, "dst_datatype": _DTYPE,
    "binary_op": _BINARY,
    "compare_op": enumeration("compare", "equal", "not_equal", "greater", "greater_equal", "less", "less_equal"),
    "reduce_op": enumeration("reduce", "mean", "min", "max", "sum"),
    "reduce_arg_op": enumeration("reduce_arg", "argmin", "argmax"),
    "pad_mode": enumeration("pad mode", "constant", "reflect", "symmetric", "edge"),
    "resize_mode": enumeration("resize mode", "linear", "nearest"),
    "onehot_mode": enumeration("one-hot mode", "normal", "process_negative"),
    "roi_mode": enumeration("roi mode", "avg", "max"),
    "direction": enumeration("direction", "forward", "reverse", "bidirectional"),
}  # fmt: skip
"""Immediates that are members of an enumeration, by their names."""

INSTRUCTIONS: tuple[Instruction, ...] = (
    *plain(0x00, "NOP", "LDNULL"),
    instruction(0x02, "LDC_I4", ("value", "i32")),
    *plain(0x03, "LDC_I4_0", "LDC_I4_1"),
    instruction(0x05, "LDC_R4", ("value", "f32")),
    *typed(0x06, "LDIND", *SIGNED, *UNSIGNED, *REAL),
    *typed(0x10, "STIND", *SIGNED, *REAL),
    instruction(0x16, "LEA_GP", ("register", "u8"), ("offset", "i32"), supported=False),
    instruction(0x17, "LEA_BUFFER", ("location", "u8"), ("subres", "u8"), ("offset", "u32")),
    *typed(0x18, "LDELEM", *SIGNED, *UNSIGNED, *REAL),
    *typed(0x22, "STELEM", *SIGNED, *REAL),
    instruction(0x28, "LDARG", ("index", "u32"), supported=False),
    *typed(0x29, "LDARG", "0", "1", "2", "3", "4", "5", supported=False),
    *plain(0x2F, "DUP", "POP"),
    instruction(0x31, "STSHAPE", ("register", "u8"), ("rank", "u8")),
    instruction(0x32, "STPADDINGS", ("register", "u8"), ("rank", "u8")),
    *plain(0x33, "NEG", "ADD", "SUB", "MUL", "DIV", "DIV_U"),
    *plain(0x39, "REM", "REM_U", supported=False),
    *plain(0x3B, "AND", "OR", "XOR", "NOT", "SHL", "SHR", "SHR_U"),
    *plain(0x42, "CLT", "CLT_U", "CLE", "CLE_U", "CEQ", "CGE", "CGE_U", "CGT", "CGT_U", "CNE"),
    *typed(0x4C, "CONV", *SIGNED, *UNSIGNED, *REAL),
    instruction(0x56, "BR", ("target", "i32")),
    instruction(0x57, "BR_TRUE", ("target", "i32")),
    instruction(0x58, "BR_FALSE", ("target", "i32")),
    *plain(0x59, "RET"),
    instruction(0x5A, "CALL", ("arguments", "u8"), ("target", "i32"), supported=False),
    instruction(0x5B, "ECALL", ("arguments", "u8"), supported=False),
    *plain(0x5C, "THROW", "BREAK", supported=False),
    Instruction(TENSOR, "TENSOR"),
)
"""Branch targets are relative to the end of the branch. REM and REM_U divide, so they count as not supported; LEA_GP
reads registers that nothing writes."""

_ROWS = """
batch_to_space    | 00 00 00 | datatype rshape_src rstride_src rstride_dest rshape_block rpad_crops | input output
binary            | 01 01 01 | datatype rshape_src1 rstride_src1 rshape_src2 rstride_src2 +rshape_dest rstride_dest \
binary_op low:f32 high:f32 | lhs rhs output
broadcast         | 02 02 02 | datatype rshape_src rstride_src rshape_dest rstride_dest | input output
call              | 03 03 03 | function_id:u32 module_id:u16 num_src num_dst |
compare           | -- -- 04 | datatype rshape_src1 rstride_src1 rshape_src2 rstride_src2 rshape_dest rstride_dest \
compare_op | lhs rhs output
clamp             | 04 04 05 | | !
conv2d            | 05 05 06 | datatype rshape_src rstride_src rshape_kernel rstride_kernel rstride_bias rstride_dest \
groups:u16 stride_h:u16 stride_w:u16 dilation_h:u16 dilation_w:u16 low:f32 high:f32 | input weights bias output PADDING
conv2d_transpose  | 06 06 07 | | !
convert           | 07 07 08 | in_datatype dst_datatype rshape_src rstride_src rstride_dest | input output
copy              | 08 08 09 | datatype rshape rstride_src rstride_dest | input output
cumsum            | -- 09 0a | datatype rshape_src axis:i32 exclusive:bool reverse:bool | input output
dequantize        | 09 0a 0b | in_datatype dst_datatype rshape_src rstride_src rstride_dest | input output scale bias
gather            | 0a 0b 0c | datatype rshape_src rshape_dest rstride_src rstride_dest rshape_indices axis \
| input output indices
gather_nd         | 0b 0c 0d | datatype rshape_src rshape_dest rstride_src rstride_dest rshape_indices batch_dims \
| input output indices
hardmax           | -- 0d 0e | datatype rshape_src rstride_src axis:i32 | input output
logistic          | 0c 0e 0f | | !
lut1d             | 0d 0f 10 | datatype rshape_src rstride_src rstride_dest table_len:u16 | input table output min max
matmul            | -- -- 11 | rshape_src1 rstride_src1 rshape_src2 rstride_src2 rshape_dest rstride_dest low:f32 \
high:f32 | lhs rhs bias output
onehot            | 0f 11 12 | datatype rshape_indices rshape_dest rstride_dest axis onehot_mode \
| indices depth on off output
pad               | 10 12 13 | datatype rshape_src rstride_src rstride_dest rpaddings pad_mode | input output value
quantize          | 11 13 14 | in_datatype dst_datatype rshape_src rstride_src rstride_dest | input output scale bias
random_normal     | -- 14 15 | dst_datatype rshape_dest mean:f32 std:f32 seed:f32 | output
random_uniform    | -- 15 16 | dst_datatype rshape_dest low:f32 high:f32 seed:f32 | output
reduce            | 12 16 17 | datatype rshape_src rstride_src rstride_dest reduce_op rshape_axis keep_dims:bool \
| input output init
reduce_arg        | -- 17 18 | datatype rshape_src rstride_src dst_datatype rstride_dest reduce_arg_op rshape_axis \
keep_dims:bool select_last_index:bool | input output
reduce_prod       | -- 18 19 | +datatype rshape_src rstride_src rstride_dest rshape_axis keep_dims:bool | input output
reduce_window2d   | 13 19 1a | datatype reduce_op rshape_src rstride_src rstride_dest filter_h:u16 filter_w:u16 \
stride_h:u16 stride_w:u16 dilation_h:u16 dilation_w:u16 low:f32 high:f32 | input init output PADDING
resize_image      | 14 1a 1b | datatype rshape_src rstride_src rstride_dest align_corners:bool \
half_pixel_centers:bool resize_mode | out_h out_w input output
roi_align         | -- -- 1c | datatype rshape_src rshape_dest roi_mode spatial_scale:f32 sampling_ratio:i64 \
| input rois batch_indices output
sigmoid           | -- -- 1d | datatype rshape_src rstride_src rstride_dest | input output
slice             | 15 1b 1e | datatype rshape_src rstride_src rstride_dest rbegins rends rstrides | input output
softmax           | -- -- 1f | datatype rshape_src rstride_src rstride_dest axis:i32 beta:f32 | input output
space_to_batch    | -- -- 20 | datatype rshape_src rstride_src rstride_dest rshape_block rpad_crops | input output
take              | 18 1e 21 | | !
ternary           | -- 1f 22 | datatype rshape_src1 rstride_src1 rshape_src2 rstride_src2 rshape_src3 rstride_src3 \
rstride_dest | condition x y output
topk              | -- -- 23 | datatype rshape_src rstride_src rshape_dest1 rstride_dest1 rshape_dest2 rstride_dest2 \
k:i64 axis:i32 largest:bool sorted:bool | input values indices
transpose         | 19 20 24 | datatype rshape_src rstride_src rstride_dest rshape_perm | input output
trilu             | -- -- 25 | datatype rshape_src upper:bool k:i64 | input output
unary             | 1a 21 26 | datatype rshape_src rstride_src rstride_dest unary_op | input output
gru               | -- -- 27 | input_shape_src w_shape_src direction linear_before_reset:bool \
| input w r b initial_h output output_h
detection         | -- -- 28 | box_shape_src score_shape_src anchor_shape_src max_detections:i32 \
max_classes_per_detection:i32 detections_per_class:i32 use_regular_non_max_suppression:bool score_threshold:f32 \
iou_threshold:f32 num_classes:i32 y_scale:f32 x_scale:f32 h_scale:f32 w_scale:f32 \
| boxes scores anchors locations classes out_scores count
layer_norm        | -- -- 29 | datatype input_shape axis:i32 epsilon:f32 | input scale bias output
compress          | -- -- 2a | input_shape_src condition_shape_src axis:f32 | input condition output
gather_elements   | -- -- 2b | input_shape_src indices_shape_src axis:i32 | input indices output
"""
"""Name, number in each dialect, immediates (+: since 1.6; u8 unless said), operands in the order they are pushed.
`!` instead of operands: it has a number, but no runtime decodes it."""


def _padding_values(dialect: str) -> int:
    """The first dialect has no elements between two neighbours."""
    return 2 if dialect == "1.0.0-beta2" else 3


def _padding(dialect: str) -> str:
    """The operands that PADDING stands for."""
    parts = ("before", "after", "interior")[: _padding_values(dialect)]
    return " ".join(f"{axis}_{part}" for axis in "hw" for part in parts)


def _fields(text: str, dialect: str) -> tuple[Field, ...]:
    """Immediates of one row."""
    fields = []
    for word in text.split():
        if word.startswith("+") and dialect != "1.6":
            continue
        name, _, kind = word.lstrip("+").partition(":")
        fields.append(Field(name, _kind(kind), unary(dialect) if name == "unary_op" else _ENUMERATIONS.get(name)))
    return tuple(fields)


def _kind(text: str) -> Kind:
    kinds: tuple[Kind, ...] = ("u16", "i32", "u32", "i64", "f32", "bool")
    return next((kind for kind in kinds if kind == text), "u8")


def unary(dialect: str) -> Enumeration:
    """The elementwise functions of a dialect."""
    return enumeration("unary", *(name for name in _UNARY.split() if name not in _LATER_UNARY[dialect]))


def _functions(dialect: str) -> tuple[TensorFunction, ...]:
    made = []
    for row in _ROWS.strip().splitlines():
        name, numbers, fields, operands = (cell.strip() for cell in row.split("|"))
        number = numbers.split()[DIALECTS.index(dialect)]
        if number == "--":
            continue
        pushed = operands.replace("PADDING", _padding(dialect)).split()
        supported = operands != "!"
        popped = tuple(reversed(pushed)) if supported else ()
        made.append(TensorFunction(int(number, 16), name, _fields(fields, dialect), popped, supported))
    return tuple(made)


class Isa5(Isa):
    """One dialect; `padding_values` is what a padding takes on the stack for each axis: before, after(, interior)."""

    def __init__(self, dialect: str) -> None:
        super().__init__(5, TENSOR, INSTRUCTIONS, _functions(dialect))
        self.dialect = dialect
        self.padding_values = _padding_values(dialect)


ISA5: Mapping[str, Isa5] = {dialect: Isa5(dialect) for dialect in DIALECTS}
"""The instruction set of each dialect."""
