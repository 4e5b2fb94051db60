"""The `kpu` dialect: how the K210's accelerator computes a network. See docs/dialects/kpu.md."""

from .base import KPU, KPUOp
from .buffers import (
    OFFSET,
    Buffer,
    BufferOp,
    Constant,
    Conv2DInto,
    DownloadInto,
    Load,
    Mem,
    Store,
    TransferInto,
    UploadInto,
    buffer_type,
    bytes_of,
    offset_of,
    space_of,
)
from .layer import Layer
from .quantized import WEIGHT_ZERO, Conv2D, Download, Select, Upload

__all__ = [
    "KPU",
    "OFFSET",
    "WEIGHT_ZERO",
    "Buffer",
    "BufferOp",
    "Constant",
    "Conv2D",
    "Conv2DInto",
    "Download",
    "DownloadInto",
    "KPUOp",
    "Layer",
    "Load",
    "Mem",
    "Select",
    "Store",
    "TransferInto",
    "Upload",
    "UploadInto",
    "buffer_type",
    "bytes_of",
    "offset_of",
    "space_of",
]
