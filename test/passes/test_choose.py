"""The choice among tables of ranges: what wins when, and that it wins for a reason."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from networks import SHIPPED

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import Program, evaluate
from kpuc.dialects.function import entry_function, set_names
from kpuc.dialects.mlir import ir
from kpuc.dialects.ranges import Range
from kpuc.errors import ExecutionError, OptionError
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibrate import Reservoir, calibrate
from kpuc.passes.quant.choose import (
    CANDIDATES,
    FEWEST,
    TRIED,
    Rounding,
    choose_ranges,
    decide,
    difference,
)
from kpuc.passes.quant.ranges import MinMax
from kpuc.pipelines import PIPELINE

RELU = """
func.func @main(%x: tensor<32768xf32>) -> tensor<32768xf32> {
  %0 = "nn.relu"(%x) : (tensor<32768xf32>) -> tensor<32768xf32> loc("m: /a")
  return %0 : tensor<32768xf32>
}
"""
LIMITED = """
func.func @main(%x: tensor<32768xf32>) -> tensor<32768xf32> {
  %0 = "nn.clamp"(%x) {min = 0.0 : f64, max = 2.0 : f64} : (tensor<32768xf32>) -> tensor<32768xf32> loc("m: /a")
  return %0 : tensor<32768xf32>
}
"""
TWO = """
func.func @main(%a: tensor<32768xf32>, %b: tensor<32768xf32>) -> (tensor<32768xf32>, tensor<32768xf32>) {
  %c = "nn.constant"() {value = dense<4.5> : tensor<f32>} : () -> tensor<f32>
  %0 = "nn.sub"(%a, %c) : (tensor<32768xf32>, tensor<f32>) -> tensor<32768xf32> loc("m: /a")
  %1 = "nn.relu"(%0) : (tensor<32768xf32>) -> tensor<32768xf32> loc("m: /b")
  %2 = "nn.relu"(%b) : (tensor<32768xf32>) -> tensor<32768xf32> loc("m: /c")
  return %1, %2 : tensor<32768xf32>, tensor<32768xf32>
}
"""


@pytest.fixture
def parse():
    with mlir.context(), ir.Location.unknown():
        yield ir.Module.parse


def normal(seed, *outliers):
    numbers = np.random.default_rng(seed).standard_normal(32768).astype(np.float32)
    numbers[: len(outliers)] = outliers
    return numbers


def samples(*outliers, count=TRIED):
    return [{"input0": normal(seed, *outliers)} for seed in range(count)]


def chosen(module, data):
    choice = choose_ranges(module, data)
    name = choice.calibration.estimator
    assert name.startswith("auto: ")
    return name.removeprefix("auto: "), choice


def samples_with_a_rare(outlier):
    data = samples()
    data[3]["input0"][0] = outlier
    return data


class TestWhatWins:
    """Which one does depends on how rare large numbers are, and on what the network makes of them."""

    def test_least_squared_error(self, parse):
        """Each sample has an outlier, whose loss, when it is cut a little, is less than the gain of all others."""
        name, choice = chosen(parse(RELU), samples(8.0))
        assert name == "mse"
        assert 4 < choice.calibration.ranges["input input0"].high < 8

    def test_least_squared_error_where_it_is_much_less(self, parse):
        """Before the ReLU twice as many numbers gain by a cut as behind it."""
        name, choice = chosen(parse(RELU), samples_with_a_rare(8.0))
        assert name == "mse 1.5"
        assert choice.calibration.ranges["input input0"].high < choice.calibration.ranges["nn.relu /a"].high == 8

    def test_a_percentile(self, parse):
        """Squared errors insist upon an outlier that the network does not let through."""
        name, choice = chosen(parse(LIMITED), samples_with_a_rare(3000.0))
        assert name == "percentile"
        assert choice.calibration.ranges["input input0"].high < 5

    def test_extremes(self, parse):
        """Outliers are all that the network lets through."""
        name, choice = chosen(parse(TWO), [{"input0": one["input0"], "input1": normal(9)} for one in samples(9.0)])
        assert name == "minmax"
        assert choice.calibration.ranges["input input0"].high == 9

    def test_few_samples_decide_nothing(self, parse):
        assert chosen(parse(RELU), samples(8.0, count=FEWEST))[0] == "mse"
        assert chosen(parse(RELU), samples(8.0, count=FEWEST - 1))[0] == "minmax"


class TestDecision:
    generator = np.random.default_rng(5)
    noise = np.exp(generator.standard_normal(TRIED))

    def given(self, **others):
        return decide({"minmax": self.noise, **others})

    @pytest.mark.parametrize("name", CANDIDATES[1:])
    def test_any_candidate_can_win(self, name):
        others = dict.fromkeys(CANDIDATES[1:], self.noise * 0.8)
        assert decide({"minmax": self.noise, **others, name: self.noise * 0.7}) == name

    def test_extremes_win_ties_and_small_gains(self):
        assert self.given() == "minmax"
        assert self.given(mse=self.noise) == "minmax"
        assert self.given(mse=self.noise * 0.97) == "minmax"
        assert self.given(mse=np.zeros(TRIED)) == "mse"
        assert decide({"minmax": np.zeros(TRIED), "mse": np.zeros(TRIED)}) == "minmax"

    def test_one_sample_does_not_decide(self):
        """Though its noise outweighs that of all others."""
        noise, other = np.ones(TRIED), np.full(TRIED, 1.1)
        noise[0] = 1000
        assert decide({"minmax": noise, "mse": other}) == "minmax"

    def test_many_samples_do_not_hide_a_loss(self):
        noise, other = np.ones(TRIED), np.full(TRIED, 0.5)
        other[0] = 1000
        assert decide({"minmax": noise, "mse": other}) == "minmax"

    @pytest.mark.parametrize("count", [FEWEST, TRIED])
    def test_chance_seldom_wins(self, count):
        """Noise that is the same but for chance, as heavy-tailed as networks have it."""
        pairs = np.exp(1.5 * self.generator.standard_normal((4000, 2, count)))
        wins = sum(decide({"minmax": one, "mse": other}) == "mse" for one, other in pairs)
        assert wins / len(pairs) < 0.01


def test_it_is_never_worse_than_the_extremes_on_what_was_tried():
    images = np.random.default_rng(0).random((TRIED, 1, 1, 28, 28), np.float32)
    data = [{"input": image} for image in images]
    with mlir.context():
        module = import_onnx(SHIPPED / "fashion_dscnn.onnx")
        parse_pipeline(PIPELINE).run(module)
        choice = choose_ranges(module, data)
        extremes = calibrate(module, data, MinMax)
        expected = [evaluate(module, [image]) for image in images]
        noise = {
            name: sum(
                difference(wanted, Rounding.of(Program(module), ranges).run([image]))
                for wanted, image in zip(expected, images, strict=True)
            )
            for name, ranges in (("auto", choice.calibration.ranges), ("minmax", extremes.ranges))
        }
    assert noise["auto"] <= noise["minmax"]
    assert noise["minmax"] == pytest.approx(choice.noise["minmax"].sum())


@pytest.mark.skipif("KPUC_MODELS" not in os.environ, reason="KPUC_MODELS names no folder with data sets")
@pytest.mark.parametrize("name", ["fashion_dscnn", "fsdd_kws_dscnn"])
def test_it_is_never_worse_than_the_extremes_on_other_samples(name):
    """Real networks, calibrated on calibration data, tested on test data."""
    with np.load(Path(os.environ["KPUC_MODELS"]) / "data" / f"{name}_test.npz") as arrays:
        parts = arrays["calib"][:32], arrays["x"][:100]
    chosen, tests = (
        (part / 127.5 - 1 if part.dtype == np.uint8 else part).astype(np.float32)[:, None, None] for part in parts
    )
    with mlir.context():
        module = import_onnx(SHIPPED / f"{name}.onnx")
        parse_pipeline(PIPELINE).run(module)
        data = [{"input": one} for one in chosen]
        tables = choose_ranges(module, data).calibration.ranges, calibrate(module, data, MinMax).ranges
        expected = np.concatenate([evaluate(module, [one])[0] for one in tests])
        auto, extremes = (
            np.concatenate([Rounding.of(Program(module), ranges).run([one])[0] for one in tests]) for ranges in tables
        )
    assert np.sum((auto - expected) ** 2) <= np.sum((extremes - expected) ** 2)


class TestRunning:
    def test_it_is_the_same_every_time(self, parse):
        data = samples(9.0, count=40)
        one, other = choose_ranges(parse(RELU), data), choose_ranges(parse(RELU), iter(data))
        assert one.calibration == other.calibration
        assert all((one.noise[name] == other.noise[name]).all() for name in CANDIDATES)

    @pytest.mark.parametrize("count", [3, TRIED + 5])
    def test_progress(self, parse, count):
        seen = []
        choose_ranges(parse(RELU), samples(count=count), lambda *state: seen.append(state))
        total = count + min(count, TRIED) * len(CANDIDATES)
        assert seen == [(n, total) for n in range(1, total + 1)]
        choose_ranges(parse(RELU), (one for one in samples(count=count)), lambda *state: seen.append(state))
        assert seen[total:] == [(n, 0) for n in range(1, total + 1)]

    def test_memory_does_not_grow_with_the_samples(self, parse):
        text = RELU.replace("32768", str(1 << 18))
        generator = np.random.default_rng(0)

        def peak(count):
            data = ({"input0": generator.standard_normal(1 << 18, np.float32)} for _ in range(count))
            module = parse(text)
            tracemalloc.start()
            choose_ranges(module, data)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        assert peak(3 * TRIED) < peak(TRIED) + (1 << 18) * 4 * 2

    def test_samples_in_a_buffer_that_is_used_again(self, parse):
        """As a camera's driver does it."""
        data = samples(9.0)
        buffer = np.empty(32768, np.float32)

        def stream():
            for sample in data:
                buffer[:] = sample["input0"]
                yield {"input0": buffer}

        one, other = choose_ranges(parse(RELU), data), choose_ranges(parse(RELU), stream())
        assert (one.noise["mse"] == other.noise["mse"]).all()

    def test_states_are_as_they_were(self, parse):
        """A network is tried with the states that it had at that sample."""
        module = parse("""func.func @main(%x: tensor<64xf32>, %s: tensor<64xf32>) -> tensor<64xf32> {
          %0 = "nn.add"(%x, %s) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32> loc("m: /a")
          return %0 : tensor<64xf32> }""")
        set_names(entry_function(module), ["x", "s"], ["s"], {"s": np.full(64, 10, np.float32)})
        data = [{"x": normal(seed)[:64]} for seed in range(5)]
        choice = choose_ranges(module, data)
        state, noise = np.full(64, 10, np.float32), []
        for sample in data:
            actual = Rounding.of(Program(module), choice.calibration.ranges).run([sample["x"], state])
            state = sample["x"] + state
            noise.append(difference([state], actual))
        np.testing.assert_allclose(choice.noise["minmax"], noise)

    def test_a_value_that_is_never_finite(self, parse):
        module = parse(RELU.replace("relu", "log"))
        choice = choose_ranges(module, [{"input0": np.zeros(32768, np.float32)}])
        assert choice.calibration.ranges == {"input input0": (0, 0), "nn.log /a": None}

    def test_an_index_that_rounding_leads_astray(self, parse):
        """2.995 becomes 191 steps of 4.006 / 255, which is 3.0006: that is beyond the last element."""
        module = parse("""func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
          %c = "nn.constant"() {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : () -> tensor<3xf32>
          %0 = "nn.cast"(%x) {to = i64, saturate = true} : (tensor<2xf32>) -> tensor<2xi64>
          %1 = "nn.gather"(%c, %0) {axis = 0 : i64, batch_dims = 0 : i64}
            : (tensor<3xf32>, tensor<2xi64>) -> tensor<2xf32> loc("m: /a")
          return %1 : tensor<2xf32> }""")
        data = [{"input0": np.float32([-1.011, 2.995])}]
        choice = choose_ranges(module, data)
        assert choice.noise["minmax"] == 1
        assert choice.calibration.estimator == "auto: minmax"

    def test_refusals(self, parse):
        with pytest.raises(OptionError, match=r"K0714.*there is no sample"):
            choose_ranges(parse(RELU), [])
        with pytest.raises(OptionError, match=r"K0711.*sample 1.*nothing for input 'input0'"):
            choose_ranges(parse(RELU), [*samples(count=1), {}])
        with pytest.raises(ExecutionError, match=r"K0502.*input 0 is float64"):
            choose_ranges(parse(RELU), [{"input0": np.zeros(32768)}])


def test_rounded_values():
    """Every value is on its own grid: q = round(x / scale), limited, within low..high."""
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.parse(RELU)
        x = normal(1)
        ranges = {"input input0": Range(-1.0, 1.0), "nn.relu /a": Range(0.0, 0.5)}
        (found,) = Rounding.of(Program(module), ranges).run([x])
        (wide,) = Rounding.of(Program(module), {"input input0": None, "nn.relu /a": None}).run([x])
    into = np.clip(np.round(x.astype(np.float64) / (2 / 255)), -128, 127) * (2 / 255)
    out = np.clip(np.round(np.maximum(into, 0) / (0.5 / 255)), 0, 255) * (0.5 / 255)
    np.testing.assert_allclose(found, out, atol=0.5 / 255 * 1.01)  # one step, where float32 rounds otherwise
    assert np.mean(np.abs(found - out) > 1e-5) < 0.01
    assert (wide == np.maximum(x, 0)).all()


class TestDifference:
    def test_numbers(self):
        assert difference([np.array([3.0, 4.0])], [np.array([3.0, 5.0])]) == pytest.approx(1 / 25)
        assert difference([np.zeros(2)], [np.ones(2)]) == 2

    def test_outputs_add_up(self):
        one, other = np.array([3.0, 4.0]), np.array([0.0, 0.0])
        assert difference([one, one], [other, other]) == 2

    def test_integers_and_booleans(self):
        assert difference([np.array([1, 2, 3, 4])], [np.array([1, 2, 3, 9])]) == 0.25
        assert difference([np.array([True, False])], [np.array([True, True])]) == 0.5
        assert difference([np.zeros(0, np.int64)], [np.zeros(0, np.int64)]) == 0

    def test_another_shape(self):
        assert difference([np.zeros(2)], [np.zeros(3)]) == 1

    def test_what_is_not_finite(self):
        wanted = np.array([np.inf, np.nan, 2.0])
        assert difference([wanted], [np.array([0.0, 0.0, 2.0])]) == 0
        assert difference([wanted], [np.array([np.inf, np.nan, -np.inf])]) == 1


class TestReservoir:
    def kept(self, reservoir, count):
        for number in range(count):
            reservoir.offer([np.array(number)], [])
        return [int(feed[0]) for feed, _ in reservoir.kept]

    def test_all_of_a_few(self):
        assert self.kept(Reservoir(4), 3) == [0, 1, 2]
        assert self.kept(Reservoir(4), 0) == []

    def test_some_of_many_always_the_same(self):
        one, other = (self.kept(Reservoir(4), 1000) for _ in range(2))
        assert one == other
        assert len(set(one)) == 4

    def test_each_has_the_same_chance(self):
        counts = np.zeros(10)
        for seed in range(4000):
            reservoir = Reservoir(4)
            reservoir._generator = np.random.default_rng(seed)
            counts[self.kept(reservoir, 10)] += 1
        np.testing.assert_allclose(counts / 4000, 0.4, atol=0.03)  # four standard deviations
