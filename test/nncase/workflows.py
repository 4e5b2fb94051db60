"""Whole scripts as they are written for nncase: samples, compilation, files, inference. Like `scripts`, they need numpy
only and run with the vendor's modules as they are (2.x; those that end in 19 with 1.9).

Each takes the module and a folder to work in, and gives the outputs for `image(0)`.
"""

import json
from pathlib import Path

import numpy as np
from scripts import DATA, options2

COUNT = 8
"""Samples."""
CUT = 0.25
"""What numbers above become. On its `cpu`, nncase computes in floats, without cutting anything."""


def image(number):
    """A picture for the network, as a camera has it."""
    return np.random.RandomState(number).randint(0, 256, (1, 8, 8, 3)).astype(np.uint8)


def numbers(number):
    """The same picture as the network has it."""
    return np.ascontiguousarray(image(number)[..., ::-1].transpose(0, 3, 1, 2) / 127.5 - 1).astype(np.float32)


def camera_options(nncase):
    """What the network wants: numbers from -1 to 1, colours in another order."""
    options = options2(nncase)
    options.preprocess = True
    options.swapRB = True
    options.input_type = "uint8"
    options.input_shape = [1, 8, 8, 3]
    options.input_range = [0, 255]
    options.input_layout = "NHWC"
    options.mean = [127.5, 127.5, 127.5]
    options.std = [127.5, 127.5, 127.5]
    return options


def infer(nncase, kmodel, inputs):
    """The outputs, as the guide gets them."""
    simulator = nncase.Simulator()
    simulator.load_model(kmodel)
    for index, array in enumerate(inputs):
        simulator.set_input_tensor(index, nncase.RuntimeTensor.from_numpy(array))
    simulator.run()
    return [simulator.get_output_tensor(index).to_numpy() for index in range(simulator.outputs_size)]


def quantised_camera(nncase, folder):
    compiler = nncase.Compiler(camera_options(nncase))
    compiler.import_onnx((DATA / "image.onnx").read_bytes(), nncase.ImportOptions())
    ptq_options = nncase.PTQTensorOptions()
    ptq_options.quant_type = "uint8"
    ptq_options.w_quant_type = "uint8"
    ptq_options.calibrate_method = "NoClip"
    ptq_options.finetune_weights_method = "NoFineTuneWeights"
    ptq_options.samples_count = COUNT
    ptq_options.set_tensor_data([[image(number) for number in range(COUNT)]])
    compiler.use_ptq(ptq_options)
    compiler.compile()
    return infer(nncase, compiler.gencode_tobytes(), [image(0)])


def two_quantised_inputs(nncase, folder):
    """A list for each input; the second image is the first one, upside down."""
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [1, 3, 6, 6]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    compiler = nncase.Compiler(options)
    compiler.import_onnx((DATA / "two_inputs.onnx").read_bytes(), nncase.ImportOptions())
    images = [np.ascontiguousarray(image(number)[:, :6, :6].transpose(0, 3, 1, 2)) for number in range(COUNT)]
    turned = [np.ascontiguousarray(one[:, :, ::-1]) for one in images]
    ptq_options = nncase.PTQTensorOptions()
    ptq_options.calibrate_method = "NoClip"
    ptq_options.samples_count = COUNT
    ptq_options.set_tensor_data([images, turned])
    compiler.use_ptq(ptq_options)
    compiler.compile()
    return infer(nncase, compiler.gencode_tobytes(), [images[0], turned[0]])


def scheme_exported_edited_and_imported(nncase, folder):
    """Two compilations: the second one takes the ranges that the first one wrote, but cuts the input off at `CUT`."""
    scheme = Path(folder) / "QuantScheme.json"
    for path in (None, scheme):
        options = options2(nncase)
        options.dump_ir = True
        options.dump_dir = str(folder)
        compiler = nncase.Compiler(options)
        compiler.import_onnx((DATA / "image.onnx").read_bytes(), nncase.ImportOptions())
        ptq_options = nncase.PTQTensorOptions()
        ptq_options.calibrate_method = "NoClip"
        ptq_options.samples_count = COUNT
        ptq_options.set_tensor_data([[numbers(number) for number in range(COUNT)]])
        if path is None:
            ptq_options.export_quant_scheme = True
            ptq_options.export_weight_range_by_channel = True
        else:
            content = json.loads(path.read_text())
            for entry in content["Outputs"]:
                if entry["Name"] == "x0":
                    entry["DataRange"][0]["Max"] = CUT
            path.write_text(json.dumps(content))
            ptq_options.quant_scheme = str(path)
            ptq_options.quant_scheme_strict_mode = False
        compiler.use_ptq(ptq_options)
        compiler.compile()
    return infer(nncase, compiler.gencode_tobytes(), [numbers(0)])


def inference_from_files(nncase, folder):
    """A kmodel and its input as files, of the type and shape that the kmodel says."""
    compiler = nncase.Compiler(camera_options(nncase))
    compiler.import_onnx((DATA / "image.onnx").read_bytes(), nncase.ImportOptions())
    compiler.compile()
    (Path(folder) / "test.kmodel").write_bytes(compiler.gencode_tobytes())
    image(0).tofile(Path(folder) / "input_0.bin")
    simulator = nncase.Simulator()
    simulator.load_model((Path(folder) / "test.kmodel").read_bytes())
    for index in range(simulator.inputs_size):
        dtype = simulator.get_input_desc(index).dtype
        data = np.fromfile(Path(folder) / f"input_{index}.bin", dtype)
        data = data.reshape(simulator.get_input_shape(index))
        simulator.set_input_tensor(index, nncase.RuntimeTensor.from_numpy(data))
    simulator.run()
    outputs = []
    for index in range(simulator.outputs_size):
        array = simulator.get_output_tensor(index).to_numpy()
        assert list(array.shape) == simulator.get_output_shape(index)
        assert array.nbytes == simulator.get_output_desc(index).size
        outputs.append(array)
    return outputs


def quantised_camera_19(nncase, folder):
    """Samples as bytes."""
    options = nncase.CompileOptions()
    options.target = "cpu"
    options.preprocess = True
    options.swapRB = True
    options.input_type = "uint8"
    options.input_shape = [1, 8, 8, 3]
    options.input_range = [0, 255]
    options.input_layout = "NHWC"
    options.mean = [127.5, 127.5, 127.5]
    options.std = [127.5, 127.5, 127.5]
    options.quant_type = "uint8"
    options.w_quant_type = "uint8"
    options.dump_dir = str(folder)
    compiler = nncase.Compiler(options)
    compiler.import_onnx((DATA / "image.onnx").read_bytes(), nncase.ImportOptions())
    ptq_options = nncase.PTQTensorOptions()
    ptq_options.calibrate_method = "no_clip"
    ptq_options.samples_count = COUNT
    ptq_options.set_tensor_data(np.concatenate([image(number) for number in range(COUNT)]).tobytes())
    compiler.use_ptq(ptq_options)
    compiler.compile()
    return infer(nncase, compiler.gencode_tobytes(), [image(0)])


WORKFLOWS = {
    run.__name__: run
    for run in (
        quantised_camera,
        two_quantised_inputs,
        scheme_exported_edited_and_imported,
        inference_from_files,
        quantised_camera_19,
    )
}
