"""The twelve 64-bit words that tell the KPU what a layer is.

`LayerArguments` says where each field lies; `layer_arguments` computes all of them from the facts of a layer. Addresses
of weights and tables are 0 in files: the runtime on the chip fills them in. Source: kmodel v5 as written by nncase 1.9;
kendryte-standalone-sdk kpu.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...errors import KmodelError
from ..kmodel.bits import BitRecord, bits
from .layout import LINE, RAM_BYTES, Layout
from .pooling import POOL_BY_NAME

WEIGHT_BUFFER = 30 * 1024
"""Bytes of weights that the KPU holds at a time."""
WEIGHT_LOADS = 64
CHANNELS = 1024
WIDTH = 960
"""The widest map: rows have at most 15 lines."""
HEIGHT = 512


@dataclass(frozen=True, kw_only=True)
class LayerArguments(BitRecord):
    """Fields with the suffix _num, _wid, _high, _coef, _time, _byte_num and total_byte hold a number less one.

    The names are the vendor's; note that `arg_x` (minus the weights' zero point) multiplies the sum of the inputs.
    """

    words: ClassVar[int] = 12

    interrupt_enable: int = bits(0, 0, 1)
    ram_flag: int = bits(0, 1, 1)
    full_add: int = bits(0, 2, 1)
    depth_wise_layer: int = bits(0, 3, 1)
    image_src_addr: int = bits(1, 0, 15)
    image_dst_addr: int = bits(1, 32, 15)
    i_ch_num: int = bits(2, 0, 10)
    o_ch_num: int = bits(2, 32, 10)
    o_ch_num_coef: int = bits(2, 48, 10)
    i_row_wid: int = bits(3, 0, 10)
    i_col_high: int = bits(3, 10, 9)
    o_row_wid: int = bits(3, 32, 10)
    o_col_high: int = bits(3, 42, 9)
    kernel_type: int = bits(4, 0, 3)
    pad_type: int = bits(4, 3, 1)
    pool_type: int = bits(4, 4, 4)
    first_stride: int = bits(4, 8, 1)
    bypass_conv: int = bits(4, 9, 1)
    load_para: int = bits(4, 10, 1, default=1)
    dma_burst_size: int = bits(4, 16, 8, default=15)
    pad_value: int = bits(4, 24, 8)
    bwsx_base_addr: int = bits(4, 32, 32)
    load_coor: int = bits(5, 0, 1, default=1)
    load_time: int = bits(5, 1, 6)
    para_size: int = bits(5, 15, 17)
    para_start_addr: int = bits(5, 32, 32)
    coef_column_offset: int = bits(6, 0, 4)
    coef_row_offset: int = bits(6, 4, 12)
    channel_switch_addr: int = bits(7, 0, 15)
    row_switch_addr: int = bits(7, 16, 4)
    coef_size: int = bits(7, 20, 8)
    coef_group: int = bits(7, 28, 3)
    load_act: int = bits(7, 31, 1, default=1)
    active_addr: int = bits(7, 32, 32)
    wb_channel_switch_addr: int = bits(8, 0, 15)
    wb_row_switch_addr: int = bits(8, 16, 4)
    wb_group: int = bits(8, 20, 3)
    shr_w: int = bits(9, 0, 4)
    shr_x: int = bits(9, 4, 4)
    arg_w: int = bits(9, 8, 24, signed=True)
    arg_x: int = bits(9, 32, 24, signed=True)
    arg_add: int = bits(10, 0, 40, signed=True)
    send_data_out: int = bits(11, 0, 1)
    channel_byte_num: int = bits(11, 16, 16)
    dma_total_byte: int = bits(11, 32, 32)

    def input_shape(self, batches: int) -> tuple[int, int, int, int]:
        """Shape (n, c, h, w) of what the layer reads."""
        return batches, self.i_ch_num + 1, self.i_col_high + 1, self.i_row_wid + 1

    def output_shape(self, batches: int) -> tuple[int, int, int, int]:
        """Shape (n, c, h, w) of what the layer writes."""
        return batches, self.o_ch_num + 1, self.o_col_high + 1, self.o_row_wid + 1


@dataclass(frozen=True)
class WeightLoads:
    """How the weights of a layer get into the KPU: `count` times those of `channels` output channels."""

    channels: int
    count: int
    bytes: int


def weight_loads(kernel: int, inputs: int, outputs: int, depthwise: bool) -> WeightLoads:
    """The fewest loads; depthwise layers take one. More than WEIGHT_LOADS cannot be told to the chip."""
    if depthwise:
        return WeightLoads(outputs, 1, kernel * kernel * outputs)
    one = kernel * kernel * inputs
    channels = min(outputs, WEIGHT_BUFFER // one)
    return WeightLoads(channels, -(-outputs // channels), one * channels)


def layer_arguments(
    source: int,
    target: int,
    shape: tuple[int, int, int, int],
    channels: int,
    *,
    kernel: int,
    depthwise: bool = False,
    pool: str = "none",
    input_zero: int = 0,
    weight_zero: int = 128,
    to_main_memory: bool = False,
) -> LayerArguments:
    """The registers of a layer.

    `source`, `target`: bytes in KPU RAM where maps of `shape` (n, c, h, w) are read and those with `channels` channels
    written; `kernel`: 1 or 3; `pool`: a name of `pooling.POOLS`; zero points as unsigned bytes. Raises KmodelError
    K0407 that names the field which cannot hold what the layer needs. Other arguments than the zero points' can be set
    with `dataclasses.replace`.
    """
    form = POOL_BY_NAME[pool]
    batches, inputs, height, width = shape
    low, narrow = form.output(height, width)
    _check("kernel_type", kernel in (1, 3), f"a kernel of {kernel}x{kernel} does not exist, only 1x1 and 3x3 do")
    for name, value, limit in (
        ("i_ch_num", inputs, CHANNELS), ("o_ch_num", channels, CHANNELS), ("i_row_wid", width, WIDTH),
        ("i_col_high", height, HEIGHT), ("o_row_wid", narrow, WIDTH), ("o_col_high", low, HEIGHT),
    ):  # fmt: skip
        _check(name, 1 <= value <= limit, f"{value} is not 1 to {limit}")
    _check("depth_wise_layer", not depthwise or inputs == channels, f"{inputs} channels cannot become {channels}")
    given, made = Layout(shape), Layout((batches, channels, low, narrow))
    for name, address, maps in (("image_src_addr", source, given), ("image_dst_addr", target, made)):
        _check(name, address % LINE == 0, f"byte {address} is not a multiple of {LINE}")
        inside = 0 <= address <= RAM_BYTES - maps.bytes
        _check(name, inside, f"{maps.bytes} bytes at byte {address} do not lie in {RAM_BYTES} bytes of RAM")
    loads = weight_loads(kernel, inputs, channels, depthwise)
    _check("load_time", loads.count <= WEIGHT_LOADS, f"{loads.count} weight loads, at most {WEIGHT_LOADS} are possible")
    arguments = LayerArguments(
        depth_wise_layer=int(depthwise), image_src_addr=source // LINE, image_dst_addr=target // LINE,
        i_ch_num=inputs - 1, o_ch_num=channels - 1, o_ch_num_coef=loads.channels - 1,
        i_row_wid=width - 1, i_col_high=height - 1, o_row_wid=narrow - 1, o_col_high=low - 1,
        kernel_type=int(kernel == 3), pool_type=form.code, pad_value=input_zero,
        load_time=loads.count - 1, para_size=loads.bytes,
        channel_switch_addr=given.channel_lines, row_switch_addr=given.row_length, coef_group=given.groups,
        wb_channel_switch_addr=made.channel_lines, wb_row_switch_addr=made.row_length, wb_group=made.groups,
        arg_w=-input_zero, arg_x=-weight_zero, arg_add=kernel * kernel * weight_zero * input_zero,
        send_data_out=int(to_main_memory),
        channel_byte_num=low * narrow - 1, dma_total_byte=channels * low * narrow - 1,
    )  # fmt: skip
    arguments.pack()
    return arguments


def _check(field: str, holds: bool, cause: str) -> None:
    if not holds:
        raise KmodelError("K0407", where=f"LayerArguments.{field}", cause=cause)
