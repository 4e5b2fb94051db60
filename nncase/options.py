"""nncase's option classes: fields with their defaults and checks, and samples to calibrate with."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

from ..errors import OptionError
from ..options import OUTPUT_TYPES, TARGETS
from ..runtime import TensorInfo
from .field import (
    Field,
    Options,
    count,
    flag,
    layout,
    named_sizes,
    number,
    numbers,
    one_of,
    path,
    ranges,
    sizes,
    texts,
)

METHODS = {
    "Kld": "kld",
    "NoClip": "minmax",
    "no_clip": "minmax",
    "l2": "mse",
    "kld_m0": "kld",
    "kld_m1": "kld",
    "kld_m2": "kld",
    "cdf": "percentile",
}
"""nncase's calibration methods, those of 2.x first, and ours."""
ROUNDINGS = {"NoFineTuneWeights": "nearest", "UseSquant": "squant", "UseAdaRound": "adaround"}
"""nncase's ways to round weights, and ours."""
TYPES = {"uint8": "u8", "int8": "i8", "int16": "i16"}
"""nncase's names of types that are quantised to, and ours."""
MIXED = 30.0
"""The decibels that outputs shall have when layers may keep more bits: noise is a thirtieth of the signal then."""
STALE = "set the fields shape_bucket_... of CompileOptions, which alone count in nncase, too"


class CalibMethod(Enum):
    """Ways to calibrate."""

    NoClip = "NoClip"
    Kld = "Kld"
    Random = "Random"


class ModelQuantMode(Enum):
    """Whether a network is quantised, and by whom."""

    NoQuant = "NoQuant"
    UsePTQ = "UsePTQ"
    UseQAT = "UseQAT"


class CompileOptions(Options):
    """What to compile for, and what happens before and behind the network."""

    target = Field(
        "cpu", one_of(*TARGETS), "the chip: cpu is machine code for this machine", differs="one chip a plug-in"
    )
    preprocess = Field(False, flag, "whether the fields from swapRB to output_layout count")
    swapRB = Field(
        False,
        flag,
        "channels 2, 1, 0 of an image; a fourth stays",
        differs="an image's fourth channel is lost",
    )
    input_type = Field(
        "float32",
        one_of("float32", "uint8", "int8", "default"),
        "the type of the inputs; default: uint8 if quantised, else float32",
        differs="other texts are float32; default is 1.9's",
    )
    input_shape = Field[list[int]](
        [],
        sizes,
        "the shape of the inputs, in input_layout; an image of another size is letterboxed; empty: the network's",
        differs="2.x ends when it is empty",
    )
    input_range = Field[list[float]](
        [],
        numbers,
        "what the least and the greatest integer stand for; empty: 0 to 1",
        differs="2.x ends when it is empty, and widens what does not contain 0, which is refused here",
    )
    input_file = Field("", path, "the ONNX file whose folder has the weights that are not in it")
    mean = Field[list[float]](
        [0.0, 0.0, 0.0], numbers, "subtracted from each channel", differs="the first counts for what is no image of 3"
    )
    std = Field[list[float]](
        [1.0, 1.0, 1.0],
        numbers,
        "what each channel is divided by",
        differs="the first counts for what is no image of 3",
    )
    input_layout = Field(
        "",
        layout,
        "NCHW, NHWC, or the permutation to the network's order; empty: the network's, NHWC for TFLite, else NCHW",
        differs="2.x ends when it is empty, 1.9 takes NCHW",
    )
    output_layout = Field(
        "", layout, "the same for outputs: NCHW, NHWC, or the permutation that is applied; empty: the network's"
    )
    letterbox_value = Field(
        0.0,
        number,
        "what fills an image that is letterboxed, before mean and std",
        differs="2.11 fills with 0 when a convolution follows at once",
    )
    dump_asm = Field(
        True, flag, "writes what is in the kmodel into dump_dir/kmodel.asm, machine code into native_CPU.s"
    )
    dump_ir = Field(
        False, flag, "writes the network after each pass into dump_dir, its ranges and the plan of its memory"
    )
    dump_dir = Field("tmp", path, "the folder of what is dumped")
    shape_bucket_enable = Field(
        False, flag, "whether the next three fields count; without it, symbolic dimensions stay open"
    )
    shape_bucket_range_info = Field[dict[str, list[int]]](
        {},
        ranges,
        'least and greatest size of symbolic dimensions, of TFLite\'s as "-1"; not for k210 and k510',
        differs="with dump_ir only",
    )
    shape_bucket_segments_count = Field(
        2, count, "into how many equal parts each range is cut; a part's inputs are padded to its greatest size"
    )
    shape_bucket_fix_var_map = Field[dict[str, int]]({}, named_sizes, "sizes of symbolic dimensions that are fixed")
    quant_type = Field("uint8", one_of(*TYPES), "as in PTQTensorOptions", since="1.9")
    w_quant_type = Field("uint8", one_of(*TYPES), "as in PTQTensorOptions", since="1.9")
    output_type = Field(
        "float32",
        one_of(*OUTPUT_TYPES),
        "the type of real outputs of a quantised network; int8 is uint8 less 128",
        since="1.9",
    )
    output_range = Field[list[float]](
        [], numbers, "what the least and the greatest integer stand for; empty: what is measured", since="1.9"
    )
    model_layout = Field(
        "", one_of("", "NCHW", "NHWC"), "the network's own layout; empty: its file format's", since="1.9"
    )
    is_fpga = Field(False, flag, "", since="1.9", refused="kmodels are for chips")
    split_w_to_act = Field(
        False, flag, "", since="1.9", nothing="weights have a scale an output channel, there is nothing to split off"
    )
    use_mse_quant_w = Field(
        False, flag, "", since="1.9", nothing="weights have a scale an output channel, over all of their numbers"
    )
    dump_quant_error = Field(False, flag, "as in PTQTensorOptions", since="1.9")
    dump_import_op_range = Field(False, flag, "as dump_range_options: writes dump_dir/import_ranges.json", since="1.9")
    benchmark_only = Field(False, flag, "", since="1.9", refused="kmodels compute what the network does")


class ImportOptions(Options):
    """How a network is read."""

    output_arrays = Field[list[str]](
        [],
        texts,
        "the values to return instead of all outputs; what they do not need is left out",
        differs="2.x ignores it",
        since="1.9",
    )


class Samples(Options):
    """Base of options that hold samples."""

    def __init__(self) -> None:
        self.__dict__["_data"] = None

    @property
    def has_data(self) -> bool:
        """Whether samples were given."""
        return self.__dict__["_data"] is not None

    def set_tensor_data(self, data: Any) -> None:
        """Give the samples: `data[i][j]` is sample j of input i; or, as in 1.9, the bytes of all arrays, inputs first.

        For a network of one input, `data[j][0]` is taken as well. Raises `OptionError` K0714.
        """
        if isinstance(data, bytes | bytearray | memoryview):
            self.__dict__["_data"] = bytes(data)
            return
        if not isinstance(data, Sequence | np.ndarray) or isinstance(data, str):
            raise _bad_data(f"is of type {type(data).__name__}")
        rows = [
            list(row) if isinstance(row, Sequence | np.ndarray) and not isinstance(row, str) else None for row in data
        ]
        for number_, row in enumerate(rows):
            if row is None or not all(isinstance(one, np.ndarray) for one in row):
                raise _bad_data(f"holds in place {number_} what is no list of arrays")
        self.__dict__["_data"] = [[np.ascontiguousarray(one) for one in row or []] for row in rows] or None

    def samples(self, inputs: Sequence[TensorInfo]) -> list[dict[str, Any]]:
        """The samples by name of input. Raises `OptionError` K0714."""
        data, wanted = self.__dict__["_data"], self.samples_count
        rows = self._unpacked(data, inputs, wanted) if isinstance(data, bytes) else data
        if len(inputs) == 1 and all(len(row) == 1 for row in rows):
            rows = [[one for row in rows for one in row]]
        counts = [len(row) for row in rows]
        if len(rows) != len(inputs) or set(counts) != {wanted}:
            found = f"{len(rows)} inputs with {', '.join(map(str, counts))} samples"
            cause = f"holds {found}, expected {len(inputs)} with samples_count = {wanted}"
            turned = len(rows) == wanted and set(counts) == {len(inputs)}
            raise _bad_data(cause, "the outer index is the input: [[x1, x2], [y1, y2]]" if turned else "")
        names = [info.name for info in inputs]
        return [dict(zip(names, sample, strict=True)) for sample in zip(*rows, strict=True)]

    @staticmethod
    def _unpacked(data: bytes, inputs: Sequence[TensorInfo], wanted: int) -> list[list[Any]]:
        open_ = next((info for info in inputs if -1 in (info.shape or ())), None)
        if open_ is not None:
            raise _bad_data(f"is bytes, but samples of {open_} are not of one size", "give lists of arrays")
        sizes_ = [int(np.prod(info.shape or ())) * info.dtype.itemsize for info in inputs]
        if len(data) != sum(sizes_) * wanted:
            text_ = ", ".join(map(str, inputs))
            raise _bad_data(
                f"is {len(data)} bytes, expected {sum(sizes_) * wanted}: samples_count = {wanted} for {text_}"
            )
        rows, at = [], 0
        for info, size in zip(inputs, sizes_, strict=True):
            shape = (wanted, *(info.shape or ()))
            rows.append(list(np.frombuffer(data, info.dtype, size // info.dtype.itemsize * wanted, at).reshape(shape)))
            at += size * wanted
        return rows


class PTQTensorOptions(Samples):
    """How a network is quantised, and the samples for that."""

    quant_type = Field(
        "uint8",
        one_of(*TYPES),
        "the type of values: all for cpu, k230 and k510, uint8 for k210",
        differs="cpu ignores it",
    )
    w_quant_type = Field(
        "uint8",
        one_of(*TYPES),
        "the type of weights: 8 bits are int8 around 0, or uint8 for k210, whichever is asked for; int16 not for k210",
        differs="cpu ignores it",
    )
    calibrate_method = Field(
        "Kld",
        one_of(*METHODS),
        "how ranges are chosen: " + ", ".join(f"{theirs} is {ours}" for theirs, ours in METHODS.items()),
        differs="1.9 has NoClip as its default",
    )
    finetune_weights_method = Field(
        "NoFineTuneWeights",
        one_of(*ROUNDINGS),
        "how weights are rounded: to the nearest, so that errors cancel (SQuant), or by data (AdaRound)",
        differs="cpu ignores it",
    )
    use_mix_quant = Field(
        False,
        flag,
        "keeps sensitive layers in 16 bits, on cpu and k210 real, until the worst output's signal is "
        f"{MIXED:g} dB above its noise",
        differs="k230 only, by cosine",
    )
    use_mse_quant_w = Field(False, flag, "", nothing="nor has it in nncase 2.x")
    quant_scheme = Field("", path, "a file of ranges, instead of samples", differs="cpu ignores it")
    quant_scheme_strict_mode = Field(False, flag, "whether a value that the file does not name is an error")
    export_quant_scheme = Field(
        False, flag, "writes the ranges into dump_dir/QuantScheme.json", differs="with dump_ir only"
    )
    export_weight_range_by_channel = Field(False, flag, "writes ranges of weights by channel into that file")
    dump_quant_error = Field(
        False, flag, "writes what quantisation changes into dump_dir/quant_error.csv", differs="with dump_ir only"
    )
    dump_quant_error_symmetric_for_signed = Field(
        True, flag, "", nothing="errors are measured with the numbers that the kmodel computes with"
    )
    input_mean = Field(0.5, number, "", nothing="nor has it in nncase; see CompileOptions.mean")
    input_std = Field(0.5, number, "", nothing="nor has it in nncase; see CompileOptions.std")
    samples_count = Field(5, count, "how many samples there are for each input", differs="1.9 has 0 as its default")

    @property
    def cali_data(self) -> list[Any]:
        """The samples, as they were given."""
        data = self.__dict__["_data"]
        return [] if data is None else [one for row in data for one in row]


class DumpRangeTensorOptions(Samples):
    """The samples for ranges that are only written down, into dump_dir/import_ranges.json."""

    calibrate_method = Field("no_clip", one_of(*METHODS), "as in PTQTensorOptions", since="1.9")
    samples_count = Field(0, count, "as in PTQTensorOptions")


class ShapeBucketOptions(Options):
    """The fields shape_bucket_... of `CompileOptions`, which count; these do not."""

    enable = Field(False, flag, "", nothing=STALE)
    var_map = Field[dict[str, int]]({}, named_sizes, "", nothing=STALE)
    range_info = Field[dict[str, list[int]]]({}, ranges, "", nothing=STALE)
    segments_count = Field(2, count, "", nothing=STALE)
    fix_var_map = Field[dict[str, int]]({}, named_sizes, "", nothing=STALE)


def _bad_data(cause: str, remedy: str = "") -> OptionError:
    return OptionError(
        "K0714",
        where="set_tensor_data",
        cause=cause,
        remedy=remedy or "give a list of samples for each input: [[x1, x2], [y1, y2]]",
    )
