"""A camera's bytes as inputs of K210 kmodels: the vendor's Simulator agrees, and so does the float network, nearly."""

import numpy as np
import pytest
import vendor19
from kpu_networks import activate, layer
from networks import relative_error
from onnx_writer import OnnxWriter

import kpuc
from kpuc.runtime.kmodel import read_kmodel

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
CAMERAS = {
    "plain": {"input_range": (0, 1)},
    "one mean": {"mean": 127.5, "std": 127.5},
    "means": {"mean": MEAN, "std": STD},
    "mirrored means": {"mean": MEAN, "std": STD, "swap_rb": True},
    "channels last": {"mean": MEAN, "std": STD, "input_layout": "NHWC"},
    "all": {"mean": MEAN, "std": STD, "input_layout": "NHWC", "swap_rb": True},
    "one mean, channels last": {"mean": 127.5, "std": 127.5, "input_layout": "NHWC", "swap_rb": True},
}
FIRST = ("3x3", "strided", "pointwise", "depthwise", "5x5", "pooled")


def network(first):
    net = OnnxWriter(FIRST.index(first))
    x = net.input(1, 3, 16, 20)
    y = {
        "3x3": lambda: layer(net, x, 5, kind="Relu"),
        "strided": lambda: layer(net, x, 5, kind="Clip6", strides=(2, 2)),
        "pointwise": lambda: layer(net, x, 5, (1, 1), "HardSwish"),
        "depthwise": lambda: activate(net, net.depthwise(x, pads=(1, 1, 1, 1)), "Relu"),
        "5x5": lambda: layer(net, x, 5, (5, 5), "Relu"),
        "pooled": lambda: net.op("MaxPool", x, kernel_shape=(2, 2), strides=(2, 2)),
    }[first]()
    return net.model(layer(net, y, 6, kind="none"))


@pytest.fixture(scope="module")
def compiled():
    made = {}
    for first in FIRST:
        for camera, options in CAMERAS.items():
            options = {**options, "input_type": "uint8"}
            shape = (1, 16, 20, 3) if options.get("input_layout") == "NHWC" else (1, 3, 16, 20)
            data = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
            model = network(first)
            kmodel = kpuc.compile(
                model,
                target="k210",
                calibration=[{"x0": one} for one in data],
                calibration_method="minmax",
                **options,
            )
            made[first, camera] = kmodel.data, data, kpuc.compile(model, **options).data
    return made


@pytest.fixture(scope="module")
def vendors(compiled):
    vendor19.skip_without()
    results = vendor19.simulate([(kmodel, [data[0]]) for kmodel, data, _ in compiled.values()])
    return dict(zip(compiled, results, strict=True))


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("first", FIRST)
def test_the_vendors_simulator_agrees(vendors, compiled, first, camera):
    kmodel, data, _ = compiled[first, camera]
    theirs, (ours,) = vendors[first, camera], kpuc.Simulator(kmodel).run(data[0]).values()
    assert not isinstance(theirs, str), theirs
    assert relative_error(theirs[0], ours) <= 1e-6


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("first", FIRST)
def test_the_network_is_computed(compiled, first, camera):
    kmodel, data, exact = compiled[first, camera]
    for one in data:
        (made,), (wanted,) = (kpuc.Simulator(file).run(one).values() for file in (kmodel, exact))
        assert relative_error(wanted, made) < 0.03


@pytest.mark.parametrize("camera", CAMERAS)
def test_bytes_go_to_the_kpu_as_they_are(compiled, camera):
    """Nothing is dequantised and quantised again before the first layer."""
    kmodel, _, _ = compiled["3x3", camera]
    (module,) = [module for module in read_kmodel(kmodel).modules if module.kind == "k210"]
    assert [one.element for one in module.functions[0].inputs] == ["u8"]
