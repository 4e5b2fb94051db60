"""Which module defines which pass: so that a pass is imported when a pipeline names it, and listing needs no MLIR."""

MODULES: dict[str, str] = {
    "kpu-expose-bytes": "kpu.expose",
    "kpu-form-layers": "kpu.form_layers",
    "kpu-prepare": "kpu.prepare",
    "kpu-quantize": "kpu.quantize",
    "kpu-plan-maps": "kpu.plan",
    "kpu-schedule": "kpu.schedule",
    "kpu-tile": "kpu.tile",
    "nn-annotate-ranges": "quant.annotate",
    "nn-avoid-early-faults": "nn.early",
    "nn-canonicalize": "nn.canonicalize",
    "nn-decompose": "nn.decompose",
    "nn-decompose-basic": "nn.basic",
    "nn-decompose-softmax": "nn.basic",
    "nn-fold-constants": "nn.fold_constants",
    "nn-fuse-convolutions": "nn.fuse_convolutions",
    "nn-infer-shapes": "nn.infer_shapes",
    "nn-plan-memory": "buffers.plan",
    "nn-recognize": "nn.recognize",
    "nn-sink-transposes": "nn.sink_transposes",
    "nn-unroll": "nn.unroll",
}
