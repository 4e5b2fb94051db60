"""Makes test/nncase/data: networks with random weights, and what nncase makes of them.

python make_kmodels.py networks      # with what tests need
python make_kmodels.py 2.x           # under a Python with nncase 2.11.0 and .NET
python make_kmodels.py 1.9           # under a Python with nncase 1.9.0
"""

import shutil
import sys

from scripts import DATA, SCRIPTS, scheme_samples


def write_networks() -> None:
    """The networks."""
    sys.path.insert(0, str(DATA.parent.parent))
    import numpy as np
    import onnx
    from onnx_writer import OnnxWriter
    from tflite_writer import GraphSpec, OperatorSpec, TensorSpec, write

    net = OnnxWriter(1)
    x = net.op("Relu", net.conv(net.input(1, 3, 8, 8), 4, (3, 3), strides=(2, 2), pads=(1, 1, 1, 1)))
    files = {"image.onnx": net.model(net.op("Flatten", net.op("GlobalAveragePool", x)))}
    net = OnnxWriter(2)
    files["map.onnx"] = net.model(net.conv(net.input(1, 3, 6, 5), 4))
    net = OnnxWriter(3)
    x, y = net.input(1, 3, 6, 6), net.input(1, 3, 6, 6)
    files["two_inputs.onnx"] = net.model(net.op("Add", net.conv(x, 2), net.conv(y, 2)))
    net = OnnxWriter(4)
    x = net.conv(net.input(1, 3, 6, 6), 2)
    files["two_outputs.onnx"] = net.model(net.op("Relu", x), net.op("Flatten", net.op("GlobalAveragePool", x)))
    net = OnnxWriter(5)
    files["rows.onnx"] = net.model(net.dense(net.input(2, 7), 7, 3))
    net = OnnxWriter(7)
    files["any_rows.onnx"] = net.model(net.op("Relu", net.dense(net.input("n", 7), 7, 3)))
    net = OnnxWriter(8)
    x = net.op("Relu", net.conv(net.input(1, 3, 8, "w"), 4, (3, 3), pads=(1, 1, 1, 1)))
    files["any_width.onnx"] = net.model(net.conv(x, 2, (3, 3), pads=(1, 1, 1, 1)))
    random = np.random.default_rng(6)
    weight = random.standard_normal((4, 3, 3, 3)).astype(np.float32) / 5
    bias = random.standard_normal(4).astype(np.float32)
    tensors = (
        TensorSpec("x", "float32", (1, 6, 5, 3)),
        TensorSpec("w", "float32", weight.shape, weight),
        TensorSpec("b", "float32", bias.shape, bias),
        TensorSpec("y", "float32", (1, 6, 5, 4)),
    )
    conv = OperatorSpec("CONV_2D", (0, 1, 2), (3,), "Conv2DOptions", {"StrideH": 1, "StrideW": 1})
    files["image.tflite"] = write(GraphSpec(tensors, (conv,), (0,), (3,)))
    for name, data in files.items():
        if name.endswith(".onnx"):  # as old as nncase 1.9 needs it
            model = onnx.load_model_from_string(data)
            model.opset_import[0].version, model.ir_version = 13, 7
            data = onnx.shape_inference.infer_shapes(model).SerializeToString()
        (DATA / name).write_bytes(data)


def write_kmodels(line: str) -> None:
    """The kmodels of a line's scripts."""
    import nncase

    for name, script in SCRIPTS.items():
        if script.line == line:
            (DATA / f"{name}.kmodel").write_bytes(script.run(nncase, script.model))


def write_scheme(name: str, camera: bool) -> None:
    """The quantisation scheme that 2.x exports for a network, with `scheme_samples`, or with images for a camera."""
    from workflows import COUNT, camera_options, image

    import nncase

    options = camera_options(nncase) if camera else nncase.CompileOptions()
    samples = [image(number) for number in range(COUNT)] if camera else scheme_samples()
    options.dump_ir = True
    options.dump_dir = str(DATA / "dump")
    compiler = nncase.Compiler(options)
    compiler.import_onnx((DATA / "image.onnx").read_bytes(), nncase.ImportOptions())
    ptq = nncase.PTQTensorOptions()
    ptq.calibrate_method = "NoClip"
    ptq.export_quant_scheme = True
    ptq.export_weight_range_by_channel = True
    ptq.samples_count = len(samples)
    ptq.set_tensor_data([samples])
    compiler.use_ptq(ptq)
    compiler.compile()
    (DATA / "dump" / "QuantScheme.json").replace(DATA / f"{name}.QuantScheme.json")
    shutil.rmtree(DATA / "dump")


if __name__ == "__main__":
    if sys.argv[1] == "networks":
        write_networks()
    else:
        write_kmodels(sys.argv[1])
    if sys.argv[1] == "2.x":
        write_scheme("image", camera=False)
        write_scheme("camera", camera=True)
