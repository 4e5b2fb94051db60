"""Version 3 files compute what version 5 files do, as far as version 3 can."""

import numpy as np
import onnxruntime
import pytest
from networks import SHIPPED, relative_error
from small import Net, classifier, residual, two_inputs

import kpuc
from kpuc.errors import CapacityError, UnsupportedError
from kpuc.runtime.kmodel import read_kmodel


def as_bytes(kmodel, array):
    """The image that a version 3 file takes for real numbers."""
    (stated,) = kmodel.report["quantisation"]["inputs"].values()
    return np.clip(np.rint(array / np.float32(stated["scale"])) + stated["zero_point"], 0, 255).astype(np.uint8)


def kinds(kmodel):
    return [body.kind.name for body in read_kmodel(kmodel.data).bodies()]


def results(kmodel, *arrays):
    simulator = kpuc.Simulator(kmodel)
    feed = [array.reshape(info.shape) for array, info in zip(arrays, simulator.inputs, strict=True)]
    return list(simulator.run(*feed).values())


def compare(model, samples, array, **options):
    """The version 3 kmodel; its results are those of version 5."""
    given = {"target": "k210", "calibration": samples, **options}
    new, old = kpuc.compile(model, **given), kpuc.compile(model, kmodel=3, **given)
    image = array if array.dtype == np.uint8 else as_bytes(old, array)
    for want, found in zip(results(new, array), results(old, image), strict=True):
        assert relative_error(want, found.reshape(want.shape)) < 1e-6
    return old


@pytest.mark.parametrize("make", [residual, classifier])
@pytest.mark.parametrize("seed", [0, 1])
def test_small_networks(make, seed):
    net, model = make(seed)
    compare(model, net.samples(), net.samples()[1]["x0"])


def test_a_shipped_network():
    data = np.random.default_rng(0).standard_normal((4, 1, 28, 28)).astype(np.float32)
    kmodel = compare(SHIPPED / "fashion_dscnn.onnx", data, data[:1])
    assert kinds(kmodel)[-2:] == ["average_pool2d", "global_average_pool2d"]


def test_a_cameras_bytes_go_in_as_they_are():
    data = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1), np.uint8)
    camera = {"input_type": "uint8", "input_layout": "NHWC", "mean": 127.5, "std": 127.5}
    kmodel = compare(SHIPPED / "fashion_dscnn.onnx", data, data[:1], **camera)
    assert not kmodel.report.get("quantisation", {}).get("inputs")


def test_it_is_the_same_every_time():
    net, model = residual(3)
    first, second = (kpuc.compile(model, target="k210", kmodel=3, calibration=net.samples()) for _ in range(2))
    assert first.data == second.data


def behind_a_layer(seed, build):
    """What the host does to a map of 5 x 8 x 6 that the KPU computes."""
    net = Net(seed, (1, 3, 8, 6))
    return net, net.model(*build(net, net.conv("x0", 3, 5, relu=False)))


def cutting(net, value):
    ints = [net.constant(np.array(values, np.int64)) for values in ([1, 2], [4, 7], [1, 2], [2, 1])]
    strided = [net.constant(np.array(values, np.int64)) for values in ([0, 0], [8, 5], [2, 3], [3, 2])]
    joined = net.add("Concat", net.add("Sigmoid", value), value, axis=2)
    return [net.add("Slice", value, *ints), net.add("Slice", joined, *strided), joined]


def heads(net, value):
    flat = net.add("Flatten", net.add("Transpose", value, perm=[0, 2, 3, 1]))
    return [net.add("Softmax", flat, axis=1), net.add("ReduceMean", value, axes=[3])]


def images(net, value):
    sizes = net.constant(np.array([1, 1, 2, 3], np.float32))
    mode = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    mean = net.add("AveragePool", value, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 0])
    return [net.add("Resize", value, "", sizes, **mode), mean]


@pytest.mark.parametrize("build", [cutting, heads, images])
def test_what_the_host_computes(build):
    net, model = behind_a_layer(0, build)
    kmodel = compare(model, net.samples(), net.samples()[1]["x0"])
    assert kinds(kmodel)[0] == "k210_conv"


def test_a_matrix_comes_first():
    net = Net(0, (1, 12))
    bias = net.constant(np.linspace(-1, 1, 5, dtype=np.float32))
    value = net.add("Relu", net.add("Gemm", "x0", net.weights(12, 5), bias))
    model = net.model(net.add("Gemm", value, net.weights(5, 3), net.constant(np.zeros(3, np.float32))))
    kmodel = kpuc.compile(model, target="k210", kmodel=3, calibration=net.samples())
    assert kinds(kmodel) == ["fully_connected"] * 2
    sample = net.samples()[0]
    (want,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, sample)
    assert relative_error(want, results(kmodel, sample["x0"])[0].reshape(want.shape)) < 1e-6


def test_networks_that_begin_otherwise():
    net, model = two_inputs(0)
    with pytest.raises(UnsupportedError, match="it has 2 inputs and"):
        kpuc.compile(model, target="k210", kmodel=3, calibration=net.samples())
    net, model = residual(0)
    with pytest.raises(UnsupportedError, match="only convolutions as large as their input") as caught:
        kpuc.compile(model, target="k210", kmodel=3)
    assert caught.value.code == "K0602"


def test_an_image_that_comes_channels_last():
    net = Net(0, (1, 8, 6, 3))
    model = net.model(net.conv(net.add("Transpose", "x0", perm=[0, 3, 1, 2]), 3, 4))
    with pytest.raises(UnsupportedError, match=r"channels first \(--input-type uint8 --input-layout NCHW\)"):
        kpuc.compile(model, target="k210", kmodel=3, calibration=net.samples())
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 6), np.uint8)
    camera = {"input_type": "uint8", "input_layout": "NCHW", "model_layout": "NHWC"}
    compare(model, images, images[:1], **camera)


def test_an_input_that_the_host_needs():
    net = Net(0, (1, 4, 8, 8))
    model = net.model(net.conv("x0", 4, 4), net.add("Exp", "x0"))
    with pytest.raises(UnsupportedError, match="K0602") as caught:
        kpuc.compile(model, target="k210", kmodel=3, calibration=net.samples())
    assert "has to begin with" in str(caught.value) and "nn.exp" in str(caught.value)


def test_all_that_firmware_lacks_is_listed():
    def build(net, value):
        return [net.add("Exp", value), net.add("Add", value, net.constant(np.float32([[[1, 2, 3, 4, 5, 6]]])))]

    net, model = behind_a_layer(0, build)
    with pytest.raises(UnsupportedError, match="version 3 cannot compute 2 operations") as caught:
        kpuc.compile(model, target="k210", kmodel=3, calibration=net.samples())
    assert all(text in str(caught.value) for text in ("nn.exp", "nn.add", "of one shape", "--kmodel 4 or 5"))


def test_too_much_memory_is_an_error_with_names():
    net = Net(0, (1, 3, 64, 64))
    value = net.conv("x0", 3, 12, relu=False)
    sizes = net.constant(np.array([1, 1, 8, 8], np.float32))
    mode = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    model = net.model(net.add("Resize", value, "", sizes, **mode))
    with pytest.raises(CapacityError, match=r"K0610.*where there are 6291456.*Resize"):
        kpuc.compile(model, target="k210", kmodel=3, calibration=net.samples())
