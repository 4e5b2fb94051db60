"""What networks go through on the way to each target, as text that `nn-opt` runs."""

from .options import DTYPES, FLOAT, CompileOptions

PIPELINE = (
    "builtin.module(nn-infer-shapes,nn-fold-constants,nn-canonicalize,nn-move-dequantized,nn-canonicalize,nn-recognize,"
    "nn-sink-transposes,nn-canonicalize,nn-fuse-convolutions,nn-fold-constants,nn-canonicalize,canonicalize,cse)"
)
"""What every target starts with: the network in its simplest form."""
INTEGER_PIPELINE = PIPELINE.replace("nn-fold-constants", "nn-fold-constants{integers=true}")
"""The same for targets that multiply integers: weights of quantised networks stay integers."""
DROP_PIPELINE = "builtin.module(nn-drop-dynamic-rounding)"
"""What comes before for networks that are quantised by ranges."""
MOVE_PIPELINE = "builtin.module(nn-move-quantized,nn-fold-constants{integers=true},nn-canonicalize,canonicalize,cse)"
"""What they need on top, once the network is quantised: what only moves numbers moves integers."""
SUM_PIPELINE = "builtin.module(nn-sum-integers,nn-canonicalize,canonicalize,cse)"
"""The same for machines that add in floating point, which is exact for integers up to 2^24."""
QUANTIZE_PIPELINES = {
    quant: MOVE_PIPELINE.replace("nn-move", f"nn-quantize{{activations={DTYPES[quant]}}},nn-move")
    for quant in ("u8", "i8")
}
"""The same for a network with ranges, by the type that it is quantised to."""
ROUND_PIPELINE = "builtin.module(nn-quantize,nn-fold-constants,nn-canonicalize,canonicalize,cse)"
"""What targets need that compute in floating point with the numbers that integers stand for."""
STACKVM_PIPELINE = (
    "builtin.module(nn-unroll,nn-flatten-volumes,nn-decompose,nn-open-shapes,nn-fold-constants,nn-canonicalize,"
    "canonicalize,cse)"
)
"""What stack machines need on top: only operations that they have."""
TAIL_PIPELINES = (INTEGER_PIPELINE, SUM_PIPELINE, STACKVM_PIPELINE)
"""What the tail of a network for a range of shapes goes through, whatever its head does."""
BASIC_PIPELINE = (
    "builtin.module(nn-compute-in-float32,nn-unroll{plain=true},nn-flatten-volumes,nn-decompose{scalars=true},"
    "nn-decompose-basic,nn-fold-constants,nn-canonicalize,canonicalize,cse)"
)
"""The same for version 5, which has fewer operations, but computes one element at a time, too."""
EARLY_PIPELINE = BASIC_PIPELINE.replace(
    "nn-decompose-basic", "nn-decompose-basic,nn-decompose-softmax,nn-avoid-early-faults"
)
"""The same for its first dialects."""
NODES_PIPELINE = (
    "builtin.module(kpu-download-at-once,nn-unroll{plain=true},nn-flatten-volumes,nn-decompose,nn-decompose-basic,"
    "nn-decompose-softmax,nn-fold-constants,nn-decompose-nodes,nn-fold-constants,nn-canonicalize,canonicalize,cse)"
)
"""The same for version 4: the functions that old firmware has."""
FLOATS_PIPELINE = "builtin.module(nn-compute-in-float32{rounding=false},nn-fuse-convolutions,nn-canonicalize)"
"""What the K210 needs of networks of float16 and float64, whose layers compute in 8 bits."""
PREPARE_PIPELINE = "builtin.module(kpu-drop-rounding,kpu-prepare,nn-fuse-convolutions,nn-canonicalize,canonicalize,cse)"
"""What the K210 needs before ranges are measured."""
OWN_PIPELINES = {
    bits: PREPARE_PIPELINE.replace("kpu-drop-rounding,", "").replace("cse", f"cse,kpu-state-ranges{{bits={bits}}}")
    for bits in (8, 16)
}
"""The same for networks that state their ranges themselves, by the bits of the largest numbers of which they count."""
BYTES_ENDS_PIPELINE = "builtin.module(kpu-unsigned-ends,nn-canonicalize)"
"""What brings such a network there whose inputs and outputs shall be bytes; int8 are those without a sign then."""
REAL_ENDS_PIPELINE = BYTES_ENDS_PIPELINE.replace("ends", "ends{outputs=false}")
"""The same for firmware that takes bytes, and gives real numbers."""
LAYERS_PIPELINE = "builtin.module(kpu-form-layers,canonicalize,cse,kpu-tile,kpu-quantize,canonicalize,cse)"
"""What makes layers of the K210's accelerator of a network with ranges."""
OWN_LAYERS_PIPELINE = LAYERS_PIPELINE.replace("kpu-quantize", "kpu-quantize{wide=0}")
"""The same for a network that itself rounds to 8 bits what its layers give to the host."""
BYTES_PIPELINE = OWN_LAYERS_PIPELINE.replace("wide=0}", "wide=0},kpu-expose-bytes,nn-canonicalize")
"""The same for a network that takes and returns bytes."""
MAPS_PIPELINE = "builtin.module(kpu-schedule,kpu-plan-maps)"
"""When and where the accelerator computes."""
IMAGE_PIPELINE = "builtin.module(kpu-download-at-once,kpu-expose-bytes{outputs=false},nn-canonicalize,canonicalize,cse)"
"""What version 3 needs: firmware puts an image of bytes straight into the accelerator's memory."""
STEPS_PIPELINE = MAPS_PIPELINE.replace("kpu-plan-maps", "kpu-download-at-once,kpu-plan-maps")
"""When and where the accelerator computes, in files of versions 3 and 4."""
MEMORY_PIPELINE = "builtin.module(nn-plan-memory)"
"""Where values lie in main memory, which version 5 code states."""
CHIP_MEMORY = 6 << 20
"""Bytes of the K210's main memory, where file, values and firmware lie."""
CHIP_MEMORY_PIPELINE = f"builtin.module(nn-plan-memory{{capacity={CHIP_MEMORY}}})"
"""The same in the K210's main memory."""
WHOLE_MEMORY_PIPELINE = "builtin.module(nn-plan-memory{whole=true capacity=6291456})"
"""The same for versions 3 and 4, whose inputs and outputs lie there too."""

BUFFERS_PIPELINE = "builtin.module(kpu-bufferize)"
"""What is planned, written down as buffers: all that emitters of versions 3 to 5 have to know."""


def pipelines(options: CompileOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a network goes through between import and emission: before and after its ranges are measured."""
    quantised = options.quant != FLOAT
    drop = (DROP_PIPELINE,) if quantised else ()
    integers = (*drop, INTEGER_PIPELINE)
    if options.machine_code and options.computes_integers:
        return integers, (QUANTIZE_PIPELINES.get(options.quant, MOVE_PIPELINE),)
    rounding = (_round_pipeline(options),) if quantised else ()
    if options.machine_code:
        return integers, (*rounding, MOVE_PIPELINE)
    if options.version == 7:
        return integers, (*rounding, SUM_PIPELINE, STACKVM_PIPELINE)
    basic = BASIC_PIPELINE if options.dialect == "1.6" else EARLY_PIPELINE
    if options.target != "k210":
        return integers, (*rounding, SUM_PIPELINE, basic, MEMORY_PIPELINE, BUFFERS_PIPELINE)
    wanted = options.quantisation
    floats = (FLOATS_PIPELINE,) if options.version == 5 and not options.portable else ()
    before: tuple[str, ...] = (*drop, PIPELINE, *floats, PREPARE_PIPELINE) if quantised else (PIPELINE,)
    if wanted.own:
        ends = (BYTES_ENDS_PIPELINE,) if options.portable else (REAL_ENDS_PIPELINE,) if options.version < 5 else ()
        before = (PIPELINE, *ends, OWN_PIPELINES[16 if wanted.quant else 8])
    layers = (OWN_LAYERS_PIPELINE if wanted.own else LAYERS_PIPELINE,) if quantised else ()
    if options.portable:
        return before, (BYTES_PIPELINE, MAPS_PIPELINE, MEMORY_PIPELINE, BUFFERS_PIPELINE)
    if options.version == 3:
        return before, (*layers, IMAGE_PIPELINE, STEPS_PIPELINE, WHOLE_MEMORY_PIPELINE, BUFFERS_PIPELINE)
    if options.version == 4:
        return before, (*layers, NODES_PIPELINE, STEPS_PIPELINE, WHOLE_MEMORY_PIPELINE, BUFFERS_PIPELINE)
    return before, (*layers, basic, MAPS_PIPELINE, CHIP_MEMORY_PIPELINE, BUFFERS_PIPELINE)


def _round_pipeline(options: CompileOptions) -> str:
    kinds = f"activations={DTYPES[options.quant]} weights={DTYPES[options.weights]}"
    return ROUND_PIPELINE.replace("nn-quantize", f"nn-quantize{{{kinds}}}")
