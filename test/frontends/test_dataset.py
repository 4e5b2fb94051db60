"""Calibration data: what is handed out, how little of it is in memory, and what is refused with which words."""

import sys
import tracemalloc
import zipfile
from operator import length_hint
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kpuc.errors import OptionError
from kpuc.frontends.dataset import open_dataset
from kpuc.frontends.images import read_image
from kpuc.runtime import TensorInfo

IMAGE = TensorInfo("image", np.dtype("float32"), (1, 3, 4, 6))
VECTOR = TensorInfo("vector", np.dtype("float32"), (5,))
BYTES = TensorInfo("image", np.dtype("uint8"), (1, 4, 6, 3))


def random(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def samples(data, *inputs, states=()):
    return list(open_dataset(data, inputs or [IMAGE], states))


def assert_samples(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            assert one[name].dtype == other[name].dtype
            np.testing.assert_array_equal(one[name], other[name])


def refused(code, text, data, *inputs, states=()):
    with pytest.raises(OptionError) as caught:
        samples(data, *inputs, states=states)
    assert caught.value.code == code
    assert text in str(caught.value), str(caught.value)


class TestArrays:
    batch, lone = random(7, 3, 4, 6), random(7, 1, 3, 4, 6)

    @pytest.mark.parametrize("wrap", [lambda a: a, lambda a: {"image": a}, lambda a: {"image": a, "labels": [1]}])
    def test_samples_lie_along_the_first_axis(self, wrap):
        assert_samples(samples(wrap(self.batch)), [{"image": self.batch[i : i + 1]} for i in range(7)])
        assert_samples(samples(wrap(self.lone)), [{"image": self.lone[i]} for i in range(7)])

    @pytest.mark.parametrize("compress", [False, True])
    def test_npz(self, tmp_path, compress):
        vectors = random(7, 5)
        save = np.savez_compressed if compress else np.savez
        save(tmp_path / "a.npz", image=self.batch, vector=vectors, y=np.arange(3))
        expected = [{"image": self.batch[i : i + 1], "vector": vectors[i]} for i in range(7)]
        data = open_dataset(tmp_path / "a.npz", [IMAGE, VECTOR])
        assert length_hint(data) == 7
        assert_samples(list(data), expected)
        assert_samples(list(data), expected)

    def test_order_of_elements(self, tmp_path):
        np.savez(tmp_path / "a.npz", image=np.asfortranarray(self.batch))
        np.save(tmp_path / "a.npy", np.asfortranarray(self.batch))
        for name in ("a.npz", "a.npy"):
            assert_samples(samples(tmp_path / name), [{"image": self.batch[i : i + 1]} for i in range(7)])

    def test_npy(self, tmp_path):
        np.save(tmp_path / "a.npy", self.lone)
        assert_samples(samples(str(tmp_path / "a.npy")), [{"image": one} for one in self.lone])

    def test_iterables(self):
        made = [{"image": one} for one in self.lone]
        assert_samples(samples(made), made)
        assert_samples(samples(iter(made)), made)
        assert length_hint(open_dataset(made, [IMAGE])) == 7
        assert length_hint(open_dataset(iter(made), [IMAGE])) == 0

    def test_states_may_be_absent(self):
        assert_samples(samples({"image": self.lone}, IMAGE, VECTOR, states=["vector"]), samples(self.lone))

    def test_open_dimensions(self):
        info = TensorInfo("image", np.dtype("float32"), (-1, 3, -1, 6))
        assert_samples(samples(self.lone, info), samples(self.lone))

    @pytest.mark.parametrize("suffix", [".npz", ".npy"])
    def test_memory_is_that_of_a_sample(self, tmp_path, suffix):
        path = tmp_path / f"a{suffix}"
        array = np.random.default_rng(0).random((64, 3, 128, 128), np.float32)
        np.savez(path, image=array) if suffix == ".npz" else np.save(path, array)
        info = TensorInfo("image", np.dtype("float32"), (1, 3, 128, 128))
        tracemalloc.start()
        count = sum(1 for _ in open_dataset(path, [info]))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 64
        assert peak < array.nbytes / 64 * 8


class TestRefusals:
    good = random(3, 3, 4, 6)

    def test_types(self, tmp_path):
        np.savez(tmp_path / "a.npz", image=self.good.astype(np.float64))
        text = f"{tmp_path / 'a.npz'}: sample 0: input 'image' is of type float64, expected float32"
        refused("K0712", text, tmp_path / "a.npz")
        refused("K0712", "astype('float32')", self.good.astype(np.uint8))

    def test_shapes(self):
        refused("K0712", "sample 0: input 'image' is of shape [1, 3, 6, 4], expected [1, 3, 4, 6]", random(3, 3, 6, 4))
        refused("K0712", "is of shape [3, 4], expected samples of [1, 3, 4, 6]", random(3, 4))
        refused("K0712", "is of shape []", np.ones((), np.float32))
        good = {"image": random(1, 3, 4, 6)}
        refused("K0712", "sample 1: input 'image' is of shape [3, 4, 6]", [good, {"image": random(3, 4, 6)}])
        open_ = TensorInfo("image", np.dtype("float32"), (-1, 3))
        refused("K0712", "shape [0, 3] is empty", [{"image": random(0, 3)}], open_)
        refused("K0712", "input 'image' is not an array", [{"image": [[1.0], [1.0, 2.0]]}])
        refused("K0712", "input 'image' is not an array", {"image": [[1.0], [1.0, 2.0]]})

    @pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, number):
        data = self.good.copy()
        data[1, 2, 3, 4] = number
        refused("K0713", f"sample 1: input 'image' is {number} at [0, 2, 3, 4]", data)

    def test_constant(self):
        refused("K0713", "input 'image' is 0.5 in every element of all 3 samples", np.full_like(self.good, 0.5))
        refused("K0713", "input 'vector'", {"image": self.good, "vector": np.ones((3, 5), np.float32)}, IMAGE, VECTOR)
        scalar = TensorInfo("rate", np.dtype("int64"), ())
        assert len(samples({"image": self.good, "rate": np.full(3, 16000)}, IMAGE, scalar)) == 3
        one_blank = self.good.copy()
        one_blank[1] = 0
        assert len(samples(one_blank)) == 3

    def test_the_same_sample_again_and_again(self):
        again = np.repeat(self.good[:1], 4, axis=0)
        refused("K0713", "calibration data: all 4 samples are the same", again)
        refused("K0713", "all 2 samples are the same", [{"image": self.good[:1], "vector": random(5)}] * 2, *TWO)
        assert len(samples(again[:1])) == 1
        assert len(samples({"image": again, "vector": random(4, 5)}, *TWO)) == 4
        assert len(samples(again, states=["state"])) == 4  # which makes the difference

    def test_counts(self):
        both = {"image": self.good, "vector": random(4, 5)}
        refused("K0714", "the number of samples differs: 3 for 'image', 4 for 'vector'", both, IMAGE, VECTOR)
        refused("K0714", "there is no sample", [])
        refused("K0714", "there is no sample", self.good[:0])
        data = open_dataset(iter([{"image": self.good[:1]}]), [IMAGE])
        list(data)
        with pytest.raises(OptionError, match="used once only"):
            list(data)

    def test_names(self, tmp_path):
        np.savez(tmp_path / "a.npz", photo=self.good)
        refused("K0711", "there is nothing for input 'image'; there are arrays for: photo", tmp_path / "a.npz")
        refused("K0711", "sample 0: there is nothing for input 'image'; there are arrays for: none", [{}])
        refused("K0711", "sample 0: is of type ndarray, expected a dictionary", [self.good])
        refused(
            "K0711", "for a network of one input; this one has image: float32 [1, 3, 4, 6], vector", self.good, *TWO
        )

    def test_files(self, tmp_path):
        refused("K0710", "does not exist", tmp_path / "a.npz.txt")
        refused("K0710", "cannot be read: No such file", tmp_path / "a.npz")
        refused("K0710", "cannot be read: No such file", tmp_path / "a.npy")
        (tmp_path / "a.txt").write_text("1")
        refused("K0710", "is neither an .npz nor an .npy file, nor a folder of images", tmp_path / "a.txt")
        refused("K0710", "is of type int", 3)
        for suffix in (".npz", ".npy"):
            path = tmp_path / f"bad{suffix}"
            path.write_bytes(b"not an array file at all" * 9)
            refused("K0710", f"{path}: cannot be read", path)

    def test_objects(self, tmp_path):
        np.savez(tmp_path / "a.npz", image=np.array([{}, {}]))
        refused("K0710", "Python objects", tmp_path / "a.npz")
        np.save(tmp_path / "a.npy", np.array([{}, {}]))
        refused("K0710", "cannot be read", tmp_path / "a.npy")

    def test_a_file_that_ends_early(self, tmp_path):
        np.savez(tmp_path / "whole.npz", image=self.good)
        with zipfile.ZipFile(tmp_path / "whole.npz") as archive:
            content = archive.read("image.npy")
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("image.npy", content[:-100])
        refused("K0710", "ends within item 2 of 3", tmp_path / "a.npz")

    @pytest.mark.parametrize("at", [30, 200, 400])
    def test_a_damaged_archive(self, tmp_path, at):
        np.savez_compressed(tmp_path / "a.npz", image=self.good)
        content = bytearray((tmp_path / "a.npz").read_bytes())
        content[at : at + 20] = bytes(255 - byte for byte in content[at : at + 20])
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(OptionError) as caught:
            samples(tmp_path / "a.npz")
        assert caught.value.code in ("K0710", "K0711")


TWO = (IMAGE, VECTOR)


class TestImages:
    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "cats").mkdir()
        generator = np.random.default_rng(0)
        for name in ("b.png", "cats/a.PNG", "a.png"):
            Image.fromarray(generator.integers(0, 256, (8, 12, 3), np.uint8)).save(tmp_path / name, "PNG")
        (tmp_path / "labels.txt").write_text("cat")
        return tmp_path

    def pixels(self, path, size=(6, 4), mode="RGB"):
        return np.asarray(Image.open(path).convert(mode).resize(size, Image.Resampling.BILINEAR))

    def test_a_folder(self, folder):
        files = [folder / name for name in ("a.png", "b.png", "cats/a.PNG")]
        assert_samples(samples(folder, BYTES), [{"image": self.pixels(path)[None]} for path in files])
        floats = [(self.pixels(path).transpose(2, 0, 1)[None] / 255).astype(np.float32) for path in files]
        assert_samples(samples(folder), [{"image": one} for one in floats])
        assert length_hint(open_dataset(str(folder), [IMAGE])) == 3

    def test_grey(self, folder):
        info = TensorInfo("x", np.dtype("uint8"), (1, 1, 4, 6))
        np.testing.assert_array_equal(read_image(folder / "a.png", info)[0, 0], self.pixels(folder / "a.png", mode="L"))

    def test_refusals(self, folder, tmp_path_factory):
        refused("K0711", "for a network of one input", folder, *TWO)
        refused("K0710", "sample 0 (a.png): an image does not fit vector: float32 [5]", folder, VECTOR)
        signed = TensorInfo("x", np.dtype("int8"), (1, 4, 6, 3))
        refused("K0710", "an image, 0 to 255, does not fit x: int8 [1, 4, 6, 3]", folder, signed)
        (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
        refused("K0710", "sample 1 (b.png): is not an image", folder)
        refused("K0714", "there is no image in the folder", tmp_path_factory.mktemp("empty"))

    def test_without_pillow(self, folder, monkeypatch):
        monkeypatch.setitem(sys.modules, "PIL", None)
        refused("K0715", "pip install 'kpuc[images]'", folder)

    def test_a_truncated_image(self, folder):
        content = Path(folder / "b.png").read_bytes()
        (folder / "b.png").write_bytes(content[: len(content) // 2])
        refused("K0710", "sample 1 (b.png): is not an image", folder)
