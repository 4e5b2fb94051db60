"""Small files of versions 4 and 3, and single nodes or layers as files."""

from __future__ import annotations

import numpy as np

from kpuc.runtime import Simulator
from kpuc.runtime.kmodel import builder3, builder4, layers3, nodes4
from kpuc.runtime.kmodel.fields4 import Window, place
from kpuc.runtime.kpu.registers import layer_arguments
from kpuc.runtime.kpu.tables import LOWEST, Activation, BatchNorm

ELEMENTS = {"float32": "f32", "uint8": "u8"}
FULL = {"low": -np.inf, "high": np.inf}


def window(kernel=(1, 1), strides=(1, 1), dilations=(1, 1), pad_h=(0, 0), pad_w=(0, 0)):
    return Window(kernel=kernel, strides=strides, dilations=dilations, pad_h=pad_h, pad_w=pad_w)


def up8(size):
    return (size + 7) // 8 * 8


def run4(fields, inputs, element, count, arrays=(), constants=(), **values):
    """The flat result of one node: `inputs`, then `constants`, are its sources in their order."""
    builder, at, sources = builder4.Builder(), 0, []
    for one in inputs:
        sources.append(place("main", ELEMENTS[one.dtype.name], at, one.size))
        builder.input(sources[-1], (1,) * (4 - one.ndim) + one.shape)
        at += up8(one.nbytes)
    sources += [builder.constant(one) for one in constants]
    output = place("main", element, at, count)
    names = [one for one in ("input", "input_a", "input_b", "table") if one in fields.__dataclass_fields__]
    made = fields(**dict(zip(names, sources, strict=True)), output=output, **values)
    builder.output(builder.add(made, *arrays))
    feed = [one.reshape((1,) * (4 - one.ndim) + one.shape) for one in inputs]
    (result,) = Simulator(builder.write()).run(*feed).values()
    return result


def run3(fields, inputs, size, arrays=(), **values):
    """The result of one layer behind a fully connected one that passes its input on. `inputs`: float32 or uint8.

    Bytes travel as floats: an identity matrix keeps every bit pattern that is a number.
    """
    builder, at, given, places = builder3.Builder(), 0, [], []
    for one in inputs:
        places.append(at)
        given.append(np.ascontiguousarray(one).tobytes().ljust(up8(one.nbytes), b"\0"))
        at += len(given[-1])
    raw = np.frombuffer(b"".join(given), np.float32)
    assert np.all(np.isfinite(raw))
    eye = np.eye(len(raw), dtype=np.float32)
    builder.add(
        layers3.FullyConnected(input=at, output=0, inputs=len(raw), outputs=len(raw)),
        eye,
        np.zeros(len(raw), np.float32),
    )
    names = [one for one in ("input", "input_a", "input_b") if one in fields.__dataclass_fields__]
    output, sources = 2 * at, dict(zip(names, places, strict=True)) if names else {}
    builder.add(fields(**sources, output=output, **values), *arrays)
    builder.output(output, size)
    (result,) = Simulator(builder.write()).run(raw[None]).values()
    assert result.nbytes == size
    return result


def tables(rng, channels):
    """A batch norm and an activation that spread the values of small random layers over all lines and bytes."""
    mul, add = rng.integers(-4000, 4000, channels), rng.integers(-99999, 99999, channels)
    norm = BatchNorm(mul=mul, shift=rng.integers(10, 14, channels), add=add)
    start = np.sort(rng.integers(-400000, 400000, 16))
    start[0] = LOWEST
    slopes, shifts = np.r_[0, rng.integers(-300, 300, 15)], rng.integers(15, 18, 16)
    return norm, Activation(start=start, mul=slopes, shift=shifts, add=rng.integers(0, 256, 16))


def layer(rng, shape, channels, target, source=0, **kind):
    """(arguments, weights, batch norm, activation) with random values."""
    zeros = {"input_zero": int(rng.integers(0, 256)), "weight_zero": int(rng.integers(100, 160))}
    arguments = layer_arguments(source, target, shape, channels, **zeros, **kind)
    kernel = kind["kernel"]
    weights = rng.integers(0, 256, (channels, 1 if kind.get("depthwise") else shape[1], kernel, kernel), np.uint8)
    return arguments, weights, *tables(rng, channels)


def conv4():
    """A camera's image in KPU RAM, one layer, its result as floats."""
    rng = np.random.default_rng(4)
    builder = builder4.Builder()
    builder.input(place("kpu", "u8", 0, 3 * 8 * 8), (1, 3, 8, 8))
    quantised, result = place("main", "u8", 0, 5 * 8 * 8), place("main", "f32", 320, 5 * 8 * 8)
    builder.kpu_conv2d(*layer(rng, (1, 3, 8, 8), 5, 1024, kernel=3), output=quantised)
    builder.add(nodes4.Dequantize(input=quantised, output=result, zero_point=7, scale=16.0))
    builder.output(result)
    return builder.write()


def conv3():
    """As `conv4`, in version 3."""
    rng = np.random.default_rng(4)
    builder = builder3.Builder()
    builder.k210_conv(*layer(rng, (1, 3, 8, 8), 5, 1024, kernel=3), output=0)
    builder.add(layers3.Dequantize(input=0, output=320, count=320, scale=1 / 16, bias=-7 / 16))
    builder.output(320, 4 * 320)
    return builder.write()


def float4():
    """Float nodes with tails: convolution, pooling, concat, softmax, a program."""
    rng = np.random.default_rng(5)
    builder = builder4.Builder("cpu")
    image = builder.input(place("main", "f32", 0, 2 * 5 * 5), (1, 2, 5, 5))
    made, pooled, joined = (place("main", "f32", at, count) for at, count in ((200, 75), (504, 12), (552, 24)))
    builder.add(
        nodes4.Conv2D(input=image, output=made, shape=(1, 2, 5, 5), groups=1, channels=3,
                      window=window((3, 3), pad_h=(1, 1), pad_w=(1, 1)), **FULL),
        rng.standard_normal((3, 2, 3, 3), np.float32), rng.standard_normal(3, np.float32),
    )  # fmt: skip
    builder.add(nodes4.ReduceWindow2D(input=made, output=pooled, operation=0, shape=(1, 3, 5, 5),
                                      window=window((2, 2), (2, 2)), init=0.0, **FULL))  # fmt: skip
    rows = np.array([[1, 0, 504, 48], [1, 0, 504, 48]], np.uint32)
    builder.add(nodes4.Concat(output=joined, inner=16, outer=1, count=2), rows, np.array([3, 3], np.int32))
    builder.add(
        nodes4.NnilUnary(input=joined, output=joined), np.frombuffer(b"\x03\x01\x40\x06\0\0\0\x3f\x42\xa0", np.uint8)
    )
    builder.add(nodes4.Softmax(input=joined, output=joined, inner=24, outer=1, beta=1.0))
    builder.output(joined)
    return builder.write()
