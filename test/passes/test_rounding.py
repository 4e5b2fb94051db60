"""SQuant and AdaRound: what their papers promise of the weights, and what that is worth on a network."""

import itertools

import numpy as np
import onnxruntime
import pytest
from networks import SHIPPED
from onnx_writer import OnnxWriter

import kpuc
from kpuc.dialects import kpu, mlir, nn
from kpuc.dialects.function import clone, entry_function
from kpuc.errors import OptionError, PassError
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.kpu.round_weights import round_layers
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibrate import calibrate
from kpuc.passes.quant.calibration import annotate, named_values
from kpuc.passes.quant.ranges import MinMax
from kpuc.passes.quant.rounding import adaround, round_weights, squant
from kpuc.passes.quant.weights import set_weights, weights_of
from kpuc.pipelines import PIPELINE

FASHION = SHIPPED / "fashion_dscnn.onnx"
RANDOM = np.random.default_rng(9)
IMAGES = RANDOM.random((16, 1, 1, 7, 7)).repeat(4, -1).repeat(4, -2).astype(np.float32)
"""Neighbours are alike, as in images."""


class TestSquant:
    @pytest.mark.parametrize("shape", [(4, 6, 9), (8, 16, 1), (5, 1, 9), (3, 2, 25)])
    def test_sums_of_errors_are_at_most_half_a_step(self, shape):
        real = RANDOM.uniform(-6, 6, shape)
        steps = squant(real, 127)
        error = steps - real
        assert (steps == np.rint(steps)).all()
        assert np.abs(error).max() < 1  # a neighbour
        assert np.abs(error.sum(axis=(1, 2))).max() <= 0.5 + 1e-9
        assert np.abs(error.sum(axis=2)).max() <= 1 + 1e-9
        assert np.abs((np.rint(real) - real).sum(axis=(1, 2))).max() > 0.5  # which the nearest ones are not

    def test_few_elements_move(self):
        real = RANDOM.uniform(-6, 6, (4, 6, 9))
        moved = squant(real, 127) != np.rint(real)
        wanted = np.abs((np.rint(real) - real).sum(axis=2)).sum() + 4
        assert 0 < moved.sum() <= wanted

    def test_what_sets_the_scale_stays(self):
        real = np.full((1, 1, 8), 6.6)
        real[0, 0, 0] = 7
        steps = squant(real, 7)
        assert steps[0, 0, 0] == 7
        assert steps.max() <= 7

    def test_nothing_to_do(self):
        real = np.float64([[[1.1, 1.9, -2.1, -2.9]]])
        np.testing.assert_array_equal(squant(real, 127), np.rint(real))


class TestAdaround:
    def trial(self, elements, rows=512):
        mix = RANDOM.standard_normal((elements, elements))
        data = (RANDOM.standard_normal((rows, elements)) @ mix + 0.5)[None]
        return RANDOM.uniform(-6, 6, (1, 6, elements)), data

    def loss(self, real, steps, data):
        return (((steps - real) @ data.transpose(0, 2, 1)) ** 2).mean(axis=-1)

    def test_it_is_near_the_best_of_all(self):
        """All 256 roundings of eight weights are tried here."""
        real, data = self.trial(8)
        choices = np.floor(real)[..., None, :] + np.array(list(itertools.product((0, 1), repeat=8)))
        losses = np.stack([self.loss(real, choices[:, :, n], data) for n in range(256)], -1)
        got = self.loss(real, adaround(real, data, 7), data)
        nearest = self.loss(real, np.rint(real), data)
        assert (got <= nearest).all()
        assert (got / losses.min(axis=-1)).mean() < 1.3 < (nearest / losses.min(axis=-1)).mean()

    def test_other_data_gains_too(self):
        real, data = self.trial(32, 4096)
        steps = adaround(real, data[:, :2048], 7)
        assert (np.abs(steps - real) < 1).all()
        assert self.loss(real, steps, data[:, 2048:]).sum() < 0.7 * self.loss(real, np.rint(real), data[:, 2048:]).sum()

    def test_groups_are_on_their_own(self):
        trials = [self.trial(9) for _ in range(3)]
        real, data = (np.concatenate([one[n] for one in trials]) for n in range(2))
        together = adaround(real, data, 7)
        for number, (weights, rows) in enumerate(trials):
            np.testing.assert_array_equal(together[number : number + 1], adaround(weights, rows, 7))


@pytest.mark.parametrize("method", ["squant", "adaround"])
@pytest.mark.parametrize("weights", ["int8", "int4"])
def test_quantising_keeps_what_was_chosen(method, weights):
    with mlir.context():
        module = import_onnx(FASHION)
        parse_pipeline(PIPELINE).run(module)
        samples = [{"input": image} for image in IMAGES]
        annotate(module, calibrate(module, samples, MinMax))
        round_weights(module, method, samples, weights=weights)
        chosen = constants(module)
        parse_pipeline(f"builtin.module(nn-quantize{{weights={weights}}},nn-fold-constants,canonicalize)").run(module)
        kept = constants(module)
    assert len(chosen) == len(kept) > 5
    for before, after in zip(chosen, kept, strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-7)


def constants(module):
    """The weights of the convolutions, in order."""
    operations = entry_function(module).regions[0].blocks[0].operations
    return [nn.constant_value(op.weight) for op in operations if isinstance(op, nn.Conv)]


@pytest.mark.parametrize("method", ["squant", "adaround"])
def test_a_network_with_weights_of_four_bits_is_more_exact(method):
    session = onnxruntime.InferenceSession(FASHION)
    exact = np.concatenate([session.run(None, {"input": image})[0] for image in IMAGES])
    noise = []
    for rounding in ("nearest", method):
        kmodel = kpuc.compile(
            FASHION,
            "k230",
            quant="i16",
            quant_weights="i4",
            rounding=rounding,
            calibration=IMAGES[:8, 0],
            calibration_method="minmax",
        )
        got = np.concatenate([kpuc.Simulator(kmodel).run(image)["logits"] for image in IMAGES])
        noise.append(((got - exact) ** 2).sum())
    assert noise[1] < 0.7 * noise[0]


@pytest.fixture(scope="module")
def network():
    """Two layers that read bytes, one of them from two sources: images are alike, and exact in 8 bits."""
    net = OnnxWriter(2)
    images = [net.input(1, 4, 8, 8), net.input(1, 4, 8, 8)]
    first = net.conv(images[0], 12, (3, 3), pads=(1, 1, 1, 1))
    both = net.concat(*images)
    second = net.conv(both, 12, (1, 1))
    third = net.depthwise(images[1], pads=(1, 1, 1, 1))
    model = net.model(first, second, third)
    random = np.random.default_rng(3)

    def sample(largest):
        image = random.integers(0, 256, (1, 4, 4, 4)).repeat(2, -1).repeat(2, -2)
        return (image / 255 * largest).astype(np.float32)

    samples = [{"x0": sample(1.0), "x1": sample(3.0)} for _ in range(24)]
    for largest, name in ((1.0, "x0"), (3.0, "x1")):
        samples[0][name].flat[:2] = 0, largest  # the range is all of it
    return model, samples


class TestLayersOfTheK210:
    """The integers in the file are those that were chosen, which is worth something where weights are what errs."""

    def noise(self, network, **given):
        model, samples = network
        session = onnxruntime.InferenceSession(model)
        calibration = {"calibration": samples[:16], "calibration_method": "minmax"}
        kmodel = kpuc.compile(model, "k210", **calibration, **given)
        simulator = kpuc.Simulator(kmodel.data)
        total = np.zeros(3)
        for one in samples[16:]:
            got = simulator.run(one).values()
            total += [((a - b) ** 2).sum() for a, b in zip(got, session.run(None, one), strict=True)]
        return kmodel, total

    def test_less_noise(self, network):
        nearest, plain = self.noise(network)
        assert nearest.report["host"] == []
        adaround, better = self.noise(network, rounding="adaround")
        assert (better < plain).all()
        assert better.sum() < 0.9 * plain.sum()
        squant, changed = self.noise(network, rounding="squant")
        assert len({one.data for one in (nearest, adaround, squant)}) == 3
        assert changed.sum() < plain.sum()

    @pytest.mark.parametrize("method", ["squant", "adaround"])
    def test_integers_are_those_that_were_chosen(self, network, method):
        model, samples = network
        with mlir.context():
            module = import_onnx(model)
            parse_pipeline(PIPELINE).run(module)
            annotate(module, calibrate(module, samples, MinMax))
            parse_pipeline("builtin.module(kpu-form-layers,canonicalize,cse,kpu-tile)").run(module)
            before = integers_of(clone(module))
            round_layers(module, method, samples)
            chosen = []
            for op in entry_function(module).regions[0].blocks[0].operations:
                if isinstance(op, kpu.Layer):
                    scales = [
                        np.float32(1 / 255) if name.arg_number == 0 else np.float32(3 / 255) for name in op.inputs
                    ]
                    by_channel = np.repeat(scales, 4).reshape((-1, 1, 1, 1) if op.depthwise else (1, -1, 1, 1))
                    chosen.append(nn.constant_value(op.weight) * by_channel)
            after = integers_of(module)
        assert len(chosen) == len(before) == len(after) == 3
        for wanted, nearest, got in zip(chosen, before, after, strict=True):
            axes = {"axis": (1, 2, 3), "keepdims": True}
            step = (wanted * got).sum(**axes) / (got * got).sum(**axes)
            np.testing.assert_allclose(got, wanted / step, atol=1e-3)
            assert np.abs(got - nearest).max() == 1


def integers_of(module):
    """The weights of the layers, around their zero points."""
    parse_pipeline("builtin.module(kpu-quantize{wide=0})").run(module)
    operations = entry_function(module).regions[0].blocks[0].operations
    layers = [op for op in operations if isinstance(op, kpu.Conv2D)]
    return [nn.constant_value(op.weight).astype(int) - op.weight_zero for op in layers]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"rounding": "up"}, "there is no way to round 'up'; there are: nearest, squant, adaround"),
        ({"rounding": "adaround", "calibration": None, "ranges": "r.json"}, "AdaRound needs calibration data"),
    ],
)
def test_mistakes(given, text):
    with pytest.raises(OptionError, match=text):
        kpuc.compile(FASHION, **{"target": "cpu", "calibration": IMAGES[:, 0], "calibration_method": "auto", **given})


def test_weights_of_another_network():
    """What was rounded for one network is given to the products of the same names and shapes only."""
    writers = [OnnxWriter(seed) for seed in (0, 1)]
    first, second = (one.model(one.conv(one.input(1, 3, 8, 8), 4, (3, 3))) for one in writers)
    other = OnnxWriter(0)
    larger = other.model(other.conv(other.input(1, 3, 8, 8), 5, (3, 3)))
    with mlir.context():
        modules = [import_onnx(model) for model in (first, second, larger)]
        given, taking, misfit = (dict(named_values(module)) for module in modules)
        weights = weights_of(given)
        set_weights(taking, weights)
        ((name, weight),) = weights_of(taking).items()
        np.testing.assert_array_equal(weight, weights[name])
        with pytest.raises(PassError, match=r"K0718.*Conv_v0.*its weight is another one where sizes are the greatest"):
            set_weights(misfit, weights)
        with pytest.raises(PassError, match="K0718"):
            set_weights(taking, {})
