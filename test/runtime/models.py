"""Small kmodels that several tests use."""

from __future__ import annotations

import numpy as np

from kpuc.runtime.kmodel import v5
from kpuc.runtime.kmodel.build5 import Place, Tensor, build_kmodel
from kpuc.runtime.kmodel.names import Names
from kpuc.runtime.kmodel.section import Section
from kpuc.runtime.kmodel.types7 import TensorType, TupleType
from kpuc.runtime.kpu.assembler import Assembler as KpuAssembler
from kpuc.runtime.kpu.registers import layer_arguments
from kpuc.runtime.kpu.tables import LOWEST, Activation, BatchNorm
from kpuc.runtime.stackvm.assembler5 import Assembler as Assembler5
from kpuc.runtime.stackvm.assembler7 import PUSHED, Arg, Assembler
from kpuc.runtime.stackvm.isa5 import ISA5

ROW = TensorType("f32", (1, 4))


def relu7() -> bytes:
    asm = Assembler()
    code = asm.function([ROW], ROW)
    code.emit("LDARG", index=0)
    code.tensor("relu", PUSHED)
    code.ret()
    return asm.write()


RELU = relu7()


def loop7(names: Names | None = None) -> bytes:
    """Adds 1 while the sum is negative, in a function that the entry calls; also gives the doubled input."""
    asm = Assembler()
    code = asm.function([ROW], TupleType((ROW, ROW)))
    code.tensor("binary", Arg(0), np.array([2], np.float32), kind="mul")
    code.call(0, 1, Arg(0))
    code.make_tuple(2)
    code.ret()
    body = asm.function([ROW], ROW)
    again, done = body.label(), body.label()
    value = body.new_local()
    body.push(Arg(0))
    body.store(value)
    body.place(again)
    body.tensor("reduce", value, np.array([0, 1]), np.array(0, np.float32), False, kind="sum")
    total = body.store()
    body.tensor("compare", total, np.array(0, np.float32), kind="less")
    body.emit("LDSCALAR")
    body.branch_false(done)
    body.tensor("binary", value, np.array([1], np.float32), kind="add")
    body.store(value)
    body.branch(again)
    body.place(done)
    body.push(value)
    body.ret()
    return asm.write(names)


def conv5(text_size: int = 24, kpu_text_size: int = 8) -> bytes:
    """A file of the form that nncase 1.9 gives a single KPU convolution; the code is filler."""

    def parameter(location: int, datatype: int, shape: tuple[int, ...], size: int) -> v5.Parameter:
        return v5.Parameter(v5.MemoryRange(location=location, datatype=datatype, start=0, bytes=size), shape)

    def function(datatype: int, itemsize: int, text: bytes) -> v5.Function:
        given = parameter(0, datatype, (1, 3, 4, 4), 48 * itemsize)
        made = parameter(1, datatype, (1, 4, 4, 4), 64 * itemsize)
        return v5.Function((given,), (made,), 0, len(text))

    def pools(**sizes: int) -> tuple[v5.MempoolDesc, ...]:
        return tuple(v5.MempoolDesc(location=v5.LOCATIONS[name], bytes=size) for name, size in sizes.items())

    text, kpu_text = bytes(text_size), b"KPU-TEXT".ljust(kpu_text_size, b"\0")
    host = v5.Module("stackvm", (function(9, 4, text),), (Section(".rdata", b""), Section(".text", text)),
                     pools(rdata=0, data=112))  # fmt: skip
    kpu = v5.Module("k210", (function(4, 1, kpu_text),), (Section(".rdata", b"\xaa" * 400), Section(".text", kpu_text)),
                    pools(rdata=400, data=0, kpu=2097152))  # fmt: skip
    return v5.write(v5.Model((host, kpu)))


MAPS = (1, 2, 4, 5)
DOUBLED = Activation([LOWEST, *range(15)], [0] + [2] * 15, [0] * 16, [0, *range(0, 30, 2)])


def kpu_module(persistent: bool = False) -> v5.Module:
    """Function 0: twice the input, through one layer and a copy. `persistent`: function 1 only reads KPU RAM."""
    asm = KpuAssembler()
    tensor = Tensor("u8", MAPS)
    code = asm.function([tensor], [tensor])
    code.upload(code.inputs[0], 64, MAPS)
    arguments = layer_arguments(64, 1024, MAPS, 2, kernel=1, weight_zero=0)
    ones = BatchNorm([1, 1], [0, 0], [0, 0])
    code.convolution(arguments, np.eye(2, dtype=np.uint8).reshape(2, 2, 1, 1), ones, DOUBLED)
    code.download(1024, Place("data", 8), MAPS)
    strides = (40, 20, 5, 1)
    code.copy("u8", MAPS, Place("data", 8), strides, code.outputs[0], strides)
    if persistent:
        code = asm.function([], [tensor])
        code.download(1024, code.outputs[0], MAPS)
    return asm.module(scratch=48)


def kpu5() -> bytes:
    """Stackvm code that hands its input to the KPU, and its result to it again."""
    asm = Assembler5(ISA5["1.6"])
    tensor = Tensor("u8", MAPS)
    code = asm.function([tensor], [tensor])
    code.call(1, 0, [(code.inputs[0], tensor)], [(Place("data", 0), tensor)])
    code.call(1, 0, [(Place("data", 0), tensor)], [(code.outputs[0], tensor)])
    return build_kmodel([asm.module(scratch=40), kpu_module()])
