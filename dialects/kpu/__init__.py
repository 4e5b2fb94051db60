"""The `kpu` dialect: how the K210's accelerator computes a network. See docs/dialects/kpu.md."""

from .base import KPU, KPUOp
from .layer import Layer
from .quantized import WEIGHT_ZERO, Conv2D, Download, Select, Upload

__all__ = ["KPU", "WEIGHT_ZERO", "Conv2D", "Download", "KPUOp", "Layer", "Select", "Upload"]
