"""What a user can ask of the K210 in vain is answered by a sentence; what only looks odd compiles."""

import numpy as np
import onnx
import pytest
from onnx_writer import OnnxWriter

import kpuc
from kpuc.errors import KpucError
from kpuc.runtime.kmodel import read_kmodel


def weighted(number=None, shape=(1, 3, 8, 8), zero=False):
    """A convolution with a ReLU, one of its weights being `number`: the writer and the model."""
    net = OnnxWriter(0)
    x = net.input(*shape)
    weight, bias = net.random.standard_normal((4, shape[1], 3, 3)), net.random.standard_normal(4)
    if number is not None:
        weight.flat[3] = number
    scale = 0 if zero else 1
    constants = [net.constant((array * scale).astype(np.float32)) for array in (weight, bias)]
    return net, net.model(net.op("Relu", net.op("Conv", x, *constants, channels=4, pads=(1, 1, 1, 1))))


NET, MODEL = weighted()
DATA = NET.samples(4)


def dynamic():
    model = onnx.load_from_string(MODEL)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    dims[0].dim_param, dims[2].dim_param = "N", "H"
    return model.SerializeToString()


def compiled(model=MODEL, **options):
    return kpuc.compile(model, target="k210", **options)


def kinds(kmodel):
    return [module.kind for module in read_kmodel(kmodel.data).modules]


@pytest.mark.parametrize(("model", "options", "code", "words"), [
    (dynamic(), {"calibration": DATA}, "K0603", r"\?x3x\?x8xf32> has dimensions that are not known"),
    (dynamic(), {}, "K0603", "--shape NAME=1,3,224,224 or --dim NAME=N"),
    (MODEL, {"quant": "u8"}, "K0721", "quantisation to u8 needs calibration data, or ranges"),
    (MODEL, {"quant": "i8", "calibration": DATA}, "K0720", "for target k210, only to u8"),
    (MODEL, {"quant": "none", "calibration": DATA}, "K0721", "nothing shall be quantised"),
    (MODEL, {"calibration": np.zeros((3, 3, 8, 8), np.float32)}, "K0713", "is 0.0 in every element of all 3 samples"),
    (MODEL, {"calibration": np.full((3, 3, 8, 8), np.nan, np.float32)}, "K0713", "is nan at"),
    (MODEL, {"calibration": np.ones((3, 3, 8, 9), np.float32)}, "K0712", "expected"),
    (weighted(np.nan)[1], {"calibration": DATA}, "K0602", "model.onnx: Relu_v1: nan is among its weights"),
    (weighted(np.inf)[1], {"calibration": DATA, "calibration_method": "minmax"}, "K0602", "inf is among its weights"),
])  # fmt: skip
def test_sentences(model, options, code, words):
    with pytest.raises(KpucError, match=words) as caught:
        compiled(model, **options)
    assert caught.value.code == code


def test_ranges_of_another_network(tmp_path):
    compiled(calibration=DATA).calibration.save(tmp_path / "r.json")
    assert compiled(ranges=tmp_path / "r.json").data == compiled(calibration=DATA).data
    net = OnnxWriter(1)
    other = net.model(net.op("Sigmoid", net.conv(net.op("Tanh", net.conv(net.input(1, 3, 8, 8), 4)), 5)))
    with pytest.raises(KpucError, match="measured on another network") as caught:
        compiled(other, ranges=tmp_path / "r.json")
    assert caught.value.code == "K0718"


def test_without_data_it_is_a_float_kmodel_for_the_stack_machine():
    kmodel = compiled()
    assert (kmodel.report["quant"], kinds(kmodel)) == ("none", ["stackvm"])
    reference = kpuc.Simulator(kpuc.compile(MODEL).data).run(DATA[0])
    for a, b in zip(kpuc.Simulator(kmodel.data).run(DATA[0]).values(), reference.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_open_dimensions_can_be_given():
    kmodel = compiled(dynamic(), calibration=DATA, dims={"N": 1, "H": 8})
    assert kmodel.data == compiled(calibration=DATA).data


def test_several_images_at_once_are_the_hosts():
    net, model = weighted(shape=(2, 3, 8, 8))
    kmodel = compiled(model, calibration=net.samples(2))
    assert kinds(kmodel) == ["stackvm"]


@pytest.mark.parametrize("number", [1e30, 1e-30, 1e-45, -3e38])
def test_a_weight_of_another_size_than_the_others(number):
    _, model = weighted(number)
    data = [{name: array * 1e-6 for name, array in sample.items()} for sample in DATA]
    kmodel = compiled(model, calibration=data, calibration_method="minmax")
    (made,) = kpuc.Simulator(kmodel.data).run(data[0]).values()
    (wanted,) = kpuc.Simulator(kpuc.compile(model).data).run(data[0]).values()
    assert np.abs(made - wanted).max() <= 0.03 * np.abs(wanted).max()


def test_weights_that_are_all_zero():
    kmodel = compiled(weighted(zero=True)[1], calibration=DATA)
    assert "k210" in kinds(kmodel)
    (made,) = kpuc.Simulator(kmodel.data).run(DATA[0]).values()
    assert not made.any()


@pytest.mark.parametrize("scale", [1e-38, 1e-20, 1e20, 1e37])
def test_inputs_of_any_size(scale):
    model = MODEL
    data = [{name: (array / 8 * scale).astype(np.float32) for name, array in sample.items()} for sample in DATA]
    (made,) = kpuc.Simulator(compiled(model, calibration=data, calibration_method="minmax").data).run(data[0]).values()
    (wanted,) = kpuc.Simulator(kpuc.compile(model).data).run(data[0]).values()
    assert np.abs(made - wanted).max() <= 0.03 * np.abs(wanted).max()
