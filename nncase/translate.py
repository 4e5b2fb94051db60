"""What nncase's options mean to `kpuc.compile`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..compiler import KModel, float_ranges
from ..compiler import compile as compile_network
from ..errors import OptionError
from ..files import make_folder, write_file
from ..options import WEIGHTS
from .options import METHODS, MIXED, ROUNDINGS, TYPES, CompileOptions, DumpRangeTensorOptions, PTQTensorOptions
from .scheme import Scheme, measured
from .tensors import Tensors


@dataclass(frozen=True)
class Request:
    """A network, the values of it that are wanted if not all outputs are, and all that was said of it."""

    model: bytes
    outputs: Sequence[str]
    options: CompileOptions
    ptq: PTQTensorOptions | None
    ranges: DumpRangeTensorOptions | None

    def compiled(self) -> KModel:
        """The kmodel; dumps what is to be dumped."""
        options, ptq = self.options, self.ptq
        folder = Path(options.dump_dir)
        if self.ranges is not None or options.dump_import_op_range:
            self._dump_ranges(folder / "import_ranges.json")
        kmodel = compile_network(
            self.model,
            **self.arguments(),
            dump_ir=folder if options.dump_ir else None,
            dump_asm=folder if options.dump_asm else None,
        )
        if ptq is not None and ptq.export_quant_scheme and not ptq.quant_scheme and kmodel.calibration is not None:
            weights = self._types(ptq)["quant_weights"] or WEIGHTS[options.target][0]
            kinds = (kmodel.report["quant"], weights)
            found = measured(kmodel.calibration, kinds, self._tensors, ptq.export_weight_range_by_channel)
            found.save(folder / "QuantScheme.json")
        if "errors" in kmodel.report:
            rows = [f"{row['name']}, {row['cosine']:.6f}, {row['relative']:.6f}" for row in kmodel.report["errors"]]
            write_file(make_folder(folder) / "quant_error.csv", "\n".join(["name, cosine_error, mre_error", *rows, ""]))
        return kmodel

    @property
    def _tensors(self) -> Tensors:
        options = self.options
        return Tensors.of(self.model, Path(options.input_file).parent if options.input_file else None)

    def _dump_ranges(self, path: Path) -> None:
        """Write the ranges of the float network."""
        samples = self.ranges or self.ptq
        if samples is None or not samples.has_data:
            raise OptionError("K0714", cause="ranges shall be dumped, but no samples are given")
        method = METHODS[samples.calibrate_method]
        arguments = {**self.arguments(quantised=False), "target": "cpu"}
        make_folder(path.parent)
        float_ranges(self.model, **arguments, calibration=samples.samples, calibration_method=method).save(path)

    def arguments(self, quantised: bool = True) -> dict[str, Any]:
        """What `kpuc.compile` takes; not the quantisation, if that is not wanted."""
        options = self.options
        found: dict[str, Any] = {"target": options.target, "outputs": self.outputs, **self._dimensions()}
        if options.input_file:
            found["external_data"] = Path(options.input_file).parent
        if options.model_layout:
            found["model_layout"] = options.model_layout
        if options.preprocess:
            found |= self._preprocessing()
        if quantised and self.ptq is not None:
            found |= {**self._quantisation(self.ptq), "output_type": options.output_type}
            if options.output_range:
                found["output_range"] = options.output_range
        return found

    def _dimensions(self) -> dict[str, Any]:
        options = self.options
        if not options.shape_bucket_enable:
            return {}
        ranges = {name: (ends[0], ends[1]) for name, ends in options.shape_bucket_range_info.items()}
        dims: dict[str, Any] = {**ranges, **options.shape_bucket_fix_var_map}
        split = any(name not in options.shape_bucket_fix_var_map and low < high for name, (low, high) in ranges.items())
        return {"dims": dims, "segments": options.shape_bucket_segments_count} if split else {"dims": dims}

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
        errors = ptq.dump_quant_error or self.options.dump_quant_error
        if ptq.quant_scheme:
            scheme = Scheme.load(ptq.quant_scheme)
            if errors:
                raise OptionError("K0731", cause="dump_quant_error needs samples, quant_scheme takes their place")
            if ptq.use_mix_quant:
                cause = "use_mix_quant needs samples to choose types with, quant_scheme states them"
                raise OptionError("K0731", cause=cause)
            tensors, strict = self._tensors, ptq.quant_scheme_strict_mode
            return {
                **self._types(ptq),
                "quant": scheme.kind(tensors),
                "ranges": partial(scheme.calibration, tensors=tensors, strict=strict),
            }
        if not ptq.has_data:
            raise OptionError("K0714", cause="no samples are given", remedy="call PTQTensorOptions.set_tensor_data")
        return {
            **self._types(ptq),
            "calibration": ptq.samples,
            "calibration_method": METHODS[ptq.calibrate_method],
            "measure_errors": errors,
            "mixed": MIXED if ptq.use_mix_quant else None,
        }

    def _types(self, ptq: PTQTensorOptions) -> dict[str, str | None]:
        """The types of values and weights. Raises `OptionError` K0731."""
        options = self.options
        kinds = {}
        for name in ("quant_type", "w_quant_type"):
            here, there = getattr(ptq, name), getattr(options, name)
            if ptq.given(name) and options.given(name) and here != there:
                cause = f"PTQTensorOptions.{name} is '{here}', but CompileOptions.{name} is '{there}'"
                raise OptionError("K0731", cause=cause)
            kinds[name] = here if ptq.given(name) else there
        return {
            "quant": TYPES[kinds["quant_type"]],
            "quant_weights": "i16" if kinds["w_quant_type"] == "int16" else None,
            "rounding": ROUNDINGS[ptq.finetune_weights_method],
        }
