"""The page about the K210: its rules, what work costs, quantised networks, what fits."""

from ..passes.kpu.rules import LAYERS
from ..runtime.cycles import RATES
from .cli.ops import rules, rules_table

HOST = """\
An operation that breaks one of these rules runs on the processor, in floating point; `kpuc compile` says which one and
what would help. So does every operation that the table does not name, unless a layer absorbs it, as layers do with
activations, poolings and sums."""
LAYERED = """\
A layer is a convolution, an activation and a pooling. What else is computed in one, and when:"""
COSTS = """\
`kpuc analyze` predicts times from these constants, for 400 MHz. Measured ones were fitted to times that others
published for boards, and hold to about 30 %; assumed ones are good for comparing two kmodels only."""


OWN = """\
A network that rounds its values to 8 bits itself needs no calibration data: bytes in KPU memory stand for what the
network says, with its scales and zero points (int8 as the byte that is 128 more), and weights are the network's
integers, of int8 or of uint8 with one zero point. Calibration data or ranges that are given (`--calibration`,
`--ranges`) win: the network's own parameters of values are left out then. `--quant none` computes it in floating point,
on the processor.

Inputs and outputs of int8 stay that in version 5. `--portable` and `--kmodel 3` and `4` take the bytes that are 128
more, and give bytes, or, 3 and 4, real numbers. Options for the input (`--input-type uint8 --mean 127.5 --std 127.5`)
make the real numbers that int8 stands for, as they do for float networks: so a camera's bytes go to the KPU as they
are.

What a network rounds to 16 bits stays on the processor, in floating point: the KPU has 8. `--quant u8` takes bytes over
the ranges that the 16 bits have; calibration data gives narrower ones, and better results.

The KPU's arithmetic differs from LiteRT's in this, and bytes with it:

- Sums of products are the same integers. LiteRT multiplies them by a number of 31 bits and rounds twice, halves away
  from zero; the KPU multiplies by one of 23 bits a channel and by one of 15 bits in the activation table, and rounds
  once, halves to even. Of a layer's bytes, 2 in 1000 are one step away.
- A sum of maps weighs them with 8 bits each; the two weights are chosen for their ratio.
- Weights of uint8 with a zero point a channel are rounded to bytes with one for all.
- An activation that the network puts behind a rounding (hard-swish, sigmoid) is part of the layer before it: 16 lines,
  rounded once.
- Means over windows of 2x2 and 4x4 are rounded down; half of what that loses is added to the bytes before.
- Joined maps have one scale, which covers the ranges of all.
- What the processor computes (softmax, means over maps, small products) it computes in float32, between the network's
  own roundings."""


MEASURED = """\
Measured with `python benchmarks/k210_own.py MODELS`, the files of nets of 16 bits made with `--quant u8`. Bytes of the
file, and of values in main memory at their peak; of the network's outputs, how many are what LiteRT's plain kernels
compute, and how many steps of their type the worst is away; the share of samples in the right class. LiteRT rounds sums
twice and so is a step away from the exact number itself now and then; its default kernels, which round once, agree with
them about as often ([docs/tflite.md](tflite.md)). Behind a softmax one step of a logit is many. The last five
remember what was before; much of their work is too small to be worth the KPU.

| network | file | values | over | equal | steps | LiteRT | K210 |
| --- | --- | --- | --- | --- | --- | --- | --- |
| fashion_dscnn_int8 | 27,312 | 7,680 | 500 samples | 77.2% | 2 | 89.2% | 89.6% |
| fsdd_kws_dscnn_int8 | 23,008 | 126,000 | 300 samples | 80.3% | 1 | 96.7% | 96.7% |
| cifar10_mbv2_int8 | 179,456 | 61,440 | 500 samples | 61.6% | 4 | 81.6% | 81.4% |
| mlperf_resnet8_int8 | 148,392 | 20,480 | 500 samples | 74.8% | 81 | 75.6% | 75.6% |
| mlperf_vww_int8 | 297,840 | 138,240 | 2 runs | 0.0% | 1 |  |  |
| mlperf_kws_int8 | 38,760 | 40,000 | 2 runs | 91.7% | 1 |  |  |
| mlperf_ad_int8 | 282,696 | 10,880 | 2 runs | 99.7% | 1 |  |  |
| mlperf_sww_int8 | 252,632 | 28,672 | 2 runs | 100.0% | 0 |  |  |
| coral_mbv1_025_uint8 | 701,768 | 49,152 | 2 runs | 98.2% | 9 |  |  |
| tflm_person_detect | 290,672 | 46,080 | 2 runs | 50.0% | 1 |  |  |
| tflm_micro_speech | 21,824 | 19,680 | 2 runs | 100.0% | 0 |  |  |
| tflm_mbv2_int8_nchw | 3,828,040 | 752,640 | 2 runs | 9.2% | 23 |  |  |
| fashion_dscnn_int16x8 | 22,912 | 7,680 | 500 samples |  |  | 89.6% | 89.6% |
| fsdd_kws_dscnn_int16x8 | 22,752 | 126,000 | 300 samples |  |  | 96.7% | 96.7% |
| cifar10_mbv2_int16x8 | 179,456 | 61,440 | 500 samples |  |  | 81.4% | 81.8% |
| mww_hey_jarvis | 69,344 | 13,920 | 2 runs | 100.0% | 0 |  |  |
| mww_okay_nabu | 117,608 | 15,680 | 2 runs | 100.0% | 0 |  |  |
| tflm_keyword_svdf | 95,872 | 16,384 | 2 runs | 100.0% | 0 |  |  |
| tflm_dtln_int8 | 1,762,032 | 6,656 | 2 runs | 100.0% | 0 |  |  |
| tflm_mnist_lstm_int8 | 352,912 | 17,920 | 2 runs | 100.0% | 0 |  |  |"""


FITS = """\
A K210 has 6 MiB of main memory (6291456 bytes). The file, the values between operations, inputs, outputs and firmware
share it; `kpuc compile` states all but firmware, and warns when they are more than there is. Bytes from cameras
(`--input-type uint8`) take a quarter of what float32 inputs do.

What of the public networks that were tried does not fit:

- yolox_captcha_det (416x416) has 5.0 million weights. With an image of bytes (0.5 MB), the file (5.3 MB) and the values
  (1.1 MB) are 0.7 MB too many: no tiling helps, a network with three quarters of the weights would.
- ppocrv4_rec returns 6625 numbers for every eighth column: at 48x320, outputs (1.1 MB), values (1.4 MB), the input
  (0.2 MB) and the file (4.4 MB) are 0.8 MB too many. At 48x160 it fits.
- coral_deeplab_dm05 scores 513x513 pixels for 21 classes: 5.5 MB in bytes, 22 MB as the float32 numbers that its ArgMax
  takes. Its maps of 33x33 also need 2.9 MB of the KPU's 2 MiB: 480 channels, of which each row fills 33 bytes of 64."""


def k210_page() -> str:
    """What the K210's accelerator computes, what work costs on the chip, and what fits into it."""
    head = ["# The K210", "", "Generated by `python -m kpuc.tools.docs`.", "", "## What stays on the host", ""]
    layers = ["", "## What becomes a layer", "", LAYERED, "", "| operation | |", "|---|---|"]
    layers += [f"| `{op.OPERATION_NAME}` | {condition} |" for op, condition in LAYERS.items()]
    costs = ["", "## What work costs", "", COSTS, "", "| work | cycles | for each | rests on |", "|---|---|---|---|"]
    lines = [*head, HOST, "", *rules_table(rules()), *layers, *costs]
    lines += [f"| {one.name} | {one.cycles:g} | {one.unit} | {one.source} |" for one in RATES]
    return "\n".join([*lines, "", "## Quantised networks", "", OWN, "", MEASURED, "", "## What fits", "", FITS, ""])
