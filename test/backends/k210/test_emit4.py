"""Version 4 files compute what version 5 files do, and what onnxruntime does."""

import numpy as np
import onnxruntime
import pytest
from networks import SHIPPED, relative_error
from small import Net, classifier, residual, two_inputs

import kpuc
from kpuc.errors import CapacityError, OptionError, UnsupportedError
from kpuc.runtime.kmodel import read_kmodel
from kpuc.runtime.kmodel.fields4 import LOCATIONS

OLD = {
    "kpu_conv2d", "kpu_upload", "dequantize", "quantize", "transpose", "pad", "concat", "reduce", "reduce_window2d",
    "quantized_binary", "unary", "matmul", "memory_copy", "binary", "conv2d",
}  # fmt: skip
"""The nodes that the oldest firmware has."""


def kinds(kmodel):
    return [body.kind.name for body in read_kmodel(kmodel.data).bodies()]


def results(kmodel, arrays):
    simulator = kpuc.Simulator(kmodel)
    feed = [array.reshape(info.shape) for array, info in zip(arrays, simulator.inputs, strict=True)]
    return list(simulator.run(*feed).values())


def compare(model, samples, arrays, **options):
    """The version 4 kmodel; its results are those of version 5."""
    given = {"target": "k210", "calibration": samples, **options}
    new, old = kpuc.compile(model, **given), kpuc.compile(model, kmodel=4, **given)
    assert set(kinds(old)) <= OLD
    for want, found in zip(results(new, arrays), results(old, arrays), strict=True):
        assert relative_error(want, found.reshape(want.shape)) < 1e-6
    return old


@pytest.mark.parametrize("make", [residual, two_inputs, classifier])
@pytest.mark.parametrize("seed", [0, 1])
def test_small_networks(make, seed):
    net, model = make(seed)
    old = compare(model, net.samples(), [net.samples()[1][name] for name in net.shapes])
    assert read_kmodel(old.data).inputs[0].range.location == LOCATIONS["main"]


@pytest.mark.parametrize(("name", "shape"), [("fashion_dscnn", (1, 28, 28)), ("fsdd_kws_dscnn", (1, 40, 49))])
def test_shipped_networks(name, shape):
    data = np.random.default_rng(0).standard_normal((4, *shape)).astype(np.float32)
    compare(SHIPPED / f"{name}.onnx", data, [data[:1]])


def test_a_cameras_bytes_go_straight_into_the_kpu():
    data = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1), np.uint8)
    camera = {"input_type": "uint8", "input_layout": "NHWC", "mean": 127.5, "std": 127.5}
    old = compare(SHIPPED / "fashion_dscnn.onnx", data, [data[:1]], **camera)
    assert read_kmodel(old.data).inputs[0].range.location == LOCATIONS["kpu"]
    assert kinds(old)[0] == "kpu_conv2d"


def test_it_is_the_same_every_time():
    net, model = residual(3)
    first, second = (kpuc.compile(model, target="k210", kmodel=4, calibration=net.samples()) for _ in range(2))
    assert first.data == second.data


def elementwise(net):
    value = net.add("Tanh", "x0")
    value = net.add("Add", value, net.add("Sigmoid", "x0"))
    value = net.add("Mul", value, net.add("Sqrt", net.add("Abs", "x0")))
    value = net.add("Sub", value, net.add("HardSwish", "x0"))
    return [net.add("Clip", value, net.constant(np.float32(-0.5)), net.constant(np.float32(0.75)))]


def cutting(net):
    ints = [net.constant(np.array(values, np.int64)) for values in ([1, 0, 1], [3, 9, 9], [1, 2, 3], [1, 2, 3])]
    cut = net.add("Slice", "x0", *ints)
    one, other = net.add("Split", "x0", outputs=2, axis=1)
    rows = net.add("Slice", other, *(net.constant(np.array([number], np.int64)) for number in (2, 8, 2, 3)))
    order = net.add("Gather", "x0", net.constant(np.array([2, 3, 0, -3])), axis=1)
    single = net.add("Gather", "x0", net.constant(np.array(2)), axis=3)
    return [cut, one, rows, order, single]


def images(net):
    value = net.conv("x0", 4, 6, stride=2)
    value = net.conv(value, 6, 6, groups=3)
    most = net.add("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)
    mean = net.add("AveragePool", value, kernel_shape=[2, 2], strides=[1, 2], pads=[0, 1, 1, 0], count_include_pad=1)
    sizes = net.constant(np.array([1, 1, 2, 3], np.float32))
    mode = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    smooth = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    other = net.constant(np.array([1, 6, 7, 4], np.int64))
    linear = net.add("Resize", value, "", "", other, **smooth)
    return [most, mean, net.add("Resize", value, "", sizes, **mode), linear]


def layouts(net):
    value = net.add("Transpose", "x0", perm=[0, 2, 3, 1])
    shape = net.constant(np.array([1, 2, 2, 2, 5, 10], np.int64))
    six = net.add("Transpose", net.add("Reshape", "x0", shape), perm=[0, 2, 1, 4, 5, 3])
    wide = net.add("Expand", net.add("ReduceMax", "x0", axes=[2]), net.constant(np.array([1, 4, 7, 10], np.int64)))
    pads = net.constant(np.array([0, 0, 1, 2, 0, 1, -2, 0], np.int64))
    return [net.add("Pad", "x0", pads, net.constant(np.float32(1.5))), value, six, wide]


def products(net):
    value = net.add("MatMul", "x0", net.weights(10, 6))
    both = net.add("MatMul", value, net.add("Transpose", value, perm=[0, 1, 3, 2]))
    scaled = net.add("Softmax", both, axis=-1)
    least = net.add("ReduceMin", scaled, axes=[1, 3], keepdims=0)
    return [net.add("Concat", both, scaled, axis=3), least, net.add("ReduceSum", both)]


@pytest.mark.parametrize("make", [elementwise, cutting, images, layouts, products])
def test_what_the_host_computes(make):
    net = Net(0, (1, 4, 10, 10))
    model = net.model(*make(net))
    kmodel = kpuc.compile(model, target="k210", kmodel=4)
    assert set(kinds(kmodel)) <= OLD - {"kpu_conv2d", "kpu_upload"}
    sample = net.samples()[0]
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(None, sample)
    for want, found in zip(expected, results(kmodel, [sample["x0"]]), strict=True):
        assert relative_error(want, found.reshape(want.shape)) < 2e-6


def test_bytes_are_cut_out_between_layers():
    """A slice of what two layers exchange moves bytes, which windows are not made for."""
    net = Net(0, (1, 4, 12, 12))
    value = net.conv("x0", 4, 8)
    ints = [net.constant(np.array(values, np.int64)) for values in ([1, 0], [12, 12], [2, 3], [3, 1])]
    value = net.conv(net.add("Slice", value, *ints), 8, 8)
    compare(net.model(value), net.samples(), [net.samples()[1]["x0"]])


def test_bytes_are_repeated_between_layers():
    net = Net(0, (1, 4, 8, 8))
    sizes = net.constant(np.array([1, 1, 2, 3], np.float32))
    mode = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    value = net.conv(net.add("Resize", net.conv("x0", 4, 8), "", sizes, **mode), 8, 4)
    assert "quantized_binary" in kinds(compare(net.model(value), net.samples(), [net.samples()[1]["x0"]]))


def test_bytes_are_interpolated_between_layers():
    """Halves are rounded away from zero, where version 5 rounds them otherwise: results differ by steps of a byte."""
    net = Net(0, (1, 4, 8, 8))
    sizes = net.constant(np.array([1, 1, 2, 2], np.float32))
    mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    value = net.conv(net.add("Resize", net.conv("x0", 4, 8), "", sizes, **mode), 8, 4)
    model, sample = net.model(value), net.samples()[1]["x0"]
    new, old = (kpuc.compile(model, target="k210", calibration=net.samples(), kmodel=v) for v in (5, 4))
    assert {"matmul", "kpu_upload"} <= set(kinds(old)) <= OLD
    for want, found in zip(results(new, [sample]), results(old, [sample]), strict=True):
        assert relative_error(want, found.reshape(want.shape)) < 2 / 255


def test_an_input_that_is_an_output_stays_whole():
    net = Net(0, (1, 4, 8, 8))
    model = net.model(net.add("Exp", net.add("Neg", "x0")), net.add("Identity", "x0"))
    sample = net.samples()[0]["x0"]
    both = results(kpuc.compile(model, target="k210", kmodel=4), [sample])
    np.testing.assert_array_equal(both[1], sample)
    assert relative_error(np.exp(-sample), both[0]) < 1e-6


def test_all_that_firmware_lacks_is_listed():
    net = Net(0, (1, 4, 8, 8))
    model = net.model(net.add("Erf", "x0"), net.add("CumSum", "x0", net.constant(np.int64(2))))
    with pytest.raises(UnsupportedError, match="version 4 cannot compute 2 operations") as caught:
        kpuc.compile(model, target="k210", kmodel=4)
    assert all(text in str(caught.value) for text in ("nn.erf", "nn.cumsum", "--kmodel 5"))


@pytest.mark.parametrize("version", [4, 5])
def test_too_much_memory_is_an_error_with_names(version):
    net = Net(0, (1, 4, 512, 512))
    value = net.add("Exp", "x0")
    value = net.add("Add", net.add("Cos", net.add("Sin", value)), value)
    model = net.model(net.add("Add", value, "x0"))
    with pytest.raises(CapacityError, match=r"K0610.*where there are 6291456.*net: Exp") as caught:
        kpuc.compile(model, target="k210", kmodel=version)
    assert ("input x0" in str(caught.value)) == (version == 4)


def test_there_is_one_runtime_only():
    with pytest.raises(OptionError, match="does not read kmodel v4; all firmware") as caught:
        kpuc.compile(SHIPPED / "fashion_dscnn.onnx", target="k210", kmodel=4, runtime="1.9")
    assert caught.value.code == "K0704"
