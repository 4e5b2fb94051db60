"""What nncase's options mean to `kpuc.compile`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compiler import KModel
from ..compiler import compile as compile_network
from ..errors import OptionError
from .options import METHODS, TYPES, CompileOptions, DumpRangeTensorOptions, PTQTensorOptions


@dataclass(frozen=True)
class Request:
    """A network and all that was said of it."""

    model: bytes
    options: CompileOptions
    ptq: PTQTensorOptions | None
    ranges: DumpRangeTensorOptions | None

    def compiled(self) -> KModel:
        """The kmodel; dumps what is to be dumped."""
        options = self.options
        folder = Path(options.dump_dir)
        return compile_network(
            self.model,
            **self.arguments(),
            dump_ir=folder if options.dump_ir else None,
            dump_asm=folder if options.dump_asm else None,
        )

    def arguments(self, quantised: bool = True) -> dict[str, Any]:
        """What `kpuc.compile` takes; not the quantisation, if that is not wanted."""
        options = self.options
        found: dict[str, Any] = {"target": options.target, **self._dimensions()}
        if options.input_file:
            found["external_data"] = Path(options.input_file).parent
        if options.model_layout:
            found["model_layout"] = options.model_layout
        if options.preprocess:
            found |= self._preprocessing()
        if quantised and self.ptq is not None:
            found |= self._quantisation(self.ptq)
        return found

    def _dimensions(self) -> dict[str, Any]:
        options = self.options
        if not options.shape_bucket_enable:
            return {}
        fixed = dict(options.shape_bucket_fix_var_map)
        fixed |= {name: ends[0] for name, ends in options.shape_bucket_range_info.items() if ends[0] == ends[1]}
        open_ = [name for name in options.shape_bucket_range_info if name not in fixed]
        if open_:
            raise OptionError(
                "K0731",
                cause=f"dimension '{open_[0]}' stays open, which kmodels cannot do yet",
                remedy="give its size in CompileOptions.shape_bucket_fix_var_map",
            )
        return {"dims": fixed}

    def _preprocessing(self) -> dict[str, Any]:
        options = self.options
        kind = options.input_type
        if kind == "default":
            kind = "uint8" if self.ptq is not None else "float32"
        found: dict[str, Any] = {"input_type": kind, "swap_rb": options.swapRB}
        if kind != "float32":
            found["input_range"] = options.input_range or [0.0, 1.0]
        for name, field in (("mean", options.mean), ("std", options.std)):
            if not field:
                raise OptionError("K0731", cause=f"CompileOptions.{name} is empty, expected a number for each channel")
            found[name] = field[0] if len(set(field)) == 1 else field
        if options.input_shape:
            found |= {"input_shape": options.input_shape, "letterbox_value": options.letterbox_value}
        elif options.letterbox_value:
            raise OptionError("K0731", cause="CompileOptions.letterbox_value needs an input_shape")
        for name, layout in (("input_layout", options.input_layout), ("output_layout", options.output_layout)):
            if layout:
                found[name] = layout
        return found

    def _quantisation(self, ptq: PTQTensorOptions) -> dict[str, Any]:
        options = self.options
        kinds = {}
        for name in ("quant_type", "w_quant_type"):
            here, there = getattr(ptq, name), getattr(options, name)
            if ptq.given(name) and options.given(name) and here != there:
                cause = f"PTQTensorOptions.{name} is '{here}', but CompileOptions.{name} is '{there}'"
                raise OptionError("K0731", cause=cause)
            kinds[name] = here if ptq.given(name) else there
        if kinds["w_quant_type"] == "int16":
            raise OptionError("K0731", cause=f"weights for {options.target} have 8 bits, not those of 'int16'")
        if not ptq.has_data:
            raise OptionError("K0714", cause="no samples are given", remedy="call PTQTensorOptions.set_tensor_data")
        return {
            "quant": TYPES[kinds["quant_type"]],
            "calibration": ptq.samples,
            "calibration_method": METHODS[ptq.calibrate_method],
        }
