"""A network for the K210, assembled by hand: quantize, two KPU layers, dequantize, a float convolution."""

import numpy as np

from kpuc.runtime.kmodel.build5 import Place, Tensor
from kpuc.runtime.kmodel.names import Names
from kpuc.runtime.kpu import assembler as kpu
from kpuc.runtime.kpu.registers import layer_arguments
from kpuc.runtime.kpu.tables import LOWEST, Activation, BatchNorm
from kpuc.runtime.stackvm.assembler5 import Assembler
from kpuc.runtime.stackvm.isa5 import ISA5
from kpuc.runtime.stackvm.memory5 import dense

IMAGE, MAPS = (1, 3, 32, 32), (1, 8, 32, 32)
ACTIVATION = Activation(start=[LOWEST] * 16, mul=[0] * 16, shift=[0] * 16, add=[0] * 16)


def add_layer(code, source, target, shape, channels, **options):
    kernel = options["kernel"]
    weights = np.zeros((channels, shape[1], kernel, kernel), np.uint8)
    norm = BatchNorm(mul=[1] * channels, shift=[0] * channels, add=[0] * channels)
    code.convolution(layer_arguments(source, target, shape, channels, **options), weights, norm, ACTIVATION)


def kpu_module():
    """Uploads an image to 0 (4096 bytes), makes 8 maps at 4096 (8192 bytes) and 8 more at 12288, downloads these."""
    asm = kpu.Assembler()
    code = asm.function([Tensor("u8", IMAGE)], [Tensor("u8", MAPS)])
    code.upload(code.inputs[0], 0, IMAGE)
    add_layer(code, 0, 4096, IMAGE, 8, kernel=3)
    add_layer(code, 4096, 12288, MAPS, 8, kernel=1)
    code.download(12288, code.outputs[0], MAPS)
    return asm.module()


def quantise(code, function, source, target, shape, **types):
    immediates = {"rshape_src": shape, "rstride_src": dense(shape), "rstride_dest": dense(shape), **types}
    code.tensor(function, source, target, 0.1, 5, **immediates)


def whole_network(dialect="1.6"):
    """quantize, the KPU, dequantize, a float convolution 1x1 to 4 channels."""
    asm = Assembler(ISA5[dialect])
    code = asm.function([Tensor("f32", IMAGE)], [Tensor("f32", (1, 4, 32, 32))])
    image, maps, real = Place("data", 0), Place("data", 4096), Place("data", 16384)
    quantise(code, "quantize", code.inputs[0], image, IMAGE, in_datatype="f32", dst_datatype="u8")
    code.call(1, 0, [(image, Tensor("u8", IMAGE))], [(maps, Tensor("u8", MAPS))])
    quantise(code, "dequantize", maps, real, MAPS, in_datatype="u8", dst_datatype="f32")
    weights, bias = (code.constant(np.zeros(shape, np.float32)) for shape in ((4, 8, 1, 1), (4,)))
    code.tensor(
        "conv2d", real, weights, bias, code.outputs[0], *code.window((0, 0), (0, 0)),
        datatype="f32", rshape_src=MAPS, rstride_src=dense(MAPS), rshape_kernel=(4, 8, 1, 1),
        rstride_kernel=(8, 1, 1, 1), rstride_bias=(1,), rstride_dest=dense((1, 4, 32, 32)), groups=1,
        stride_h=1, stride_w=1, dilation_h=1, dilation_w=1, low=-np.inf, high=np.inf,
    )  # fmt: skip
    return asm.write(49152, Names(("image",), ("maps",), "by hand", dialect), [kpu_module()])
